import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { formatAddress } from './config/address.ts';
import type { Config } from './config/config.ts';
import { type EmbeddedClickHouse, startEmbeddedClickHouse } from './embedded/clickhouse.ts';
import { type EmbeddedRedis, startEmbeddedRedis } from './embedded/redis.ts';
import type { SupervisorTools } from './embedded/supervised.ts';
import { messageOf } from './lib/fault.ts';
import { diskFull } from './lib/on-disk.ts';
import type { Secret } from './lib/secret.ts';
import type { Teardown } from './lib/teardown.ts';

/** ClickHouse and Redis as the rest of the daemon knows them: addresses and credentials. */
export interface Backends {
  readonly clickhouse: {
    readonly url: string;
    readonly username: string;
    readonly password: Secret | undefined;
    readonly cluster?: string | undefined;
  };
  /** With credentials; not for printing. */
  readonly redisUrl: string;
  readonly embedded: {
    readonly clickhouse?: EmbeddedClickHouse;
    readonly redis?: EmbeddedRedis;
  };
}

export interface BackendTools extends SupervisorTools {
  /** `PATH`, where the Redis server program is looked for. */
  readonly searchPath: string;
  readonly runtimeDir: string | undefined;
  readonly teardown: Teardown;
}

const mebibyte = 1024 * 1024;
const redisBytesMax = 512 * mebibyte;

/** Two fifths of the machine, but what one machine's telemetry needs and no more. */
const clickhouseBytesMax = (): number =>
  Math.round(Math.min(4096 * mebibyte, Math.max(1024 * mebibyte, totalmem() * 0.4)));

/** Starts what the configuration calls embedded, both at once, and registers how it ends. */
export const startBackends = async (config: Config, tools: BackendTools): Promise<Backends> => {
  const [clickhouse, redis] = await Promise.allSettled([
    startClickHouse(config, tools),
    startRedis(config, tools),
  ]);
  // Both are registered for teardown before either failure is told, so that neither outlives us.
  if (clickhouse.status === 'rejected') throw clickhouse.reason;
  if (redis.status === 'rejected') throw redis.reason;
  return {
    clickhouse: clickhouse.value.connection,
    redisUrl: redis.value.url,
    embedded: {
      ...(clickhouse.value.embedded && { clickhouse: clickhouse.value.embedded }),
      ...(redis.value.embedded && { redis: redis.value.embedded }),
    },
  };
};

const startClickHouse = async (
  { clickhouse, dataDir, listen }: Config,
  tools: BackendTools,
): Promise<{ connection: Backends['clickhouse']; embedded?: EmbeddedClickHouse }> => {
  if (clickhouse.kind === 'server') {
    const { url, username, password, cluster } = clickhouse;
    return { connection: { url, username, password, cluster } };
  }
  tools.log.debug('clickhouse_starting', { listen: formatAddress(listen.sql) });
  const embedded = await startEmbeddedClickHouse({
    ...tools,
    dataDir,
    database: clickhouse.database,
    httpListen: listen.sql,
    memoryBytesMax: clickhouseBytesMax(),
  });
  tools.teardown.add('clickhouse', embedded.stop);
  const { url, username, password } = embedded;
  return { connection: { url, username, password }, embedded };
};

const startRedis = async (
  { redis, dataDir }: Config,
  tools: BackendTools,
): Promise<{ url: string; embedded?: EmbeddedRedis }> => {
  if (redis.kind === 'server') return { url: withCredentials(redis) };
  const embedded = await startEmbeddedRedis({
    ...tools,
    dataDir,
    runtimeDir: tools.runtimeDir ?? tmpdir(),
    memoryBytesMax: redisBytesMax,
  });
  tools.teardown.add('redis', embedded.stop);
  return { url: embedded.url, embedded };
};

const withCredentials = (redis: {
  readonly url: string;
  readonly username?: string;
  readonly password?: Secret;
}): string => {
  const url = new URL(redis.url);
  if (redis.username !== undefined) url.username = encodeURIComponent(redis.username);
  if (redis.password) url.password = encodeURIComponent(redis.password.reveal());
  return url.href;
};

/** An engine of our own says of a full disk neither where it is nor what to do. */
export const migrationTrouble = (
  { clickhouse, dataDir }: Pick<Config, 'clickhouse' | 'dataDir'>,
  error: unknown,
): unknown =>
  clickhouse.kind === 'embedded' && messageOf(error).includes('NOT_ENOUGH_SPACE')
    ? diskFull(join(dataDir, 'clickhouse'), error)
    : error;
