import { type MetricKind, piecesOfPoints } from '../model/metric-pieces.ts';

export type MetricTier = '1m' | '1h' | '1d';

/** Rows of a minute, one for each series of a kind, out of the raw points. */
export const minuteSql = (kind: MetricKind): string => joinedSql('1m', kind, piecesOfPoints(kind));

/** Rows of an hour or a day out of the tier below, as that stands now. */
export const upperTierSql = (
  tier: Exclude<MetricTier, '1m'>,
  below: MetricTier,
  kind: MetricKind,
): string =>
  joinedSql(
    tier,
    kind,
    `SELECT *, Time AS Bucket FROM metric_rollup_${below}
WHERE Time >= {from:DateTime('UTC')} AND Time < {to:DateTime('UTC')} AND MetricType = '${kind}'`,
  );

const joinedSql = (tier: MetricTier, kind: MetricKind, pieces: string): string =>
  kind === 'gauge' || kind === 'sum' ? scalarSql(tier, pieces) : distributionSql(tier, pieces);

const insertSql = (tier: MetricTier, columns: Readonly<Record<string, string>>): string =>
  `INSERT INTO metric_rollup_${tier}_computed (Time, ${Object.keys(columns).join(', ')}, Version)
SELECT {from:DateTime('UTC')} AS Time, ${Object.entries(columns)
    .map(([name, sql]) => `${sql} AS ${name}`)
    .join(',\n  ')}, {version:UInt64} AS Version`;

const identity = {
  ServiceName: 'any(it.ServiceName)',
  MetricName: 'any(it.MetricName)',
  MetricUnit: 'any(it.MetricUnit)',
  SeriesId: 'it.SeriesId',
  MetricType: 'it.MetricType',
  Temporality: 'it.Temporality',
};

/** A start time that equals the point's own says nothing: the sender does not know it. */
export const restarted = (now: string, before: string): string =>
  `(${now}Start > ${before}Start AND ${now}Start >= ${before}At AND ${now}Start < ${now}At)`;

/**
 * The pieces of a series in order of time. What a cumulative sum gained is what its pieces gained and
 * what it gained between them: after a restart the whole value of the first point, else the difference.
 */
const scalarSql = (tier: MetricTier, pieces: string): string => {
  const ordered =
    'arraySort(groupArrayIf((it.FirstAt, it.FirstStart, it.First, it.LastAt, it.LastStart, it.Last), it.Points > 0))';
  const gap = `multiIf(
    (now.2 > before.5 AND now.2 >= before.4 AND now.2 < now.1) OR (it.IsMonotonic AND now.3 < before.6), now.3,
    now.3 - before.6)`;
  const gaps = `if(it.Temporality = 'cumulative', arraySum(arrayMap((now, before) -> ${gap}, arrayPopFront(${ordered} AS Ordered), arrayPopBack(Ordered))), 0)`;
  return `${insertSql(tier, {
    ...identity,
    IsMonotonic: 'it.IsMonotonic',
    Points: 'sum(it.Points)',
    NotFinite: 'sum(it.NotFinite)',
    Sum: 'sum(it.Sum)',
    Min: 'min(it.Min)',
    Max: 'max(it.Max)',
    Sketch: 'sumMap(it.Sketch)',
    ...firstAndLast(['First', 'Last'], 'it.Points > 0'),
    Increase: `sum(it.Increase) + ${gaps}`,
  })}
FROM (${pieces}) AS it
GROUP BY it.SeriesId, it.MetricType, it.Temporality, it.IsMonotonic`;
};

/** `First…` from the first piece and `Last…` from the last, with their times. */
const firstAndLast = (
  names: readonly string[],
  condition: string,
): Readonly<Record<string, string>> => ({
  FirstAt: `minIf(it.FirstAt, ${condition})`,
  FirstStart: `argMinIf(it.FirstStart, it.FirstAt, ${condition})`,
  LastAt: `maxIf(it.LastAt, ${condition})`,
  LastStart: `argMaxIf(it.LastStart, it.LastAt, ${condition})`,
  ...Object.fromEntries(
    names.map((it) => [
      it,
      it.startsWith('First')
        ? `argMinIf(it.${it}, it.FirstAt, ${condition})`
        : `argMaxIf(it.${it}, it.LastAt, ${condition})`,
    ]),
  ),
});

const standings = ['Count', 'Sum', 'ZeroCount', 'Buckets', 'NegativeBuckets'] as const;

/**
 * As with sums, for each bucket. Pieces with other buckets make rows of their own. A falling count is
 * a sure sign of a restart, and so are new buckets; exponential ones may grow coarser as they go on.
 * Rows of one bucket of the tier below have counted what lies between them.
 */
const distributionSql = (tier: MetricTier, pieces: string): string => {
  const before = [...standings, 'At', 'Start'].map(
    (it) => `lagInFrame(Last${it}) OVER w AS Before${it}`,
  );
  return `${insertSql(tier, {
    ...identity,
    Layout: 'it.Layout',
    Points: 'sum(it.Points)',
    Sum: `sum(it.Sum + ${gapOf('Sum')})`,
    Min: 'min(it.Min)',
    Max: 'max(it.Max)',
    Count: `sum(it.Count + ${gapOf('Count')})`,
    ZeroCount: `sum(it.ZeroCount + ${gapOf('ZeroCount')})`,
    ZeroThreshold: 'max(it.ZeroThreshold)',
    ExplicitBounds: 'any(it.ExplicitBounds)',
    Buckets: `sumMap(mapAdd(it.Buckets, ${gapOfBuckets('Buckets')}))`,
    NegativeBuckets: `sumMap(mapAdd(it.NegativeBuckets, ${gapOfBuckets('NegativeBuckets')}))`,
    ...firstAndLast(
      standings.flatMap((it) => [`First${it}`, `Last${it}`]),
      'true',
    ),
    Quantiles: 'argMax(it.Quantiles, it.LastAt)',
    QuantilesMax: 'maxMap(it.QuantilesMax)',
  })}
FROM (
  SELECT *, multiIf(
    Temporality = 'delta' OR BeforeAt = toDateTime64(0, 9) OR BeforeBucket = Bucket, 'nothing',
    ${restarted('First', 'Before')}
      OR FirstCount < BeforeCount OR FirstZeroCount < BeforeZeroCount
      OR if(MetricType = 'exponential_histogram', Layout > BeforeLayout, Layout != BeforeLayout)
      OR (Layout = BeforeLayout AND arrayExists(n -> n < 0, mapValues(mapSubtract(FirstBuckets, BeforeBuckets)))), 'whole',
    'difference') AS Gap
  FROM (
    SELECT *, lagInFrame(Bucket) OVER w AS BeforeBucket, lagInFrame(Layout) OVER w AS BeforeLayout, ${before.join(', ')}
    FROM (${pieces})
    WINDOW w AS (PARTITION BY SeriesId, MetricType, Temporality ORDER BY FirstAt, LastAt ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
  )
) AS it
GROUP BY it.SeriesId, it.MetricType, it.Temporality, it.Layout`;
};

/** What `it.FirstName` gained by `it.Gap` since `it.BeforeName`. */
export const gapOf = (name: string): string =>
  `multiIf(it.Gap = 'whole', it.First${name}, it.Gap = 'difference', it.First${name} - it.Before${name}, 0)`;

/** What buckets `it.FirstName` gained by `it.Gap` since `it.BeforeName`. */
export const gapOfBuckets = (name: string): string => {
  const coarser = `arrayReduce('sumMap', arrayMap((k, n) -> map(toInt64(floor(k / exp2(it.BeforeLayout - it.Layout))), n), mapKeys(it.Before${name}), mapValues(it.Before${name})))`;
  const before = `if(it.MetricType = 'exponential_histogram' AND it.BeforeLayout > it.Layout, ${coarser}, it.Before${name})`;
  return `multiIf(it.Gap = 'whole', it.First${name}, it.Gap = 'difference', mapSubtract(it.First${name}, ${before}), CAST(map(), 'Map(Int64, Float64)'))`;
};
