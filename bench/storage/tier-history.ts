/** Size and time of a history that is made straight in the tiers. */
export interface TierHistory {
  /** The minute in which it ends, seconds since 1970. */
  readonly endSeconds: number;
  readonly days: number;
  /** The minute tiers have this much before the end. */
  readonly minuteHours: number;
  /** So do the hour tiers: days. */
  readonly hourDays: number;
  readonly services: number;
  readonly operations: number;
  readonly spansPerSecond: number;
  /** Series of metrics, of each service. */
  readonly series: number;
}

interface Tier {
  readonly name: string;
  readonly stepSeconds: number;
  readonly buckets: number;
  readonly hours: (history: TierHistory) => number;
}

/** A busier time has more different durations. */
const tiers: readonly Tier[] = [
  { name: '1m', stepSeconds: 60, buckets: 100, hours: (it) => it.minuteHours },
  {
    name: '1h',
    stepSeconds: 3_600,
    buckets: 150,
    hours: (it) => Math.min(it.days, it.hourDays) * 24,
  },
  { name: '1d', stepSeconds: 86_400, buckets: 200, hours: (it) => it.days * 24 },
];

/** Rows of one tier in one statement at most, so that none needs much memory. */
const rowsPerInsert = 10_000;

/**
 * Requests, edges, caches, SLAs, metrics and refusals of a busy system, made inside ClickHouse and always the
 * same. Views that fill one tier from another must be gone.
 */
export const fillTiers = async (
  run: (sql: string) => Promise<unknown>,
  history: TierHistory,
): Promise<void> => {
  for (const tier of tiers) {
    const caches = [cacheSpans, cacheCounters, cacheRequests];
    for (const source of [spans, edges, ...caches, ownMetrics, seriesPoints]) {
      if (source === seriesPoints && tier.name === '1m') continue;
      const { rows, insert } = source(history, tier);
      const end = Math.ceil(history.endSeconds / tier.stepSeconds) * tier.stepSeconds;
      const count = Math.ceil((tier.hours(history) * 3_600) / tier.stepSeconds);
      const atOnce = Math.max(1, Math.floor(rowsPerInsert / rows));
      for (let done = 0; done < count; done += atOnce) {
        const steps = Math.min(atOnce, count - done);
        const first = end - (count - done) * tier.stepSeconds;
        await run(`${insert} FROM (
          SELECT number % ${rows} AS k, toDateTime(${first} + intDiv(number, ${rows}) * ${tier.stepSeconds}, 'UTC') AS at,
            sipHash64(k, at) AS h FROM numbers(${rows * steps}))`);
      }
    }
  }
  for (const sql of once(history)) await run(sql);
};

type Source = (
  history: TierHistory,
  tier: Tier,
) => { readonly rows: number; readonly insert: string };

/** Counts by bucket in the shape of a bell, with noise: about `n` in all, from `first` on. */
const sketch = (first: string, n: string, buckets: number): string => {
  const bell = Array.from({ length: buckets }, (_, i) =>
    Math.exp(-(((i - buckets / 2) / (buckets / 5)) ** 2)),
  );
  const sum = bell.reduce((all, it) => all + it, 0);
  const shares = bell.map((it) => (it / sum).toExponential(2));
  return `mapFromArrays(arrayMap(i -> toInt16(${first} + i), range(${buckets})), arrayMap((share, i) ->
    ceil(${n} * share * (0.75 + bitAnd(bitShiftRight(h, i % 50), 127) / 256)), [${shares.join(', ')}], range(${buckets})))`;
};

/** Around 10 ms, slower operations later. */
const middle = (of: string): string => `17100 + ${of} % 40`;

const durations = `toUInt64(1e6) AS DurationMin, toUInt64(5e9) AS DurationMax`;

/** Half of the operations answer (200, 404, 500), the others ask (200, 503). */
const spans: Source = (history, { name, stepSeconds, buckets }) => {
  const rows = history.services * history.operations * 3;
  const perRow = (history.spansPerSecond * stepSeconds) / (history.services * history.operations);
  return {
    rows,
    insert: `INSERT INTO otel.span_rollup_${name} (Time, ServiceName, SpanKind, SpanName, HttpRoute, StatusCode, ResponseCode,
      Requests, Errors, Timeouts, DurationSum, DurationMin, DurationMax, Sketch, Spans, FirstTime, LastTime)
    WITH k % 3 AS status, intDiv(k, 3) % ${history.operations} AS operation, intDiv(k, ${3 * history.operations}) AS service,
      ceil(${perRow} * [0.95, 0.04, 0.01][status + 1] * (0.5 + (h % 1000) / 1000)) AS n
    SELECT at, concat('shop-', toString(service)), if(operation % 2 = 0, 'Server', 'Client'),
      concat('GET /resource/', toString(operation)), concat('/resource/', toString(operation)),
      if(status = 2, 'Error', 'Unset'), ['200', '404', '500'][status + 1],
      n, if(status = 2, n, 0), if(status = 2, floor(n / 5), 0), n * 1e7, ${durations},
      ${sketch(middle('operation'), 'n', buckets)}, toUInt64(n), at, at`,
  };
};

/** Every service calls four others and a database, and users call the first. */
const edges: Source = (history, { name, stepSeconds, buckets }) => {
  const perRow = (history.spansPerSecond * stepSeconds) / (history.services * 10);
  return {
    rows: history.services * 5 + 1,
    insert: `INSERT INTO otel.service_edges_${name}_computed (Time, Caller, CallerKind, Callee, CalleeKind, Protocol,
      Calls, Errors, CallerReported, CalleeReported, DurationSum, DurationMin, DurationMax, CalleeDurationSum, Sketch, Version, Gone)
    WITH intDiv(k, 5) AS service, k % 5 AS other, k = ${history.services * 5} AS isUser,
      ceil(${perRow} * (0.5 + (h % 1000) / 1000)) AS n
    SELECT at, if(isUser, 'user', concat('shop-', toString(service))), if(isUser, 'user', 'service'),
      multiIf(isUser, 'shop-0', other = 4, concat('db-', toString(service)), concat('shop-', toString((service + 1 + other * other) % ${history.services}))),
      if(other = 4 AND NOT isUser, 'database', 'service'), if(other = 4 AND NOT isUser, 'postgresql', 'http'),
      n, floor(n / 100), if(isUser, 0, n), if(other = 4 AND NOT isUser, 0, n), n * 1e7, ${durations}, n * 8e6,
      ${sketch(middle('other'), 'n', buckets)}, 1, 0`,
  };
};

const cacheName = `concat('shop-', toString(intDiv(k, 2))), ['sessions', 'products'][k % 2 + 1], 'redis'`;

const cacheSpans: Source = (history, { name, stepSeconds, buckets }) => ({
  rows: history.services * 2,
  insert: `INSERT INTO otel.cache_rollup_${name}_computed (Time, ServiceName, CacheName, CacheSystem, Source, Hits, Misses, Gets, Sets, Deletes,
      Operations, Errors, ItemBytes, SizedItems, GetSketch, SetSketch, HitSketch, MissSketch, DurationMin, DurationMax, Version)
    WITH ceil(${((history.spansPerSecond / history.services) * stepSeconds) / 20} * (0.5 + (h % 1000) / 1000)) AS n
    SELECT at, ${cacheName}, 'spans', floor(n * 0.9), n - floor(n * 0.9), n, floor(n / 10), floor(n / 100), n + floor(n / 10), floor(n / 1000), n * 800, n,
      ${['16600', '16650', '16600', '16800'].map((it) => sketch(it, 'n', buckets)).join(', ')}, toUInt64(1e5), toUInt64(1e9), 1`,
});

const cacheCounters: Source = (history, { name, stepSeconds }) => ({
  rows: history.services * 2,
  insert: `INSERT INTO otel.cache_rollup_${name}_computed (Time, ServiceName, CacheName, CacheSystem, Source, Hits, Misses, Gets, Sets, Deletes,
      Operations, Evictions, MemorySum, MemoryMax, MemoryMinutes, EntriesSum, EntriesMax, EntriesMinutes, Version)
    WITH ceil(${stepSeconds * 100} * (0.5 + (h % 1000) / 1000)) AS n
    SELECT at, ${cacheName}, 'counters', floor(n * 0.9), n - floor(n * 0.9), n, floor(n / 10), floor(n / 100), n + floor(n / 10), floor(n / 50),
      ${stepSeconds / 60} * 2e9, 2.1e9, ${stepSeconds / 60}, ${stepSeconds / 60} * 1e6, 1.1e6, ${stepSeconds / 60}, 1`,
});

const cacheRequests: Source = (history, { name, stepSeconds, buckets }) => ({
  rows: history.services * 2,
  insert: `INSERT INTO otel.cache_requests_${name}_computed (Time, ServiceName, CacheName, CacheSystem, HitRequests, MissRequests, HitSketch, MissSketch,
      DurationMin, DurationMax, Version)
    WITH ceil(${((history.spansPerSecond / history.services) * stepSeconds) / 40} * (0.5 + (h % 1000) / 1000)) AS n
    SELECT at, ${cacheName}, floor(n * 0.8), n - floor(n * 0.8), ${['17100', '17150'].map((it) => sketch(it, 'n', buckets)).join(', ')}, toUInt64(1e6), toUInt64(5e9), 1`,
});

/** Metric, kind, attribute, its values, and their number: what the dashboard on ingestion reads. */
const ownNames: readonly (readonly [
  name: string,
  kind: string,
  attribute: string,
  values: number,
])[] = [
  ['tocsin_store_insert_rows_stored', 'sum', 'table', 6],
  ['tocsin_journal_bytes_held', 'gauge', '', 1],
  ['tocsin_journal_requests_held', 'gauge', '', 1],
  ['tocsin_batch_blocks_waiting', 'gauge', 'signal', 3],
  ['tocsin_store_insert_duration', 'histogram', 'table', 6],
];
const ownSeries = ownNames.flatMap(([name, kind, attribute, values]) =>
  Array.from({ length: values }, (_, value) => ({ name, kind, attribute, value })),
);
const textArray = (texts: readonly string[]): string =>
  `[${texts.map((it) => `'${it}'`).join(', ')}]`;
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Two daemons. */
const ownMetrics: Source = (_, { name, stepSeconds }) => ({
  rows: ownSeries.length * 2,
  insert: `INSERT INTO otel.metric_rollup_${name}_computed (ServiceName, MetricName, Time, SeriesId, MetricType, Temporality, IsMonotonic,
      Layout, MetricUnit, Points, Sum, Min, Max, FirstAt, FirstStart, First, LastAt, LastStart, Last, Increase, Sketch, Count,
      ExplicitBounds, Buckets, FirstCount, FirstBuckets, LastCount, LastBuckets, Version)
    WITH ${textArray(ownSeries.map((it) => it.name))}[intDiv(k, 2) + 1] AS metric, ${textArray(ownSeries.map((it) => it.kind))}[intDiv(k, 2) + 1] AS kind,
      toUnixTimestamp(at) AS s, ${stepSeconds / 15} AS points, toFloat64(1 + h % 1000) AS level, s * 1000. AS counter,
      mapFromArrays(CAST(range(1, 12), 'Array(Int64)'), arrayMap(i -> s * 10. / i, range(1, 12))) AS totals
    SELECT 'tocsin', metric, at, sipHash64(k), kind, if(kind = 'gauge', 'none', 'cumulative'), kind = 'sum', if(kind = 'histogram', 7, 0), '',
      points, multiIf(kind = 'gauge', level * points, kind = 'histogram', ${(stepSeconds - 15) / 10}, 0), if(kind = 'gauge', level, NULL), if(kind = 'gauge', level, NULL),
      toDateTime64(at, 9), toDateTime64(1, 9), if(kind = 'sum', counter, level),
      toDateTime64(s + ${stepSeconds - 15}, 9), toDateTime64(1, 9), if(kind = 'sum', counter + ${(stepSeconds - 15) * 1_000}, level), if(kind = 'sum', ${(stepSeconds - 15) * 1_000}, 0),
      if(kind = 'gauge', map(toInt16(16700), toFloat64(points)), map()), if(kind = 'histogram', ${stepSeconds - 15}, 0),
      if(kind = 'histogram', [${bounds.join(', ')}], []), if(kind = 'histogram', mapApply((i, v) -> (i, ${(stepSeconds - 15) * 10}. / i), totals), map()),
      if(kind = 'histogram', s, 0), if(kind = 'histogram', totals, map()),
      if(kind = 'histogram', s + ${stepSeconds - 15}, 0), if(kind = 'histogram', mapApply((i, v) -> (i, v + ${(stepSeconds - 15) * 10}. / i), totals), map()), 1`,
});

const seriesName = (history: TierHistory): string =>
  `concat('shop-', toString(intDiv(k, ${history.series}))) AS service, concat('shop.metric.', toString(k % 5)) AS metric`;

/** Gauges, so that there is something to count series of. */
const seriesPoints: Source = (history, { name, stepSeconds }) => ({
  rows: history.services * history.series,
  insert: `INSERT INTO otel.metric_rollup_${name}_computed (ServiceName, MetricName, Time, SeriesId, MetricType, Points, Sum, Min, Max, FirstAt, LastAt, Last, Version)
    WITH ${seriesName(history)}
    SELECT service, metric, at, sipHash64('series', k), 'gauge', ${stepSeconds / 60}, h % 1000, 0, 1000, at, at, h % 1000, 1`,
});

/** What has no tiers. */
const once = (history: TierHistory): readonly string[] => {
  const { endSeconds: end, days, services } = history;
  const start = end - days * 86_400;
  const months = `arrayJoin([toStartOfMonth(toDateTime(${start}, 'UTC')), toStartOfMonth(toDateTime(${end - 1}, 'UTC'))]) AS month`;
  return [
    `INSERT INTO otel.service_durations_1d_filled
      SELECT Time, ServiceName, key, sum(value), sumIf(value, SpanKind IN ('Server', 'Consumer'))
      FROM otel.span_rollup_1d ARRAY JOIN mapKeys(Sketch) AS key, mapValues(Sketch) AS value GROUP BY Time, ServiceName, key`,
    `INSERT INTO otel.service_instances SELECT concat('shop-', toString(intDiv(number, 20))), 'shop', 'production',
      if(number % 20 < 10, '1.4.1', '1.4.2'), concat('pod-', toString(number)), 'nodejs', 'opentelemetry 2.1.0',
      toStartOfMonth(toDateTime(${end}, 'UTC')), toDateTime(if(number % 20 < 10, ${start}, ${end - 43_200}), 'UTC'),
      toDateTime(if(number % 20 < 10, ${end - 43_200}, ${end - 60}), 'UTC') FROM numbers(${services * 20})`,
    ...Array.from(
      { length: days },
      (
        _,
        day,
      ) => `INSERT INTO otel.sla_status_computed (Time, Sla, Objective, Type, ServiceName, Good, Total, Value, Target, Required, Breached, Excluded,
        Window, WindowStart, WindowGood, WindowTotal, Compliance, Compliant, BudgetTotal, BudgetConsumed, BudgetRemaining, BudgetRemainingShare,
        BurnRate5m, BurnRate30m, BurnRate1h, BurnRate6h, BurnRate1d, BurnRate3d, Definition, Digest, Version)
      WITH number % ${services * 2} AS k, ${start + day * 86_400} + intDiv(number, ${services * 2}) * 60 AS s, sipHash64(number) AS h, h % 100 AS bad
      SELECT toDateTime(s, 'UTC'), concat('shop-', toString(intDiv(k, 2))), ['availability', 'p99'][k % 2 + 1], if(k % 2 = 0, 'availability', 'response_time'),
        concat('shop-', toString(intDiv(k, 2))), 12000 - bad, 12000, 1 - bad / 12000, 0.999, 0.999, bad > 12, h % 1000 = 0,
        '30d', toDateTime(s - 2592000, 'UTC'), 5e8 - 3e5, 5e8, 1 - 3e5 / 5e8, 1, 5e5, 3e5, 2e5, 0.4,
        bad / 12, bad / 24, bad / 30, bad / 40, 0.8, 0.7, 'd', h, 1
      FROM numbers(${services * 2 * 1_440})`,
    ),
    `INSERT INTO otel.otlp_rejects SELECT toDateTime64(${start} + intDiv(number, 5) * 60, 3), 'traces', 'http', 'protobuf', '10.0.0.1', 'shop',
      concat('shop-', toString(number % 5)), 'item', ['ERR_SPAN_TRACE_ID', 'ERR_SPAN_TIME'][number % 2 + 1], 'The trace id is empty', 1 + number % 7, 'GET /', 512
      FROM numbers(${days * 1_440 * 5})`,
    `INSERT INTO otel.metric_series WITH number AS k, ${seriesName(history)}
      SELECT service, metric, sipHash64('series', k), ${months}, map('user.id', toString(k), 'http.route', toString(k % 10)),
        map('service.name', service, 'host.name', toString(k % 20)), 'shop', toDateTime(month, 'UTC'), toDateTime(${end - 60}, 'UTC') FROM numbers(${services * history.series})`,
    `INSERT INTO otel.metric_series WITH number AS k, ${textArray(ownSeries.map((it) => it.attribute))}[intDiv(k, 2) + 1] AS attribute
      SELECT 'tocsin', ${textArray(ownSeries.map((it) => it.name))}[intDiv(k, 2) + 1], sipHash64(k), ${months},
        if(attribute = '', map(), map(attribute, concat('v', toString([${ownSeries.map((it) => it.value).join(', ')}][intDiv(k, 2) + 1])))),
        map('service.name', 'tocsin'), 'tocsin', toDateTime(month, 'UTC'), toDateTime(${end - 60}, 'UTC') FROM numbers(${ownSeries.length * 2})`,
    `INSERT INTO otel.metric_metadata SELECT MetricName, ServiceName, 'gauge', 'none', false, '', '', min(FirstSeen), max(LastSeen)
      FROM otel.metric_series GROUP BY MetricName, ServiceName`,
  ];
};
