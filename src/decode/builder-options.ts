import type { ColumnBuilder } from '../model/block.ts';
import type { RedactRule } from '../model/redaction.ts';
import type { SampleRule } from '../model/sampling.ts';
import type { SharedSeries } from '../model/series.ts';
import type { ArenaLimits } from './arena.ts';
import type { Walked } from './span-machine.ts';
import type { Verdicts } from './tail-verdicts.ts';
import type { TraceTable } from './trace-table.ts';

export interface ColumnBuilderOptions extends Partial<ArenaLimits> {
  /** Wall clock, to warn of times ahead of it. It decides nothing but how long `series` are known. */
  readonly nowMs?: () => number;
  readonly redact?: readonly RedactRule[];
  /** The first that applies decides. For traces only. */
  readonly sample?: readonly SampleRule[];
  /** How spans are met whose rule decides about traces; without it, one by one like by other rules. */
  readonly tail?: TailRole;
  /**
   * For metrics: points of new series beyond the limits are rejected, by `nowMs`. Not for what was
   * accepted once: then it would depend on what else came since.
   */
  readonly series?: SharedSeries | undefined;
  /** Told of each walk over a request of spans. */
  readonly walked?: ((by: Walked) => void) | undefined;
  /**
   * What the machine is offered: as usual, what it is likely to take. Tests offer it everything, and
   * hold that against a builder that offers it nothing.
   */
  readonly machine?: 'never' | 'likely' | 'always';
}

/** Notes what is known of traces, and keeps all spans; or goes by what was decided about them. */
export type TailRole =
  | { readonly kind: 'watch'; readonly table: TraceTable }
  | { readonly kind: 'recall'; readonly verdicts: Verdicts };

export interface DecodingBuilder extends ColumnBuilder {
  /** Takes out what was counted over all requests since the last call. */
  readonly takeTally: () => Tally;
}

/** What rules did, by their numbers in the configuration. */
export interface Tally {
  /** Values. */
  readonly redacted: readonly number[];
  /** Spans. */
  readonly sampledOut: readonly number[];
}
