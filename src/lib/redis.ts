import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { Redis, type RedisOptions } from 'ioredis';
import type { Clock } from './clock.ts';
import { createErrorReport } from './error-report.ts';
import { Fault, messageOf } from './fault.ts';
import type { Log } from './log.ts';
import type { Meter } from './meter.ts';

export type { Redis };

/**
 * What happens to a command while Redis is away. `producer`: it fails at once. `commands`: it waits
 * for one reconnect, then fails. `worker`: it waits for as long as it takes, as BullMQ demands.
 */
export type RedisRole = 'producer' | 'worker' | 'commands';

export interface RedisConnectionOptions {
  /** `redis://`, `rediss://` (both with user, password and database number) or `unix:///path`. */
  readonly url: string;
  readonly role: RedisRole;
  /** Shows in CLIENT LIST and in metrics, such as `evaluate`. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface RedisConnection {
  readonly redis: Redis;
  /** Ends the connection within `limitMs`, whether or not Redis still answers. Safe to call twice. */
  readonly close: (limitMs?: number) => Promise<void>;
}

const reconnectMsMax = 2_000;
const commandMsMax = 10_000;

/**
 * Connects, reconnects within 2 s of Redis coming back, and tells of errors rarely. Returns at once:
 * commands wait or fail as their role says. Throws a Fault ERR_REDIS_URL for an address it does not
 * understand.
 */
export const connectRedis = (options: RedisConnectionOptions): RedisConnection => {
  const { clock, log, meter, name, role } = options;
  const redis = new Redis<'legacy'>({
    ...addressOf(options.url),
    ...patience[role],
    connectionName: `tocsin-${name}`,
    connectTimeout: 5_000,
    keepAlive: 30_000,
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt - 1, 10), reconnectMsMax),
    // Otherwise a start beside a Redis that still reads its file waits up to 10 s (bullmq.md 7).
    maxLoadingRetryTime: 200,
    // Maps as objects only from HGETALL and the like, whatever the server speaks.
    replyMapping: 'legacy',
  });
  const report = createErrorReport(log, clock, 'redis_connection_failed');
  const countError = meter.counter('tocsin_redis_errors', {
    description: 'Connection errors seen, by connection.',
    unit: '{error}',
  });
  redis.on('error', (error) => {
    countError(1, { connection: name });
    report(error, { connection: name });
  });

  const close = async (limitMs = 2_000): Promise<void> => {
    if (redis.status === 'ready') {
      const ended = new Promise((resolve) => redis.once('end', resolve));
      redis.quit().catch(() => {});
      await firstOf(clock, limitMs, ended);
    }
    endRedis(redis);
  };
  return { redis, close };
};

/**
 * Ends a connection now. ioredis drops one that waits to reconnect without a word, which leaves
 * those hanging who wait for its end (BullMQ's close, bullmq#4656): we say it instead.
 */
export const endRedis = (redis: Redis): void => {
  if (redis.status === 'end') return;
  redis.disconnect();
  if (redis.status !== 'reconnecting') return;
  redis.status = 'end';
  redis.emit('end');
};

const patience: Readonly<Record<RedisRole, RedisOptions>> = {
  producer: { maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: commandMsMax },
  commands: { maxRetriesPerRequest: 1, commandTimeout: commandMsMax },
  worker: { maxRetriesPerRequest: null },
};

const addressOf = (text: string): RedisOptions => {
  const url = URL.parse(text);
  const known = url && ['redis:', 'rediss:', 'unix:'].includes(url.protocol);
  if (!known) {
    // The text may hold a password: it must not be repeated.
    throw new Fault('ERR_REDIS_URL', 'expected redis://, rediss:// or unix:///path', {
      remedy: 'reject',
    });
  }
  const credentials = {
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
  };
  if (url.protocol === 'unix:') return { path: decodeURIComponent(url.pathname), ...credentials };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: url.port === '' ? 6379 : Number(url.port),
    db: Number(url.pathname.slice(1)) || 0,
    // An address is not a server name: TLS has no way to ask for it.
    ...(url.protocol === 'rediss:' && { tls: isIP(host) === 0 ? { servername: host } : {} }),
    ...credentials,
  };
};

/** Resolves with the work, or with nothing after the limit. For endings that must not hang. */
export const firstOf = async (
  clock: Clock,
  limitMs: number,
  work: Promise<unknown>,
): Promise<'done' | 'late'> => {
  const done = new AbortController();
  try {
    return await Promise.race([
      work.then(() => 'done' as const),
      clock.sleep(limitMs, done.signal).then(() => 'late' as const),
    ]);
  } finally {
    done.abort();
  }
};

export type Script = (
  redis: Redis,
  keys: readonly string[],
  values: readonly (string | number)[],
) => Promise<unknown>;

/**
 * A Lua script sent by its hash, and in full when Redis does not know it yet. Everything in one call
 * happens at once or not at all. Rejects with a Fault ERR_REDIS_COMMAND (`retry`).
 */
export const defineScript = (lua: string): Script => {
  const hash = createHash('sha1').update(lua).digest('hex');
  return async (redis, keys, values) => {
    try {
      return await redis.evalsha(hash, keys.length, ...keys, ...values).catch((error) => {
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
        return redis.eval(lua, keys.length, ...keys, ...values);
      });
    } catch (error) {
      throw new Fault('ERR_REDIS_COMMAND', `Redis refused a script: ${messageOf(error)}`, {
        remedy: 'retry',
        cause: error,
      });
    }
  };
};
