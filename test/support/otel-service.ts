import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPMetricExporter as GrpcMetrics } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufMetrics } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';

export type Protocol = 'http/protobuf' | 'http/json' | 'grpc';

export interface Endpoints {
  /** `host:port` each. */
  readonly otlp_http: string;
  readonly otlp_grpc: string;
}

/** A service instrumented with the real OpenTelemetry JS SDK. */
export interface OtelService {
  /** One server span that ended just now. */
  readonly request: (durationMs: number, failed: boolean) => void;
  readonly cacheRead: (hit: boolean) => void;
  readonly flush: () => Promise<void>;
  readonly shutdown: () => Promise<void>;
}

export const otelService = (
  name: string,
  protocol: Protocol,
  endpoints: Endpoints,
): OtelService => {
  const resource = resourceFromAttributes({
    'service.name': name,
    'service.instance.id': `${name}-${protocol}`,
  });
  const { traces, metrics } = exporters(protocol, endpoints);
  const spans = new BatchSpanProcessor(traces, { scheduledDelayMillis: 200 });
  const tracing = new BasicTracerProvider({ resource, spanProcessors: [spans] });
  const metering = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: metrics,
        exportIntervalMillis: 1_000,
        exportTimeoutMillis: 900,
      }),
    ],
  });
  const tracer = tracing.getTracer('test');
  const meter = metering.getMeter('test');
  const hits = meter.createCounter('orders.cache.hits');
  const misses = meter.createCounter('orders.cache.misses');
  const cache = { 'cache.name': 'orders' };

  return {
    request: (durationMs, failed) => {
      const endMs = Date.now();
      const span = tracer.startSpan('GET /pay', {
        kind: SpanKind.SERVER,
        startTime: endMs - durationMs,
        attributes: { 'http.route': '/pay', 'http.request.method': 'GET' },
      });
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR, message: 'declined' });
      span.end(endMs);
    },
    cacheRead: (hit) => (hit ? hits : misses).add(1, cache),
    flush: async () => {
      await tracing.forceFlush();
      await metering.forceFlush();
    },
    shutdown: async () => {
      await tracing.shutdown();
      await metering.shutdown();
    },
  };
};

const exporters = (
  protocol: Protocol,
  endpoints: Endpoints,
): { readonly traces: SpanExporter; readonly metrics: PushMetricExporter } => {
  const http = (signal: string) => ({ url: `http://${endpoints.otlp_http}/v1/${signal}` });
  const grpc = { url: `http://${endpoints.otlp_grpc}` };
  switch (protocol) {
    case 'http/protobuf':
      return {
        traces: new ProtobufTraces(http('traces')),
        metrics: new ProtobufMetrics(http('metrics')),
      };
    case 'http/json':
      return { traces: new JsonTraces(http('traces')), metrics: new JsonMetrics(http('metrics')) };
    case 'grpc':
      return { traces: new GrpcTraces(grpc), metrics: new GrpcMetrics(grpc) };
  }
};
