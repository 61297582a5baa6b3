import t from 'tap';
import type { Fault } from '../../src/lib/fault.ts';
import { loadMigrations } from '../../src/store/load-migrations.ts';
import { applyRetention, migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { migrateOptions as anyOptions, openStore, retention } from './open-store.ts';

const timeoutMs = 10_000;
const dayMs = 86_400_000;
const migrateOptions = { ...anyOptions, retention };
/** All but the first file, which is run at every start. */
const versions = (await loadMigrations()).map((it) => it.version).filter((it) => it > 0);

t.test('migrations on a real engine', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);

  t.test('a dry run names every statement and touches nothing', async (t) => {
    const report = await migrate(store, { ...migrateOptions, dryRun: true });
    t.match(report.statements[0], /^CREATE DATABASE/);
    t.ok(report.statements.some((it) => it.includes('otel_traces_trace_id_ts_mv')));
    t.ok(report.statements.some((it) => it.includes('MODIFY TTL')));
    const databases = await store.inspect("SELECT name FROM system.databases WHERE name = 'otel'", {
      timeoutMs,
    });
    t.strictSame(databases, []);
  });

  t.test('four daemons that start at once all succeed and leave one schema', async (t) => {
    const stores = [1, 2, 3, 4].map(() => openStore(t, engine));
    await Promise.all(stores.map((it) => migrate(it, migrateOptions)));
    const recorded = await store.query(
      'SELECT Version, toUInt32(count()) AS rows FROM schema_migrations GROUP BY Version ORDER BY Version',
      { timeoutMs },
    );
    t.strictSame(
      recorded,
      versions.map((Version) => ({ Version, rows: 1 })),
    );
  });

  t.test('a second start has nothing to do', async (t) => {
    const report = await migrate(store, migrateOptions);
    t.strictSame(report, { migrations: [], statements: [] });
  });

  t.test('a migration that was interrupted is finished by the next start', async (t) => {
    const half = { ...migrateOptions, database: 'half' };
    let left = 5;
    const dying = {
      ...store,
      command: async (sql: string) => {
        left -= 1;
        if (left < 0) throw new Error('killed here');
        await store.command(sql);
      },
    };
    await t.rejects(migrate(dying, half), { message: 'killed here' });
    const report = await migrate(store, half);
    t.equal(report.migrations.length, versions.length, 'the first file was not recorded yet');
    t.strictSame((await migrate(store, half)).statements, []);
    await store.command('DROP DATABASE half SYNC');
  });

  t.test('a changed retention alters the tables it concerns, also at reload', async (t) => {
    const longer = { ...retention, traces: { ...retention.traces, raw: 20 * dayMs } };
    const ran = await applyRetention(store, longer, migrateOptions);
    t.strictSame(ran, [
      'ALTER TABLE `otel`.`otel_traces` MODIFY TTL toDateTime(Timestamp) + toIntervalDay(20)',
      'ALTER TABLE `otel`.`otel_traces_trace_id_ts` MODIFY TTL Start + toIntervalDay(20)',
      'ALTER TABLE `otel`.`span_arrivals` MODIFY TTL Time + toIntervalDay(20)',
      'ALTER TABLE `otel`.`cache_spans` MODIFY TTL toDateTime(Timestamp) + toIntervalDay(20)',
    ]);
    t.strictSame(await applyRetention(store, longer, migrateOptions), []);
    const odd = { ...retention, logs: 90_500 };
    const report = await migrate(store, { ...migrateOptions, retention: odd });
    t.strictSame(report.statements, [
      'ALTER TABLE `otel`.`otel_traces` MODIFY TTL toDateTime(Timestamp) + toIntervalDay(14)',
      'ALTER TABLE `otel`.`otel_traces_trace_id_ts` MODIFY TTL Start + toIntervalDay(14)',
      'ALTER TABLE `otel`.`span_arrivals` MODIFY TTL Time + toIntervalDay(14)',
      'ALTER TABLE `otel`.`cache_spans` MODIFY TTL toDateTime(Timestamp) + toIntervalDay(14)',
      'ALTER TABLE `otel`.`otel_logs` MODIFY TTL TimestampTime + toIntervalSecond(91)',
      'ALTER TABLE `otel`.`otlp_rejects` MODIFY TTL toDateTime(At) + toIntervalSecond(91)',
    ]);
    t.strictSame(await applyRetention(store, odd, migrateOptions), []);
  });

  t.test('every table and column says what it holds', async (t) => {
    const bare = await store.inspect(
      "SELECT table, name FROM system.columns WHERE database = 'otel' AND comment = '' " +
        "AND table NOT IN (SELECT name FROM system.tables WHERE database = 'otel' AND engine LIKE '%View')" +
        "UNION ALL SELECT name, '' FROM system.tables WHERE database = 'otel' AND comment = ''",
      { timeoutMs },
    );
    t.strictSame(bare, []);
  });

  t.test('an edited migration is refused by name', async (t) => {
    const migrations = (await loadMigrations()).map((it) =>
      it.version === 2 ? { ...it, checksum: 'f'.repeat(64) } : it,
    );
    await t.rejects(migrate(store, { ...migrateOptions, migrations }), {
      code: 'ERR_MIGRATION_CHANGED',
      remedy: 'reject',
      message: /0002-metrics-gauge\.sql/,
    } satisfies Partial<Record<keyof Fault, unknown>>);
  });

  t.test('a program older than the database is refused and changes nothing', async (t) => {
    const migrations = (await loadMigrations()).filter((it) => it.version < 9);
    const run: string[] = [];
    const watched = {
      ...store,
      command: async (sql: string) => {
        run.push(sql);
      },
    };
    for (const dryRun of [false, true]) {
      await t.rejects(migrate(watched, { ...migrateOptions, migrations, dryRun }), {
        code: 'ERR_SCHEMA_NEWER',
        remedy: 'reject',
        message: /does not know \(9, 10, .*end at 8\): a newer tocsin/,
      } satisfies Partial<Record<keyof Fault, unknown>>);
    }
    t.strictSame(run, []);
  });
});
