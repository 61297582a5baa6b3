import type { InsertRows, Query } from '../model/query.ts';
import type { Candidate, RollupJob } from './run-job.ts';

export interface Progress {
  /** Windows whose input has grown since they were computed, oldest first. */
  readonly candidates: (job: RollupJob, signal: AbortSignal) => Promise<Candidates>;
  readonly record: (job: RollupJob, done: Done) => Promise<void>;
}

export interface Candidates {
  /** By the clock of ClickHouse, which also stamps arrivals and versions. */
  readonly nowMs: number;
  readonly windows: readonly Candidate[];
}

export interface Done {
  readonly fromMs: number;
  readonly input: number;
  readonly versionMs: number;
  readonly tookMs: number;
}

const readTimeoutMs = 20_000;
/** Enough for two weeks of minutes. */
export const windowsMax = 20_160;

/**
 * How far each job has come, in ClickHouse beside what it computed: it outlives Redis. Compared are
 * amounts of input, not times: an insert shows some time after the moment it is stamped with.
 */
export const createProgress = (query: Query, insertRows: InsertRows): Progress => ({
  candidates: async (job, signal) => {
    const ask = { timeoutMs: readTimeoutMs, signal };
    const [now] = await query<{ nowMs: number }>(
      'SELECT toFloat64(toUnixTimestamp64Milli(now64(3))) AS nowMs',
      ask,
    );
    const nowMs = now?.nowMs ?? 0;
    const since = Math.floor((nowMs - job.lookbackMs) / job.windowMs) * (job.windowMs / 1000);
    const rows = await query<{ fromMs: number; input: number; computedMs: number }>(
      candidatesSql(job),
      { ...ask, parameters: { since: Math.max(0, since), job: job.name, windowsMax } },
    );
    return {
      nowMs,
      windows: rows.map(({ fromMs, input, computedMs }) => ({
        fromMs,
        toMs: fromMs + job.windowMs,
        input,
        computedMs: computedMs > 0 ? computedMs : undefined,
      })),
    };
  },
  record: async (job, { fromMs, input, versionMs, tookMs }) => {
    const row = {
      Job: job.name,
      Window: fromMs / 1000,
      Version: versionMs,
      Input: input,
      Seconds: tookMs / 1000,
    };
    await insertRows('rollup_progress', [row], `${job.name}-${fromMs}-${versionMs}`);
  },
});

const candidatesSql = (job: RollupJob): string => `
  SELECT toFloat64(toUnixTimestamp(Window)) * 1000 AS fromMs, toFloat64(changed.Input) AS input,
    toFloat64(done.Latest) AS computedMs
  FROM (${job.changes}) AS changed
  LEFT JOIN (
    SELECT Window, argMax(Input, Version) AS Had, max(Version) AS Latest FROM rollup_progress
    WHERE Job = {job:String} AND Window >= {since:DateTime} GROUP BY Window
  ) AS done USING Window
  WHERE changed.Input > done.Had
  ORDER BY fromMs LIMIT {windowsMax:UInt32}`;
