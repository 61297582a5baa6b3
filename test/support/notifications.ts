import type { Notification } from '../../src/model/notification.ts';
import { firingAlert, resolvedAlert } from './alerts.ts';

/** The first notification of a firing alert, two minutes after its first breach. */
export const firingNotification = (changes: Partial<Notification> = {}): Notification => {
  const alert = firingAlert('00000000000000aa-mk1abc');
  return {
    id: 'n-00000000000000aa-mk1abc-firing-0123456789-0',
    kind: 'firing',
    reason: 'first notification',
    receiver: 'payments',
    channelIndex: 0,
    alert,
    escalationLevel: 0,
    createdAtMs: alert.activeAtMs + 121_000,
    ...changes,
  };
};

/** Its end, eight minutes later, in its thread. */
export const resolvedNotification = (reference?: string): Notification => {
  const firing = firingNotification();
  return firingNotification({
    id: 'n-00000000000000aa-mk1abc-resolved-0123456789-0',
    kind: 'resolved',
    reason: 'resolved',
    alert: resolvedAlert(firing.alert),
    createdAtMs: firing.alert.activeAtMs + 601_000,
    thread: { id: firing.id, ...(reference !== undefined && { reference }) },
  });
};

export const testSignal = (): AbortSignal => new AbortController().signal;
