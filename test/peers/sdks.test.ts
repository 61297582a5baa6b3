import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Daemon, daemonDir, startDaemon, within } from '../support/daemon.ts';
import { ingestOnly } from '../support/ingest-under-fire.ts';
import { sendFromJavaScript } from './send.ts';

/*
 * The SDKs of other languages are no dependencies of ours; who has them tells where:
 *
 * - TOCSIN_PEER_PYTHON, a Python with the SDK and both exporters:
 *   `python3 -m venv DIR && DIR/bin/pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
 *   opentelemetry-exporter-otlp-proto-grpc`, then DIR/bin/python.
 * - TOCSIN_PEER_GO, the program in test/peers/go: `go build -C test/peers/go -o /FILE .`, then /FILE.
 */
const python = process.env['TOCSIN_PEER_PYTHON'] ?? 'python3';
const modules = [
  'opentelemetry.sdk',
  'opentelemetry.exporter.otlp.proto.http',
  'opentelemetry.exporter.otlp.proto.grpc',
];
const hasPython = spawnSync(python, ['-c', `import ${modules.join()}`]).status === 0;
const go = process.env['TOCSIN_PEER_GO'];
const hint = 'is not installed: see test/peers/sdks.test.ts';

/** Young enough to be kept, and the same for all. */
const startSeconds = Math.floor(Date.now() / 1000) - 60;

const run = (program: string, args: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ended with ${code}`));
    });
  });

interface Peer {
  readonly name: string;
  readonly send: (protocol: string, endpoint: string, service: string) => Promise<void>;
}

/** Everything of a row that is not of this very sending: ids, times of metrics, who sent it. */
const ofMetrics = [
  'MetricName, MetricDescription, MetricUnit, ScopeName, ScopeVersion, ScopeSchemaUrl',
  'ResourceSchemaUrl, mapSort(ScopeAttributes) AS scope, mapSort(Attributes) AS attributes, Flags',
  'TimeUnix > 0 AS timed',
];
/** Python sends empty buckets behind the last full one. */
const full = (counts: string): string =>
  `arraySlice(${counts}, 1, arrayLastIndex(it -> it > 0, ${counts}))`;

const tables = {
  otel_traces: [
    'Timestamp, SpanName, SpanKind, ScopeName, ScopeVersion, ScopeSchemaUrl, ParentSpanId, TraceState',
    'mapSort(SpanAttributes) AS attributes, Duration, StatusCode, StatusMessage, DroppedAttributesCount',
    'Events.Timestamp, Events.Name, Events.Attributes, AdjustedCount',
    'Links.TraceId, Links.SpanId, arrayMap(it -> mapSort(it), Links.Attributes) AS links',
    'length(TraceId) AS trace, length(SpanId) AS span',
  ],
  otel_metrics_gauge: [...ofMetrics, 'Value'],
  otel_metrics_sum: [
    ...ofMetrics,
    'StartTimeUnix > 0 AS started, Value, AggregationTemporality, IsMonotonic',
  ],
  otel_metrics_histogram: [
    ...ofMetrics,
    'StartTimeUnix > 0 AS started, Count, Sum, Min, Max, BucketCounts, ExplicitBounds, AggregationTemporality',
  ],
  otel_metrics_exponential_histogram: [
    ...ofMetrics,
    'StartTimeUnix > 0 AS started, Count, Sum, Min, Max, Scale, ZeroCount, ZeroThreshold, AggregationTemporality',
    `PositiveOffset, ${full('PositiveBucketCounts')} AS positive`,
    `NegativeOffset, ${full('NegativeBucketCounts')} AS negative`,
  ],
  otel_logs: [
    'Timestamp, ObservedTimestamp, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, Body',
    'ScopeName, ScopeVersion, ScopeSchemaUrl, ResourceSchemaUrl, EventName, DroppedAttributesCount',
    'mapSort(LogAttributes) AS attributes, mapSort(ScopeAttributes) AS scope',
  ],
} as const;

type Table = keyof typeof tables;

const rowsOf = async (
  daemon: Daemon,
  service: string,
  table: Table,
): Promise<readonly string[]> => {
  const text = await daemon.sql(
    `SELECT ${tables[table].join(', ')} FROM otel.${table} WHERE ServiceName = '${service}' ORDER BY ALL FORMAT JSONEachRow`,
  );
  return text === '' ? [] : text.split('\n');
};

/** The counter and the gauge have two series each. */
const rowsExpected = {
  otel_traces: 5,
  otel_metrics_gauge: 2,
  otel_metrics_sum: 3,
  otel_metrics_histogram: 1,
  otel_metrics_exponential_histogram: 1,
  otel_logs: 5,
};
const compared = Object.keys(tables) as Table[];

const storedRows = (daemon: Daemon, service: string, table: Table): Promise<readonly string[]> =>
  within(
    10_000,
    async () => {
      const rows = await rowsOf(daemon, service, table);
      return rows.length >= rowsExpected[table] ? rows : undefined;
    },
    `${table} of ${service}`,
  );

/** Exemplars, which JavaScript's SDK has none of: one of each bucket, and which are a matter of chance. */
const exemplars = {
  buckets: [1, 5, 6, 7, 8, 9, 10],
  traces: ['0af7651916cd43dd8448eb211c80319c'],
  spans: ['b7ad6b7169203331'],
  attributes: [{ user: 'u1' }],
};

const exemplarsOf = async (daemon: Daemon, service: string): Promise<unknown> => {
  const text = await daemon.sql(
    `SELECT arrayMap(it -> arrayCount(bound -> bound < it, ExplicitBounds) + 1, Exemplars.Value) AS buckets,
      arrayDistinct(Exemplars.TraceId) AS traces, arrayDistinct(Exemplars.SpanId) AS spans,
      arrayDistinct(Exemplars.FilteredAttributes) AS attributes
    FROM otel.otel_metrics_histogram WHERE ServiceName = '${service}' FORMAT JSONEachRow`,
  );
  return JSON.parse(text);
};

const sameRows = async (t: Test, { name, send }: Peer): Promise<void> => {
  const daemon = await startDaemon(t, daemonDir(t, ingestOnly));
  await sendFromJavaScript(daemon.listen.otlp_http, 'peer-javascript', startSeconds);
  for (const [protocol, endpoint] of [
    ['http', daemon.listen.otlp_http],
    ['grpc', daemon.listen.otlp_grpc],
  ] as const) {
    const service = `peer-${name}-${protocol}`;
    await send(protocol, endpoint, service);
    for (const table of compared) {
      const expected = await storedRows(daemon, 'peer-javascript', table);
      t.equal(expected.length, rowsExpected[table], `all rows of ${table}`);
      t.strictSame(await storedRows(daemon, service, table), expected, `${table}, ${protocol}`);
    }
    t.strictSame(await exemplarsOf(daemon, service), exemplars, `exemplars, ${protocol}`);
  }
};

const script = join(import.meta.dirname, 'send.py');

t.test(
  'what Python sends is stored as what JavaScript sends',
  { skip: hasPython ? false : `the OpenTelemetry SDK of ${python} ${hint}`, timeout: 90_000 },
  (t) =>
    sameRows(t, {
      name: 'python',
      send: (...args) => run(python, [script, ...args, String(startSeconds)]),
    }),
);

t.test(
  'what Go sends is stored as what JavaScript sends',
  { skip: go === undefined ? `the Go program ${hint}` : false, timeout: 90_000 },
  (t) =>
    sameRows(t, {
      name: 'go',
      send: (...args) => run(go ?? '', [...args, String(startSeconds)]),
    }),
);
