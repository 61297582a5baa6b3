import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { allStored } from '../../src/evaluate/compile/stored.ts';
import { loadRules } from '../../src/evaluate/rules/load.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { Query } from '../../src/model/query.ts';
import { rollupJobs } from '../../src/rollups.ts';
import type { Store } from '../../src/store/client.ts';
import { createDiskWatch } from '../../src/store/disk-watch.ts';
import { fillServiceDurations } from '../../src/store/fill-durations.ts';
import { loadMigrations } from '../../src/store/load-migrations.ts';
import { migrate } from '../../src/store/migrate.ts';
import { renderSql } from '../../src/store/render.ts';
import { splitStatements } from '../../src/store/split-statements.ts';
import { spanBlock, type TestSpan } from '../support/native-block.ts';
import { clusterName, startShards } from '../support/shards.ts';
import { viewsOf } from '../support/views.ts';
import { withoutKeeper } from '../support/without-keeper.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 30_000;
const migrations = await loadMigrations();

/** Has a row of a key for each shard. */
const addedUp = 'service_durations_1d';

const minuteMs = 60_000;
const startMs = Date.UTC(2026, 10, 21, 9);

/** 60 traces of 5 services over two hours, three spans each. */
const spans: readonly TestSpan[] = Array.from({ length: 180 }, (_, index) => ({
  traceId: `trace-${Math.floor(index / 3)}`,
  spanId: `span-${index}`,
  service: `service-${index % 5}`,
  startMs: startMs + Math.floor(index / 3) * 2 * minuteMs + (index % 3) * 10,
}));

/** Twelve series of one gauge and of one counter, a point every ten seconds for twenty minutes. */
const pointsOf = (metric: string) =>
  Array.from({ length: 12 * 120 }, (_, index) => ({
    ServiceName: `service-${index % 3}`,
    MetricName: metric,
    ResourceAttributes: { host: `host-${index % 12}` },
    Attributes: { host: `host-${index % 12}` },
    StartTimeUnix: new Date(startMs).toISOString(),
    TimeUnix: new Date(startMs + Math.floor(index / 12) * 10_000).toISOString(),
    Value: Math.floor(index / 12) * ((index % 12) + 1),
  }));
const points = {
  otel_metrics_gauge: pointsOf('queue'),
  otel_metrics_sum: pointsOf('requests').map((it) => ({
    ...it,
    AggregationTemporality: 2,
    IsMonotonic: true,
  })),
};

/** 20 calls, each a trace of its own. */
const calls = () =>
  Array.from({ length: 20 }, (_, index) => ({
    TraceId: `call-${index}`,
    Timestamp: new Date(startMs + index).toISOString(),
    Duration: 1_000_000,
  })).flatMap((it) => [
    { ...it, SpanId: 'a', ServiceName: 'shop', SpanKind: 'Client', SpanName: 'POST' },
    {
      ...it,
      SpanId: 'b',
      ParentSpanId: 'a',
      ServiceName: 'payment',
      SpanKind: 'Server',
      SpanName: 'pay',
    },
  ]);

t.test('a cluster of two shards', async (t) => {
  const [first, second] = await startShards(t);
  const [one, two] = [openStore(t, first), openStore(t, second)];
  const front = openStore(t, first, { cluster: clusterName });
  const single = openStore(t, first, { database: 'single' });

  t.test('the parser of the engine takes every statement as it is', async (t) => {
    let parsed = 0;
    for (const { name, text } of migrations) {
      for (const sql of splitStatements(
        renderSql(text, { database: 'otel', cluster: clusterName }),
      )) {
        const [line] = await one.inspect<{ sql: string }>(
          'SELECT formatQuerySingleLine({sql:String}) AS sql',
          { parameters: { sql }, timeoutMs },
        );
        t.match(line?.sql, ` ON CLUSTER ${clusterName}`, `${name}: ${sql.slice(0, 70)}`);
        parsed += 1;
      }
    }
    t.ok(parsed > 60, `${parsed} statements`);
  });

  t.test('a Keeper that exists for its name only lets Replicated tables be made', async (t) => {
    const keeper = { ...migrateOptions, database: 'replicated', cluster: clusterName };
    const made: string[] = [];
    await migrate(
      {
        inspect: two.inspect,
        command: async (sql) => {
          // To change one takes a real Keeper, and this view fills a column that was added.
          if (!sql.startsWith('CREATE') || sql.includes('cache_spans_mv')) return;
          await two.command(sql.replace(` ON CLUSTER \`${clusterName}\``, ''));
          made.push(sql);
        },
      },
      keeper,
    );
    t.ok(made.length > 60);
    const [plain] = await two.inspect<{ tables: number }>(
      'SELECT toUInt32(count()) AS tables FROM system.tables ' +
        "WHERE database = 'replicated' AND engine LIKE '%MergeTree' AND engine NOT LIKE 'Replicated%'",
      { timeoutMs },
    );
    t.equal(plain?.tables, 0, 'all that hold rows are');
  });

  t.test('the schema is made on both and fits', async (t) => {
    const report = await migrate(
      {
        inspect: one.inspect,
        command: async (sql) => {
          const plain = withoutKeeper(sql);
          t.notMatch(plain, /ON CLUSTER|Replicated|[^_]replicated_/);
          await one.command(plain);
          // Rows go in through one of them; statements about tables go to each.
          if (!plain.startsWith('INSERT')) await two.command(plain);
        },
      },
      { ...migrateOptions, cluster: clusterName },
    );
    t.equal(report.migrations.length, migrations.length - 1);
    await migrate(single, { ...migrateOptions, database: 'single' });
    t.strictSame(await namesOf(one.inspect), await namesOf(two.inspect));
  });

  t.test('spans lie by their trace id, once, also when a shard was away at first', async (t) => {
    const block = spanBlock('cluster-1', spans);
    await one.command('SYSTEM START LISTEN TCP');
    await t.rejects(front.insertBlock(block), { code: 'ERR_INSERT_FAILED', remedy: 'retry' });
    await two.command('SYSTEM START LISTEN TCP');
    await front.insertBlock(block);
    await front.insertBlock(block);
    await single.insertBlock(block);
    for (const [index, shard] of [one, two].entries()) {
      const [held] = await shard.query<{ rows: number; strays: number; traces: number }>(
        'SELECT toUInt32(count()) AS rows, ' +
          `toUInt32(countIf(cityHash64(TraceId) % 2 != ${index})) AS strays, ` +
          '(SELECT toUInt32(uniqExact(TraceId)) FROM otel_traces_trace_id_ts_local) AS traces ' +
          'FROM otel_traces_local',
        { timeoutMs },
      );
      t.ok(held && held.rows > 50 && held.rows < 130, `shard ${index} holds ${held?.rows} spans`);
      t.equal(held?.strays, 0);
      t.equal(held && held.traces * 3, held?.rows, 'and the views run where the spans are');
    }
    t.strictSame(
      await front.query('SELECT toUInt32(count()) AS rows FROM otel_traces', { timeoutMs }),
      [{ rows: spans.length }],
    );
  });

  t.test('a trace is found by its id whichever shard has it', async (t) => {
    for (const { traceId } of spans.filter((_, index) => index % 30 === 0)) {
      const sql =
        'WITH (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = {id:String}) AS start, ' +
        '(SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = {id:String}) AS end ' +
        'SELECT SpanId AS id FROM otel_traces WHERE TraceId = {id:String} ' +
        'AND Timestamp >= start AND Timestamp <= end ORDER BY id';
      const options = { parameters: { id: traceId }, timeoutMs };
      const found = await front.query(sql, options);
      t.equal(found.length, 3);
      t.strictSame(found, await single.query(sql, options));
    }
  });

  t.test('points of one series lie together, its rollups beside them', async (t) => {
    for (const store of [front, single]) {
      for (const [table, rows] of Object.entries(points)) {
        await store.insertRows(table, rows, `cluster-${table}`);
      }
    }
    for (const table of ['otel_metrics_gauge', 'otel_metrics_sum']) {
      const series = `SELECT DISTINCT SeriesId FROM ${table}_local ORDER BY SeriesId`;
      const [here, there] = [
        await one.query<{ SeriesId: string }>(series, { timeoutMs }),
        await two.query<{ SeriesId: string }>(series, { timeoutMs }),
      ];
      const both = [...here, ...there].map((it) => it.SeriesId);
      t.equal(new Set(both).size, both.length, `${table}: no series on two shards`);
      t.ok(here.length > 0 && there.length > 0);
    }
  });

  t.test('every job computes from both shards, and its rows go where they belong', async (t) => {
    const rows = calls();
    const reading = loadConfig({ environment: {}, mode: 'up', readFile: () => '' });
    if (!reading.ok) throw new Error('expected the default configuration');
    const sla = { name: 'up', service: 'shop', type: 'response_time', target: { p99: '300 ms' } };
    const { objectives } = loadRules([{ file: 'a.yaml', text: JSON.stringify({ slas: [sla] }) }], {
      intervalMs: 30_000,
      queryOffsetMs: 0,
    });
    t.equal(objectives.length, 1);
    const jobs = rollupJobs({ config: reading.config, files: { objectives } });
    for (const store of [front, single]) {
      await store.insertRows('otel_traces', rows, 'cluster-calls');
      for (const job of jobs) {
        const firstMs = startMs - (startMs % job.windowMs);
        for (const fromMs of [firstMs, firstMs + job.windowMs]) {
          const computation = {
            fromMs,
            toMs: fromMs + job.windowMs,
            versionMs: startMs + 7_200_000,
            input: 1,
          };
          for (const [index, { sql, ...options }] of job.run(computation).entries()) {
            const token = `${job.name}-${fromMs}-${index}`;
            await store.insertSelect(sql, { ...options, timeoutMs, token });
          }
        }
      }
      t.strictSame(
        await store.query(
          'SELECT Caller, Callee, Calls, CallerReported + CalleeReported - Calls AS both ' +
            "FROM service_edges_1d WHERE CallerKind = 'service' ORDER BY ALL",
          { timeoutMs },
        ),
        [{ Caller: 'shop', Callee: 'payment', Calls: 20, both: 20 }],
      );
    }
  });

  t.test('every tier and view answers as one engine does', async (t) => {
    const views = await viewsOf(single.inspect, 'single');
    t.ok(views.length > 5);
    let rows = 0;
    for (const { name, from } of views) {
      if (name === addedUp) continue;
      const sql = `SELECT * FROM ${from} ORDER BY ALL`;
      const told = (await front.query(sql, { timeoutMs })).map(rounded);
      t.strictSame(told, (await single.query(sql, { timeoutMs })).map(rounded), name);
      rows += told.length;
    }
    t.ok(rows > 200, `${rows} rows`);
    for (const tier of ['1m', '1h', '1d']) {
      const sql =
        'SELECT Time, ServiceName, sum(Requests) AS requests, sumMap(Sketch) AS sketch ' +
        `FROM span_rollup_${tier} GROUP BY ALL ORDER BY ALL`;
      const rows = await front.query(sql, { timeoutMs });
      t.ok(rows.length >= 5, `${rows.length} rows in ${tier}`);
      t.strictSame(rows, await single.query(sql, { timeoutMs }), tier);
    }
    const durations =
      'SELECT Time, ServiceName, Bucket, sum(Requests) AS requests, sum(Answered) AS answered ' +
      `FROM ${addedUp} GROUP BY ALL ORDER BY ALL`;
    const expected = await single.query(durations, { timeoutMs });
    t.ok(expected.length >= 5);
    t.strictSame(await front.query(durations, { timeoutMs }), expected, addedUp);
  });

  t.test('days of services are filled from both shards on an upgrade', async (t) => {
    const table = 'service_durations_1d_filled_local';
    const sum = `SELECT sum(Requests) AS n, sum(Answered) AS answered FROM ${addedUp}`;
    const expected = await front.query(sum, { timeoutMs });
    for (const store of [one, two]) await store.command(`TRUNCATE TABLE otel.${table}`);
    const placement = { database: 'otel', cluster: clusterName };
    const before = new Set(['span_rollup_1d_local']);
    const fill = () =>
      fillServiceDurations({
        ...{ ...placement, before, inspect: front.inspect, run: front.command },
        ...{ clock: systemClock, dryRun: false },
      });
    await Promise.all([fill(), fill()]);
    t.strictSame(await front.query(sum, { timeoutMs }), expected);
    for (const store of [one, two]) {
      const [held] = await store.query<{ n: number }>(
        `SELECT toUInt32(count()) AS n FROM ${table}`,
        { timeoutMs },
      );
      t.ok(held && held.n > 0, `${held?.n} rows of one shard`);
    }
  });

  t.test('rules over tiers of metrics answer as with one engine', async (t) => {
    // Points are said to be gone, and hours, which are named by metric_series, are there.
    const metricsKeptMs = { ...allStored.metricsKeptMs, raw: 480 * minuteMs };
    const stored = { ...allStored, metricsKeptMs };
    for (const [metric, value] of [
      ['requests', 'increase()'],
      ['requests', 'uniq(host)'],
      ['queue', 'max(value)'],
      ['queue', 'p90(value)'],
    ] as const) {
      const where = { host: ['host-1', 'host-2', 'host-3'] };
      const signal = { from: 'metrics', metric, value, over: '1d', by: ['service.name'], where };
      const rule = { alert: 'A', signals: { x: signal }, when: 'x > 1' };
      const text = JSON.stringify({ groups: [{ name: 'g', rules: [rule] }] });
      const { groups } = loadRules([{ file: 'a.yaml', text }], {
        intervalMs: 30_000,
        queryOffsetMs: 0,
        stored,
      });
      const compiled = groups[0]?.rules[0]?.signals['x'];
      if (!compiled) throw new Error('no signal');
      t.match(compiled.sql, /metric_rollup_1h/);
      const options = { parameters: compiled.parameters(startMs + 720 * minuteMs), timeoutMs };
      const ordered = `SELECT * FROM (${compiled.sql}) ORDER BY ALL`;
      const rows = await front.query(ordered, options);
      t.equal(rows.length, 3);
      t.strictSame(rows, await single.query(ordered, options), `${value} of ${metric}`);
    }
  });

  t.test('a full disk of one shard takes old days of this one only', async (t) => {
    const before = [await spansOn(one), await spansOn(two)];
    const watch = createDiskWatch({
      ...front,
      // As if its disk were full until the day is gone.
      inspect: async (sql, options) =>
        front.inspect(
          sql.includes('system.disks')
            ? "SELECT 'default' AS disk, 100. AS totalBytes, if((SELECT count() FROM otel.otel_traces_local) > 0, 1., 90.) AS freeBytes"
            : sql,
          options,
        ),
      newId: () => crypto.randomUUID(),
      database: 'otel',
      cluster: clusterName,
      rules: { warnShare: 0.5, shortenShare: 0.9, shortenAllowed: true },
      clock: { ...systemClock, nowMs: () => startMs + 7 * 86_400_000 },
      log: silentLog,
      meter: noopMeter,
    });
    await watch.look();
    t.ok((before[0] ?? 0) > 0);
    t.strictSame([await spansOn(one), await spansOn(two)], [0, before[1]]);
    const [noted] = await front.query<{ n: number }>(
      "SELECT toUInt32(count()) AS n FROM audit_log WHERE Action = 'day_dropped_for_space' AND Subject = 'otel_traces 20261121'",
      { timeoutMs },
    );
    t.equal(noted?.n, 1);
  });
});

const spansOn = async (shard: Store): Promise<number> => {
  const rows = await shard.query<{ n: number }>(
    'SELECT toUInt32(count()) AS n FROM otel_traces_local',
    { timeoutMs },
  );
  return rows[0]?.n ?? 0;
};

const namesOf = (inspect: Query) =>
  inspect("SELECT name, engine FROM system.tables WHERE database = 'otel' ORDER BY name", {
    timeoutMs,
  });

/**
 * Sums of floats differ in their last digits with the order in which shards answer, and an example may be
 * any of those there are.
 */
const rounded = (row: unknown): unknown =>
  JSON.parse(
    JSON.stringify(row, (key, value: unknown) => {
      if (key === 'example') return undefined;
      return typeof value === 'number' ? Number(value.toPrecision(12)) : value;
    }),
  );
