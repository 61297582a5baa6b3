import type { DiskRules } from '../model/retention.ts';

export interface DiskUse {
  readonly disk: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** One day of one table. */
export interface DayPartition {
  readonly table: string;
  /** Year, month and day as `20261121`, UTC. */
  readonly day: string;
  readonly rows: number;
  /** On the disk in question. */
  readonly bytes: number;
}

export type DiskDecision =
  | { readonly level: 'fine'; readonly reason: 'below_warn' | 'size_unknown' }
  | { readonly level: 'warn'; readonly reason: 'above_warn' }
  | { readonly level: 'over'; readonly reason: 'shortening_not_allowed' | 'only_young_days_left' }
  | {
      readonly level: 'over';
      readonly reason: 'oldest_raw_day';
      readonly drop: readonly DayPartition[];
    };

/** What can be had again from nobody but is also told, in short, by the tiers. */
const rawTables: ReadonlySet<string> = new Set([
  'otel_traces',
  'otel_logs',
  'otel_metrics_gauge',
  'otel_metrics_sum',
  'otel_metrics_summary',
  'otel_metrics_histogram',
  'otel_metrics_exponential_histogram',
]);

/**
 * Where the raw rows of a day are noted. They go with it: a trace id that leads nowhere is of no use, and
 * a late row would else have its whole minute computed anew from what is no longer there.
 */
const notes: ReadonlySet<string> = new Set([
  'otel_traces_trace_id_ts',
  'span_arrivals',
  'metric_arrivals',
]);

/** Every table of which a full disk may take days. */
export const shortenedTables: readonly string[] = [...rawTables, ...notes];

/** Today and the day before, UTC: what an alert or a person is looking at just now. */
const youngDays = 2;
const dayMs = 86_400_000;

/**
 * What to do about one disk. One day at a time, so that no more goes than must: the oldest of which any
 * raw table has rows there, in all raw tables. Tiers, summaries, alerts and the audit log stay.
 */
export const decideDisk = (
  { totalBytes, freeBytes }: DiskUse,
  partitions: readonly DayPartition[],
  rules: DiskRules,
  nowMs: number,
): DiskDecision => {
  if (!(totalBytes > 0)) return { level: 'fine', reason: 'size_unknown' };
  const used = usedShare({ totalBytes, freeBytes });
  if (used < rules.warnShare) return { level: 'fine', reason: 'below_warn' };
  if (used < rules.shortenShare) return { level: 'warn', reason: 'above_warn' };
  if (!rules.shortenAllowed) return { level: 'over', reason: 'shortening_not_allowed' };
  const young = dayOf(nowMs - (youngDays - 1) * dayMs);
  const [oldest] = partitions
    .filter((it) => rawTables.has(it.table) && it.bytes > 0 && it.day < young)
    .map((it) => it.day)
    .toSorted();
  if (oldest === undefined) return { level: 'over', reason: 'only_young_days_left' };
  const drop = partitions.filter((it) => it.day === oldest && shortenedTables.includes(it.table));
  return { level: 'over', reason: 'oldest_raw_day', drop };
};

/** From 0 to 1. */
export const usedShare = ({ totalBytes, freeBytes }: Omit<DiskUse, 'disk'>): number =>
  totalBytes > 0 ? Math.min(1, Math.max(0, 1 - freeBytes / totalBytes)) : 0;

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '');
