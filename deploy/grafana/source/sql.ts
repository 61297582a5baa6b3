import type { Variable } from './panel.ts';

/** The service that was chosen, quoted. */
export const service = '${service:sqlstring}';

const range = 'toUnixTimestamp($__toTime) - toUnixTimestamp($__fromTime)';

/**
 * The tier that graphs read (a year has 365 points) and the one that tables add up: coarser, since an
 * hour's row is as good as 60 of minutes where the whole range is one figure.
 */
export const tiers: readonly Variable[] = [
  {
    name: 'tier',
    hidden: true,
    sql: `SELECT multiIf(${range} <= 43200, '1m', ${range} <= 604800, '1h', '1d')`,
  },
  {
    name: 'totals',
    hidden: true,
    sql: `SELECT multiIf(${range} <= 7200, '1m', ${range} <= 259200, '1h', '1d')`,
  },
];

const secondsOf = (tier: 'tier' | 'totals'): string =>
  `transform('$${tier}', ['1m', '1h', '1d'], [60, 3600, 86400], 60)`;

const floored = (time: string, step: string): string =>
  `toDateTime(intDiv(toUnixTimestamp(${time}), ${step}) * ${step}, 'UTC')`;

/** Seconds from a time until the range ends, or until now when it ends later; at least one. */
const secondsSince = (time: string): string =>
  `greatest(1, toUnixTimestamp(least($__toTime, now())) - toUnixTimestamp(${time}))`;

/** In WITH: `step`, the seconds between two points, as many whole rows of the tier as Grafana has pixels for. */
export const step = `toUInt32(ceil($__interval_s / ${secondsOf('tier')}) * ${secondsOf('tier')}) AS step`;

/** The point of a graph that a row belongs to. */
export const point = `${floored('r.Time', 'step')} AS time`;

/** Rows of the range; the first point is whole. */
export const inRange = `r.Time >= ${floored('$__fromTime', 'step')} AND r.Time <= $__toTime`;

/** How many seconds a point stands for: the last one is still growing. */
export const seconds = `least(step, ${secondsSince('time')})`;

const totalsFrom = floored('$__fromTime', secondsOf('totals'));

/** The same for figures of the whole range: whole rows of the tier `totals`. */
export const inTotals = `r.Time >= ${totalsFrom} AND r.Time <= $__toTime`;
export const totalSeconds = secondsSince(totalsFrom);

/** What people call requests: what a service answers, not what it asks for. */
export const answers = "r.SpanKind IN ('Server', 'Consumer')";

/**
 * In WITH: the buckets of percentiles 50, 95 and 99 of a sketch, as src/rollup/README.md reads it. `percentile`
 * gives their values in milliseconds.
 */
export const buckets = (column: string): string =>
  [
    `sumMap(r.${column}) AS sketch`,
    'arrayCumSum(mapValues(sketch)) AS below',
    'arrayMap(q -> mapKeys(sketch)[arrayFirstIndex(c -> c >= q * below[-1], below)], [0.5, 0.95, 0.99]) AS buckets',
    'arrayMap(b -> least(toFloat64(max(r.DurationMax)), greatest(toFloat64(min(r.DurationMin)), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)) / 1e6, buckets) AS p',
  ].join(',\n  ');

/**
 * In WITH: `durations`, the percentiles 50, 95 and 99 of what services answered in the whole range, as `p` in
 * milliseconds. Days are read from rows by duration, which takes half as long as from their sketches.
 */
export const durationsOfServices = `durations AS (
  SELECT ServiceName AS service, quantilesExactWeighted(0.5, 0.95, 0.99)(Bucket, toUInt64(round(Answered * 65536))) AS buckets,
    arrayMap(b -> sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997 / 1e6, buckets) AS p
  FROM (
    SELECT r.ServiceName AS ServiceName, r.Bucket AS Bucket, r.Answered AS Answered
    FROM service_durations_1d AS r WHERE '$totals' = '1d' AND ${inTotals} AND r.Answered > 0
    UNION ALL
    SELECT s.ServiceName, key, value
    FROM (
      SELECT r.ServiceName AS ServiceName, sumMap(r.Sketch) AS sketch
      FROM span_rollup_$totals AS r WHERE '$totals' != '1d' AND ${inTotals} AND ${answers} GROUP BY r.ServiceName
    ) AS s ARRAY JOIN mapKeys(s.sketch) AS key, mapValues(s.sketch) AS value
  )
  GROUP BY service
)`;
