import type { GroupKey } from '../rules/signal-plan.ts';
import { contributionSql, pointsSql, unitFactorSql } from './counters.ts';
import { groupAliases, groupBySql } from './grouped.ts';
import type { MetricSelection } from './metrics.ts';

/**
 * Percentiles of what a metric measured, from buckets of any layout: explicit bounds with linear
 * interpolation, as Prometheus' histogram_quantile; exponential ones with logarithmic interpolation
 * at their own resolution; points of gauges as buckets without width.
 *
 * A bucket is `lower`, `upper`, how many values it gained in the window (`gained`), and `curved`.
 */
export const percentileSql = (
  selection: MetricSelection,
  level: number,
  by: readonly GroupKey[],
): string => {
  const parts = [
    explicitBuckets(selection),
    exponentialBuckets(selection),
    gaugeBuckets(selection),
  ];
  return interpolatedSql(parts, level, by);
};

/** A percentile out of queries that answer such buckets. */
export const interpolatedSql = (
  parts: readonly string[],
  level: number,
  by: readonly GroupKey[],
): string => {
  const labels = groupAliases(by).map((it) => `${it}, `);
  return `SELECT ${labels.join('')}${interpolated} AS v
FROM (
SELECT ${labels.join('')}sums[-1] * ${level} AS rank, arrayFirstIndex(it -> it >= rank, sums) AS position, buckets[position] AS bucket, (rank - (sums[position] - bucket.3)) / bucket.3 AS share
FROM (
SELECT ${labels.join('')}arraySort(groupArray((upper, lower, n, curved))) AS buckets, arrayCumSum(buckets.3) AS sums
FROM (
SELECT ${labels.join('')}lower, upper, curved, sum(gained) AS n
FROM (
${parts.join('\nUNION ALL\n')}
)
GROUP BY ${[...groupAliases(by), 'lower', 'upper', 'curved'].join(', ')}
HAVING n > 0
)${groupBySql(by)}
)
)`;
};

/**
 * The first bucket whose running sum reaches the rank holds the percentile. The unbounded first
 * bucket starts at 0 when it can, the unbounded last one answers with its lower bound.
 */
const interpolated = `multiIf(
  position = 0, NULL,
  bucket.1 = inf, if(bucket.2 = -inf, NULL, bucket.2),
  bucket.2 = -inf, if(bucket.1 <= 0, bucket.1, bucket.1 * share),
  bucket.4 = 1, bucket.2 * pow(bucket.1 / bucket.2, share),
  bucket.2 + (bucket.1 - bucket.2) * share)`;

const bucketColumns = (selection: MetricSelection): string =>
  selection.labels.map((it) => `${it.name}, `).join('');

const layoutChanged =
  'measured < previous_measured OR bounds != previous_bounds OR length(counts) != length(previous_counts) OR arrayExists((now, before) -> now < before, arrayResize(counts, least(length(counts), length(previous_counts))), arrayResize(previous_counts, least(length(counts), length(previous_counts))))';

const explicitBuckets = (selection: MetricSelection): string => {
  const points = pointsSql({
    table: 'otel_metrics_histogram',
    carried: [...selection.labels, { name: 'factor', sql: unitFactorSql }],
    counted: [
      { name: 'measured', sql: 'toFloat64(Count)' },
      { name: 'bounds', sql: 'ExplicitBounds' },
      { name: 'counts', sql: 'arrayMap(it -> toFloat64(it), BucketCounts)' },
    ],
    where: [...selection.where, 'length(BucketCounts) = length(ExplicitBounds) + 1'],
    temporality: 'sent',
  });
  const gains = `multiIf(how = 'whole', counts, how = 'difference', arrayMap((now, before) -> now - before, counts, if(length(counts) = length(previous_counts), previous_counts, counts)), arrayResize([0.], length(counts)))`;
  return `SELECT ${bucketColumns(selection)}bucket.1 * factor AS lower, bucket.2 * factor AS upper, bucket.3 AS gained, 0 AS curved
FROM (
SELECT ${bucketColumns(selection)}factor, ${contributionSql(`(${layoutChanged})`)} AS how, arrayJoin(arrayZip(arrayConcat([-inf], bounds), arrayConcat(bounds, [inf]), ${gains})) AS bucket
FROM (
${points}
)
)`;
};

/**
 * Series of one answer may differ in scale, and one series may coarsen as it goes: all are brought to
 * the coarsest. A cumulative point adds its own buckets and takes away those of the point before.
 */
const exponentialBuckets = (selection: MetricSelection): string => {
  const names = selection.labels.map((it) => it.name);
  const points = pointsSql({
    table: 'otel_metrics_exponential_histogram',
    carried: [...selection.labels, { name: 'factor', sql: unitFactorSql }],
    counted: [
      { name: 'measured', sql: 'toFloat64(Count)' },
      { name: 'scale', sql: 'Scale' },
      { name: 'zeros', sql: 'toFloat64(ZeroCount)' },
      { name: 'zero_width', sql: 'ZeroThreshold' },
      { name: 'positive', sql: indexed('PositiveOffset', 'PositiveBucketCounts', 1) },
      { name: 'negative', sql: indexed('NegativeOffset', 'NegativeBucketCounts', -1) },
    ],
    where: selection.where,
    temporality: 'sent',
  });
  const reset =
    '(measured < previous_measured OR zeros < previous_zeros OR scale > previous_scale)';
  const own = bucketsOf('', 1);
  const before = bucketsOf('previous_', -1);
  const step = 'exp2(-coarsest)';
  const size = `factor * bucket.1`;
  return `SELECT ${bucketColumns(selection)}multiIf(bucket.1 = 0, -bucket.2 * has_negative, bucket.1 > 0, ${size} * exp2(bucket.2 * ${step}), ${size} * exp2((bucket.2 + 1) * ${step})) AS lower, multiIf(bucket.1 = 0, bucket.2, bucket.1 > 0, ${size} * exp2((bucket.2 + 1) * ${step}), ${size} * exp2(bucket.2 * ${step})) AS upper, bucket.3 AS gained, bucket.1 != 0 AS curved
FROM (
SELECT ${bucketColumns(selection)}factor, coarsest, has_negative, arrayJoin(multiIf(how = 'whole', ${own}, how = 'difference', arrayConcat(${own}, ${before}), [])) AS bucket
FROM (
SELECT *, ${contributionSql(reset)} AS how, toFloat64(min(least(scale, if(how = 'difference', previous_scale, scale))) OVER (${partition(names)})) AS coarsest, max(notEmpty(negative)) OVER (${partition(names)}) AS has_negative
FROM (
${points}
)
)
)`;
};

const partition = (names: readonly string[]): string =>
  names.length === 0 ? '' : `PARTITION BY ${names.join(', ')}`;

/** (sign, index, count) of every bucket that is not empty. */
const indexed = (offset: string, counts: string, sign: 1 | -1): string =>
  `arrayFilter(it -> it.3 > 0, arrayMap((count, position) -> (${sign}, toFloat64(${offset} + position - 1), toFloat64(count)), ${counts}, arrayEnumerate(${counts})))`;

const bucketsOf = (prefix: string, sign: 1 | -1): string =>
  `arrayConcat([(0, toFloat64(${prefix}zero_width * factor), ${sign} * ${prefix}zeros)], arrayMap(it -> (it.1, floor(it.2 / exp2(${prefix}scale - coarsest)), ${sign} * it.3), arrayConcat(${prefix}positive, ${prefix}negative)))`;

const gaugeBuckets = (selection: MetricSelection): string =>
  `SELECT ${selection.labels.map(({ name, sql }) => `${sql} AS ${name}, `).join('')}Value * ${unitFactorSql} AS lower, lower AS upper, toFloat64(1) AS gained, 0 AS curved
FROM otel_metrics_gauge
WHERE ${[
    'TimeUnix >= {from:DateTime64(9)}',
    'TimeUnix < {to:DateTime64(9)}',
    'bitAnd(Flags, 1) = 0',
    ...selection.where,
  ].join('\n  AND ')}`;
