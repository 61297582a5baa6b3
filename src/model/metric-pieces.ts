export type MetricKind = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary';

export const metricKinds: readonly MetricKind[] = [
  'gauge',
  'sum',
  'histogram',
  'exponential_histogram',
  'summary',
];

/**
 * Points (called `p`) that fit a condition, by default those of a window, `{from:DateTime}` to
 * `{to:DateTime}`, as pieces of series: rows of a tier that begin and end with the same point. Of a
 * cumulative point it is known where the count stands, not what was gained. Points that say that
 * nothing was measured are none. `also`: columns of points to carry along.
 */
export const piecesOfPoints = (
  kind: MetricKind,
  where = withinWindow,
  also: readonly string[] = [],
): string => `SELECT
  p.ServiceName AS ServiceName, p.MetricName AS MetricName, p.MetricUnit AS MetricUnit, p.SeriesId AS SeriesId,
  '${kind}' AS MetricType, ${temporalities[kind]} AS Temporality, ${kind === 'sum' ? 'p.IsMonotonic' : 'false'} AS IsMonotonic,
  p.TimeUnix AS Bucket, p.TimeUnix AS FirstAt, p.TimeUnix AS LastAt, p.StartTimeUnix AS FirstStart, p.StartTimeUnix AS LastStart,
  ${[...columns[kind], ...also.map((it) => `p.${it} AS ${it}`)].join(',\n  ')}
FROM ${pointsOf(kind, where)}`;

const withinWindow = `p.TimeUnix >= toDateTime64({from:DateTime('UTC')}, 9)
  AND p.TimeUnix < toDateTime64({to:DateTime('UTC')}, 9)`;

/** What stands behind FROM for such points, called `p`. */
export const pointsOf = (
  kind: MetricKind,
  where = withinWindow,
): string => `otel_metrics_${kind} AS p
WHERE ${where}
  AND bitAnd(p.Flags, 1) = 0`;

const sentTemporality = "if(p.AggregationTemporality = 1, 'delta', 'cumulative')";

/** Summaries do not say; they count since their start. */
export const temporalities: Readonly<Record<MetricKind, string>> = {
  gauge: "'none'",
  sum: sentTemporality,
  histogram: sentTemporality,
  exponential_histogram: sentTemporality,
  summary: "'cumulative'",
};

/** Senders may send NaN and infinities: they can neither be added up nor put into a bucket. */
const scalar = (isLevel: string, isAddable: string): readonly string[] => [
  'isFinite(p.Value) AS Known',
  'if(Known, p.Value, 0) AS First',
  'First AS Last',
  'toUInt64(Known) AS Points',
  'toUInt64(NOT Known) AS NotFinite',
  `if(${isAddable}, First, 0) AS Sum`,
  `if(Known AND ${isLevel}, First, NULL) AS Min`,
  'Min AS Max',
  `if(Known AND ${isLevel}, map(toInt16(sign(First) * least(32767, greatest(1, 16380 + ceil(log2(abs(First) + (First = 0)) * 35)))), toFloat64(1)), CAST(map(), 'Map(Int16, Float64)')) AS Sketch`,
];

const noBuckets = "CAST(map(), 'Map(Int64, Float64)')";
const noQuantiles = "CAST(map(), 'Map(String, Float64)')";

/** Where a count stands at a point, under its three names. */
const stands = (name: string, sql: string, none: string): readonly string[] => [
  `${sql} AS First${name}`,
  `First${name} AS Last${name}`,
  `if(Temporality = 'delta', First${name}, ${none}) AS ${name}`,
];

/** Buckets that are not empty, by number. */
const buckets = (counts: string, shift: string): string => {
  const numbers = `arrayMap(i -> toInt64(i) + ${shift}, arrayEnumerate(${counts}))`;
  return `mapFromArrays(arrayFilter((i, n) -> n > 0, ${numbers}, ${counts}), arrayMap(n -> toFloat64(n), arrayFilter(n -> n > 0, ${counts})))`;
};

/** Extremes since the start of the count say nothing of a minute; 0 and 0 were not sent. */
const extremesKnown =
  "Temporality = 'delta' AND p.Count > 0 AND p.Min <= p.Max AND (p.Min != 0 OR p.Max != 0 OR p.Sum = 0)";

const distribution = [
  'toUInt64(1) AS Points',
  ...stands('Count', 'toFloat64(p.Count)', '0'),
  ...stands('Sum', 'if(isFinite(p.Sum), p.Sum, 0)', '0'),
];

const extremes = [
  `if(${extremesKnown}, p.Min, NULL) AS Min`,
  `if(${extremesKnown}, p.Max, NULL) AS Max`,
];

const columns: Readonly<Record<MetricKind, readonly string[]>> = {
  gauge: [...scalar('true', 'true'), 'toFloat64(0) AS Increase'],
  sum: [
    ...scalar(
      "NOT p.IsMonotonic AND Temporality = 'cumulative'",
      "Temporality = 'delta' OR NOT p.IsMonotonic",
    ),
    "if(Temporality = 'delta', First, 0) AS Increase",
  ],
  histogram: [
    ...distribution,
    ...extremes,
    'reinterpretAsInt64(cityHash64(p.ExplicitBounds)) AS Layout',
    'p.ExplicitBounds AS ExplicitBounds',
    ...stands(
      'Buckets',
      `if(length(p.BucketCounts) = length(p.ExplicitBounds) + 1, ${buckets('p.BucketCounts', '0')}, ${noBuckets})`,
      noBuckets,
    ),
    ...stands('NegativeBuckets', noBuckets, noBuckets),
    ...stands('ZeroCount', 'toFloat64(0)', '0'),
    'toFloat64(0) AS ZeroThreshold',
    `${noQuantiles} AS Quantiles`,
    `${noQuantiles} AS QuantilesMax`,
  ],
  exponential_histogram: [
    ...distribution,
    ...extremes,
    'toInt64(p.Scale) AS Layout',
    'emptyArrayFloat64() AS ExplicitBounds',
    ...stands(
      'Buckets',
      buckets('p.PositiveBucketCounts', 'toInt64(p.PositiveOffset) - 1'),
      noBuckets,
    ),
    ...stands(
      'NegativeBuckets',
      buckets('p.NegativeBucketCounts', 'toInt64(p.NegativeOffset) - 1'),
      noBuckets,
    ),
    ...stands('ZeroCount', 'toFloat64(p.ZeroCount)', '0'),
    'if(isFinite(p.ZeroThreshold), p.ZeroThreshold, 0) AS ZeroThreshold',
    `${noQuantiles} AS Quantiles`,
    `${noQuantiles} AS QuantilesMax`,
  ],
  summary: [
    ...distribution,
    "CAST(NULL, 'Nullable(Float64)') AS Min",
    'Min AS Max',
    'toInt64(0) AS Layout',
    'emptyArrayFloat64() AS ExplicitBounds',
    ...stands('Buckets', noBuckets, noBuckets),
    ...stands('NegativeBuckets', noBuckets, noBuckets),
    ...stands('ZeroCount', 'toFloat64(0)', '0'),
    'toFloat64(0) AS ZeroThreshold',
    // A quantile of nothing is NaN.
    'mapFilter((q, v) -> isFinite(v), mapFromArrays(arrayMap(q -> toString(q), p.`ValueAtQuantiles.Quantile`), p.`ValueAtQuantiles.Value`)) AS Quantiles',
    'Quantiles AS QuantilesMax',
  ],
};
