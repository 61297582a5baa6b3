import type { CacheConventions } from '../model/cache-conventions.ts';
import { counterReachMinutes } from '../model/cache-gains-sql.ts';
import { cacheLatenciesSql, cacheLatencyRowsSql } from '../model/cache-sql.ts';
import { piecesOfPoints } from '../model/metric-pieces.ts';
import { cachePointArrivals } from './caches-sql.ts';
import { gapOf, gapOfBuckets, restarted } from './metric-tiers-sql.ts';

/** Minutes that change with points, of those from the first histogram that may tell of a cache to the last. */
export const latencyArrivals = (conventions: CacheConventions): string => {
  const seen = (bound: string): string =>
    `(SELECT ${bound} FROM metric_metadata WHERE MetricType IN ('histogram', 'exponential_histogram') AND ${cacheLatencyRowsSql(conventions)})`;
  return `
  SELECT Window, Input FROM (${cachePointArrivals})
  WHERE Window >= ${seen('toStartOfMinute(min(FirstSeen))')} AND Window <= ${seen(`max(LastSeen) + INTERVAL ${counterReachMinutes} MINUTE`)}`;
};

type HistogramKind = 'histogram' | 'exponential_histogram';

const begin = `toDateTime64({from:DateTime('UTC')}, 9)`;

/**
 * Points of histograms, `{from:DateTime}` to `{to:DateTime}`, with what each of their buckets gained, as
 * counters do: see `cacheGainsSql`. Those of the minutes before are only counted on from.
 */
const gainsSql = (conventions: CacheConventions, kind: HistogramKind): string => {
  const within = [
    `p.TimeUnix >= ${begin} - INTERVAL ${counterReachMinutes + 1} MINUTE`,
    "p.TimeUnix < toDateTime64({to:DateTime('UTC')}, 9)",
    cacheLatencyRowsSql(conventions).replaceAll('MetricName', 'p.MetricName'),
  ];
  const pieces = piecesOfPoints(kind, within.join(' AND '), ['Attributes']);
  const before = ['At', 'Start', 'Count', 'ZeroCount', 'Buckets'].map(
    (it) => `lagInFrame(First${it}) OVER w AS Before${it}`,
  );
  return `SELECT ServiceName, MetricName, MetricUnit, Attributes, ${itemsSql[kind]} AS Items
  FROM (
    SELECT *, toDateTime64(toStartOfMinute(FirstAt), 9) - INTERVAL ${counterReachMinutes} MINUTE AS Reach, multiIf(
      Temporality = 'delta', 'whole',
      BeforeAt < Reach, if(FirstStart >= Reach AND FirstStart < FirstAt, 'whole', 'nothing'),
      ${restarted('First', 'Before')}
        OR FirstCount < BeforeCount OR FirstZeroCount < BeforeZeroCount
        OR if(MetricType = 'exponential_histogram', Layout > BeforeLayout, Layout != BeforeLayout)
        OR (Layout = BeforeLayout AND arrayExists(n -> n < 0, mapValues(mapSubtract(FirstBuckets, BeforeBuckets)))), 'whole',
      'difference') AS Gap
    FROM (
      SELECT *, lagInFrame(Layout) OVER w AS BeforeLayout, ${before.join(', ')}
      FROM (${pieces})
      WINDOW w AS (PARTITION BY SeriesId, Temporality ORDER BY FirstAt ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
    )
  ) AS it
  WHERE it.FirstAt >= ${begin}`;
};

const gained = `mapFilter((k, n) -> n > 0, ${gapOfBuckets('Buckets')})`;

/** Lower and upper end and count of each bucket that gained, in the unit of the metric. */
const itemsSql: Readonly<Record<HistogramKind, string>> = {
  // Of the last bucket no upper end is known: it answers with its lower one, as Prometheus does.
  histogram: `arrayMap((k, n) -> (
      if(k > 1, ExplicitBounds[k - 1], 0), ExplicitBounds[least(k, length(ExplicitBounds))], n),
      mapKeys(${gained} AS Gains), mapValues(Gains))`,
  exponential_histogram: `arrayPushBack(arrayMap((k, n) -> (exp2(k * exp2(-Layout)), exp2((k + 1) * exp2(-Layout)), n),
      mapKeys(${gained} AS Gains), mapValues(Gains)), (ZeroThreshold, ZeroThreshold, ${gapOf('ZeroCount')}))`,
};

/** Where a duration in nanoseconds falls into a sketch: src/model/sketch-sql.ts. */
const bucketOf = (nanoseconds: string): string =>
  `16380 + toInt32(ceil(log2(${nanoseconds}) * 35))`;

/** Of a bucket that begins at 0 only what lies above this part of its end: the rest is counted there. */
const wideMax = 32;

/** What a bucket of a histogram adds to a sketch, evenly spread over it: `Lower`, `Upper`, ns, and `Counted`. */
const spread = `mapFromArrays(
      arrayMap(k -> toInt16(k), Places),
      arrayMap(k -> if(Upper <= Lower, Counted,
        Counted * greatest(0, least(Upper, exp2((k - 16380) / 35)) - greatest(Lower, exp2((k - 16381) / 35))) / (Upper - Lower)), Places))`;

const columns = {
  Gets: `sumIf(Counted, Operation = 'get')`,
  Sets: `sumIf(Counted, Operation = 'set')`,
  Deletes: `sumIf(Counted, Operation = 'delete')`,
  Operations: 'sum(Counted)',
  GetSketch: `sumMapIf(Spread, Operation = 'get')`,
  SetSketch: `sumMapIf(Spread, Operation = 'set')`,
  DurationMin: 'toUInt64(min(Lower))',
  DurationMax: 'toUInt64(max(Upper))',
} as const;

/**
 * Caches of one minute, `{from:DateTime}` to `{to:DateTime}`, out of histograms of durations. Steps are queries of
 * their own for the reason that `cachePointsSql` tells.
 */
export const minuteLatenciesSql = (conventions: CacheConventions): string => {
  const told = (['histogram', 'exponential_histogram'] as const).map(
    (
      kind,
    ) => `SELECT ServiceName, CacheName, CacheSystem, Operation, Nanoseconds, arrayJoin(Items) AS Item
      FROM (${cacheLatenciesSql(conventions, `(${gainsSql(conventions, kind)})`)})`,
  );
  return `
  INSERT INTO cache_rollup_1m_computed (Time, ServiceName, CacheName, CacheSystem, Source, ${Object.keys(columns).join(', ')}, Version)
  SELECT {from:DateTime('UTC')} AS Time, ServiceName, CacheName, CacheSystem, 'histograms' AS Source,
    ${Object.entries(columns)
      .map(([name, sql]) => `${sql} AS ${name}`)
      .join(',\n    ')},
    {version:UInt64} AS Version
  FROM (
    SELECT *, ${spread} AS Spread FROM (
      SELECT *, range(${bucketOf('Lower')}, ${bucketOf('Upper')} + 1) AS Places FROM (
        SELECT *, greatest(1, Start, Upper / ${wideMax}) AS Lower FROM (
          SELECT ServiceName, CacheName, CacheSystem, Operation, sum(Item.3) AS Counted,
            Item.1 * Nanoseconds AS Start, greatest(1, Item.2 * Nanoseconds) AS Upper
          FROM (${told.join('\n          UNION ALL ')})
          GROUP BY ServiceName, CacheName, CacheSystem, Operation, Item.1, Item.2, Nanoseconds
        )
        WHERE Counted > 0
      )
    )
  )
  GROUP BY ServiceName, CacheName, CacheSystem`;
};
