import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { AskSql } from '../../bench/load/verify.ts';
import { startEmbeddedClickHouse } from '../../src/embedded/clickhouse.ts';
import { engineOptions } from './embedded-options.ts';

/** A ClickHouse that goes away and comes back with its data, under the same address. */
export interface StoppableClickHouse {
  /** How a daemon finds it. */
  readonly environment: Readonly<Record<string, string>>;
  /** As a user who may do everything. */
  readonly ask: AskSql;
  /** Its process stands still: connections are taken by the system, and nobody answers. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Ends in order: connections are refused until `start`. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

/** Nobody notices that it stands still and starts it anew, as the daemon's own supervisor would. */
const unwatched = { probeEveryMs: 3_600_000 };

export const startStoppableClickHouse = async (
  t: Pick<Test, 'teardown'>,
): Promise<StoppableClickHouse> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-clickhouse-'));
  const options = { ...engineOptions(dataDir), limits: unwatched };
  let engine = await startEmbeddedClickHouse(options);
  const url = `http://${engine.httpAddress}`;
  const { hostname: host, port } = new URL(url);
  const tell = (signal: NodeJS.Signals): void => {
    const pid = engine.pid();
    if (pid !== undefined) process.kill(pid, signal);
  };
  const thaw = () => tell('SIGCONT');
  t.teardown(async () => {
    thaw();
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    environment: {
      TOCSIN_CLICKHOUSE_URL: url,
      TOCSIN_CLICKHOUSE_USERNAME: engine.username,
      TOCSIN_CLICKHOUSE_PASSWORD: engine.password.reveal(),
    },
    ask: async (sql) => {
      const headers = {
        'X-ClickHouse-User': engine.username,
        'X-ClickHouse-Key': engine.password.reveal(),
      };
      const answer = await fetch(url, { method: 'POST', body: sql, headers });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      return text;
    },
    freeze: () => tell('SIGSTOP'),
    thaw,
    stop: () => engine.stop(),
    start: async () => {
      engine = await startEmbeddedClickHouse({
        ...options,
        httpListen: { host, port: Number(port) },
      });
    },
  };
};
