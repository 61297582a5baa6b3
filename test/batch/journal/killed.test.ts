import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { migrate } from '../../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../../store/open-store.ts';
import { startClickHouse } from '../../support/clickhouse.ts';
import { seededRandom } from '../../support/random.ts';
import type { IngestOrder } from './ingest-process.ts';
import { traceIdOf } from './requests.ts';

const rounds = Number(process.env['TOCSIN_TEST_KILLS'] ?? 30);
t.setTimeout(170_000);
const seed = Number(process.env['TOCSIN_TEST_SEED'] ?? 1);

interface Account {
  readonly acknowledged: Set<string>;
  readonly open: Set<string>;
}

/** Runs one process until it ends or is killed, and notes what it said. */
const run = async (t: Test, account: Account, order: IngestOrder, killAfterMs?: number) => {
  const program = join(dirname(fileURLToPath(import.meta.url)), 'ingest-process.ts');
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const [word, name = ''] = line.split(' ');
    if (word === 'begun' && killAfterMs !== undefined) {
      void sleep(killAfterMs).then(() => child.kill('SIGKILL'));
    }
    if (word === 'sent') account.open.add(name);
    if (word === 'acknowledged') {
      account.acknowledged.add(name);
      account.open.delete(name);
    }
  });
  await Promise.all([ended, once(lines, 'close')]);
  return child.exitCode;
};

t.test(
  'killed at any moment, what was acknowledged is stored once, repeated requests included',
  { timeout: 150_000 },
  async (t) => {
    const engine = await startClickHouse(t);
    const store = openStore(t, engine);
    await migrate(store, migrateOptions);
    // Merges would hide a row that came twice into the view's table.
    await store.command('SYSTEM STOP MERGES otel.otel_traces_trace_id_ts');
    const dir = t.testdir({});
    const account: Account = { acknowledged: new Set(), open: new Set() };
    const random = seededRandom(seed);
    const { url, username, password } = engine;
    const orderOf = (round: number, final: boolean): IngestOrder => {
      const again = [...account.open];
      return { dir, url, username, password, seed: seed * 1000 + round, again, final };
    };

    for (let round = 0; round < rounds; round += 1) {
      await run(t, account, orderOf(round, false), random() ** 2 * 400);
    }
    t.equal(await run(t, account, orderOf(rounds, true)), 0);
    t.equal(account.open.size, 0);
    t.ok(account.acknowledged.size > rounds * 10, `${account.acknowledged.size} acknowledged`);

    const names = [...account.acknowledged];
    const traces = names.filter((it) => it.includes('traces'));
    const metrics = names.filter((it) => it.includes('metrics'));
    const query = async (sql: string) =>
      Object.fromEntries(
        (await store.query<{ id: string; n: string }>(sql, { timeoutMs: 20_000 })).map((it) => [
          it.id,
          Number(it.n),
        ]),
      );
    const once = (ids: readonly string[]) => Object.fromEntries(ids.map((id) => [id, 1]));
    const ids = once(traces.map(traceIdOf));
    t.same(await query('SELECT TraceId AS id, count() AS n FROM otel_traces GROUP BY id'), ids);
    t.same(
      await query('SELECT TraceId AS id, count() AS n FROM otel_traces_trace_id_ts GROUP BY id'),
      ids,
    );
    for (const table of ['otel_metrics_gauge', 'otel_metrics_sum']) {
      t.same(
        await query(`SELECT MetricName AS id, count() AS n FROM ${table} GROUP BY id`),
        once(metrics),
      );
    }
    t.strictSame(
      readdirSync(dir).filter((it) => it.endsWith('.segment')),
      [],
      'nothing is left to be stored',
    );
  },
);
