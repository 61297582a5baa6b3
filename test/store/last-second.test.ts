import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { spanRowsSql } from '../../src/model/span-tiers.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { migrateOptions, openStore } from './open-store.ts';

t.test('a span in the last second of a range is found when it is alone in its part', async (t) => {
  const store = openStore(t, await startClickHouse(t));
  await migrate(store, migrateOptions);
  const span = { Timestamp: '2026-01-15T10:00:59.5Z', TraceId: 't', ServiceName: 'a' };
  await store.insertRows('otel_traces', [span], 'span');
  const sql = `SELECT toUInt32(count()) AS spans FROM (${spanRowsSql(['Requests'], [])})`;
  const [from, to] = [Date.UTC(2026, 0, 15, 10, 0) / 1000, Date.UTC(2026, 0, 15, 10, 1) / 1000];
  const found = await store.query(sql, { parameters: { from, to }, timeoutMs: 20_000 });
  t.strictSame(found, [{ spans: 1 }]);
});

t.test(
  'nothing compares times of spans and points by < or > with a parameter in seconds',
  async (t) => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((it) => /\.(ts|sql|md)$/.test(it))) {
      const text = readFileSync(join('src', file), 'utf8');
      t.notMatch(text, /\b(Timestamp|TimeUnix) [<>] \{\w+:DateTime(\('UTC'\))?\}/, file);
    }
  },
);
