import t from 'tap';
import { migrate } from '../../src/store/migrate.ts';
import { projectionSetting, projectionStatements } from '../../src/store/projections.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { spanBlock } from '../support/native-block.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 20_000;
const startMs = Date.UTC(2026, 10, 21, 12);

t.test('a server that cannot keep a projection right keeps its tables as they are', async (t) => {
  const tables = [{ table: 'span_rollup_1h', engine: 'AggregatingMergeTree SETTINGS a = 1' }];
  const placement = { database: 'otel' };
  t.strictSame(projectionStatements(tables, new Set(), placement), []);
  t.equal(projectionStatements(tables, new Set([projectionSetting]), placement).length, 4);
});

t.test('days from an earlier program lose the projection that inserts paid for', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);
  const days = 'ALTER TABLE otel.span_rollup_1d';
  await store.command(`${days} MODIFY SETTING ${projectionSetting} = 'drop'`);
  await store.command(
    `${days} ADD PROJECTION by_service (SELECT ServiceName, Time, sum(Spans) GROUP BY ServiceName, Time)`,
  );
  await store.command(`${days} MODIFY SETTING ${projectionSetting} = 'rebuild'`);
  await store.insertBlock(
    spanBlock('before', [{ traceId: 'a', spanId: 'a', service: 'shop', startMs }]),
  );
  const projections = () =>
    store.inspect(
      `SELECT table, arrayFilter(it -> it = 'by_service', projections) AS projections FROM system.parts
       WHERE active AND database = 'otel' AND table IN ('span_rollup_1d', 'span_rollup_1h') ORDER BY table`,
      { timeoutMs },
    );
  const hours = { table: 'span_rollup_1h', projections: ['by_service'] };
  t.strictSame(await projections(), [
    { table: 'span_rollup_1d', projections: ['by_service'] },
    hours,
  ]);
  t.not((await migrate(store, migrateOptions)).statements.length, 0);
  t.strictSame(await projections(), [{ table: 'span_rollup_1d', projections: [] }, hours]);
  t.strictSame(
    await store.inspect('SELECT toUInt32(sum(Spans)) AS spans FROM otel.span_rollup_1d', {
      timeoutMs,
    }),
    [{ spans: 1 }],
  );
  t.strictSame((await migrate(store, migrateOptions)).statements, [], 'done once');
});

t.test('hours of whole services answer like the hours of operations, merged or not', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);
  for (const round of [1, 2, 3]) {
    const spans = Array.from({ length: 60 }, (_, index) => ({
      traceId: `${round}-${index}`,
      spanId: `${round}-${index}`,
      service: `service ${index % 3}`,
      startMs: startMs + index,
    }));
    await store.insertBlock(spanBlock(`round ${round}`, spans));
  }
  const question = `SELECT ServiceName AS service, toUInt32(sum(Spans)) AS spans, toUInt32(arraySum(mapValues(sumMap(Sketch)))) AS counted
    FROM otel.span_rollup_1h GROUP BY service ORDER BY service`;
  const read = async (): Promise<string> =>
    (await store.inspect<{ explain: string }>(`EXPLAIN ${question}`, { timeoutMs }))
      .map((it) => it.explain.trim())
      .filter((it) => it.includes('ReadFromMergeTree'))
      .join();
  const expected = [0, 1, 2].map((it) => ({ service: `service ${it}`, spans: 60, counted: 60 }));
  t.match(await read(), 'by_service');
  t.strictSame(await store.inspect(question, { timeoutMs }), expected);
  await store.command('OPTIMIZE TABLE otel.span_rollup_1h FINAL');
  t.match(await read(), 'by_service', 'still there');
  t.strictSame(
    await store.inspect(
      "SELECT toUInt32(count()) AS parts FROM system.parts WHERE active AND database = 'otel' AND table = 'span_rollup_1h'",
      { timeoutMs },
    ),
    [{ parts: 1 }],
  );
  t.strictSame(await store.inspect(question, { timeoutMs }), expected);
  await store.insertBlock(
    spanBlock('late', [{ traceId: 'l', spanId: 'l', service: 'service 0', startMs }]),
  );
  t.strictSame(
    await store.inspect(question, { timeoutMs }),
    expected.map((it, index) => (index === 0 ? { ...it, spans: 61, counted: 61 } : it)),
    'a late span counts',
  );
});
