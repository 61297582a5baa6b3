import { createHash } from 'node:crypto';
import t from 'tap';
import { loadMigrations } from '../../src/store/load-migrations.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { spanBlock } from '../support/native-block.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 20_000;
const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 10, 1, 9);

/** As random as a sender's, and always the same. */
const traceId = (day: number, index: number): string =>
  createHash('md5').update(`${day}-${index}`).digest('hex');

/** A hundred traces, one span each. */
const blockOf = (day: number) =>
  spanBlock(
    `day ${day}`,
    Array.from({ length: 100 }, (_, index) => ({
      traceId: traceId(day, index),
      spanId: `${index}`,
      service: 'shop',
      startMs: startMs + day * dayMs + index,
    })),
  );

t.test(
  'of many days only the day of a trace is read to find it, also on an old database',
  async (t) => {
    const engine = await startClickHouse(t);
    const store = openStore(t, engine);
    const migrations = await loadMigrations();
    const before = migrations.filter((it) => it.name < '0025');
    await migrate(store, { ...migrateOptions, migrations: before });
    for (const day of [0, 1, 2, 3, 4, 5]) await store.insertBlock(blockOf(day));

    const partsOpened = async (id: string): Promise<number> => {
      const plan = await store.inspect<{ explain: string }>(
        'EXPLAIN indexes = 1 SELECT min(Start) FROM otel.otel_traces_trace_id_ts WHERE TraceId = {id:String}',
        { parameters: { id }, timeoutMs },
      );
      const last = plan.filter((it) => it.explain.trim().startsWith('Parts:')).at(-1)?.explain;
      return Number(/Parts: (\d+)\/\d+/.exec(last ?? '')?.[1]);
    };
    const spansOf = (id: string) =>
      store.inspect(
        `WITH {id:String} AS id, (SELECT min(Start) FROM otel.otel_traces_trace_id_ts WHERE TraceId = id) AS first,
        (SELECT max(End) + 1 FROM otel.otel_traces_trace_id_ts WHERE TraceId = id) AS last
      SELECT SpanId FROM otel.otel_traces WHERE TraceId = id AND Timestamp >= first AND Timestamp <= last`,
        { parameters: { id }, timeoutMs },
      );
    const id = traceId(3, 50);
    t.equal(await partsOpened(id), 6, 'any of them may have it');

    await migrate(store, migrateOptions);
    for (;;) {
      const [running] = await store.inspect<{ n: number }>(
        "SELECT toUInt32(count()) AS n FROM system.mutations WHERE database = 'otel' AND NOT is_done",
        { timeoutMs },
      );
      if (running?.n === 0) break;
    }
    t.equal(await partsOpened(id), 1, 'those there were have the filter');
    for (const day of [6, 7, 8]) await store.insertBlock(blockOf(day));
    t.equal(await partsOpened(id), 1);
    t.equal(await partsOpened(traceId(7, 1)), 1, 'and those that came after');
    t.strictSame(await spansOf(traceId(7, 1)), [{ SpanId: '1' }]);
    t.strictSame(await spansOf(id), [{ SpanId: '50' }]);
  },
);

t.test('a day that nothing comes for any more becomes one part by itself', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);
  const table = 'otel.otel_traces_trace_id_ts';
  const [{ settings } = { settings: '' }] = await store.inspect<{ settings: string }>(
    "SELECT engine_full AS settings FROM system.tables WHERE database = 'otel' AND name = 'otel_traces_trace_id_ts'",
    { timeoutMs },
  );
  t.match(settings, 'min_age_to_force_merge_on_partition_only = 1');
  t.match(settings, 'min_age_to_force_merge_seconds = 21600');
  for (const part of [0, 1]) {
    await store.insertBlock({ ...blockOf(0), name: `part ${part}` });
    await store.insertBlock({ ...blockOf(1), name: `next ${part}` });
  }
  const parts = () =>
    store.inspect<{ day: string; parts: number }>(
      `SELECT partition AS day, toUInt32(count()) AS parts FROM system.parts WHERE active
        AND database = 'otel' AND table = 'otel_traces_trace_id_ts' GROUP BY day ORDER BY day`,
      { timeoutMs },
    );
  t.strictSame(
    (await parts()).map((it) => it.parts),
    [2, 2],
    'two so small ones are left as they are',
  );
  // Six hours pass.
  await store.command(`ALTER TABLE ${table} MODIFY SETTING min_age_to_force_merge_seconds = 1`);
  for (;;) {
    const now = await parts();
    if (now.every((it) => it.parts === 1)) break;
  }
  t.strictSame(
    await store.inspect(
      `SELECT toUInt32(count()) AS traces, toUInt32(uniqExact(TraceId)) AS ids FROM ${table}`,
      { timeoutMs },
    ),
    [{ traces: 200, ids: 200 }],
  );
});
