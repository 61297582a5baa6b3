import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { type Migration } from '../../src/store/load-migrations.ts';
import { applyRetention, migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { openStore, retention } from './open-store.ts';

const options = { database: 'otel', retention, dryRun: false, clock: systemClock };

t.test('a real engine', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);

  t.test('a dry run names every statement and touches nothing', async (t) => {
    const report = await migrate(store, { ...options, dryRun: true });
    t.ok(report.statements.some((it) => it.startsWith('CREATE DATABASE')));
    t.ok(report.statements.some((it) => it.includes('otel_traces_trace_id_ts_mv')));
    t.ok(report.statements.some((it) => it.includes('MODIFY TTL')));
    const databases = await store.inspect("SELECT name FROM system.databases WHERE name = 'otel'", {
      timeoutMs: 5_000,
    });
    t.strictSame(databases, []);
  });

  t.test('four daemons that start at once all succeed and leave one schema', async (t) => {
    const stores = [1, 2, 3, 4].map(() => openStore(t, engine));
    await Promise.all(stores.map((it) => migrate(it, options)));
    const recorded = await store.query<{ Version: number; rows: number }>(
      'SELECT Version, toUInt32(count()) AS rows FROM schema_migrations GROUP BY Version ORDER BY Version',
      { timeoutMs: 5_000 },
    );
    t.strictSame(
      recorded,
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((Version) => ({ Version, rows: 1 })),
    );
  });

  t.test('a second start has nothing to do', async (t) => {
    const report = await migrate(store, options);
    t.strictSame(report, { migrations: [], statements: [], unknown: [] });
  });
});
