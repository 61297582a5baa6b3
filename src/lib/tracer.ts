import type { Attributes } from './meter.ts';

export interface SpanHandle {
  readonly set: (attributes: Attributes) => void;
  /** Hex, empty when not recorded; put it in log lines as `trace_id`. */
  readonly traceId: string;
}

/** Our own spans. `run`'s failure marks the span as an error and is thrown on. */
export interface Tracer {
  readonly span: <T>(
    name: string,
    attributes: Attributes,
    run: (span: SpanHandle) => Promise<T>,
  ) => Promise<T>;
}

/** Traces nothing; for tests. */
export const noopTracer: Tracer = {
  span: (_name, _attributes, run) => run({ set: () => {}, traceId: '' }),
};
