import type { Clock } from '../lib/clock.ts';
import { createJobQueue, type JobQueue, type JobRetention } from '../lib/jobs/queue.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { Channel } from '../model/alerting.ts';
import type { Delivery } from '../model/delivery.ts';
import { redisPrefix } from '../model/keys.ts';

export const channelTypes: readonly Channel['type'][] = ['email', 'slack', 'webhook', 'log'];
export const timersQueue = 'timers';
export const queueOf = (channel: Channel['type']): string => `notify-${channel}`;

/** Wakes the decision about an alert; what is due then stands in its state, not here. */
export interface TimerJob {
  readonly alertId: string;
  readonly round: number;
  readonly level: number;
}

export interface NotifyQueues {
  readonly deliver: (deliveries: readonly Delivery[]) => Promise<void>;
  /** Sends again what had been given up, under a job id of its own. */
  readonly deliverAgain: (delivery: Delivery, nowMs: number) => Promise<void>;
  readonly wake: (timer: TimerJob, delayMs: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Completed jobs are what makes a repeated hand-over harmless, so they stay longer than any relay
 * or reconciliation may lag. What died stands in our own dead letters.
 */
const retention: JobRetention = {
  completedAgeMs: 6 * 3_600_000,
  completedMax: 50_000,
  failedAgeMs: 24 * 3_600_000,
  failedMax: 10_000,
};

export interface NotifyQueuesOptions {
  readonly redisUrl: string;
  readonly attemptsMax: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** One queue for each type of channel, so that a slow one holds up no other; timers by themselves. */
export const createNotifyQueues = (options: NotifyQueuesOptions): NotifyQueues => {
  const { redisUrl, attemptsMax, clock, log, meter } = options;
  const open = <Data>(name: string): JobQueue<Data> =>
    createJobQueue<Data>({ name, redisUrl, prefix: redisPrefix, retention, clock, log, meter });
  const byChannel = new Map(channelTypes.map((it) => [it, open<Delivery>(queueOf(it))]));
  const timers = open<TimerJob>(timersQueue);
  const add = async (channel: Channel['type'], jobs: readonly { id: string; data: Delivery }[]) => {
    const attempts = attemptsMax;
    await byChannel.get(channel)?.addBulk(jobs.map((it) => ({ ...it, attempts })));
  };
  return {
    deliver: async (deliveries) => {
      for (const channel of channelTypes) {
        const jobs = deliveries
          .filter((it) => it.channel === channel)
          .map((data) => ({ id: data.notification.id, data }));
        if (jobs.length > 0) await add(channel, jobs);
      }
    },
    deliverAgain: (delivery, nowMs) => {
      const { after: _, ...data } = delivery;
      return add(delivery.channel, [{ id: `${delivery.notification.id}-again-${nowMs}`, data }]);
    },
    wake: ({ alertId, round, level }, delayMs) =>
      timers.addBulk([
        { id: `esc-${alertId}-${round}-${level}`, data: { alertId, round, level }, delayMs },
      ]),
    close: async () => {
      await Promise.all([...byChannel.values(), timers].map((it) => it.close()));
    },
  };
};
