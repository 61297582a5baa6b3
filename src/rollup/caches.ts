import type { CacheConventions } from '../model/cache-conventions.ts';
import { cacheViewsAreSql } from '../model/cache-views.ts';
import {
  cachePointArrivals,
  minuteCountersSql,
  minuteSpansSql,
  tierCachesSql,
} from './caches-sql.ts';
import { type Computation, type RollupJob, spanArrivals } from './run-job.ts';

export interface CacheJobOptions {
  readonly conventions: CacheConventions;
  /** How late points and spans may come and still be counted. Shorter than these and any tier are kept. */
  readonly lookbackMs: number;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
/** What belongs to a minute is on its way that long: exporters batch, and retry. */
const settleMs = 20_000;
const timeoutMs = 120_000;

/** Of one computation. What does not fit into memory goes through the disk, more slowly. */
const settings = {
  max_threads: 1,
  max_bytes_before_external_group_by: 400_000_000,
  max_bytes_before_external_sort: 400_000_000,
  max_memory_usage: 3_000_000_000,
};

/**
 * `cache_rollup_1m` from the points and from the spans, `_1h` from that, `_1d` from the hours. Nothing
 * while the views are another daemon's, who recognises caches otherwise.
 */
export const createCacheJobs = ({
  conventions,
  lookbackMs,
}: CacheJobOptions): readonly RollupJob[] => {
  const job = (
    name: string,
    { windowMs, changes }: { readonly windowMs: number; readonly changes: string },
    sql: string,
  ): RollupJob => ({
    name,
    windowMs,
    changes: `SELECT * FROM (${changes}) WHERE ${cacheViewsAreSql(conventions)}`,
    settleMs: windowMs === minuteMs ? settleMs : -windowMs,
    lookbackMs,
    timeoutMs,
    run: (computation) => [{ sql, settings, parameters: parametersOf(computation) }],
  });
  const [counters, spans, hours, days] = [
    'cache_counters_1m',
    'cache_spans_1m',
    'cache_rollup_1h',
    'cache_rollup_1d',
  ] as const;
  const minutes = { windowMs: minuteMs };
  return [
    job(counters, { ...minutes, changes: cachePointArrivals }, minuteCountersSql(conventions)),
    job(spans, { ...minutes, changes: spanArrivals }, minuteSpansSql(conventions)),
    job(
      hours,
      { windowMs: hourMs, changes: endedParts([counters, spans], hourMs, 300) },
      tierCachesSql('1h', '1m'),
    ),
    job(
      days,
      { windowMs: dayMs, changes: endedParts([hours], dayMs, 3_600) },
      tierCachesSql('1d', '1h'),
    ),
  ];
};

/**
 * Windows that grow whenever a part of them is computed that began before the last full `stepSeconds`:
 * one that is open grows once in each of these and not with every minute.
 */
const endedParts = (jobs: readonly string[], windowMs: number, stepSeconds: number): string =>
  `SELECT toStartOfInterval(Part, INTERVAL ${windowMs / 1000} SECOND, 'UTC') AS Window, sum(PartInput) AS Input
   FROM (
     SELECT Window AS Part, argMax(Input, Version) AS PartInput FROM rollup_progress
     WHERE Job IN (${jobs.map((it) => `'${it}'`).join(', ')}) AND Window >= {since:DateTime}
       AND Window < toStartOfInterval(now('UTC'), INTERVAL ${stepSeconds} SECOND, 'UTC')
     GROUP BY Job, Part
   ) GROUP BY Window`;

const parametersOf = ({ fromMs, toMs, versionMs }: Computation) => ({
  from: fromMs / 1000,
  to: toMs / 1000,
  version: versionMs,
});
