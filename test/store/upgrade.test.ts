import t, { type Test } from 'tap';
import type { Store } from '../../src/store/client.ts';
import { loadMigrations } from '../../src/store/load-migrations.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { spanBlock } from '../support/native-block.ts';
import { viewsOf } from '../support/views.ts';
import { contentsOf, fill, shapesOf } from './contents.ts';
import { migrateOptions as anyOptions, openStore } from './open-store.ts';
import { tocsinMigrate } from './tocsin-migrate.ts';

const timeoutMs = 20_000;
/** Read once: somebody may be writing the next one. */
const migrations = await loadMigrations();
/** A clock that stands still, so that two reports differ only where two runs do. */
const clock = { ...anyOptions.clock, nowMs: () => Date.UTC(2026, 10, 21) };
const migrateOptions = { ...anyOptions, migrations, clock };

const sendSpan = (store: Store, service: string) =>
  store.insertBlock(
    spanBlock(`upgrade-${service}`, [
      { traceId: service, spanId: '1', service, startMs: Date.UTC(2026, 10, 21, 9, 1) },
    ]),
  );

t.test('upgrades on a real engine', async (t) => {
  const engine = await startClickHouse(t);
  const boss = openStore(t, engine);

  /** Upgrades a database with rows in every table, and looks whether it has them and works. */
  const upgrade = async (
    t: Test,
    database: string,
    { from, to }: { readonly from: number; readonly to: number },
  ): Promise<void> => {
    const name = `${migrations[from]?.name} to ${migrations[to]?.name}`;
    const store = openStore(t, engine, { database });
    const options = { ...migrateOptions, database };
    const target = { ...options, migrations: migrations.slice(0, to + 1) };
    await migrate(store, { ...options, migrations: migrations.slice(0, from + 1) });
    await fill(store, database);
    if (from > 0) await sendSpan(store, `before-${from}`);
    const shapes = await shapesOf(store, database);
    const before = shapes.length > 0 ? await contentsOf(store, shapes) : [];
    t.ok(
      before.every((it) => it.rows > 0),
      `${name}: every table has rows`,
    );

    const foretold = await migrate(store, { ...target, dryRun: true });
    const report = await migrate(store, target);
    t.strictSame(foretold, report, `${name}: a dry run tells every statement`);
    t.strictSame(
      report.migrations,
      target.migrations.slice(from + 1).map((it) => it.name),
      name,
    );
    if (shapes.length > 0) {
      t.strictSame(await contentsOf(store, shapes), before, `${name}: holds what it held`);
    }
    t.strictSame((await migrate(store, target)).statements, []);
  };

  const worksNow = async (t: Test, database: string): Promise<void> => {
    const store = openStore(t, engine, { database });
    await sendSpan(store, 'after');
    t.strictSame(
      await store.query(
        "SELECT (SELECT toUInt32(count()) FROM otel_traces WHERE ServiceName = 'after') AS spans, " +
          "(SELECT toUInt32(count()) FROM otel_traces_trace_id_ts WHERE TraceId = 'after') AS traces, " +
          "(SELECT toUInt32(sum(Spans)) FROM span_rollup_1d WHERE ServiceName = 'after') AS days",
        { timeoutMs },
      ),
      [{ spans: 1, traces: 1, days: 1 }],
      'views fill their tables',
    );
    await boss.command(`DROP DATABASE ${database} SYNC`);
  };

  t.test('from each version to the next, all the way, with more data at each', async (t) => {
    for (let from = 0; from < migrations.length - 1; from += 1) {
      await upgrade(t, 'ladder', { from, to: from + 1 });
    }
    await worksNow(t, 'ladder');
  });

  t.test('at once from versions far back', async (t) => {
    const last = migrations.length - 1;
    for (const from of [0, 1, Math.floor(last / 2), last - 2]) {
      await upgrade(t, `from_${from}`, { from, to: last });
      await worksNow(t, `from_${from}`);
    }
  });

  t.test('every view can be read on an upgraded database', async (t) => {
    const first = { ...migrateOptions, migrations: migrations.slice(0, 2) };
    await migrate(boss, first);
    await migrate(boss, migrateOptions);
    const views = await viewsOf(boss.inspect, 'otel');
    t.ok(views.length > 0);
    for (const { name, from } of views) {
      await t.resolves(boss.query(`SELECT * FROM ${from} LIMIT 1`, { timeoutMs }), name);
    }
  });

  t.test('processes that upgrade data at once all succeed and lose nothing', async (t) => {
    const options = { ...migrateOptions, database: 'old' };
    const old = openStore(t, engine, { database: 'old' });
    await migrate(old, { ...options, migrations: migrations.slice(0, 4) });
    await fill(old, 'old');
    const shapes = await shapesOf(old, 'old');
    const before = await contentsOf(old, shapes);
    t.equal(before.length, 4, 'spans, their trace ids, gauges and sums');
    const runs = await Promise.all([1, 2, 3].map(() => tocsinMigrate(engine, 'old')));
    t.strictSame(
      runs.map((it) => it.code),
      [0, 0, 0],
      runs.map((it) => it.error).join('\n'),
    );
    t.strictSame(await contentsOf(old, shapes), before);
    t.equal((await tocsinMigrate(engine, 'old')).text, 'nothing to do\n');
  });
});
