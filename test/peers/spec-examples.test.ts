import { Client, credentials } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import type { Signal } from '../../src/model/ingest.ts';
import { type Daemon, daemonDir, startDaemon, within } from '../support/daemon.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../support/otlp-proto.ts';
import { type SpecExample, specExamples } from './spec-examples.ts';

/** Field 999, a text: without it gRPC's would be the body that came over HTTP, and not stored again. */
const ofTheFuture = Buffer.from([0xba, 0x3e, 0x02, 0x68, 0x69]);

/** The examples are of 2018. */
const config = `
rules: {files: []}
telemetry: {export: off}
retention: {traces: {raw: 50y}, metrics: {raw: 50y}, logs: 50y}
`;

const types = { traces: tracesRequest, metrics: metricsRequest, logs: logsRequest };
const methods: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
};

const inJson = ({ request }: SpecExample): Buffer<ArrayBuffer> =>
  Buffer.from(JSON.stringify(request));

/** Ids are hex in OTLP's JSON, where proto3's has base64. */
const inProtobuf = ({ signal, request }: SpecExample): Buffer<ArrayBuffer> => {
  const message: unknown = JSON.parse(JSON.stringify(request), (key, value: unknown) =>
    /Id$/.test(key) ? Buffer.from(String(value), 'hex') : value,
  );
  const type = types[signal];
  return Buffer.from(type.encode(type.fromObject(message as object)).finish());
};

const post = async (
  t: Test,
  { listen }: Daemon,
  { signal, name }: SpecExample,
  [type, body]: readonly [type: string, body: Buffer<ArrayBuffer>],
): Promise<void> => {
  const answer = await fetch(`http://${listen.otlp_http}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  });
  const text = await answer.text();
  t.strictSame([answer.status, text], [200, type === 'application/json' ? '{}' : ''], name);
};

const call = (client: Client, method: string, body: Buffer): Promise<Buffer | undefined> =>
  new Promise((resolve, reject) => {
    const asIs = (bytes: Buffer): Buffer => bytes;
    client.makeUnaryRequest(method, asIs, asIs, body, (error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });

const owner = {
  ServiceName: 'my.service',
  ResourceAttributes: { 'service.name': 'my.service' },
  ResourceSchemaUrl: '',
  ScopeName: 'my.library',
  ScopeVersion: '1.0.0',
  ScopeAttributes: { 'my.scope.attribute': 'some scope attribute' },
  ScopeSchemaUrl: '',
};
const pointTimes = {
  MetricUnit: '1',
  StartTimeUnix: '2018-12-13 14:51:00.300000000',
  TimeUnix: '2018-12-13 14:51:00.300000000',
  Flags: 0,
  'Exemplars.Value': [],
};

/** What each item is stored as, and where. */
const wanted: readonly (readonly [from: string, columns: Readonly<Record<string, unknown>>])[] = [
  [
    'otel_traces',
    {
      ...owner,
      Timestamp: '2018-12-13 14:51:00.000000000',
      TraceId: '5b8efff798038103d269b633813fc60c',
      SpanId: 'eee19b7ec3c1b174',
      ParentSpanId: 'eee19b7ec3c1b173',
      TraceState: '',
      SpanName: "I'm a server span",
      SpanKind: 'Server',
      SpanAttributes: { 'my.span.attr': 'some value' },
      Duration: 1_000_000_000,
      StatusCode: 'Unset',
      StatusMessage: '',
      Flags: 0,
      AdjustedCount: 1,
      'Events.Name': [],
      'Links.TraceId': [],
    },
  ],
  [
    'otel_metrics_sum',
    {
      ...owner,
      ...pointTimes,
      MetricName: 'my.counter',
      MetricDescription: 'I am a Counter',
      Attributes: { 'my.counter.attr': 'some value' },
      Value: 5,
      AggregationTemporality: 1,
      IsMonotonic: true,
    },
  ],
  [
    'otel_metrics_gauge',
    {
      ...owner,
      ...pointTimes,
      StartTimeUnix: '1970-01-01 00:00:00.000000000',
      MetricName: 'my.gauge',
      MetricDescription: 'I am a Gauge',
      Attributes: { 'my.gauge.attr': 'some value' },
      Value: 10,
    },
  ],
  [
    'otel_metrics_histogram',
    {
      ...owner,
      ...pointTimes,
      MetricName: 'my.histogram',
      MetricDescription: 'I am a Histogram',
      Attributes: { 'my.histogram.attr': 'some value' },
      Count: 2,
      Sum: 2,
      Min: 0,
      Max: 2,
      BucketCounts: [1, 1],
      ExplicitBounds: [1],
      AggregationTemporality: 1,
    },
  ],
  [
    'otel_metrics_exponential_histogram',
    {
      ...owner,
      ...pointTimes,
      MetricName: 'my.exponential.histogram',
      MetricDescription: 'I am an Exponential Histogram',
      Attributes: { 'my.exponential.histogram.attr': 'some value' },
      Count: 3,
      Sum: 10,
      Min: 0,
      Max: 5,
      Scale: 0,
      ZeroCount: 1,
      ZeroThreshold: 0,
      PositiveOffset: 1,
      PositiveBucketCounts: [0, 2],
      NegativeOffset: 0,
      NegativeBucketCounts: [],
      AggregationTemporality: 1,
    },
  ],
  [
    "otel_logs WHERE EventName = ''",
    {
      ...owner,
      Timestamp: '2018-12-13 14:51:00.300000000',
      ObservedTimestamp: '2018-12-13 14:51:00.300000000',
      TraceId: '5b8efff798038103d269b633813fc60c',
      SpanId: 'eee19b7ec3c1b174',
      TraceFlags: 0,
      SeverityNumber: 10,
      SeverityText: 'Information',
      Body: 'Example log record',
      LogAttributes: {
        'string.attribute': 'some string',
        'boolean.attribute': 'true',
        'int.attribute': '10',
        'double.attribute': '637.704',
        'array.attribute': '["many","values"]',
        'map.attribute': '{"some.map.key":"some value"}',
      },
    },
  ],
  [
    "otel_logs WHERE EventName = 'browser.page_view'",
    {
      ...owner,
      Timestamp: '2018-12-13 14:51:00.300000000',
      ObservedTimestamp: '2018-12-13 14:51:00.300000000',
      TraceId: '',
      SpanId: '',
      SeverityNumber: 9,
      SeverityText: 'test severity text',
      Body:
        '{"referrer":"https://wwww.google.com","title":"Free Online GUID Generator","type":0,' +
        '"url":"https://www.guidgenerator.com/online-guid-generator.aspx"}',
      LogAttributes: { 'event.attribute': 'some event attribute' },
    },
  ],
];

t.test(
  "the specification's examples are stored alike from JSON, protobuf and gRPC",
  { timeout: 90_000 },
  async (t) => {
    const daemon = await startDaemon(t, daemonDir(t, { 'tocsin.yaml': config }));
    const client = new Client(daemon.listen.otlp_grpc, credentials.createInsecure());
    t.teardown(() => client.close());
    for (const example of specExamples) {
      await post(t, daemon, example, ['application/json', inJson(example)]);
      await post(t, daemon, example, ['application/x-protobuf', inProtobuf(example)]);
      const body = Buffer.concat([inProtobuf(example), ofTheFuture]);
      const answer = await call(client, methods[example.signal], body);
      t.equal(answer?.length, 0, `${example.name} over gRPC`);
    }
    for (const [from, columns] of wanted) {
      const rows = await within(
        20_000,
        async () => {
          const lines = (await daemon.sql(`SELECT * FROM otel.${from} FORMAT JSONEachRow`)).split(
            '\n',
          );
          return lines.length >= 3 ? lines : undefined;
        },
        `three rows of ${from}`,
      );
      t.equal(rows.length, 3, `one row from each in ${from}`);
      t.equal(new Set(rows).size, 1, `and all the same in ${from}`);
      const row = JSON.parse(rows[0] ?? '') as Readonly<Record<string, unknown>>;
      const compared = Object.keys(columns).map((name) => [name, row[name]]);
      t.strictSame(Object.fromEntries(compared), columns, from);
    }
  },
);
