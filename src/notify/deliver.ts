import type { Clock } from '../lib/clock.ts';
import { Fault, messageOf } from '../lib/fault.ts';
import type { JobContext } from '../lib/jobs/worker.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { Tracer } from '../lib/tracer.ts';
import type { Delivery } from '../model/delivery.ts';
import type { DeliveryOutcome, SendNotification } from '../model/notification.ts';
import type { DeadLetterBox } from './dead-letters.ts';
import { createDeliverMeasures } from './deliver-measures.ts';
import type { Dispatcher } from './dispatcher.ts';
import { answerText } from './http-answer.ts';
import type { Ledger } from './ledger.ts';
import { type LedgerAttempt, notificationRow } from './ledger-rows.ts';
import { neverHeard } from './never-heard.ts';
import type { Settled, SettledStore } from './settled-store.ts';

export interface DeliverLimits {
  /** How often a message looks whether the one before it has ended. */
  readonly predecessorPollMs: number;
  /** Then it goes ahead: better out of order than never. */
  readonly predecessorWaitMsMax: number;
  /** For one attempt, whatever the channel's own timeouts. */
  readonly attemptMsMax: number;
  /** A peer that asks for a longer pause than this is given up, and the fallback is told instead. */
  readonly retryAfterMsMax: number;
  /** Pause while Redis cannot be asked or written. */
  readonly postponeMs: number;
}

export interface DeliverOptions {
  readonly limits: DeliverLimits;
  /** Undefined when the receiver or channel is no longer in the file. */
  readonly channelFor: (delivery: Delivery) => SendNotification | undefined;
  readonly destination: (receiver: string, channelIndex: number) => string;
  readonly settled: SettledStore;
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetterBox;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly tracer: Tracer;
}

interface Attempt {
  readonly delivery: Delivery;
  readonly context: JobContext;
  readonly outcome: DeliveryOutcome;
  readonly durationMs: number;
}

/**
 * The handler of the notify queues: one attempt of one message, in the order of its destination.
 * What is settled is never sent again; what is given up goes to the fallback receiver and into the
 * dead letters before the job ends.
 */
export const createDeliver = (options: DeliverOptions) => {
  const { limits, settled, ledger, deadLetters, dispatcher, clock, log, tracer } = options;
  const measure = createDeliverMeasures(options.meter);

  const rowOf = ({ notification, channel }: Delivery, it: Omit<LedgerAttempt, AttemptBase>) =>
    notificationRow(notification, {
      ...it,
      atMs: clock.nowMs(),
      channel,
      destination: options.destination(notification.receiver, notification.channelIndex),
    });

  const send = async (delivery: Delivery, context: JobContext, reference: string | undefined) => {
    const { notification, channel } = delivery;
    const sender = options.channelFor(delivery);
    if (!sender) {
      const answer = 'the receiver or its channel is no longer configured';
      return { kind: 'refused', reason: 'receiver-gone', answer } as const;
    }
    const { id, kind, receiver, thread } = notification;
    const threaded =
      thread && reference !== undefined ? { thread: { ...thread, reference } } : undefined;
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(limits.attemptMsMax)]);
    const attributes = { id, kind, receiver, channel, attempt: context.attempt };
    return tracer.span('notify.deliver', attributes, async (span) => {
      const outcome = await sender({ ...notification, ...threaded }, signal).catch(unforeseen(log));
      span.set({ outcome: outcome.kind });
      return outcome;
    });
  };

  const succeed = async ({ delivery, context, outcome, durationMs }: Attempt): Promise<void> => {
    const { notification } = delivery;
    const reference = outcome.kind === 'delivered' ? outcome.reference : undefined;
    const named = reference !== undefined && { reference };
    await settled.settle(
      notification.alert.id,
      notification.id,
      { outcome: 'delivered', atMs: clock.nowMs(), ...named },
      rowOf(delivery, {
        attempt: context.attempt,
        outcome: 'delivered',
        answer: outcome.answer,
        durationMs,
        ...named,
      }),
    );
    measure.delay(delivery, clock.nowMs());
    log.info('notification_delivered', { ...namesOf(delivery), attempt: context.attempt });
  };

  const giveUp = async ({ delivery, context, outcome, durationMs }: Attempt): Promise<never> => {
    const { notification } = delivery;
    const reason = outcome.kind === 'delivered' ? '' : outcome.reason;
    const refused = outcome.kind === 'refused';
    const { answer } = outcome;
    const atMs = clock.nowMs();
    log.error('notification_dead', {
      ...namesOf(delivery),
      attempt: context.attempt,
      reason,
      answer,
    });
    await deadLetters.put({ delivery, reason, answer, attempts: context.attempt, atMs });
    await dispatcher.advance(notification.alert.id, { dead: notification });
    const row = rowOf(delivery, {
      attempt: context.attempt,
      outcome: 'dead',
      answer,
      error: reason,
      durationMs,
    });
    const end: Settled = { outcome: refused ? 'refused' : 'dead', atMs };
    await settled.settle(notification.alert.id, notification.id, end, row);
    throw new Fault('ERR_NOTIFY_DEAD', `${reason}: ${answer}`, { remedy: 'reject' });
  };

  const tryAgain = async (attempt: Attempt, retryAfterMs: number | undefined): Promise<never> => {
    const { delivery, context, outcome, durationMs } = attempt;
    const reason = outcome.kind === 'delivered' ? '' : outcome.reason;
    const { answer } = outcome;
    log.warn('notification_retried', {
      ...namesOf(delivery),
      attempt: context.attempt,
      reason,
      answer,
    });
    const row = rowOf(delivery, {
      attempt: context.attempt,
      outcome: 'retry',
      answer,
      error: reason,
      durationMs,
    });
    await ledger.append('notification_log', row);
    throw new Fault('ERR_NOTIFY_RETRY', `${reason}: ${answer}`, {
      remedy: 'retry',
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  };

  const skip = async (delivery: Delivery, context: JobContext): Promise<void> => {
    const { notification } = delivery;
    const row = rowOf(delivery, {
      attempt: context.attempt,
      outcome: 'skipped',
      error: 'never-told-firing',
    });
    const end: Settled = { outcome: 'skipped', atMs: clock.nowMs() };
    await settled.settle(notification.alert.id, notification.id, end, row);
  };

  const attemptOnce = async (delivery: Delivery, context: JobContext): Promise<void> => {
    const { notification } = delivery;
    const ends = await settled.read(notification.alert.id);
    if (ends.has(notification.id)) return;
    const nowMs = clock.nowMs();
    const waited = nowMs - notification.createdAtMs;
    const blocked = delivery.after !== undefined && !ends.has(delivery.after);
    if (blocked && waited < limits.predecessorWaitMsMax) {
      throw await context.delay(nowMs + limits.predecessorPollMs);
    }
    if (delivery.after !== undefined && neverHeard(delivery, ends)) return skip(delivery, context);

    const startedMs = clock.monotonicMs();
    const reference = ends.get(notification.thread?.id ?? '')?.reference;
    const outcome = await send(delivery, context, reference);
    const durationMs = clock.monotonicMs() - startedMs;
    const attempt = { delivery, context, outcome, durationMs };
    if (outcome.kind !== 'delivered' && context.signal.aborted) {
      // Stopping is nobody's failure: the job goes back to the queue as it was.
      throw new Fault('ERR_NOTIFY_STOPPED', 'stopped while sending', { remedy: 'retry' });
    }
    measure.attempt(delivery, outcome, durationMs);
    switch (outcome.kind) {
      case 'delivered':
        return succeed(attempt);
      case 'refused':
        return giveUp(attempt);
      case 'retry': {
        const late = (outcome.retryAfterMs ?? 0) > limits.retryAfterMsMax;
        if (context.lastAttempt || late) return giveUp(attempt);
        return tryAgain(attempt, outcome.retryAfterMs);
      }
    }
  };

  return async (delivery: Delivery, context: JobContext): Promise<void> => {
    try {
      await attemptOnce(delivery, context);
    } catch (error) {
      if (!(error instanceof Fault) || endings.includes(error.code)) throw error;
      // Our own books cannot be written: no reason to use an attempt up, let alone the last one.
      log.warn('notification_postponed', { ...namesOf(delivery), error: error.message });
      throw await context.delay(clock.nowMs() + limits.postponeMs);
    }
  };
};

const endings: readonly string[] = ['ERR_NOTIFY_DEAD', 'ERR_NOTIFY_RETRY', 'ERR_NOTIFY_STOPPED'];

/** A mistake of ours must not lose a page: it counts as an attempt, and the fallback follows. */
const unforeseen =
  (log: Log) =>
  (error: unknown): DeliveryOutcome => {
    log.error('channel_threw', { error });
    return { kind: 'retry', reason: 'unforeseen', answer: answerText(messageOf(error)) };
  };

type AttemptBase = 'atMs' | 'channel' | 'destination';

const namesOf = ({ notification, channel }: Delivery) => ({
  id: notification.id,
  alert: notification.alert.id,
  kind: notification.kind,
  receiver: notification.receiver,
  channel,
});
