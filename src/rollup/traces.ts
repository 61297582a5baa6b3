import { type Computation, type RollupJob, type Statement, spanSettings } from './run-job.ts';
import { quietSeconds, traceSummariesSql } from './trace-sql.ts';

const minuteMs = 60_000;
const timeoutMs = 120_000;
/** Read in one statement; what does not fit into memory goes through the disk. */
const chunkSpansMax = 2_000_000;
/**
 * How far from a span the rest of its trace is looked for, minutes. Each costs as much as looking at
 * the trace ids of a minute, so many spans are looked around less.
 */
const reachMinutesMax = 15;
const reachMinutesMin = 2;
const reachSpans = 3_000_000;

const settings = {
  ...spanSettings,
  // Arrays of a block are sorted and walked together.
  max_block_size: 8192,
  max_bytes_before_external_group_by: 300_000_000,
  max_memory_usage: 3_000_000_000,
};

/** Longer than an insert may take, from its start until all of its views show it. */
const insertSecondsMax = 120;

/**
 * As `spanArrivals`; of minutes that spans came for just now no more than `span_rollup_1m` shows. The views of an
 * insert do not show it at the same moment, and a minute that was computed before that must be due again.
 */
const arrivedAndRolledUp = `
  SELECT Window, if(IsRecent, least(Arrived, RolledUp), Arrived) AS Input
  FROM (
    SELECT Time AS Window, sum(Spans) AS Arrived, max(ArrivedAt) >= now() - ${insertSecondsMax} AS IsRecent
    FROM span_arrivals WHERE Time >= {since:DateTime} GROUP BY Window
  ) AS arrived
  LEFT JOIN (
    SELECT Time AS Window, sum(Spans) AS RolledUp FROM span_rollup_1m
    WHERE Time IN (SELECT Time FROM span_arrivals WHERE Time >= {since:DateTime} AND ArrivedAt >= now() - ${insertSecondsMax})
    GROUP BY Window
  ) AS rolled_up USING Window`;

/** Fills `trace_summaries` from the spans, minute by minute. */
export const createTraceJob = ({ lookbackMs }: { readonly lookbackMs: number }): RollupJob => ({
  name: 'trace_summaries',
  windowMs: minuteMs,
  changes: arrivedAndRolledUp,
  settleMs: quietSeconds * 1000,
  lookbackMs,
  timeoutMs,
  run: (computation) => {
    const chunks = Math.max(1, Math.ceil(computation.input / chunkSpansMax));
    return Array.from({ length: chunks }, (_, chunk) =>
      statementOf(computation, { chunk, chunks }),
    );
  },
});

const sql = traceSummariesSql();

const statementOf = (
  { fromMs, toMs, versionMs, input }: Computation,
  { chunk, chunks }: { readonly chunk: number; readonly chunks: number },
): Statement => {
  const reachMs = reachMinutes(input) * minuteMs;
  const parameters = {
    ...{ from: fromMs / 1000, to: toMs / 1000 },
    ...{ readFrom: (fromMs - reachMs) / 1000, readTo: (toMs + reachMs) / 1000 },
    ...{ now: Math.floor(versionMs / 1000), chunk, chunks },
  };
  return { sql, settings, parameters };
};

const reachMinutes = (input: number): number =>
  Math.max(reachMinutesMin, Math.min(reachMinutesMax, Math.floor(reachSpans / Math.max(1, input))));
