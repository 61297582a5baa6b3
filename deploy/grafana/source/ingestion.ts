import type { Dashboard } from './panel.ts';
import { inRange, point, seconds, step, tiers } from './sql.ts';

const metric = '${metric:sqlstring}';

/** Rows of the daemon's own metrics, which it sends to itself unless told otherwise (`telemetry`). */
const own = (...names: readonly string[]): string =>
  `${inRange} AND r.ServiceName = 'tocsin' AND r.MetricName IN (${names.map((it) => `'${it}'`).join(', ')})`;

const rejectPoint =
  "toDateTime(intDiv(toUnixTimestamp(r.At), greatest(10, $__interval_s)) * greatest(10, $__interval_s), 'UTC') AS time";

export const ingestion: Dashboard = {
  uid: 'tocsin-ingestion',
  title: 'Tocsin / Ingestion',
  about: 'What came in, what was refused and why, what waits, and what takes the space.',
  variables: [
    ...tiers,
    {
      name: 'metric',
      label: 'Metric',
      sql: 'SELECT MetricName FROM metric_cardinality WHERE Time >= toStartOfHour($__toTime - INTERVAL 1 HOUR) AND Time <= $__toTime GROUP BY MetricName ORDER BY sum(series) DESC LIMIT 100',
    },
  ],
  panels: [
    {
      title: 'Rows stored per second by table',
      about: "Tocsin's own count.",
      kind: 'timeseries',
      stacked: true,
      width: 12,
      unit: 'rowsps',
      sql: `WITH ${step}
SELECT ${point}, r.labels['table'] AS table, sum(r.increase) / ${seconds} AS rows
FROM metric_counters(metric = 'tocsin_store_insert_rows_stored', by = ['table'], tier = '$tier', from = $__fromTime, to = $__toTime) AS r
GROUP BY time, table ORDER BY time, table`,
    },
    {
      title: 'Spans stored per second by service',
      about: 'After sampling; the ten with most.',
      kind: 'timeseries',
      stacked: true,
      width: 12,
      unit: 'short',
      sql: `WITH ${step}
SELECT ${point}, r.ServiceName AS service, sum(r.Spans) / ${seconds} AS spans
FROM span_rollup_$tier AS r
WHERE ${inRange} AND r.ServiceName IN (
  SELECT ServiceName FROM span_rollup_1d WHERE Time >= toStartOfDay($__fromTime) AND Time <= $__toTime
  GROUP BY ServiceName ORDER BY sum(Spans) DESC LIMIT 10)
GROUP BY time, service ORDER BY time, service`,
    },
    {
      title: 'Refused items and requests by reason',
      about:
        'Spans, points and log records, and whole requests where their items are not known; count.',
      kind: 'timeseries',
      stacked: true,
      width: 12,
      unit: 'short',
      sql: `SELECT ${rejectPoint}, concat(r.ReasonCode, ' (', r.Unit, ')') AS reason, sum(r.Count) AS refused
FROM otlp_rejects AS r
WHERE $__timeFilter(r.At)
GROUP BY time, reason ORDER BY time, reason`,
    },
    {
      title: 'Who was refused, and why',
      kind: 'table',
      width: 12,
      sql: `SELECT r.ServiceName AS service, r.KeyName AS key, r.Signal AS signal, r.ReasonCode AS code, r.Unit AS unit, sum(r.Count) AS refused,
  argMax(r.Reason, r.At) AS reason, argMax(r.Sample, r.At) AS sample, max(r.At) AS last
FROM otlp_rejects AS r
WHERE $__timeFilter(r.At)
GROUP BY service, key, signal, code, unit ORDER BY refused DESC LIMIT 100`,
    },
    {
      title: 'Journal: acknowledged and not stored yet',
      kind: 'timeseries',
      width: 8,
      units: { bytes: 'bytes', requests: 'short' },
      sql: `WITH ${step}
SELECT time, max(bytes_now) AS bytes, max(requests_now) AS requests
FROM (
  SELECT ${point}, r.Time, sumIf(r.Max, r.MetricName = 'tocsin_journal_bytes_held') AS bytes_now,
    sumIf(r.Max, r.MetricName = 'tocsin_journal_requests_held') AS requests_now
  FROM metric_rollup_$tier AS r
  WHERE ${own('tocsin_journal_bytes_held', 'tocsin_journal_requests_held')}
  GROUP BY time, r.Time
)
GROUP BY time ORDER BY time`,
    },
    {
      title: 'Backlog: blocks that wait for ClickHouse',
      kind: 'timeseries',
      width: 8,
      unit: 'short',
      sql: `WITH ${step}
SELECT time, max(blocks_now) AS blocks
FROM (
  SELECT ${point}, r.Time, sum(r.Max) AS blocks_now
  FROM metric_rollup_$tier AS r
  WHERE ${own('tocsin_batch_blocks_waiting')}
  GROUP BY time, r.Time
)
GROUP BY time ORDER BY time`,
    },
    {
      title: 'Time of inserts, mean',
      kind: 'timeseries',
      width: 8,
      unit: 's',
      sql: `WITH ${step}
SELECT ${point}, sum(r.Sum) / nullIf(sum(r.Count), 0) AS mean
FROM metric_rollup_$tier AS r
WHERE ${own('tocsin_store_insert_duration')}
GROUP BY time ORDER BY time`,
    },
    {
      title: 'Metrics with most series',
      about: 'In the last whole hour before the end of the range.',
      kind: 'table',
      width: 8,
      sql: `SELECT MetricName AS metric, ServiceName AS service, max(series) AS series, sum(points) AS points
FROM metric_cardinality
WHERE Time >= toStartOfHour($__toTime - INTERVAL 1 HOUR) AND Time <= $__toTime
GROUP BY metric, service ORDER BY series DESC LIMIT 50`,
    },
    {
      title: '$metric: which attribute explodes',
      about: 'In the month in which the range ends.',
      kind: 'table',
      width: 8,
      sql: `SELECT ServiceName AS service, attribute, place, values, series, example
FROM attribute_cardinality
WHERE MetricName = ${metric} AND Month = toStartOfMonth($__toTime)
ORDER BY values DESC LIMIT 50`,
    },
    {
      title: 'Size of tables',
      kind: 'table',
      width: 8,
      units: { bytes: 'bytes', bytes_per_row: 'bytes' },
      sql: `SELECT name AS table, total_rows AS rows, total_bytes AS bytes, total_bytes / nullIf(total_rows, 0) AS bytes_per_row
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND total_rows > 0
ORDER BY bytes DESC LIMIT 100`,
    },
  ],
};
