import { metricKinds } from '../model/metric-pieces.ts';
import { metadataSql, seriesSql } from './metric-names-sql.ts';
import { minuteSql, upperTierSql } from './metric-tiers-sql.ts';
import type { Computation, RollupJob } from './run-job.ts';

export interface MetricJobOptions {
  /** How late points may come and still correct the tiers. Shorter than raw points and any tier are kept. */
  readonly lookbackMs: number;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
/** Points of a minute are on their way that long: exporters batch, and retry. */
const settleMs = 20_000;
const timeoutMs = 300_000;

/** Of one statement. What does not fit into memory goes through the disk, more slowly. */
const settings = {
  max_threads: 1,
  max_bytes_before_external_group_by: 400_000_000,
  max_bytes_before_external_sort: 400_000_000,
  max_memory_usage: 3_000_000_000,
};

const [minutes, hours, days] = [
  'metric_rollup_1m',
  'metric_rollup_1h',
  'metric_rollup_1d',
] as const;

/**
 * `metric_rollup_1m` with the names of its series from raw points, `_1h` from that, `_1d` from the
 * hours. An hour that is not over is computed every quarter of an hour, a day every hour.
 */
export const createMetricJobs = ({ lookbackMs }: MetricJobOptions): readonly RollupJob[] => {
  const job = (
    name: string,
    { windowMs, firstMs, changes }: { windowMs: number; firstMs: number; changes: string },
    sqls: readonly string[],
  ): RollupJob => ({
    name,
    windowMs,
    changes,
    settleMs: firstMs,
    lookbackMs,
    timeoutMs,
    run: (computation) => {
      const parameters = parametersOf(computation);
      return sqls.map((sql) => ({ sql, settings, parameters }));
    },
  });
  return [
    job(minutes, { windowMs: minuteMs, firstMs: settleMs, changes: metricArrivals }, [
      ...metricKinds.map(seriesSql),
      metadataSql,
      ...metricKinds.map(minuteSql),
    ]),
    job(
      hours,
      { windowMs: hourMs, firstMs: -hourMs, changes: endedParts(minutes, hourMs, 900) },
      metricKinds.map((kind) => upperTierSql('1h', '1m', kind)),
    ),
    job(
      days,
      { windowMs: dayMs, firstMs: -dayMs, changes: endedParts(hours, dayMs, 3_600) },
      metricKinds.map((kind) => upperTierSql('1d', '1h', kind)),
    ),
  ];
};

const metricArrivals = `SELECT Time AS Window, sum(Points) AS Input FROM metric_arrivals
WHERE Time >= {since:DateTime('UTC')} GROUP BY Window`;

/**
 * Windows that grow whenever a part of them is computed that began before the last full \`stepSeconds\`:
 * a window that is open grows once in each of these and not with every minute.
 */
const endedParts = (jobName: string, windowMs: number, stepSeconds: number): string =>
  `SELECT toStartOfInterval(Part, INTERVAL ${windowMs / 1000} SECOND, 'UTC') AS Window, sum(PartInput) AS Input
FROM (
  SELECT Window AS Part, argMax(Input, Version) AS PartInput FROM rollup_progress
  WHERE Job = '${jobName}' AND Window >= {since:DateTime('UTC')}
    AND Window < toStartOfInterval(now('UTC'), INTERVAL ${stepSeconds} SECOND, 'UTC')
  GROUP BY Part
) GROUP BY Window`;

const parametersOf = ({ fromMs, toMs, versionMs }: Computation) => ({
  from: fromMs / 1000,
  to: toMs / 1000,
  version: versionMs,
});
