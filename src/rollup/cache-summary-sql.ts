import type { CacheConventions } from '../model/cache-conventions.ts';
import { counterReachMinutes } from '../model/cache-gains-sql.ts';
import { cacheLatenciesSql, cacheLatencyRowsSql } from '../model/cache-sql.ts';

/** Minutes with points, of those from the first summary that may tell of a cache to the last. */
export const summaryArrivals = (conventions: CacheConventions): string => {
  const seen = (bound: string): string =>
    `(SELECT ${bound} FROM metric_metadata WHERE MetricType = 'summary' AND ${cacheLatencyRowsSql(conventions)})`;
  return `
  SELECT Time AS Window, sum(Points) AS Input FROM metric_arrivals
  WHERE Time >= {since:DateTime('UTC')} AND Time >= ${seen('toStartOfMinute(min(FirstSeen))')} AND Time <= ${seen(`max(LastSeen) + INTERVAL ${counterReachMinutes} MINUTE`)}
  GROUP BY Window`;
};

/**
 * Quantiles of one minute, `{from:DateTime}` to `{to:DateTime}`, as summaries told them: of each series
 * the last, and of those the highest and the lowest. What they are quantiles of, the sender chose; there
 * is no way to those of all instances.
 */
export const minuteSummariesSql = (conventions: CacheConventions): string => `
  INSERT INTO cache_summaries_1m_computed (Time, ServiceName, CacheName, CacheSystem, Operation, Quantile, Highest, Lowest, Series, Version)
  SELECT {from:DateTime('UTC')} AS Time, ServiceName, CacheName, CacheSystem, Operation, Told.1 AS Quantile,
    max(Told.2 * Nanoseconds) AS Highest, min(Told.2 * Nanoseconds) AS Lowest, uniqExact(SeriesId) AS Series, {version:UInt64} AS Version
  FROM (
    SELECT ServiceName, CacheName, CacheSystem, Operation, Nanoseconds, SeriesId, arrayJoin(Quantiles) AS Told
    FROM (${cacheLatenciesSql(
      conventions,
      `(
      SELECT ServiceName, MetricName, MetricUnit, any(p.Attributes) AS Attributes, SeriesId,
        argMax(arrayZip(p.ValueAtQuantiles.Quantile, p.ValueAtQuantiles.Value), p.TimeUnix) AS Quantiles
      FROM otel_metrics_summary AS p
      WHERE p.TimeUnix >= toDateTime64({from:DateTime('UTC')}, 9) AND p.TimeUnix < toDateTime64({to:DateTime('UTC')}, 9)
        AND bitAnd(p.Flags, 1) = 0 AND ${cacheLatencyRowsSql(conventions).replaceAll('MetricName', 'p.MetricName')}
      GROUP BY ServiceName, MetricName, MetricUnit, SeriesId)`,
    )})
  )
  WHERE isFinite(Told.2) AND Told.2 >= 0
  GROUP BY ServiceName, CacheName, CacheSystem, Operation, Quantile`;
