import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { startEmbeddedClickHouse } from '../../src/embedded/clickhouse.ts';
import { engineOptions } from './embedded-options.ts';
import { engineParentDir } from './engine-dir.ts';

export interface TestClickHouse {
  /** Straight to the engine, as the daemon goes. */
  readonly url: string;
  /** Where people and their tools go. */
  readonly sqlUrl: string;
  /** The daemon's user; may create databases and do all DDL and DML. */
  readonly username: string;
  readonly password: string;
  readonly viewer: { readonly username: 'viewer'; readonly password: string };
  readonly dataDir: string;
}

export interface EngineExtras {
  /** What `clickhouse/config.d` adds to the engine's configuration, as XML. */
  readonly configOf?: (dataDir: string) => string;
  readonly memoryBytesMax?: number;
  /** Where its files are made; in memory if that can be unless given. */
  readonly parentDir?: string;
}

/**
 * A real ClickHouse engine of its own on a free port, started by the production code, gone when the
 * test ends or its process dies. It holds no database yet: migrations make `otel`.
 */
export const startClickHouse = async (
  t: Pick<Test, 'teardown'>,
  { configOf, parentDir = engineParentDir(), ...memory }: EngineExtras = {},
): Promise<TestClickHouse> => {
  const dataDir = await mkdtemp(join(parentDir, 'tocsin-clickhouse-'));
  if (configOf) {
    const dir = join(dataDir, 'clickhouse', 'config.d');
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'test.xml'), `<clickhouse>${configOf(dataDir)}</clickhouse>`);
  }
  const remove = () => rm(dataDir, { recursive: true, force: true });
  const engine = await startEmbeddedClickHouse({ ...engineOptions(dataDir), ...memory }).catch(
    async (error) => {
      await remove();
      throw error;
    },
  );
  t.teardown(() => engine.stop().then(remove));
  return {
    url: engine.url,
    sqlUrl: `http://${engine.httpAddress}`,
    username: engine.username,
    password: engine.password.reveal(),
    viewer: { username: 'viewer', password: engine.viewer.password.reveal() },
    dataDir,
  };
};
