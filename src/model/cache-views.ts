import type { CacheConventions } from './cache-conventions.ts';
import { cachePointSql, cacheSpanSql } from './cache-sql.ts';

/** A materialized view that finds caches in what comes in. */
export interface CacheView {
  readonly view: string;
  readonly source: string;
  readonly target: string;
  /** SELECT of the target's columns; `{{local source}}` is the table whose inserts it sees. */
  readonly select: string;
}

/** The views that know the conventions. Where those change, the views are changed in place. */
export const cacheViews = (conventions: CacheConventions): readonly CacheView[] => [
  {
    view: 'cache_spans_1m_mv',
    source: 'otel_traces',
    target: 'cache_spans_1m',
    select: spansSelect(conventions),
  },
  {
    view: 'cache_points_sum_mv',
    source: 'otel_metrics_sum',
    target: 'cache_points',
    select: pointsSelect(conventions, {
      source: 'otel_metrics_sum',
      isDelta: 'AggregationTemporality = 1',
      // What may fall is a level, and what only grows is none.
      where: "IsMonotonic != (Fact IN ('memory', 'entries'))",
    }),
  },
  {
    view: 'cache_points_gauge_mv',
    source: 'otel_metrics_gauge',
    target: 'cache_points',
    select: pointsSelect(conventions, {
      source: 'otel_metrics_gauge',
      isDelta: 'false',
      where: "Fact IN ('memory', 'entries')",
    }),
  },
];

interface PointsSource {
  readonly source: string;
  readonly isDelta: string;
  readonly where: string;
}

const bytesPerUnit = `transform(toString(MetricUnit), ['KiBy', 'MiBy', 'GiBy', 'kBy', 'MBy', 'GBy'], [1024, 1048576, 1073741824, 1e3, 1e6, 1e9], toFloat64(1))`;

const pointsSelect = (
  conventions: CacheConventions,
  { source, isDelta, where }: PointsSource,
): string => {
  const sql = cachePointSql(conventions);
  return `SELECT
    ServiceName,
    ${sql.cacheName} AS CacheName,
    ${sql.cacheSystem} AS CacheSystem,
    ${sql.fact} AS Fact,
    ${sql.certain} AS Certain,
    SeriesId,
    StartTimeUnix,
    TimeUnix,
    ${isDelta} AS IsDelta,
    Value * if(Fact = 'memory', ${bytesPerUnit}, 1) AS Value
FROM {{local ${source}}}
WHERE ${sql.where} AND bitAnd(Flags, 1) = 0 AND isFinite(Value) AND Fact != '' AND ${where}`;
};

const sketch =
  'map(toInt16(sign(Duration) * (16380 + ceil(log2(abs(Duration) + (Duration = 0)) * 35))), AdjustedCount)';

const spansSelect = (conventions: CacheConventions): string => {
  const sql = cacheSpanSql(conventions);
  return `WITH
    ${sql.result} AS Result,
    ${sql.operation} AS Operation,
    ${sql.itemSize} AS ItemSize
SELECT
    toStartOfMinute(toDateTime(Timestamp, 'UTC')) AS Time,
    ServiceName,
    ${sql.cacheName} AS CacheName,
    ${sql.cacheSystem} AS CacheSystem,
    sumIf(AdjustedCount, Result = 'hit') AS Hits,
    sumIf(AdjustedCount, Result = 'miss') AS Misses,
    sumIf(AdjustedCount, Operation = 'get') AS Gets,
    sumIf(AdjustedCount, Operation = 'set') AS Sets,
    sumIf(AdjustedCount, Operation = 'delete') AS Deletes,
    sum(AdjustedCount) AS Operations,
    sumIf(AdjustedCount, StatusCode = 'Error') AS Errors,
    sum(AdjustedCount * ItemSize) AS ItemBytes,
    sumIf(AdjustedCount, ItemSize > 0) AS SizedItems,
    sumMapIf(${sketch}, Operation = 'get') AS GetSketch,
    sumMapIf(${sketch}, Operation = 'set') AS SetSketch,
    sumMapIf(${sketch}, Result = 'hit') AS HitSketch,
    sumMapIf(${sketch}, Result = 'miss') AS MissSketch,
    min(Duration) AS DurationMin,
    max(Duration) AS DurationMax
FROM {{local otel_traces}}
WHERE ${sql.where}
GROUP BY Time, ServiceName, CacheName, CacheSystem`;
};
