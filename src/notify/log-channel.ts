import type { Log } from '../lib/log.ts';
import type { SendNotification } from '../model/notification.ts';
import { formatValue } from './format-value.ts';
import { messageOf } from './message.ts';

/** Writes to the daemon's own log: where alerts go before anything else is configured. */
export const createLogChannel =
  (log: Log, externalUrl: string): SendNotification =>
  async (notification) => {
    const { title, summary } = messageOf(notification, externalUrl);
    const { id, kind, reason, receiver, alert } = notification;
    const level = kind === 'firing' || kind === 'escalated' ? 'warn' : 'info';
    const values = Object.entries(alert.values).map(
      ([name, it]) => [name, formatValue(it, alert.units?.[name])] as const,
    );
    log[level]('alert_told', {
      title,
      summary,
      values: Object.fromEntries(values),
      kind,
      reason,
      receiver,
      alert: alert.id,
      id,
    });
    return { kind: 'delivered', answer: 'written to the log' };
  };
