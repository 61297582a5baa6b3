import { weightOf } from './sampling.ts';
import type { IndexedRule, SpanReader } from './span-reader.ts';

/** No rule applies: the span is kept and stands for as many as its sender says. */
export const untouched = -1;

/** Decides about spans before anything of them is written. */
export interface SpanWeigher {
  /** Spans left out since `begin`, by rule. */
  readonly counts: readonly number[];
  readonly leftOut: number;
  /** Before a request, and when it is walked anew. */
  begin(): void;
  /** Before the spans of a ResourceSpans. */
  resource(position: number, end: number): void;
  /** How many spans this one stands for; 0 when it is left out, which is counted; or `untouched`. */
  weigh(traceIdAt: number, position: number, end: number): number;
}

/**
 * Head sampling: decides about each span by itself, before anything of it is written. By trace id, so
 * that every service and every daemon with the same share keeps the same traces.
 */
export class Sampler implements SpanWeigher {
  readonly counts: number[];
  leftOut = 0;
  readonly #reader: SpanReader;

  constructor(reader: SpanReader, rules: number) {
    this.#reader = reader;
    this.counts = Array.from({ length: rules }, () => 0);
  }

  begin(): void {
    this.counts.fill(0);
    this.leftOut = 0;
  }

  resource(position: number, end: number): void {
    this.#reader.resource(position, end);
  }

  weigh(traceIdAt: number, position: number, end: number): number {
    const reader = this.#reader;
    if (!reader.isOpen) return untouched;
    reader.read(position, end);
    const { rule } = reader;
    if (!rule) return untouched;
    const weight = headWeight(reader, rule, traceIdAt);
    if (weight === 0) {
      this.counts[rule.index] = (this.counts[rule.index] ?? 0) + 1;
      this.leftOut += 1;
    }
    return weight;
  }
}

/** How many spans the one read last stands for by a rule that decides about each span by itself. */
export const headWeight = (reader: SpanReader, it: IndexedRule, traceIdAt: number): number => {
  const { rule, slowerThanNs } = it;
  const count = reader.count();
  if (rule.keepErrors && reader.isError()) return count;
  if (reader.lastedNs() > slowerThanNs) return count;
  return weightOf(reader.randomness(traceIdAt), count, rule.keep);
};
