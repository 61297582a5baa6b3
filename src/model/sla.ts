import type { CalendarPeriod } from '../lib/calendar.ts';
import type { QueryParameter } from './query.ts';

/** One promise of an SLA, ready to be counted minute by minute. */
export interface SlaObjective {
  readonly sla: string;
  /** Empty, or what tells the promises of one SLA apart, such as `p99`. */
  readonly objective: string;
  readonly type: 'availability' | 'response_time' | 'throughput' | 'error_rate';
  readonly service: string;
  /** In base units: ratio, seconds, per second. */
  readonly target: number;
  readonly breachedWhen: 'below' | 'above';
  /** Share of requests that may be bad; undefined where nothing of the kind is promised. */
  readonly budget: number | undefined;
  readonly window: SlaWindow;
  /**
   * SELECT of `minute`, `requests`, `errors`, `good`, `value`, `durationMin`, `durationMax` and `sketch`
   * for each minute with requests between `{from:DateTime}` and `{to:DateTime}`.
   */
  readonly minutes: SlaQuery;
  /** SELECT of when the first request before `{to:DateTime}` came, 1970 when none did. */
  readonly firstRequest: SlaQuery;
  /** What `minutes` counts. */
  readonly source: 'span_rollup_1m' | 'otel_traces';
  /** Why a minute does not count; undefined when it does. */
  readonly exclusionAt: (minuteMs: number) => string | undefined;
  /** Hash over everything above. */
  readonly definition: string;
}

export interface SlaQuery {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, QueryParameter>>;
}

export type SlaWindow =
  | { readonly kind: 'rolling'; readonly overMs: number }
  | { readonly kind: 'calendar'; readonly period: CalendarPeriod };
