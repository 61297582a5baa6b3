import type { Clock } from './clock.ts';
import { Fault } from './fault.ts';
import { defineScript, type Redis } from './redis.ts';

export interface RedisLock {
  readonly redis: Redis;
  readonly key: string;
  /** Unique among all that may want it. */
  readonly newToken: () => string;
  readonly clock: Clock;
  /** How long one that died is waited for. */
  readonly ttlMs: number;
  readonly waitMsMax: number;
}

const retryMs = 100;

const renewScript = defineScript(
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0",
);
const releaseScript = defineScript(
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
);

/**
 * Works while no other process does under the same key, which it holds on to until the work ends. It is
 * a lease: a process that hangs for longer than `ttlMs` may find another at work. Rejects with a
 * Fault ERR_LOCK_TAKEN (`retry`) after `waitMsMax`, and with Redis' own error while that is away,
 * in both cases before the work begins.
 */
export const underRedisLock = async <T>(lock: RedisLock, work: () => Promise<T>): Promise<T> => {
  const { redis, key } = lock;
  const token = lock.newToken();
  await take(lock, token);
  const done = new AbortController();
  const renewing = renew(lock, token, done.signal);
  try {
    return await work();
  } finally {
    done.abort();
    await renewing;
    // What cannot be given back ends by itself.
    await releaseScript(redis, [key], [token]).catch(() => {});
  }
};

const take = async (
  { redis, key, clock, ttlMs, waitMsMax }: RedisLock,
  token: string,
): Promise<void> => {
  const sinceMs = clock.monotonicMs();
  while ((await redis.set(key, token, 'PX', ttlMs, 'NX')) !== 'OK') {
    if (clock.monotonicMs() - sinceMs > waitMsMax) {
      throw new Fault('ERR_LOCK_TAKEN', `${key} is held by another process`, { remedy: 'retry' });
    }
    await clock.sleep(retryMs);
  }
};

const renew = async (
  { redis, key, clock, ttlMs }: RedisLock,
  token: string,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    await clock.sleep(ttlMs / 3, signal);
    if (!signal.aborted) await renewScript(redis, [key], [token, ttlMs]).catch(() => {});
  }
};
