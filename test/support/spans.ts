import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** Two spans of the real SDK, for exporters. */
export const finishedSpans = (): ReadableSpan[] => {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] });
  for (const name of ['GET /pay', 'SELECT']) provider.getTracer('test').startSpan(name).end();
  return memory.getFinishedSpans();
};
