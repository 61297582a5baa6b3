import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Daemon, daemonDir, startDaemon, within } from '../support/daemon.ts';
import { ingestOnly } from '../support/ingest-under-fire.ts';
import { sendFromJavaScript } from './send.ts';

/*
 * TOCSIN_PEER_PYTHON: a Python with opentelemetry-sdk, opentelemetry-exporter-otlp-proto-http and
 * opentelemetry-exporter-otlp-proto-grpc. TOCSIN_PEER_GO: what `go build` made of test/peers/go.
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
  readonly tables: readonly (keyof typeof tables)[];
  readonly send: (protocol: string, endpoint: string, service: string) => Promise<void>;
}

/** Everything of a row that is not of this very sending: ids, times of metrics, who sent it. */
const tables = {
  otel_traces: [
    'Timestamp, SpanName, SpanKind, ScopeName, ScopeVersion, ScopeSchemaUrl, ParentSpanId, TraceState',
    'mapSort(SpanAttributes) AS attributes, Duration, StatusCode, StatusMessage, DroppedAttributesCount',
    'Events.Timestamp, Events.Name, Events.Attributes, Links.TraceId, AdjustedCount',
    'length(TraceId) AS trace, length(SpanId) AS span',
  ],
  otel_metrics_sum: [
    'MetricName, MetricDescription, MetricUnit, ScopeName, ScopeVersion',
    'mapSort(Attributes) AS attributes, Value, AggregationTemporality, IsMonotonic',
  ],
  otel_metrics_histogram: [
    'MetricName, MetricUnit, mapSort(Attributes) AS attributes, Count, Sum, Min, Max',
    'BucketCounts, ExplicitBounds, AggregationTemporality',
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

/** Five spans, two series of one counter and one of another, one histogram. */
const rowsExpected = { otel_traces: 5, otel_metrics_sum: 3, otel_metrics_histogram: 1 };

const storedRows = (daemon: Daemon, service: string, table: Table): Promise<readonly string[]> =>
  within(
    10_000,
    async () => {
      const rows = await rowsOf(daemon, service, table);
      return rows.length >= rowsExpected[table] ? rows : undefined;
    },
    `${table} of ${service}`,
  );

const sameRows = async (t: Test, { name, tables: compared, send }: Peer): Promise<void> => {
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
      t.equal(expected.length, rowsExpected[table]);
      t.strictSame(await storedRows(daemon, service, table), expected, `${table}, ${protocol}`);
    }
  }
};

const script = join(import.meta.dirname, 'send.py');

t.test(
  'what Python sends is stored as what JavaScript sends',
  { skip: hasPython ? false : `the OpenTelemetry SDK of ${python} ${hint}`, timeout: 90_000 },
  (t) =>
    sameRows(t, {
      name: 'python',
      tables: ['otel_traces', 'otel_metrics_sum', 'otel_metrics_histogram'],
      send: (...args) => run(python, [script, ...args, String(startSeconds)]),
    }),
);

t.test(
  'what Go sends is stored as what JavaScript sends',
  { skip: go === undefined ? `the Go program ${hint}` : false, timeout: 90_000 },
  (t) =>
    sameRows(t, {
      name: 'go',
      tables: ['otel_traces'],
      send: (...args) => run(go ?? '', [...args, String(startSeconds)]),
    }),
);
