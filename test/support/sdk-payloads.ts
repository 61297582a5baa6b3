import { context, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import {
  type ISerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** One request in both encodings, made by the OpenTelemetry JavaScript SDK and its serializers. */
export interface SdkPayload {
  readonly protobuf: Uint8Array;
  readonly json: Uint8Array;
}

const resource = resourceFromAttributes({
  'service.name': 'sdk-shop',
  'process.pid': 4711,
  'process.command_args': ['node', 'main.js'],
});

export const sdkTraces = (): SdkPayload => {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource,
    spanProcessors: [new SimpleSpanProcessor(memory)],
    spanLimits: { attributeCountLimit: 12, eventCountLimit: 2 },
  });
  const shop = provider.getTracer('shop', '1.2.3', {
    schemaUrl: 'https://opentelemetry.io/schemas/1.27.0',
  });
  const database = provider.getTracer('database');
  for (let index = 0; index < 20; index += 1) {
    const parent = shop.startSpan(`GET /orders/${index % 3}`, {
      kind: SpanKind.SERVER,
      startTime: [1_760_000_000 + index, 123_456_789],
      attributes: {
        'http.route': '/orders/:id',
        'http.response.status_code': 200 + index,
        'cart.total': index / 7,
        'cart.negative': -index,
        'cart.large': 2 ** 52 + index,
        'user.vip': index % 2 === 0,
        'order.tags': ['a', 'b"c', 'ü'],
        'order.sizes': [1, 2.5, index],
      },
    });
    const links = [{ context: parent.spanContext(), attributes: { why: 'retry' } }];
    const child = database.startSpan(
      'SELECT orders',
      { kind: SpanKind.CLIENT, startTime: [1_760_000_000 + index, 200_000_000], links },
      trace.setSpan(context.active(), parent),
    );
    child.addEvent('row', { rows: index }, [1_760_000_000 + index, 300_000_000]);
    child.addEvent('row');
    child.addEvent('row', { dropped: 'an earlier one' });
    child.recordException(new TypeError('no such order'));
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' });
    child.end([1_760_000_001 + index, 0]);
    parent.end([1_760_000_002 + index, 1]);
  }
  const remote = trace.setSpanContext(context.active(), {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
  shop.startSpan('', { kind: SpanKind.CONSUMER }, remote).end();
  return both(JsonTraceSerializer, ProtobufTraceSerializer, memory.getFinishedSpans());
};

export const sdkMetrics = async (): Promise<SdkPayload> => {
  const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const provider = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({ exporter: memory, exportIntervalMillis: 3_600_000 }),
    ],
    views: [
      {
        instrumentName: 'shop.exponential',
        aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
      },
    ],
  });
  const meter = provider.getMeter('shop', '2.0.0');
  const counter = meter.createCounter('shop.orders', {
    description: 'orders taken',
    unit: '{order}',
  });
  const upDown = meter.createUpDownCounter('shop.open');
  const histogram = meter.createHistogram('shop.duration', { unit: 's' });
  const exponential = meter.createHistogram('shop.exponential');
  meter
    .createObservableGauge('shop.temperature')
    .addCallback((result) => result.observe(21.5, { room: 'cellar' }));
  for (let index = 0; index < 50; index += 1) {
    counter.add(index, { 'payment.method': index % 2 ? 'card' : 'cash', 'order.size': index % 3 });
    upDown.add(index % 2 ? -1.5 : 1);
    histogram.record(index * 33.3, { 'http.route': '/pay' });
    exponential.record(index % 5 === 0 ? 0 : (index - 10) ** 3 / 1000);
  }
  await provider.forceFlush();
  const [metrics] = memory.getMetrics();
  await provider.shutdown();
  if (!metrics) throw new Error('the SDK collected nothing');
  return both(JsonMetricsSerializer, ProtobufMetricsSerializer, metrics);
};

const both = <T>(
  json: ISerializer<T, unknown>,
  protobuf: ISerializer<T, unknown>,
  data: T,
): SdkPayload => {
  const [inJson, inProtobuf] = [json.serializeRequest(data), protobuf.serializeRequest(data)];
  if (!inJson || !inProtobuf) throw new Error('the SDK serialized nothing');
  return { json: inJson, protobuf: inProtobuf };
};
