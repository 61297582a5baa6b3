import {
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { type LogRecord, SeverityNumber } from '@opentelemetry/api-logs';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import {
  AggregationType,
  createAllowListAttributesProcessor,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

/** What send.py and go/ send, said in JavaScript. */
export const sendFromJavaScript = async (
  endpoint: string,
  service: string,
  startSeconds: number,
): Promise<void> => {
  const resource = resourceFromAttributes({ 'service.name': service });
  const url = `http://${endpoint}/v1`;
  await sendTraces(resource, `${url}/traces`, startSeconds);
  await sendMetrics(resource, `${url}/metrics`);
  await sendLogs(resource, `${url}/logs`, startSeconds);
};

const schemaUrl = 'https://opentelemetry.io/schemas/1.27.0';

/** Someone else's span: links lead there, and log records were taken in it. */
const caller = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
  traceState: createTraceState('vendor=1'),
};
const called = trace.setSpanContext(ROOT_CONTEXT, caller);

const sendTraces = async (resource: Resource, url: string, startSeconds: number): Promise<void> => {
  const exporter = new OTLPTraceExporter({ url });
  const tracing = new BasicTracerProvider({
    resource,
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = tracing.getTracer('peer', '1.2.3', { schemaUrl });
  for (let index = 0; index < 5; index += 1) {
    const seconds = startSeconds + index;
    const span = tracer.startSpan(`GET /orders/${index % 2}`, {
      kind: SpanKind.SERVER,
      startTime: [seconds, 0],
      links: [{ context: caller, attributes: { why: 'retry', try: index } }],
      attributes: {
        'http.route': '/orders/:id',
        status: 200 + index,
        total: index + 0.25,
        vip: index % 2 === 0,
        tags: ['a', 'b"c', 'ü'],
        sizes: [1, 2, index],
      },
    });
    span.addEvent('row', { rows: index }, [seconds, 1_000]);
    if (index === 3) span.setStatus({ code: SpanStatusCode.ERROR, message: 'declined' });
    span.end([seconds, 250_000_123]);
  }
  await tracing.forceFlush();
  await tracing.shutdown();
};

const sendMetrics = async (resource: Resource, url: string): Promise<void> => {
  const exporter = new OTLPMetricExporter({ url });
  const metering = new MeterProvider({
    resource,
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    views: [
      {
        instrumentName: 'peer.sizes',
        aggregation: {
          type: AggregationType.EXPONENTIAL_HISTOGRAM,
          options: { maxSize: 160, recordMinMax: true },
        },
      },
      {
        instrumentName: 'peer.duration',
        attributesProcessors: [createAllowListAttributesProcessor(['http.route'])],
      },
    ],
  });
  const meter = metering.getMeter('peer', '1.2.3');
  const orders = meter.createCounter('peer.orders', {
    unit: '{order}',
    description: 'orders taken',
  });
  const open = meter.createUpDownCounter('peer.open');
  const temperature = meter.createGauge('peer.temperature', { unit: 'Cel' });
  const duration = meter.createHistogram('peer.duration', { unit: 'ms' });
  const sizes = meter.createHistogram('peer.sizes', { unit: 'By' });
  for (let index = 0; index < 20; index += 1) {
    orders.add(index, { payment: index % 2 === 1 ? 'card' : 'cash' });
    open.add(index % 2 === 1 ? -1.5 : 1);
    duration.record(index * 33.25, { 'http.route': '/pay', user: 'u1' });
    sizes.record(index * index * 0.5, { packed: true });
  }
  temperature.record(4, { room: 'cellar' });
  temperature.record(-3.5, { room: 'cellar' });
  temperature.record(21.25, { room: 2 });
  await metering.shutdown();
};

const sendLogs = async (resource: Resource, url: string, startSeconds: number): Promise<void> => {
  const exporter = new OTLPLogExporter({ url });
  const logging = new LoggerProvider({
    resource,
    processors: [new BatchLogRecordProcessor({ exporter })],
  });
  const logger = logging.getLogger('peer', '1.2.3', { schemaUrl });
  const records: readonly LogRecord[] = [
    {
      context: called,
      severityNumber: SeverityNumber.INFO,
      severityText: 'INFO',
      body: 'order taken\nby "ü"',
      attributes: {
        'http.route': '/orders/:id',
        status: 200,
        total: 0.25,
        vip: true,
        digest: Uint8Array.from([251, 255, 1]),
        nothing: '',
      },
    },
    {
      severityNumber: SeverityNumber.WARN2,
      severityText: 'WARN',
      body: { tags: ['a', 2.5, false], user: { id: 7, name: 'ü <b>' } },
    },
    {
      severityNumber: SeverityNumber.DEBUG,
      severityText: 'DEBUG',
      body: Number.MIN_SAFE_INTEGER,
      attributes: { tags: ['a', 'b"c'], user: { address: { city: 'Köln' } } },
    },
    {
      context: called,
      severityNumber: SeverityNumber.TRACE,
      severityText: 'TRACE',
      body: Buffer.from('raw'),
    },
    {
      context: called,
      severityNumber: SeverityNumber.FATAL4,
      severityText: 'FATAL',
      body: 1.5e-7,
      attributes: { attempt: 3 },
      eventName: 'peer.order.declined',
    },
  ];
  for (const [index, record] of records.entries()) {
    const seconds = startSeconds + index;
    logger.emit({
      context: ROOT_CONTEXT,
      timestamp: [seconds, 123_456_789],
      observedTimestamp: [seconds + 1, 123_456_789],
      ...record,
    });
  }
  await logging.shutdown();
};
