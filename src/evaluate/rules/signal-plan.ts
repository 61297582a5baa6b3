import type { CalendarPeriod } from '../../lib/calendar.ts';
import type { CountedTime } from './counted-time.ts';

/** A signal after its words are understood and before it is SQL. */
export type SignalPlan = QueryPlan | SqlPlan | AbsencePlan;

export interface QueryPlan {
  readonly kind: 'query';
  readonly from: Source;
  readonly value: ValueFunction;
  readonly where: readonly Filter[];
  readonly by: readonly GroupKey[];
  readonly window: Window;
  /** What of the window counts, where not all of it does. Of spans only. */
  readonly counted?: CountedTime;
}

/** SQL that a person wrote; it answers label columns and `value`. */
export interface SqlPlan {
  readonly kind: 'sql';
  readonly sql: string;
  readonly window: Window;
}

/** Seconds since each label set was last seen, of those seen within `seenWithinMs`. */
export interface AbsencePlan {
  readonly kind: 'absence';
  readonly from: Source;
  readonly where: readonly Filter[];
  readonly by: readonly GroupKey[];
  readonly seenWithinMs: number;
}

export type Source =
  | { readonly name: 'spans' | 'logs' | 'caches' }
  | { readonly name: 'metrics'; readonly metric: string };

/** The part of the past that is read, up to `offsetMs` ago: including its start, without its end. */
export type Window =
  | { readonly kind: 'rolling'; readonly overMs: number; readonly offsetMs: number }
  /** From the first moment of the current period in UTC. */
  | { readonly kind: 'calendar'; readonly period: CalendarPeriod; readonly offsetMs: number };

export type ValueFunction =
  | { readonly kind: 'count' | 'rate' | 'increase' | 'errors' | 'error_rate' | 'hit_rate' }
  | { readonly kind: 'last'; readonly field: Field }
  | { readonly kind: 'sum' | 'avg' | 'min' | 'max'; readonly field: Field }
  /** `level` is between 0 and 1. */
  | { readonly kind: 'percentile'; readonly level: number; readonly field: Field }
  | { readonly kind: 'uniq'; readonly attribute: string }
  /** Used by SLAs only: the share of requests that did not fail. */
  | { readonly kind: 'success_rate' }
  /** Used by SLAs only: the share of requests that took no longer than this. */
  | { readonly kind: 'share_within'; readonly seconds: number }
  /** Used by SLAs only: requests per second since the first one in the window. */
  | { readonly kind: 'rate_since_first' };

/** `duration` and `value` are the item's own; any other name is a numeric attribute. */
export type Field =
  | { readonly kind: 'duration' | 'value' }
  | { readonly kind: 'attribute'; readonly name: string };

export interface GroupKey {
  readonly attribute: string;
  /** The attribute's name with every character outside `[a-zA-Z0-9_]` turned into `_`. */
  readonly label: string;
}

/** Every filter of a signal must hold. */
export interface Filter {
  readonly attribute: string;
  readonly test: FilterTest;
}

export type FilterTest =
  | { readonly kind: 'equals'; readonly text: string }
  | { readonly kind: 'one-of'; readonly texts: readonly string[] }
  /** `*` stands for any text, `?` for one character. */
  | { readonly kind: 'glob'; readonly pattern: string }
  | { readonly kind: 'any-of'; readonly tests: readonly FilterTest[] }
  | { readonly kind: 'not'; readonly test: FilterTest }
  /** The value is in base units: seconds, bytes, ratio. */
  | { readonly kind: 'compare'; readonly operator: CompareOperator; readonly value: number };

export type CompareOperator = '>' | '>=' | '<' | '<=';

export const labelOf = (attribute: string): string => attribute.replaceAll(/[^a-zA-Z0-9_]/g, '_');
