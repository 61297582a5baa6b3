import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { Alert } from '../model/alert.ts';
import type { Alerting } from '../model/alerting.ts';
import type { DecideDeliveries, DeliveriesDecision, Told } from '../model/delivery.ts';
import type { Notification } from '../model/notification.ts';
import type { Acknowledgement, Silence } from '../model/suppression.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import { boundedAlert } from './bounded-alert.ts';
import { type LedgerRow, notificationRow, skippedRow } from './ledger-rows.ts';
import type { NotifyQueues } from './queues.ts';
import type { Silences } from './silences.ts';
import type { ToldEntry, ToldStore } from './told-store.ts';

/** Times to decide again because another replica wrote in between; each time one of them gets on. */
const racesMax = 20;

/** What there is to know beside the alert's own state; read when absent. */
export interface Occasion {
  readonly alert?: Alert;
  readonly dead?: Notification;
  readonly silences?: readonly Silence[];
}

export interface Dispatcher {
  /** Decides what is owed about an alert now, remembers it, and hands it to the queues. */
  readonly advance: (alertId: string, occasion?: Occasion) => Promise<Told | undefined>;
  /** The same for a state that was read before; does nothing when nothing is to be done. */
  readonly reconcile: (
    entry: ToldEntry,
    alert: Alert | undefined,
    silences: readonly Silence[],
    acknowledgement: Acknowledgement | undefined,
  ) => Promise<void>;
}

export interface DispatcherOptions {
  readonly decide: DecideDeliveries;
  readonly alerting: () => Alerting;
  readonly told: ToldStore;
  readonly silences: Silences;
  readonly acknowledgements: Acknowledgements;
  readonly queues: NotifyQueues;
  readonly destination: (receiver: string, channelIndex: number) => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/**
 * Every step can be done again: the decision is idempotent under compare-and-set, what is owed
 * stands in the state until the queues have it, and the queues know a message by its id.
 */
export const createDispatcher = (options: DispatcherOptions): Dispatcher => {
  const { clock, told, queues, silences, acknowledgements } = options;
  const tell = createTeller(options);

  const settle = async (entry: ToldEntry): Promise<void> => {
    if (!entry.told) return;
    const { owed, escalation } = entry.told;
    if (escalation?.kind === 'waiting') {
      const { round, level, dueAtMs } = escalation;
      await queues.wake({ alertId: entry.alertId, round, level }, dueAtMs - clock.nowMs());
    }
    if (owed.length === 0) return;
    await queues.deliver(owed);
    // Whoever wrote in between owes the same and hands it over again, which is harmless.
    await told.commit(entry, { ...entry.told, owed: [] }, []);
  };

  const advance = async (alertId: string, occasion: Occasion = {}): Promise<Told | undefined> => {
    for (let race = 0; race < racesMax; race += 1) {
      const before = await told.read(alertId);
      const newest = occasion.alert ?? before.told?.alert ?? occasion.dead?.alert;
      if (!newest) return undefined;
      const alert = boundedAlert(newest);
      const acknowledgement = await acknowledgements.get(alertId);
      const decision = options.decide({
        told: before.told,
        alert,
        alerting: options.alerting(),
        silences: occasion.silences ?? (await silences.list()),
        nowMs: clock.nowMs(),
        ...(acknowledgement && { acknowledgement }),
        ...(occasion.dead && { dead: occasion.dead }),
      });
      const same = decision.told === before.told;
      const after = same ? before : await told.commit(before, decision.told, tell.rows(decision));
      if (!after) continue;
      if (!same) tell.about(alert, decision);
      await settle(after);
      return after.told;
    }
    throw new Fault('ERR_NOTIFY_CONTENTION', `alert ${alertId} is decided by too many at once`, {
      remedy: 'retry',
    });
  };

  return {
    advance,
    reconcile: async (entry, live, known, acknowledgement) => {
      const alert = live ?? entry.told?.alert;
      if (!alert) return;
      const decision = options.decide({
        told: entry.told,
        alert,
        alerting: options.alerting(),
        silences: known,
        nowMs: clock.nowMs(),
        ...(acknowledgement && { acknowledgement }),
      });
      const idle = decision.told === entry.told && !entry.told?.owed.length;
      if (!idle) await advance(entry.alertId, { alert, silences: known });
    },
  };
};

/** Puts a decision into words: ledger rows, log lines, counters. */
const createTeller = ({ clock, log, meter, destination }: DispatcherOptions) => {
  const countDecided = meter.counter('tocsin_notify_decided', {
    description: 'Messages that were decided, by kind and channel.',
    unit: '{message}',
  });
  const countHeld = meter.counter('tocsin_notify_held', {
    description: 'Receivers that were not told because something held the alert back, by reason.',
    unit: '{message}',
  });
  const countNoted = meter.counter('tocsin_notify_noted', {
    description: 'Decisions that an operator ought to look at, by code.',
    unit: '{decision}',
  });
  return {
    rows: ({ told, deliveries, held, notes }: DeliveriesDecision): readonly LedgerRow[] => {
      if (!told) return [];
      const atMs = clock.nowMs();
      return [
        ...deliveries.map(({ notification, channel }) =>
          notificationRow(notification, {
            atMs,
            channel,
            destination: destination(notification.receiver, notification.channelIndex),
            attempt: 0,
            outcome: 'decided',
          }),
        ),
        ...held.map((it) => skippedRow(told.alert, 'firing', it, atMs)),
        ...notes.map(({ code, detail }) =>
          skippedRow(told.alert, '', { receiver: '', reason: code, by: detail }, atMs),
        ),
      ];
    },
    about: (alert: Alert, { deliveries, held, notes }: DeliveriesDecision): void => {
      for (const { notification, channel } of deliveries) {
        const { kind, reason, receiver, id } = notification;
        countDecided(1, { kind, channel });
        log.info('notification_decided', { alert: alert.id, kind, reason, receiver, channel, id });
      }
      for (const { reason, receiver, by } of held) {
        countHeld(1, { reason });
        log.info('notification_held', { alert: alert.id, receiver, reason, by });
      }
      for (const { code, detail } of notes) {
        countNoted(1, { code });
        log.error('notification_noted', { alert: alert.id, code, detail });
      }
    },
  };
};
