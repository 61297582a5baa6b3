import { tmpdir } from 'node:os';
import type { EmbeddedClickHouseOptions } from '../../src/embedded/clickhouse.ts';
import type { EmbeddedRedisOptions } from '../../src/embedded/redis.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';

const tools = { clock: systemClock, log: silentLog, meter: noopMeter, random: Math.random };

/** A free port, and memory enough for tests: the limit inside the engine is 60 % of it. */
export const engineOptions = (dataDir: string): EmbeddedClickHouseOptions => ({
  ...tools,
  dataDir,
  database: 'otel',
  httpListen: { host: '127.0.0.1', port: 0 },
  memoryBytesMax: 1_500_000_000,
});

export const redisOptions = (dataDir: string): EmbeddedRedisOptions => ({
  ...tools,
  dataDir,
  searchPath: process.env['PATH'] ?? '',
  runtimeDir: tmpdir(),
  memoryBytesMax: 64 * 1024 * 1024,
});
