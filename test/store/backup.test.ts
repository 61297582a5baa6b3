import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startEmbeddedClickHouse } from '../../src/embedded/clickhouse.ts';
import type { Store } from '../../src/store/client.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse, type TestClickHouse } from '../support/clickhouse.ts';
import { engineOptions } from '../support/embedded-options.ts';
import { spanBlock } from '../support/native-block.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 20_000;
const startMs = Date.UTC(2026, 10, 21, 9);

const spansOf = (name: string, count: number, service = name) =>
  spanBlock(
    `backup-${name}`,
    Array.from({ length: count }, (_, index) => ({
      traceId: `${name}-${index}`,
      spanId: `${index}`,
      service,
      startMs: startMs + index,
    })),
  );

/** The same things told by raw rows, by two tiers and by a table that a view fills. */
const told = (store: Store) =>
  store.query(
    'SELECT (SELECT toUInt32(count()) FROM otel_traces) AS spans, ' +
      '(SELECT toUInt32(sum(Requests)) FROM span_rollup_1m) AS minutes, ' +
      '(SELECT toUInt32(sum(Requests)) FROM span_rollup_1d) AS days, ' +
      '(SELECT toUInt32(count()) FROM otel_traces_trace_id_ts FINAL) AS traces, ' +
      '(SELECT toUInt32(count()) FROM audit_log) AS deeds',
    { timeoutMs },
  );

const all = (spans: number) => [{ spans, minutes: spans, days: spans, traces: spans, deeds: 1 }];

const backups = ({ dataDir }: TestClickHouse): string => join(dataDir, 'clickhouse/backups');

t.test('a backup is taken while the database is in use', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);
  await store.insertBlock(spansOf('monday', 30));
  await store.insertRows(
    'audit_log',
    [{ At: new Date(startMs).toISOString(), Action: 'silenced' }],
    'deed',
  );
  await store.command("BACKUP DATABASE otel TO File('monday')");
  await store.insertBlock(spansOf('tuesday', 12));
  await store.command(
    "BACKUP DATABASE otel TO File('tuesday') SETTINGS base_backup = File('monday')",
  );
  await store.insertBlock(spansOf('wednesday', 7));

  /** Another machine, with what was carried there. */
  const restored = async (name: string) => {
    const other = await startClickHouse(t);
    await mkdir(backups(other), { recursive: true });
    await cp(backups(engine), backups(other), { recursive: true });
    const there = openStore(t, other);
    await there.command(`RESTORE DATABASE otel FROM File('${name}')`);
    return there;
  };

  t.test('and restored as it was, views and tiers in step', async (t) => {
    const there = await restored('monday');
    t.strictSame(await told(there), all(30));
    t.strictSame((await migrate(there, migrateOptions)).statements, [], 'a daemon starts on it');

    await there.insertBlock(spansOf('new', 5));
    t.strictSame(await told(there), all(35), 'what comes now is stored, in every tier');
    await there.insertBlock(spansOf('new', 5));
    t.strictSame(await told(there), all(35), 'once');
    const same = { ...spansOf('monday', 30), name: 'another-name' };
    await there.insertBlock(same);
    t.equal(
      (
        await there.query<{ n: number }>('SELECT toUInt32(count()) AS n FROM otel_traces', {
          timeoutMs,
        })
      )[0]?.n,
      65,
      'rows that look like restored ones are not taken for them',
    );
  });

  t.test('and only what is new since, upon the one before', async (t) => {
    const there = await restored('tuesday');
    t.strictSame(await told(there), all(42));
    await there.insertBlock(spansOf('wednesday', 7));
    t.strictSame(await told(there), all(49), 'what a journal still holds is added');
    await there.insertBlock(spansOf('tuesday', 12));
    t.match(await told(there), [{ spans: 61, days: 61 }], 'a backup forgets which blocks it has');
  });

  t.test('and one table alone beside what is there', async (t) => {
    await store.command("RESTORE TABLE otel.audit_log AS otel.audit_log_then FROM File('monday')");
    t.strictSame(await store.query('SELECT Action FROM audit_log_then', { timeoutMs }), [
      { Action: 'silenced' },
    ]);
    t.strictSame(await told(store), all(49));
  });
});

t.test('a copy of the data directory of a stopped daemon goes on where it was', async (t) => {
  const [from, to] = [await temporary(t), await temporary(t)];
  const first = await startEmbeddedClickHouse(engineOptions(from));
  const store = openStore(t, { ...first, password: first.password.reveal() });
  await migrate(store, migrateOptions);
  await store.insertBlock(spansOf('monday', 30));
  await store.close();
  await first.stop();
  await cp(from, to, { recursive: true });

  const second = await startEmbeddedClickHouse(engineOptions(to));
  t.teardown(second.stop);
  const there = openStore(t, { ...second, password: second.password.reveal() });
  t.strictSame((await migrate(there, migrateOptions)).statements, []);
  await there.insertBlock(spansOf('monday', 30));
  await there.insertBlock(spansOf('tuesday', 5));
  t.match(await told(there), [{ spans: 35, days: 35 }], 'which blocks it has is known as well');
});

const temporary = async (t: Pick<Test, 'teardown'>): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'tocsin-backup-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
};
