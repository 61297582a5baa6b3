import t from 'tap';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { exporterAliases, exporterColumns } from './exporter-columns.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 20_000;
const trace = 'a'.repeat(32);
const at = '2026-11-21T09:00:00.5Z';

const span = {
  Timestamp: at,
  TraceId: trace,
  SpanId: '1'.repeat(16),
  SpanName: 'GET /cart',
  SpanKind: 'Server',
  ServiceName: 'shop',
  ResourceAttributes: { 'service.name': 'shop', 'host.name': 'h1' },
  SpanAttributes: { 'http.route': '/cart', 'http.response.status_code': '500' },
  Duration: 1_500_000_000,
  StatusCode: 'Error',
  'Events.Timestamp': [at],
  'Events.Name': ['exception'],
  'Events.Attributes': [{ 'exception.type': 'Timeout' }],
  'Links.TraceId': ['b'.repeat(32)],
  'Links.SpanId': ['2'.repeat(16)],
  'Links.TraceState': [''],
  'Links.Attributes': [{ why: 'retry' }],
};
const child = {
  ...span,
  SpanId: '3'.repeat(16),
  ParentSpanId: span.SpanId,
  SpanKind: 'Client',
  SpanName: 'SELECT',
  Duration: 1_000_000,
  StatusCode: 'Unset',
};
const log = {
  Timestamp: at,
  TraceId: trace,
  SpanId: span.SpanId,
  SeverityText: 'ERROR',
  SeverityNumber: 17,
  ServiceName: 'shop',
  Body: 'cannot reach payment: {"bytes": 2000}',
  ResourceAttributes: { 'service.name': 'shop' },
  LogAttributes: { 'container.name': 'c1' },
};
const counter = (secondsOn: number, value: number) => ({
  ServiceName: 'shop',
  MetricName: 'requests',
  Attributes: { route: '/cart' },
  ResourceAttributes: { 'service.name': 'shop' },
  StartTimeUnix: '2026-11-21T08:00:00Z',
  TimeUnix: new Date(Date.UTC(2026, 10, 21, 9, 0, secondsOn)).toISOString(),
  Value: value,
  AggregationTemporality: 2,
  IsMonotonic: true,
});
const histogram = {
  ...counter(0, 0),
  MetricName: 'latency',
  Count: 4,
  Sum: 10,
  BucketCounts: [1, 2, 1],
  ExplicitBounds: [1, 5],
  Value: undefined,
  IsMonotonic: undefined,
};

/**
 * What tools and people ask, in the shapes they ask it in: Grafana's ClickHouse data source with its
 * OpenTelemetry columns, HyperDX, Coroot, and the exporter's own guide.
 */
const questions: readonly (readonly [title: string, sql: string, answer: readonly unknown[]])[] = [
  [
    'Grafana: a trace by its id',
    `WITH '${trace}' AS trace_id,
       (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = trace_id) AS trace_start,
       (SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = trace_id) AS trace_end
     SELECT TraceId AS traceID, SpanId AS spanID, ParentSpanId AS parentSpanID, ServiceName AS serviceName,
       SpanName AS operationName, multiply(toUnixTimestamp64Nano(Timestamp), 0.000001) AS startTime,
       multiply(Duration, 0.000001) AS duration,
       arrayMap(k -> map('key', k, 'value', SpanAttributes[k]), arraySort(mapKeys(SpanAttributes))) AS tags,
       arrayMap(k -> map('key', k, 'value', ResourceAttributes[k]), arraySort(mapKeys(ResourceAttributes))) AS serviceTags,
       if(StatusCode IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) AS statusCode,
       arrayMap((name, at, fields) -> tuple(name, toUnixTimestamp64Milli(at), arrayMap(k -> map('key', k, 'value', fields[k]), mapKeys(fields))),
         Events.Name, Events.Timestamp, Events.Attributes) AS logs,
       arrayMap((trace, span, tags) -> tuple(trace, span, mapKeys(tags)), Links.TraceId, Links.SpanId, Links.Attributes) AS references
     FROM otel_traces WHERE traceID = trace_id AND Timestamp >= trace_start AND Timestamp <= trace_end
     ORDER BY duration DESC LIMIT 1`,
    [
      {
        traceID: trace,
        spanID: span.SpanId,
        parentSpanID: '',
        serviceName: 'shop',
        operationName: 'GET /cart',
        startTime: Date.UTC(2026, 10, 21, 9) + 500,
        duration: 1_500,
        tags: [
          { key: 'http.response.status_code', value: '500' },
          { key: 'http.route', value: '/cart' },
        ],
        serviceTags: [
          { key: 'host.name', value: 'h1' },
          { key: 'service.name', value: 'shop' },
        ],
        statusCode: 2,
        logs: [
          [
            'exception',
            String(Date.UTC(2026, 10, 21, 9) + 500),
            [{ key: 'exception.type', value: 'Timeout' }],
          ],
        ],
        references: [['b'.repeat(32), '2'.repeat(16), ['why']]],
      },
    ],
  ],
  [
    'Grafana: traces whose root is slow',
    `SELECT TraceId AS traceID, ServiceName AS serviceName, SpanName AS operationName,
       multiply(Duration, 0.000001) AS duration FROM otel_traces
     WHERE Timestamp >= '2026-11-21 08:00:00' AND Timestamp <= '2026-11-21 10:00:00' AND ParentSpanId = ''
       AND Duration > 1000000000 ORDER BY Timestamp DESC, Duration DESC LIMIT 1000`,
    [{ traceID: trace, serviceName: 'shop', operationName: 'GET /cart', duration: 1_500 }],
  ],
  [
    'Grafana: logs with their level and labels',
    `SELECT Timestamp AS timestamp, Body AS body, SeverityText AS level, LogAttributes AS labels, TraceId AS traceID
     FROM otel_logs WHERE timestamp >= '2026-11-21 08:00:00' AND level IN ('ERROR', 'FATAL')
     ORDER BY timestamp DESC LIMIT 1000`,
    [
      {
        timestamp: '2026-11-21 09:00:00.500000000',
        body: log.Body,
        level: 'ERROR',
        labels: log.LogAttributes,
        traceID: trace,
      },
    ],
  ],
  [
    'Grafana: log volume by level',
    `SELECT toStartOfInterval(TimestampTime, INTERVAL 60 SECOND) AS time,
       sum(toInt32(SeverityText IN ('ERROR', 'error'))) AS error FROM otel_logs GROUP BY time ORDER BY time`,
    [{ time: '2026-11-21 09:00:00', error: '1' }],
  ],
  [
    'Grafana: attributes to choose from',
    'SELECT DISTINCT arrayJoin(mapKeys(ResourceAttributes)) AS key FROM otel_traces ORDER BY key LIMIT 1000',
    [{ key: 'host.name' }, { key: 'service.name' }],
  ],
  [
    'HyperDX: keys and values of a map',
    `SELECT groupUniqArrayArray(100)(mapKeys(LogAttributes)) AS keys,
       groupUniqArray(100)(LogAttributes['container.name']) AS names FROM otel_logs`,
    [{ keys: ['container.name'], names: ['c1'] }],
  ],
  [
    'HyperDX: keys through the subcolumn',
    'SELECT DISTINCT lowCardinalityKeys(arrayJoin(SpanAttributes.keys)) AS key FROM otel_traces ORDER BY key',
    [{ key: '' }, { key: 'http.response.status_code' }, { key: 'http.route' }],
  ],
  [
    'HyperDX: attributes as they stand in the text index of newer tables',
    `SELECT SpanKind, SpanAttributeItems AS items FROM otel_traces
     WHERE has(SpanAttributeItems, concat('http.route', '=', '/cart')) AND has(ResourceAttributeItems, 'host.name=h1') AND SpanId = '${span.SpanId}'`,
    [{ SpanKind: 'Server', items: ['http.route=/cart', 'http.response.status_code=500'] }],
  ],
  [
    'HyperDX: the same of logs',
    `SELECT count() AS n FROM otel_logs
     WHERE has(LogAttributeItems, 'container.name=c1') AND has(ResourceAttributeItems, 'service.name=shop') AND empty(ScopeAttributeItems)`,
    [{ n: '1' }],
  ],
  [
    'HyperDX: a word in a log, whatever its case',
    "SELECT count() AS n FROM otel_logs WHERE hasToken(lower(Body), lower('Payment')) AND lower(Body) LIKE lower('%REACH%')",
    [{ n: '1' }],
  ],
  [
    'HyperDX: increase of a counter per series',
    `WITH source AS (
       SELECT *, cityHash64(mapConcat(ScopeAttributes, ResourceAttributes, Attributes)) AS AttributesHash,
         if(AggregationTemporality = 1, Value,
           if(lagInFrame(AttributesHash, 1, 0) OVER w = AttributesHash AND Value >= lagInFrame(Value) OVER w,
             Value - lagInFrame(Value) OVER w, 0)) AS Rate
       FROM otel_metrics_sum WHERE MetricName = 'requests'
       WINDOW w AS (PARTITION BY AttributesHash ORDER BY AttributesHash, TimeUnix))
     SELECT sum(Rate) AS increase FROM source`,
    [{ increase: 7 }],
  ],
  [
    'HyperDX: last value of a gauge per interval',
    `SELECT toStartOfInterval(toDateTime(TimeUnix), INTERVAL 1 MINUTE) AS time, argMax(Value, TimeUnix) AS value
     FROM otel_metrics_gauge WHERE MetricName = 'queue' GROUP BY time ORDER BY time`,
    [{ time: '2026-11-21 09:00:00', value: 9 }],
  ],
  [
    'buckets of a histogram with their bounds',
    `SELECT arrayZip(arrayPushBack(ExplicitBounds, inf), arrayCumSum(BucketCounts)) AS buckets, Sum / Count AS mean
     FROM otel_metrics_histogram WHERE MetricName = 'latency'`,
    [
      {
        buckets: [
          [1, '1'],
          [5, '3'],
          [null, '4'],
        ],
        mean: 2.5,
      },
    ],
  ],
  [
    'Coroot: spans of some traces with their parents',
    `WITH ['${trace}'] AS traceIds,
       (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId IN (traceIds)) AS start,
       (SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId IN (traceIds)) AS end
     SELECT SpanId, SpanAttributes['http.route'] AS route FROM otel_traces
     WHERE Timestamp BETWEEN start AND end AND TraceId IN (traceIds) AND (TraceId, SpanId) IN (('${trace}', '${span.SpanId}'))`,
    [{ SpanId: span.SpanId, route: '/cart' }],
  ],
  [
    "the exporter's guide: number in the body of a log",
    `SELECT SeverityText, count() AS count FROM otel_logs
     WHERE JSONExtractFloat(substring(Body, position(Body, '{')), 'bytes') > 1000 AND match(Body, 'pay') GROUP BY SeverityText`,
    [{ SeverityText: 'ERROR', count: '1' }],
  ],
  [
    "the exporter's guide: spans as text",
    `SELECT toString(Events.Name) AS events, toString(Links.TraceId) AS links, toString(SpanAttributes) LIKE '%/cart%' AS attributes
     FROM otel_traces WHERE ServiceName = 'shop' AND StatusCode = 'Error' AND Duration > 1 * 1e9`,
    [{ events: "['exception']", links: `['${'b'.repeat(32)}']`, attributes: 1 }],
  ],
];

t.test('the published tables', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);

  t.test("have every column of the exporter's, of its type", async (t) => {
    const both = [...Object.entries(exporterColumns), ...Object.entries(exporterAliases)];
    for (const [table, columns] of both) {
      const ours = await store.inspect<{ name: string; type: string }>(
        "SELECT name, type FROM system.columns WHERE database = 'otel' AND table = {table:String}",
        { parameters: { table }, timeoutMs },
      );
      const types = new Map(ours.map((it) => [it.name, plain(it.type)]));
      for (const [name, type] of Object.entries(columns)) {
        t.equal(types.get(name), type, `${table}.${name}`);
      }
    }
  });

  t.test('take what the exporter writes, which knows no other columns', async (t) => {
    for (const [table, columns] of Object.entries(exporterColumns)) {
      if (table === 'otel_metrics_exp_histogram') continue;
      const names = Object.keys(columns).map((it) => `\`${it}\``);
      const values = Object.values(columns).map(
        (it) => `defaultValueOfTypeName('${it.startsWith('Simple') ? 'DateTime' : it}')`,
      );
      const insert = `INSERT INTO otel.${table} (${names.join()}) SETTINGS async_insert = 0`;
      await t.resolves(store.command(`${insert} SELECT ${values.join()}`), table);
      await store.command(`TRUNCATE TABLE otel.${table}`);
    }
  });

  t.test('answer what tools and people ask', async (t) => {
    await store.insertRows('otel_traces', [span, child], 'contract-spans');
    await store.insertRows('otel_logs', [log], 'contract-logs');
    await store.insertRows(
      'otel_metrics_sum',
      [counter(0, 3), counter(10, 8), counter(20, 10)],
      'contract-sums',
    );
    const gauges = [counter(5, 4), counter(30, 9)].map((it) => ({
      ...it,
      MetricName: 'queue',
      AggregationTemporality: undefined,
      IsMonotonic: undefined,
    }));
    await store.insertRows('otel_metrics_gauge', gauges, 'contract-gauges');
    await store.insertRows('otel_metrics_histogram', [histogram], 'contract-histograms');
    for (const [title, sql, answer] of questions) {
      t.strictSame(await store.query(sql, { timeoutMs }), answer, title);
    }
  });

  t.test('say of every number in which unit it is', async (t) => {
    const bare = await store.inspect<{ column: string; comment: string }>(
      "SELECT concat(table, '.', name) AS column, comment FROM system.columns WHERE database = 'otel' " +
        "AND match(type, 'U?Int(16|32|64)|Float|Date') AND NOT match(comment, {units:String}) " +
        "AND name NOT LIKE '%Id' " +
        "AND NOT (comment = '' AND table IN (SELECT name FROM system.tables WHERE database = 'otel' AND engine LIKE '%View'))",
      { parameters: { units }, timeoutMs },
    );
    t.strictSame(bare, []);
  });
});

const units =
  '(?i)UTC|seconds|bytes|count|number|sum of|rate|ratio|share|0 to 1|bit set|hash|exponent|MetricUnit|per second|percent| unit|1 when|1: |counted from';

/** Without what changes no answer. */
const plain = (type: string): string => {
  const shorter = type.replaceAll(/LowCardinality\((\w+)\)/g, '$1').replaceAll(/, 'UTC'/g, '');
  return shorter.replaceAll("DateTime('UTC')", 'DateTime');
};
