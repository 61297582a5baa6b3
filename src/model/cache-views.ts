import { createHash } from 'node:crypto';
import type { CacheConventions } from './cache-conventions.ts';
import { cacheRowsSql } from './cache-sql.ts';

/** A materialized view that keeps what a convention may fit. */
export interface CacheView {
  readonly view: string;
  readonly source: string;
  readonly target: string;
  /** A table of the migration that gave the target its last column; before that the view is left alone. */
  readonly since: string;
  /** SELECT of the target's columns; `{{local source}}` is the table whose inserts it sees. */
  readonly select: string;
}

/**
 * Tells one set of conventions from another. Views bear it in their comments, and jobs compute only
 * while the views bear theirs: of daemons that disagree those that started last are right.
 */
export const cacheMark = (conventions: CacheConventions): string =>
  createHash('sha256')
    .update(JSON.stringify([conventions, cacheViews(conventions)]))
    .digest('hex')
    .slice(0, 12);

/** Whether the views are those of these conventions; SQL for the database of the tables. */
export const cacheViewsAreSql = (conventions: CacheConventions): string =>
  `(SELECT count() FROM system.tables WHERE database = currentDatabase() AND name IN (${cacheViews(
    conventions,
  )
    .flatMap((it) => [`'${it.view}'`, `'${it.view}_local'`])
    .join(', ')}) AND NOT endsWith(comment, '; text ${cacheMark(conventions)}')) = 0`;

/**
 * The views depend on the conventions and are changed in place with them. The engine reads a view's
 * text again for each insert, which takes milliseconds for a long one: what rows mean is asked later.
 */
export const cacheViews = (conventions: CacheConventions): readonly CacheView[] => {
  const sql = cacheRowsSql(conventions);
  const points = (source: string, isDelta: string, isLevel: string): string => `SELECT
    ServiceName, MetricName, MetricUnit, Attributes, SeriesId, StartTimeUnix, TimeUnix,
    ${isDelta} AS IsDelta, ${isLevel} AS IsLevel, Value
FROM {{local ${source}}}
WHERE ${sql.point} AND bitAnd(Flags, 1) = 0 AND isFinite(Value)`;
  return [
    {
      view: 'cache_spans_mv',
      source: 'otel_traces',
      target: 'cache_spans',
      since: 'cache_requests_1m_computed',
      select: `SELECT
    Timestamp, ServiceName, SpanName, StatusCode, Duration, AdjustedCount,
    ${sql.attributes} AS Attributes, cityHash64(TraceId) AS TraceHash
FROM (
    SELECT Timestamp, TraceId, ServiceName, SpanName, StatusCode, Duration, AdjustedCount, SpanAttributes
    FROM {{local otel_traces}}
    WHERE ${sql.span}
)
WHERE ${sql.spanKept}`,
    },
    {
      view: 'cache_points_sum_mv',
      source: 'otel_metrics_sum',
      target: 'cache_points',
      since: 'cache_points',
      select: points('otel_metrics_sum', 'AggregationTemporality = 1', 'NOT IsMonotonic'),
    },
    {
      view: 'cache_points_gauge_mv',
      source: 'otel_metrics_gauge',
      target: 'cache_points',
      since: 'cache_points',
      select: points('otel_metrics_gauge', 'false', 'true'),
    },
  ];
};
