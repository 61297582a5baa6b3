import type { CacheConventions } from '../model/cache-conventions.ts';
import { cacheViewsAreSql } from '../model/cache-views.ts';
import { latencyArrivals, minuteLatenciesSql } from './cache-latency-sql.ts';
import {
  lookupReachMinutes,
  minuteRequestsSql,
  requestArrivals,
  tierRequestsSql,
} from './cache-requests-sql.ts';
import { minuteSummariesSql, summaryArrivals } from './cache-summary-sql.ts';
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

interface JobParts {
  readonly windowMs: number;
  readonly changes: string;
  readonly sql: string;
  /** How long after its end a minute is computed first. */
  readonly settleMs?: number;
}

/**
 * `cache_rollup_1m` from points, spans and histograms, `cache_requests_1m` from spans, of both `_1h` from
 * that and `_1d` from the hours; `cache_summaries` from summaries. Nothing while the views are another daemon's, who recognises caches
 * otherwise.
 */
export const createCacheJobs = ({
  conventions,
  lookbackMs,
}: CacheJobOptions): readonly RollupJob[] => {
  const job = (
    name: string,
    { windowMs, changes, sql, settleMs = -windowMs }: JobParts,
  ): RollupJob => ({
    name,
    windowMs,
    changes: `SELECT * FROM (${changes}) WHERE ${cacheViewsAreSql(conventions)}`,
    settleMs,
    lookbackMs,
    timeoutMs,
    run: (computation) => [{ sql, settings, parameters: parametersOf(computation) }],
  });
  const [counters, spans, latencies, requests] = [
    'cache_counters_1m',
    'cache_spans_1m',
    'cache_latencies_1m',
    'cache_requests_1m',
  ] as const;
  const [hours, requestHours] = ['cache_rollup_1h', 'cache_requests_1h'] as const;
  const minute = { windowMs: minuteMs, settleMs };
  const hour = (...parts: readonly string[]) => ({
    windowMs: hourMs,
    changes: endedParts(parts, hourMs, 300),
  });
  const day = (part: string) => ({ windowMs: dayMs, changes: endedParts([part], dayMs, 3_600) });
  return [
    job(counters, { ...minute, changes: cachePointArrivals, sql: minuteCountersSql(conventions) }),
    job(spans, { ...minute, changes: spanArrivals, sql: minuteSpansSql(conventions) }),
    job(latencies, {
      ...minute,
      changes: latencyArrivals(conventions),
      sql: minuteLatenciesSql(conventions),
    }),
    job('cache_summaries_1m', {
      ...minute,
      changes: summaryArrivals(conventions),
      sql: minuteSummariesSql(conventions),
    }),
    job(requests, {
      windowMs: minuteMs,
      settleMs: settleMs + lookupReachMinutes * minuteMs,
      changes: requestArrivals,
      sql: minuteRequestsSql(conventions),
    }),
    job(hours, { ...hour(counters, spans, latencies), sql: tierCachesSql('1h', '1m') }),
    job('cache_rollup_1d', { ...day(hours), sql: tierCachesSql('1d', '1h') }),
    job(requestHours, { ...hour(requests), sql: tierRequestsSql('1h', '1m') }),
    job('cache_requests_1d', { ...day(requestHours), sql: tierRequestsSql('1d', '1h') }),
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
