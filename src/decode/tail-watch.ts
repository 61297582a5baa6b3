import type { SampleRule } from '../model/sampling.ts';
import type { Arena } from './arena.ts';
import { headWeight, type SpanWeigher, untouched } from './sampler.ts';
import { weightOf } from './sampling.ts';
import type { SpanReader } from './span-reader.ts';
import { whole } from './tail-rules.ts';
import type { Verdicts } from './tail-verdicts.ts';
import type { TraceTable } from './trace-table.ts';

/**
 * Before traces are decided about: notes what each span tells of its trace and keeps it, but for spans
 * that a rule leaves out by themselves.
 */
export class TailWatch implements SpanWeigher {
  readonly counts: number[];
  leftOut = 0;
  readonly #arena: Arena;
  readonly #reader: SpanReader;
  readonly #table: TraceTable;

  constructor(arena: Arena, reader: SpanReader, table: TraceTable, rules: readonly SampleRule[]) {
    this.#arena = arena;
    this.#reader = reader;
    this.#table = table;
    this.counts = rules.map(() => 0);
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
    reader.read(position, end);
    const { rule } = reader;
    const decides = rule?.rule.tail ? rule.index : -1;
    const table = this.#table;
    const facts = table.rules.factsOf(decides, reader.isError(), reader.lastedNs());
    table.note(this.#arena.view, traceIdAt, facts);
    if (!rule || decides >= 0) return untouched;
    const weight = headWeight(reader, rule, traceIdAt);
    if (weight === 0) {
      this.counts[rule.index] = (this.counts[rule.index] ?? 0) + 1;
      this.leftOut += 1;
    }
    return weight;
  }
}

/**
 * After traces were decided about: keeps or leaves out each span as its trace is. An error or a slow
 * span is kept whatever was decided, for itself: it came late, or too much came for it to be known.
 */
export class TailRecall implements SpanWeigher {
  /** Only by rules that decide about traces: what others left out was counted before. */
  readonly counts: number[];
  leftOut = 0;
  readonly #arena: Arena;
  readonly #reader: SpanReader;
  readonly #verdicts: Verdicts;
  readonly #rules: readonly SampleRule[];

  constructor(arena: Arena, reader: SpanReader, verdicts: Verdicts, rules: readonly SampleRule[]) {
    this.#arena = arena;
    this.#reader = reader;
    this.#verdicts = verdicts;
    this.#rules = rules;
    this.counts = rules.map(() => 0);
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
    reader.read(position, end);
    const { rule } = reader;
    if (rule && !rule.rule.tail) return this.#left(headWeight(reader, rule, traceIdAt));
    const verdicts = this.#verdicts;
    const verdict = verdicts.isKnown
      ? verdicts.of(this.#arena.view, traceIdAt)
      : (rule?.index ?? -1) + 1;
    if (verdict === whole) return untouched;
    const by = this.#rules[verdict - 1];
    const share = (verdicts.isKnown ? verdicts.shares[verdict] : by?.keep) ?? 1;
    const count = reader.count();
    const weight = weightOf(reader.randomness(traceIdAt), count, share);
    if (weight > 0) return weight;
    if (by?.keepErrors && reader.isError()) return count;
    if (reader.lastedNs() > (by?.keepSlowerThanMs ?? Number.POSITIVE_INFINITY) * 1e6) return count;
    this.counts[verdict - 1] = (this.counts[verdict - 1] ?? 0) + 1;
    return this.#left(weight);
  }

  #left(weight: number): number {
    if (weight === 0) this.leftOut += 1;
    return weight;
  }
}
