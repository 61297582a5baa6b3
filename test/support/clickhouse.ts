import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import {
  type EmbeddedClickHouseOptions,
  startEmbeddedClickHouse,
} from '../../src/embedded/clickhouse.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';

export interface TestClickHouse {
  readonly url: string;
  /** The daemon's user; may create databases and do all DDL and DML. */
  readonly username: string;
  readonly password: string;
  readonly viewer: { readonly username: 'viewer'; readonly password: string };
  readonly dataDir: string;
}

/** Enough for tests; the limit inside the engine is 60 % of it. */
const memoryBytesMax = 1_500_000_000;

export const engineOptions = (dataDir: string): EmbeddedClickHouseOptions => ({
  dataDir,
  httpListen: { host: '127.0.0.1', port: 0 },
  memoryBytesMax,
  clock: systemClock,
  log: silentLog,
  meter: noopMeter,
  random: Math.random,
});

/**
 * A real ClickHouse engine of its own on a free port, started by the production code, gone when the
 * test ends or its process dies. It holds no database yet: migrations make `otel`.
 */
export const startClickHouse = async (t: Pick<Test, 'teardown'>): Promise<TestClickHouse> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-clickhouse-'));
  const remove = () => rm(dataDir, { recursive: true, force: true });
  const engine = await startEmbeddedClickHouse(engineOptions(dataDir)).catch(async (error) => {
    await remove();
    throw error;
  });
  t.teardown(() => engine.stop().then(remove));
  return {
    url: engine.url,
    username: engine.username,
    password: engine.password.reveal(),
    viewer: { username: 'viewer', password: engine.viewer.password.reveal() },
    dataDir,
  };
};
