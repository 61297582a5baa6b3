import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { Redis } from '../lib/redis.ts';
import type { Delivery } from '../model/delivery.ts';
import { redisKeys } from '../model/keys.ts';
import { answered } from './answered.ts';
import type { NotifyQueues } from './queues.ts';
import type { SettledStore } from './settled-store.ts';

/** A message that was given up. */
export interface DeadLetter {
  readonly delivery: Delivery;
  readonly reason: string;
  readonly answer: string;
  readonly attempts: number;
  readonly atMs: number;
}

export interface DeadLetters {
  /** Newest first. */
  readonly list: () => Promise<readonly DeadLetter[]>;
  /** Sends these again (all, when no ids are given) with all their attempts; says how many. */
  readonly retry: (notificationIds?: readonly string[]) => Promise<number>;
  readonly drop: (notificationIds?: readonly string[]) => Promise<number>;
}

export interface DeadLetterBox extends DeadLetters {
  readonly put: (letter: DeadLetter) => Promise<void>;
  /** Looks how many there are, for the metric. */
  readonly measure: () => Promise<void>;
}

/** Beyond this a new one is only logged: the oldest failure explains more than the ten thousandth. */
const deadLettersMax = 10_000;

export interface DeadLettersOptions {
  readonly redis: Redis;
  readonly queues: NotifyQueues;
  readonly settled: SettledStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export const createDeadLetters = (options: DeadLettersOptions): DeadLetterBox => {
  const { redis, queues, settled, clock, log, meter } = options;
  const key = redisKeys.deadLetters;
  let known = 0;
  meter.gauge(
    'tocsin_notify_dead_letters',
    { description: 'Messages that were given up and wait for a person.', unit: '{message}' },
    () => known,
  );

  const list = async (): Promise<readonly DeadLetter[]> => {
    const letters = (await answered(redis.hvals(key))).map((it) => JSON.parse(it) as DeadLetter);
    return letters.toSorted((a, b) => b.atMs - a.atMs);
  };
  const chosen = async (ids: readonly string[] | undefined): Promise<readonly DeadLetter[]> => {
    const letters = await list();
    return ids ? letters.filter((it) => ids.includes(it.delivery.notification.id)) : letters;
  };
  const remove = (letter: DeadLetter): Promise<number> =>
    answered(redis.hdel(key, letter.delivery.notification.id));

  return {
    list,
    retry: async (ids) => {
      const letters = (await chosen(ids)).toSorted((a, b) => a.atMs - b.atMs);
      for (const letter of letters) {
        const { notification } = letter.delivery;
        // In this order a crash leaves the letter in the box, at worst sent twice.
        await settled.forget(notification.alert.id, notification.id);
        await queues.deliverAgain(letter.delivery, clock.nowMs());
        await remove(letter);
      }
      return letters.length;
    },
    drop: async (ids) => {
      const letters = await chosen(ids);
      for (const letter of letters) await remove(letter);
      return letters.length;
    },
    put: async (letter) => {
      if ((await answered(redis.hlen(key))) >= deadLettersMax) {
        const { id } = letter.delivery.notification;
        log.error('dead_letter_dropped', { id, reason: letter.reason, max: deadLettersMax });
        return;
      }
      await answered(redis.hset(key, letter.delivery.notification.id, JSON.stringify(letter)));
      known += 1;
    },
    measure: async () => {
      known = await answered(redis.hlen(key));
    },
  };
};
