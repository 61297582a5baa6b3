import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, ROOT_CONTEXT, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  ParentBasedSampler,
  type ReadableSpan,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { Fault, messageOf } from './fault.ts';
import type { Attributes, Meter } from './meter.ts';
import type { Tracer } from './tracer.ts';

/** Finished spans that wait for the next export; newer ones are dropped beyond this. */
const heldSpansMax = 4_096;
const batchSpansMax = 1_024;

export interface Spans {
  readonly tracer: Tracer;
  /** Takes the oldest spans out, up to one batch. */
  readonly take: () => readonly ReadableSpan[];
  /** Puts a batch back that could not be sent. */
  readonly restore: (spans: readonly ReadableSpan[]) => void;
  /** An OTLP ExportTraceServiceRequest in protobuf. */
  readonly otlpBody: (spans: readonly ReadableSpan[]) => Uint8Array;
}

/**
 * Spans on the OpenTelemetry SDK, nested through async calls without touching its globals. A child
 * is recorded when its parent is.
 */
export const createSpans = (resource: Attributes, ratio: number, meter: Meter): Spans => {
  let held: ReadableSpan[] = [];
  const dropped = meter.counter('tocsin_own_spans_dropped', {
    description: 'Own spans that were not exported because too many waited.',
    unit: '{span}',
  });
  const hold = (spans: readonly ReadableSpan[]): void => {
    const fitting = spans.slice(0, heldSpansMax - held.length);
    held.push(...fitting);
    dropped(spans.length - fitting.length);
  };
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes(resource),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      {
        onStart: () => {},
        onEnd: (span) => hold([span]),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  return {
    tracer: tracerOn(provider),
    take: () => held.splice(0, batchSpansMax),
    restore: (spans) => {
      const newer = held;
      held = [];
      hold([...spans, ...newer]);
    },
    otlpBody: (spans) => ProtobufTraceSerializer.serializeRequest([...spans]) ?? new Uint8Array(0),
  };
};

const tracerOn = (provider: BasicTracerProvider): Tracer => {
  const tracer = provider.getTracer('tocsin');
  const contexts = new AsyncLocalStorage<Context>();
  return {
    span: async (name, attributes, run) => {
      const parent = contexts.getStore() ?? ROOT_CONTEXT;
      const span = tracer.startSpan(name, { attributes }, parent);
      const { traceId, traceFlags } = span.spanContext();
      const recorded = (traceFlags & TraceFlags.SAMPLED) !== 0;
      try {
        return await contexts.run(trace.setSpan(parent, span), () =>
          run({
            set: (more) => span.setAttributes(more),
            traceId: recorded ? traceId : '',
          }),
        );
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
        span.setAttribute('error.type', error instanceof Fault ? error.code : nameOf(error));
        throw error;
      } finally {
        span.end();
      }
    },
  };
};

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
