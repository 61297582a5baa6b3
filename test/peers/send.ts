import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

/** What send.py sends, said in JavaScript. */
export const sendFromJavaScript = async (
  endpoint: string,
  service: string,
  startSeconds: number,
): Promise<void> => {
  const resource = resourceFromAttributes({ 'service.name': service });
  const spans = new OTLPTraceExporter({ url: `http://${endpoint}/v1/traces` });
  const tracing = new BasicTracerProvider({
    resource,
    spanProcessors: [new SimpleSpanProcessor(spans)],
  });
  const tracer = tracing.getTracer('peer', '1.2.3', {
    schemaUrl: 'https://opentelemetry.io/schemas/1.27.0',
  });
  for (let index = 0; index < 5; index += 1) {
    const seconds = startSeconds + index;
    const span = tracer.startSpan(`GET /orders/${index % 2}`, {
      kind: SpanKind.SERVER,
      startTime: [seconds, 0],
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

  const exporter = new OTLPMetricExporter({ url: `http://${endpoint}/v1/metrics` });
  const metering = new MeterProvider({
    resource,
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
  });
  const meter = metering.getMeter('peer', '1.2.3');
  const counter = meter.createCounter('peer.orders', {
    unit: '{order}',
    description: 'orders taken',
  });
  const open = meter.createUpDownCounter('peer.open');
  const duration = meter.createHistogram('peer.duration', { unit: 'ms' });
  for (let index = 0; index < 20; index += 1) {
    counter.add(index, { payment: index % 2 === 1 ? 'card' : 'cash' });
    open.add(index % 2 === 1 ? -1.5 : 1);
    duration.record(index * 33.25, { 'http.route': '/pay' });
  }
  await metering.shutdown();
};
