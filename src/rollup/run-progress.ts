import type { InsertRows, Query } from '../model/query.ts';
import { type Candidate, computedPartsSql, type PartInput, type RollupJob } from './run-job.ts';

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
  readonly parts?: readonly PartInput[];
  readonly versionMs: number;
  readonly tookMs: number;
}

interface CandidateRow {
  readonly fromMs: number;
  readonly input: number;
  readonly computedMs: number;
  readonly parts?: readonly (readonly [string, number])[];
  readonly backlog: number;
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
    const rows = await query<CandidateRow>(
      job.parts ? candidatesOfPartsSql(job) : candidatesSql(job),
      {
        ...ask,
        parameters: {
          ...job.changesParameters,
          ...(job.parts && { parts: job.parts }),
          ...{ since: Math.max(0, since), job: job.name, windowsMax },
        },
      },
    );
    return {
      nowMs,
      windows: rows.map(({ fromMs, input, computedMs, parts, backlog }) => ({
        fromMs,
        toMs: fromMs + job.windowMs,
        input,
        computedMs: computedMs > 0 ? computedMs : undefined,
        ...(parts && { parts: parts.map(([part, of]) => ({ part, input: of })) }),
        backlog,
      })),
    };
  },
  record: async (job, { fromMs, input, parts, versionMs, tookMs }) => {
    const done = { Window: fromMs / 1000, Version: versionMs, Seconds: tookMs / 1000 };
    const rows = parts?.map((it) => ({ ...done, Job: `${job.name}_${it.part}`, Input: it.input }));
    const token = `${job.name}-${fromMs}-${versionMs}-${parts?.[0]?.part ?? ''}`;
    await insertRows('rollup_progress', rows ?? [{ ...done, Job: job.name, Input: input }], token);
  },
});

const candidatesSql = (job: RollupJob): string => `
  SELECT toFloat64(toUnixTimestamp(Window)) * 1000 AS fromMs, toFloat64(changed.Input) AS input,
    toFloat64(done.Latest) AS computedMs, toFloat64(0) AS backlog
  FROM (${job.changes}) AS changed
  LEFT JOIN (
    SELECT Window, argMax(Input, Version) AS Had, max(Version) AS Latest FROM rollup_progress
    WHERE Job = {job:String} AND Window >= {since:DateTime} GROUP BY Window
  ) AS done USING Window
  WHERE changed.Input > done.Had
  ORDER BY fromMs LIMIT {windowsMax:UInt32}`;

/** Parts that were computed last at the same time are one candidate. */
const candidatesOfPartsSql = (job: RollupJob): string => `
  SELECT fromMs, computedMs, max(partInput) AS input, groupArray((part, partInput)) AS parts, toFloat64(max(waiting)) AS backlog
  FROM (
    SELECT toFloat64(toUnixTimestamp(changed.Window)) * 1000 AS fromMs, changed.Part AS part,
      toFloat64(changed.Input) AS partInput, toFloat64(if(done.Last = changed.Part, done.Latest, 0)) AS computedMs,
      count() OVER (PARTITION BY changed.Part) AS waiting
    FROM (SELECT *, splitByChar('_', Part)[1] AS Subject FROM (${job.changes})) AS changed
    LEFT JOIN (${computedPartsSql(job.name)}) AS done USING (Subject, Window)
    WHERE changed.Input > done.Had OR done.Last != changed.Part
  )
  GROUP BY fromMs, computedMs
  ORDER BY fromMs LIMIT {windowsMax:UInt32}`;
