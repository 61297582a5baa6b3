import type { Log } from '../lib/log.ts';
import type { SendNotification } from '../model/notification.ts';
import { messageOf } from './message.ts';

/** Writes to the daemon's own log: where alerts go before anything else is configured. */
export const createLogChannel =
  (log: Log, externalUrl: string): SendNotification =>
  async (notification) => {
    const { title, summary } = messageOf(notification, externalUrl);
    const { id, kind, reason, receiver, alert } = notification;
    const level = kind === 'firing' || kind === 'escalated' ? 'warn' : 'info';
    log[level]('alert_told', { title, summary, kind, reason, receiver, alert: alert.id, id });
    return { kind: 'delivered', answer: 'written to the log' };
  };
