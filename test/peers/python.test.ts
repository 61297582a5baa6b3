import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Daemon, daemonDir, startDaemon, within } from '../support/daemon.ts';
import { ingestOnly } from '../support/ingest-under-fire.ts';
import { sendFromJavaScript } from './send.ts';

/*
 * Needs a Python with opentelemetry-sdk, opentelemetry-exporter-otlp-proto-http and
 * opentelemetry-exporter-otlp-proto-grpc; TOCSIN_PEER_PYTHON says which.
 */
const python = process.env['TOCSIN_PEER_PYTHON'] ?? 'python3';
const modules =
  'opentelemetry.sdk, opentelemetry.exporter.otlp.proto.http, opentelemetry.exporter.otlp.proto.grpc';
const isInstalled = spawnSync(python, ['-c', `import ${modules}`]).status === 0;
const skip = isInstalled
  ? false
  : `${python} has no OpenTelemetry SDK: see test/peers/python.test.ts`;

/** Young enough to be kept, and the same for all. */
const startSeconds = Math.floor(Date.now() / 1000) - 60;

const sendFromPython = (protocol: string, endpoint: string, service: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const script = join(import.meta.dirname, 'send.py');
    const child = spawn(python, [script, protocol, endpoint, service, String(startSeconds)], {
      stdio: 'inherit',
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`send.py ended with ${code}`));
    });
  });

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

const rowsOf = async (daemon: Daemon, service: string): Promise<readonly string[]> => {
  const rows: string[] = [];
  for (const [table, columns] of Object.entries(tables)) {
    const text = await daemon.sql(
      `SELECT ${columns.join(', ')} FROM otel.${table} WHERE ServiceName = '${service}' ORDER BY ALL FORMAT JSONEachRow`,
    );
    rows.push(...text.split('\n').map((line) => `${table} ${line}`));
  }
  return rows;
};

/** Five spans, two series of one counter, one of another, one histogram. */
const rowsExpected = 9;

const storedRows = (daemon: Daemon, service: string): Promise<readonly string[]> =>
  within(
    10_000,
    async () => {
      const rows = await rowsOf(daemon, service);
      return rows.length >= rowsExpected && rows.every((it) => it.includes('{')) ? rows : undefined;
    },
    `the rows of ${service}`,
  );

const samePython = async (t: Test): Promise<void> => {
  const daemon = await startDaemon(t, daemonDir(t, ingestOnly));
  await sendFromJavaScript(daemon.listen.otlp_http, 'peer-javascript', startSeconds);
  const expected = await storedRows(daemon, 'peer-javascript');
  t.equal(expected.length, rowsExpected);
  for (const [protocol, endpoint] of [
    ['http', daemon.listen.otlp_http],
    ['grpc', daemon.listen.otlp_grpc],
  ] as const) {
    await sendFromPython(protocol, endpoint, `peer-python-${protocol}`);
    t.strictSame(await storedRows(daemon, `peer-python-${protocol}`), expected, protocol);
  }
};

t.test(
  'what Python sends is stored as what JavaScript sends',
  { skip, timeout: 90_000 },
  samePython,
);
