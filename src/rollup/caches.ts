import { cacheArrivals, minuteCachesSql, tierCachesSql } from './caches-sql.ts';
import { type Computation, computedWindows, type RollupJob } from './run-job.ts';

export interface CacheJobOptions {
  /** How late points may come and still be counted. Shorter than points and any tier are kept. */
  readonly lookbackMs: number;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
/** Points of a minute are on their way that long: exporters batch, and retry. */
const settleMs = 20_000;
const timeoutMs = 120_000;

/** Of one computation. What does not fit into memory goes through the disk, more slowly. */
const settings = {
  max_threads: 2,
  max_bytes_before_external_group_by: 400_000_000,
  max_bytes_before_external_sort: 400_000_000,
  max_memory_usage: 3_000_000_000,
};

/** `cache_counters_1m` from the points, `_1h` from that, `_1d` from the hours. */
export const createCacheJobs = ({ lookbackMs }: CacheJobOptions): readonly RollupJob[] => {
  const job = (
    [name, windowMs, changes]: readonly [name: string, windowMs: number, changes: string],
    sql: string,
  ): RollupJob => ({
    name,
    windowMs,
    changes,
    settleMs: windowMs === minuteMs ? settleMs : -windowMs,
    lookbackMs,
    timeoutMs,
    run: (computation) => [{ sql, settings, parameters: parametersOf(computation) }],
  });
  const [minutes, hours, days] = [
    'cache_counters_1m',
    'cache_counters_1h',
    'cache_counters_1d',
  ] as const;
  return [
    job([minutes, minuteMs, cacheArrivals], minuteCachesSql),
    job([hours, hourMs, computedWindows(minutes, hourMs)], tierCachesSql('1h', '1m')),
    job([days, dayMs, computedWindows(hours, dayMs)], tierCachesSql('1d', '1h')),
  ];
};

const parametersOf = ({ fromMs, toMs, versionMs }: Computation) => ({
  from: fromMs / 1000,
  to: toMs / 1000,
  version: versionMs,
});
