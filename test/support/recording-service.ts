import { SpanKind } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';

/** A service with the real OpenTelemetry JS SDK that knows which of its spans were acknowledged. */
export interface RecordingService {
  readonly name: string;
  readonly acknowledged: ReadonlySet<string>;
  /** Ends its spans, sends what is left and waits for the answers. */
  readonly stop: () => Promise<void>;
}

const spanEveryMs = 5;

/** Makes a span every 5 ms and exports them each 100 ms, to `host:port`. */
export const recordingService = (
  name: string,
  protocol: 'http/protobuf' | 'grpc',
  endpoint: string,
): RecordingService => {
  const acknowledged = new Set<string>();
  const exporter: SpanExporter =
    protocol === 'grpc'
      ? new GrpcTraces({ url: `http://${endpoint}` })
      : new ProtobufTraces({ url: `http://${endpoint}/v1/traces` });
  const recording: SpanExporter = {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error === undefined)
          for (const it of spans) acknowledged.add(it.spanContext().spanId);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': name }),
    spanProcessors: [new BatchSpanProcessor(recording, { scheduledDelayMillis: 100 })],
  });
  const tracer = provider.getTracer('recording');
  const timer = setInterval(() => {
    tracer
      .startSpan('GET /pay', { kind: SpanKind.SERVER, attributes: { 'http.route': '/pay' } })
      .end();
  }, spanEveryMs);
  return {
    name,
    acknowledged,
    stop: async () => {
      clearInterval(timer);
      // What could not be exported any more is not acknowledged either.
      await provider.shutdown().catch(() => {});
    },
  };
};
