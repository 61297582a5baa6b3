import t from 'tap';
import { cacheConventionsOf } from '../../src/config/caches.ts';
import { createCacheJobs } from '../../src/rollup/caches.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { atMs, computeCaches, storeCacheSpans, storePoints } from './cache-telemetry.ts';

const timeoutMs = 20_000;
const store = openStore(t, await startClickHouse(t));
const caches = cacheConventionsOf([
  { name: 'own', metrics: { get_durations: ['store.read'], set_durations: ['store.write'] } },
]);
await migrate(store, { ...migrateOptions, caches });

interface Measured {
  /** Clock time on the day of these tests. */
  readonly at: string;
  readonly service: string;
  readonly metric: string;
  readonly unit: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly bounds?: readonly number[];
  readonly counts: readonly number[];
  /** Exponential: where the first bucket lies. */
  readonly scale?: number;
  readonly offset?: number;
  readonly cumulative?: boolean;
}

let blocks = 0;

const send = async (points: readonly Measured[]): Promise<void> => {
  const rowOf = (it: Measured) => ({
    TimeUnix: `2026-01-15T${it.at}Z`,
    StartTimeUnix: '1970-01-01T00:00:00Z',
    ServiceName: it.service,
    MetricName: it.metric,
    MetricUnit: it.unit,
    Attributes: it.attributes ?? {},
    Count: it.counts.reduce((sum, n) => sum + n, 0),
    AggregationTemporality: it.cumulative ? 2 : 1,
  });
  const explicit = points.filter((it) => it.scale === undefined);
  const exponential = points.filter((it) => it.scale !== undefined);
  const insert = (kind: string, rows: readonly object[]) =>
    store.insertRows(`otel_metrics_${kind}`, rows as [], `histograms-${(blocks += 1)}`);
  if (explicit.length > 0)
    await insert(
      'histogram',
      explicit.map((it) => ({ ...rowOf(it), BucketCounts: it.counts, ExplicitBounds: it.bounds })),
    );
  if (exponential.length > 0)
    await insert(
      'exponential_histogram',
      exponential.map((it) => ({
        ...rowOf(it),
        Scale: it.scale,
        PositiveOffset: it.offset,
        PositiveBucketCounts: it.counts,
      })),
    );
};

const compute = (...times: readonly string[]) => computeCaches(store, times.map(atMs), caches);

const told = (service: string, view = 'cache_performance') =>
  store.query<Readonly<Record<string, number | string | null>>>(
    `SELECT formatDateTime(Time, '%H:%i') AS at, CacheName AS cache, source, latency_source AS timed, operations, sets,
       round(get_p50, 1) AS get_p50, round(get_p95, 1) AS get_p95, round(set_p50, 1) AS set_p50
     FROM ${view} WHERE ServiceName = {service:String} ORDER BY Time, cache`,
    { parameters: { service }, timeoutMs },
  );

t.test('database clients measure durations by operation', async (t) => {
  const client = {
    at: '10:00:10',
    service: 'otel',
    metric: 'db.client.operation.duration',
    unit: 's',
    bounds: [0.01, 0.02, 0.04],
  };
  const redis = { 'db.system.name': 'redis' };
  await send([
    // Evenly between 10 and 20 ms: p50 is 15, p95 is 19.5.
    { ...client, attributes: { ...redis, 'db.operation.name': 'HGET' }, counts: [0, 100, 0, 0] },
    // Between 20 and 40 ms: p50 is 30.
    { ...client, attributes: { ...redis, 'db.operation.name': 'SET' }, counts: [0, 0, 50, 0] },
    { ...client, attributes: { ...redis, 'db.operation.name': 'PING' }, counts: [0, 0, 0, 7] },
    { ...client, attributes: { 'db.system.name': 'postgresql' }, counts: [9, 9, 9, 9] },
  ]);
  await compute('10:00:00');
  const said = {
    cache: 'redis',
    source: 'histograms',
    timed: 'histograms',
    operations: 157,
    sets: 50,
  };
  for (const [view, at] of [
    ['cache_performance', '10:00'],
    ['cache_performance_1h', '10:00'],
    ['cache_performance_1d', '00:00'],
  ] as const) {
    const [row = {}, ...others] = await told('otel', view);
    t.match(row, { at, ...said });
    t.strictSame(others, []);
    t.ok(Math.abs(Number(row['get_p50']) - 15) < 0.2, `p50 of gets is ${row['get_p50']}`);
    t.ok(Math.abs(Number(row['get_p95']) - 19.5) < 0.2, `p95 of gets is ${row['get_p95']}`);
    t.ok(Math.abs(Number(row['set_p50']) - 30) < 0.4, `p50 of sets is ${row['set_p50']}`);
  }
});

t.test('minutes are looked through only while such histograms come', async (t) => {
  const seen = (metric: string, type: string, minute: number) => ({
    MetricName: metric,
    ServiceName: 'any',
    MetricType: type,
    FirstSeen: Math.floor(Date.now() / 60_000 - minute) * 60,
    LastSeen: Math.floor(Date.now() / 60_000 - minute) * 60,
  });
  const due = async (): Promise<number> => {
    const job = createCacheJobs({ conventions: caches, lookbackMs: 86_400_000 }).find(
      (it) => it.name === 'cache_latencies_1m',
    );
    const since = Math.floor(Date.now() / 1_000) - 7_200;
    const rows = await store.query(job?.changes ?? '', { parameters: { since }, timeoutMs });
    return rows.length;
  };
  const points = [90, 30].map((minutes) => ({
    TimeUnix: new Date(Date.now() - minutes * 60_000).toISOString(),
    ServiceName: 'any',
    MetricName: 'some',
    Value: 1,
  }));
  await store.insertRows('otel_metrics_gauge', points, 'points');
  await store.insertRows('metric_metadata', [seen('lettuce.command.completion', 'sum', 30)], 'sum');
  t.equal(await due(), 0);
  await store.insertRows('metric_metadata', [seen('store.read', 'histogram', 30)], 'histogram');
  // The minute, and 11 that may count on from it.
  t.equal(await due(), 12);
});

t.test('what libraries and exporters call durations of caches', async (t) => {
  const at = '10:00:10';
  const cases: readonly (readonly [
    string,
    string,
    string,
    Readonly<Record<string, string>>,
    string,
  ])[] = [
    ['lettuce', 'lettuce.command.completion', 'milliseconds', { command: 'GET' }, 'redis 15'],
    ['prometheus', 'lettuce_command_completion_seconds', '', { command: 'GET' }, 'redis 15000'],
    ['redis_exporter', 'redis_commands_latencies_usec', '', { cmd: 'mget' }, 'redis 0.015'],
    [
      'thanos',
      'thanos_memcached_operation_duration_seconds',
      '',
      { operation: 'getmulti', name: 'index' },
      'index 15000',
    ],
    [
      'mimir',
      'thanos_cache_operation_duration_seconds',
      's',
      { operation: 'getmulti' },
      'thanos_cache 15000',
    ],
    ['declared', 'store.read', 'ms', {}, 'own 15'],
    ['no unit', 'store.read', '', {}, ''],
    ['of a table', 'orders.operation.duration', 's', { operation: 'get' }, ''],
  ];
  await send(
    cases.map(([service, metric, unit, attributes]) => ({
      ...{ at, service, metric, unit, attributes },
      bounds: [10, 20],
      counts: [0, 100, 0],
    })),
  );
  await compute('10:00:00');
  for (const [service, , , , expected] of cases) {
    const [row] = await store.query<{ cache: string; p50: number }>(
      'SELECT CacheName AS cache, get_p50 AS p50 FROM cache_performance WHERE ServiceName = {service:String}',
      { parameters: { service }, timeoutMs },
    );
    const [cache = '', ms = '0'] = expected.split(' ');
    t.equal(row?.cache ?? '', cache, service);
    t.ok(Math.abs((row?.p50 ?? 0) - Number(ms)) <= 0.015 * Number(ms), service);
  }
});

t.test('cumulative histograms count on from the point before, also over a restart', async (t) => {
  const get = {
    service: 'total',
    metric: 'lettuce.command.completion',
    unit: 'ms',
    attributes: { command: 'GET' },
    bounds: [10, 20, 40],
    cumulative: true,
  };
  await send([
    // Since when is not known: nothing. Then 100 between 10 and 20 ms.
    { ...get, at: '10:00:10', counts: [500, 0, 0, 0] },
    { ...get, at: '10:00:50', counts: [500, 100, 0, 0] },
    // 30 between 20 and 40, counted to the minute of the later point.
    { ...get, at: '10:01:10', counts: [500, 100, 30, 0] },
    // A restart: all of it is new. More than 40 ms is told as 40.
    { ...get, at: '10:02:10', counts: [0, 0, 0, 8] },
  ]);
  await compute('10:00:00', '10:01:00', '10:02:00');
  const rows = await told('total');
  t.match(rows, [
    { at: '10:00', operations: 100 },
    { at: '10:01', operations: 30 },
    { at: '10:02', operations: 8 },
  ]);
  const p50 = rows.map((it) => Number(it['get_p50']));
  for (const [index, expected] of [15, 30, 40].entries())
    t.ok(
      Math.abs((p50[index] ?? 0) - expected) <= 0.015 * expected,
      `${p50[index]} is ${expected}`,
    );
});

t.test('exponential histograms are read in their own buckets, coarser ones too', async (t) => {
  const get = {
    service: 'exponential',
    metric: 'store.read',
    unit: 'ms',
    cumulative: true,
  };
  await send([
    // Scale 1: 10 between 4 and 5.7 ms and 10 up to 8. Then 70 between 4 and 8: 50 of them are new.
    { ...get, at: '10:00:10', scale: 1, offset: 4, counts: [10, 10] },
    { ...get, at: '10:00:50', scale: 0, offset: 2, counts: [70] },
    {
      ...get,
      metric: 'store.write',
      cumulative: false,
      at: '10:00:50',
      scale: 0,
      offset: 3,
      counts: [20],
    },
  ]);
  await compute('10:00:00');
  const [row = {}] = await told('exponential');
  t.match(row, { cache: 'own', operations: 70, sets: 20 });
  t.ok(Math.abs(Number(row['get_p50']) - 6) < 0.1, `${row['get_p50']} lies between 4 and 8`);
  t.ok(Math.abs(Number(row['set_p50']) - 12) < 0.2, `${row['set_p50']} lies between 8 and 16`);
});

t.test(
  'histograms tell durations where no spans do, and operations where nothing else does',
  async (t) => {
    const get = {
      at: '10:00:10',
      metric: 'lettuce.command.completion',
      unit: 'ms',
      attributes: { command: 'GET' },
      bounds: [10, 20],
      counts: [0, 100, 0],
    };
    await send([
      { ...get, service: 'counted' },
      { ...get, service: 'traced' },
    ]);
    const point = { at: '10:00:30', service: 'counted', kind: 'delta' } as const;
    await storePoints(store, [
      { ...point, metric: 'redis.keyspace.hits', value: 3 },
      { ...point, metric: 'redis.keyspace.misses', value: 1 },
    ]);
    const attributes = { 'db.system.name': 'redis', 'db.operation.name': 'GET' };
    await storeCacheSpans(store, [{ at: '10:00:20', service: 'traced', attributes, took: 2 }]);
    await compute('10:00:00');
    t.match(await told('counted'), [{ source: 'counters', timed: 'histograms', operations: 4 }]);
    t.match(await told('traced'), [
      { source: 'spans', timed: 'spans', operations: 1, get_p50: 2, get_p95: 2 },
    ]);
  },
);

t.test('quantiles that summaries tell stand beside each other as they were told', async (t) => {
  const point = (
    at: string,
    instance: string,
    quantiles: Readonly<Record<string, number>>,
    more: object = {},
  ) => ({
    TimeUnix: `2026-01-15T${at}Z`,
    ServiceName: 'summed',
    MetricName: 'lettuce.command.completion',
    MetricUnit: 'ms',
    Attributes: { command: 'GET' },
    ResourceAttributes: { 'service.instance.id': instance },
    Count: 10,
    'ValueAtQuantiles.Quantile': Object.keys(quantiles).map(Number),
    'ValueAtQuantiles.Value': Object.values(quantiles),
    ...more,
  });
  await store.insertRows(
    'otel_metrics_summary',
    [
      // The later of two points of an instance counts, wherever it is lower or higher; below 0 is no duration.
      point('13:00:10', 'a', { 0.5: 9, 0.99: 90 }),
      point('13:00:40', 'a', { 0.5: 2, 0.99: 30 }),
      point('13:00:20', 'b', { 0.5: 3, 0.99: 20, 1: -1 }),
      // Seconds, and another operation.
      point('13:00:20', 'a', { 0.5: 0.004 }, { MetricUnit: 's', Attributes: { command: 'SET' } }),
      point('13:00:50', 'a', { 0.5: 77 }, { Flags: 1 }),
      point('13:00:50', 'a', { 0.5: 77 }, { MetricUnit: 'furlongs' }),
      point('13:00:50', 'a', { 0.5: 77 }, { MetricName: 'http.server.duration' }),
      point('13:01:00', 'a', { 0.5: 5 }),
    ],
    'summaries',
  );
  await compute('13:00:00', '13:01:00');
  const told = () =>
    store.query(
      `SELECT formatDateTime(Time, '%H:%i') AS at, CacheName AS cache, operation, quantile, highest, lowest, toUInt32(series) AS series
       FROM cache_summaries WHERE ServiceName = 'summed' ORDER BY Time, operation, quantile`,
      { timeoutMs },
    );
  const cache = 'redis';
  const expected = [
    { at: '13:00', cache, operation: 'get', quantile: 0.5, highest: 3, lowest: 2, series: 2 },
    { at: '13:00', cache, operation: 'get', quantile: 0.99, highest: 30, lowest: 20, series: 2 },
    { at: '13:00', cache, operation: 'set', quantile: 0.5, highest: 4, lowest: 4, series: 1 },
    { at: '13:01', cache, operation: 'get', quantile: 0.5, highest: 5, lowest: 5, series: 1 },
  ];
  t.strictSame(await told(), expected);
  await compute('13:00:00', '13:01:00');
  t.strictSame(await told(), expected, 'computed again they are the same');
});
