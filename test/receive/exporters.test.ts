import { DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import t from 'tap';
import { Fault } from '../../src/lib/fault.ts';
import type { Acceptance, Ingest } from '../../src/model/ingest.ts';
import { otelService, type Protocol } from '../support/otel-service.ts';
import { allGood, type Doors, openGrpc, openHttp } from './doors.ts';

const protocols: readonly Protocol[] = ['http/protobuf', 'http/json', 'grpc'];

type Teardown = Parameters<typeof openHttp>[0];

const open = (t: Teardown, protocol: Protocol, ingest?: Ingest): Promise<Doors> => {
  const options = ingest ? { ingest } : {};
  return protocol === 'grpc' ? openGrpc(t, options) : openHttp(t, options);
};

/** A real exporter that compresses; `timeoutMillis` leaves room for one retry. */
const exporterFor = (t: Teardown, protocol: Protocol, { address }: Doors): SpanExporter => {
  const base = `http://${address.host}:${address.port}`;
  const url = `${base}/v1/traces`;
  const options = { timeoutMillis: 5_000, compression: 'gzip' as never };
  const exporter =
    protocol === 'grpc'
      ? new GrpcTraces({ ...options, url: base })
      : protocol === 'http/json'
        ? new JsonTraces({ ...options, url })
        : new ProtobufTraces({ ...options, url });
  t.teardown(() => exporter.shutdown());
  return exporter;
};

const spans = (): ReadableSpan[] => {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] });
  for (const name of ['GET /pay', 'SELECT']) provider.getTracer('test').startSpan(name).end();
  return memory.getFinishedSpans();
};

/** 0 is success in the exporters' own results. */
const exportSpans = (exporter: SpanExporter) =>
  new Promise<{ readonly code: number; readonly error?: Error & { readonly code?: number } }>(
    (resolve) => exporter.export(spans(), resolve),
  );

for (const protocol of protocols) {
  t.test(`the OpenTelemetry JS SDK over ${protocol} delivers traces and metrics`, async (t) => {
    const door = await open(t, protocol);
    const target = `${door.address.host}:${door.address.port}`;
    const service = otelService('shop', protocol, { otlp_http: target, otlp_grpc: target });
    service.request(20, false);
    service.cacheRead(true);
    await service.flush();
    await service.shutdown();
    const kinds = new Set(door.taken.map((it) => `${it.signal} ${it.encoding}`));
    const encoding = protocol === 'http/json' ? 'json' : 'protobuf';
    t.ok(kinds.has(`traces ${encoding}`) && kinds.has(`metrics ${encoding}`), [...kinds].join());
    t.ok(door.taken.every((it) => Buffer.from(it.body).includes('shop')));
    t.equal(door.metric('tocsin_receive_requests_refused'), 0);
  });

  t.test(`an exporter over ${protocol} with gzip succeeds`, async (t) => {
    const door = await open(t, protocol);
    t.equal((await exportSpans(exporterFor(t, protocol, door))).code, 0);
    const plain = door.taken[0]?.body ?? Buffer.alloc(0);
    t.ok(Buffer.from(plain).includes('GET /pay'));
    t.ok(door.metric('tocsin_receive_body_received', { form: 'wire' }) < plain.length);
  });

  t.test(
    `an exporter over ${protocol} reads partial success and does not send again`,
    async (t) => {
      const warnings: string[] = [];
      const quiet = { error: () => {}, info: () => {}, debug: () => {}, verbose: () => {} };
      diag.setLogger(
        {
          ...quiet,
          warn: (...parts) => warnings.push(parts.map((it) => JSON.stringify(it)).join(' ')),
        },
        { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
      );
      t.teardown(() => diag.disable());
      const some: Acceptance = { accepted: 1, rejected: 1, message: 'one span had no id' };
      const door = await open(t, protocol, async () => some);
      t.equal((await exportSpans(exporterFor(t, protocol, door))).code, 0);
      t.equal(door.taken.length, 1);
      t.match(warnings.join('\n'), /one span had no id/);
    },
  );

  t.test(`an exporter over ${protocol} drops what was called malformed`, async (t) => {
    const door = await open(t, protocol, async () => {
      throw new Fault('ERR_OTLP_MALFORMED', 'no', { remedy: 'reject' });
    });
    t.equal((await exportSpans(exporterFor(t, protocol, door))).code, 1);
    t.equal(door.taken.length, 1);
  });
}

/** Refuses once, then takes. */
const busyOnce = (retryAfterMs: number): Ingest => {
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls > 1) return allGood;
    throw new Fault('ERR_JOURNAL_FULL', 'the journal is full', { remedy: 'retry', retryAfterMs });
  };
};

for (const protocol of ['http/protobuf', 'http/json'] as const) {
  t.test(
    `an exporter over ${protocol} waits the Retry-After and sends the same again`,
    async (t) => {
      const door = await open(t, protocol, busyOnce(700));
      const sentAtMs = performance.now();
      t.equal((await exportSpans(exporterFor(t, protocol, door))).code, 0);
      t.ok(performance.now() - sentAtMs >= 990, 'one second: Retry-After is in whole seconds');
      const [first, second] = door.taken;
      t.strictSame(first, second);
    },
  );
}

t.test(
  'an exporter over grpc sees UNAVAILABLE, which this SDK does not retry by itself',
  async (t) => {
    const door = await open(t, 'grpc', busyOnce(700));
    const { code, error } = await exportSpans(exporterFor(t, 'grpc', door));
    t.equal(code, 1);
    t.equal(error?.code, 14);
    t.match(error?.message, /the journal is full/);
  },
);
