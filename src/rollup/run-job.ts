import { createHash } from 'node:crypto';
import type { QueryParameter } from '../model/query.ts';

/** A stretch of event time, from included, to excluded, milliseconds since 1970. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A window whose input has grown since it was computed last. */
export interface Candidate extends Window {
  /** How much input there is, in the unit of the job's `changes`; grows with each change. */
  readonly input: number;
  /** When it was computed last, by the clock of ClickHouse; undefined when never. */
  readonly computedMs: number | undefined;
  /** Of a job with parts: those that the window is due for. They were computed last at the same time. */
  readonly parts?: readonly PartInput[];
  /** Windows that the same parts are due for, count; the same for all windows of a job without parts. */
  readonly backlog: number;
}

export interface PartInput {
  readonly part: string;
  readonly input: number;
}

/** What one computation of a window is given. */
export interface Computation extends Window {
  /**
   * Greater than that of any computation of the window before, and taken before anything is read:
   * rows that carry it replace those of computations that read earlier (ReplacingMergeTree).
   */
  readonly versionMs: number;
  /** How much input the window has, in the unit of the job's `changes`: what follows may be done in parts. */
  readonly input: number;
  /** Of a job with parts: those to compute; undefined for all of them. */
  readonly parts?: ReadonlySet<string>;
}

export interface Statement {
  /** `INSERT INTO … SELECT …`, run in the database of the tables. */
  readonly sql: string;
  readonly parameters?: Readonly<Record<string, QueryParameter>>;
  readonly settings?: Readonly<Record<string, string | number>>;
}

/**
 * Something that no materialized view can compute, window by window, by SQL inside ClickHouse. A
 * window may be computed twice, by two replicas at once, or die half way: what its statements
 * insert must then replace what was there.
 */
export interface RollupJob {
  /** Letters, digits and `_`; also in `rollup_progress`, so a new name computes everything anew. */
  readonly name: string;
  readonly windowMs: number;
  /**
   * SELECT of `Window` (DateTime, start of a window) and `Input` (UInt64, a sum over what the window
   * is computed from, which grows with each change) for all windows at or after `{since:DateTime}`.
   * See `spanArrivals` and `computedWindows`.
   */
  readonly changes: string;
  readonly changesParameters?: Readonly<Record<string, QueryParameter>>;
  /**
   * What the job does that does not depend on each other, each with progress of its own: see `partOf`. `changes`
   * selects `Part` as well, out of `{parts:Array(String)}`. A window is due for a part when its input has
   * grown, or when another version of the same subject was computed last.
   */
  readonly parts?: readonly string[];
  /** A window is computed first this long after its end; negative to compute it while it lasts. */
  readonly settleMs: number;
  /** How far back windows are computed: after a downtime, and for late input. */
  readonly lookbackMs: number;
  /** It never makes way for ingest. */
  readonly isUrgent?: boolean;
  /** A turn ends after the window that goes beyond it; 20 s unless told. What is left waits for the next. */
  readonly turnMsMax?: number;
  /** For each statement; ClickHouse is told to stop at it. */
  readonly timeoutMs: number;
  /** Statements of one computation, run in this order. Pure. */
  readonly run: (computation: Computation) => readonly Statement[];
}

const hashLength = 12;

/** What a part is about, and how it is computed now, both told apart by a hash. Letters, digits and `_`. */
export const partOf = (subject: string, version: string): string =>
  `${shortHash(subject)}_${shortHash(version)}`;

const shortHash = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, hashLength);

/**
 * SELECT of `Subject`, `Window`, and of its last computation `Last` (the part), `Had` (its input) and
 * `Latest` (its version), of all parts of a job that has some.
 */
export const computedPartsSql = (jobName: string): string => `
  SELECT Subject, Window, argMax(Part, Version) AS Last, argMax(Input, Version) AS Had, max(Version) AS Latest
  FROM (
    SELECT Window, Version, Input, substring(Job, ${jobName.length + 2}) AS Part, substring(Part, 1, ${hashLength}) AS Subject
    FROM rollup_progress WHERE startsWith(Job, '${jobName}_') AND Window >= {since:DateTime}
  ) GROUP BY Subject, Window`;

/** Windows of a minute that grow with the spans that start in them, whenever those arrive. */
export const spanArrivals =
  'SELECT Time AS Window, sum(Spans) AS Input FROM span_arrivals WHERE Time >= {since:DateTime} GROUP BY Window';

/** Windows that grow whenever another job has computed one of its own within them. */
export const computedWindows = (jobName: string, windowMs: number): string =>
  `SELECT toStartOfInterval(Part, INTERVAL ${windowMs / 1000} SECOND, 'UTC') AS Window, sum(PartInput) AS Input
   FROM (
     SELECT Window AS Part, argMax(Input, Version) AS PartInput FROM rollup_progress
     WHERE Job = '${jobName}' AND Window >= {since:DateTime} GROUP BY Part
   ) GROUP BY Window`;

/**
 * For statements that read spans and write rows of different keys. A column of attributes is read once and not
 * once for each name that is looked up (three quarters of what edges cost), rows are not merged among
 * themselves before they are written, and groups come out in whole blocks, not in 256 small ones.
 */
export const spanSettings = {
  max_threads: 1,
  optimize_functions_to_subcolumns: 0,
  optimize_on_insert: 0,
  // By bytes they still are split: only then can they go through the disk.
  group_by_two_level_threshold: 0,
} as const;
