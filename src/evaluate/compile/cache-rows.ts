import type { CacheConventions } from '../../model/cache-conventions.ts';
import { counterReachMinutes } from '../../model/cache-gains-sql.ts';
import { cachePointsSql, cacheRowsSql, cacheSpansSql } from '../../model/cache-sql.ts';
import type { Filter, GroupKey } from '../rules/signal-plan.ts';
import { type AttributeTable, metricAttributes, spanAttributes } from './attribute.ts';

/** Rows that tell of caches, each with the time that `at` names, and how they answer for attributes. */
export interface CacheRowsQuery {
  readonly sql: string;
  readonly at: 'TimeUnix' | 'Timestamp';
  readonly attributes: AttributeTable;
}

/** What is known of each point and span that is kept because it may tell of a cache, and of the tiers. */
export const keptCacheAttributes: AttributeTable = {
  columns: {
    'service.name': 'ServiceName',
    'cache.name': 'CacheName',
    'cache.system': 'CacheSystem',
  },
  maps: [],
};

/** An attribute that only the raw tables have, of which all rows must be looked through. */
export const rawCacheAttribute = (
  where: readonly Filter[],
  by: readonly GroupKey[],
): string | undefined =>
  [...where, ...by]
    .map((it) => it.attribute)
    .find((it) => !Object.hasOwn(keptCacheAttributes.columns, it));

const withCaches = (table: AttributeTable): AttributeTable => ({
  ...table,
  columns: { ...table.columns, ...keptCacheAttributes.columns },
});

const timed = (at: CacheRowsQuery['at'], [from, to]: readonly [string, string]): string =>
  `${at} >= ${from} AND ${at} < ${to} AND toStartOfHour(${at}) >= toStartOfHour(${from}) AND toStartOfHour(${at}) <= toStartOfHour(${to})`;

const within = (at: CacheRowsQuery['at'], ranges: readonly (readonly [string, string])[]): string =>
  `(${ranges.map((it) => timed(at, it)).join(' OR ')})`;

/** Ranges of the raw rows of a window, as SQL for their ends. */
export type RangesSql = readonly (readonly [from: string, to: string])[];

/** What points tell, with those before each range from which cumulative counters count on. */
export const cachePointRows = (
  conventions: CacheConventions,
  ranges: RangesSql,
  raw: boolean,
): CacheRowsQuery => {
  const reach = ranges.map(
    ([from, to]) => [`${from} - INTERVAL ${counterReachMinutes + 1} MINUTE`, to] as const,
  );
  const inReach = within('TimeUnix', reach);
  const columns = ['ResourceAttributes', 'Attributes', 'ScopeName', 'ScopeVersion'];
  const rows = {
    within: 'true',
    carried: columns,
    from: `(
SELECT ${columns.join(', ')}, ServiceName, MetricName, MetricUnit, SeriesId, StartTimeUnix, TimeUnix, AggregationTemporality = 1 AS IsDelta, NOT IsMonotonic AS IsLevel, Value
FROM otel_metrics_sum
WHERE ${inReach} AND ${cacheRowsSql(conventions).point} AND bitAnd(Flags, 1) = 0 AND isFinite(Value)
)`,
  };
  return {
    sql: cachePointsSql(conventions, raw ? rows : { within: inReach }),
    at: 'TimeUnix',
    attributes: raw ? withCaches(metricAttributes) : keptCacheAttributes,
  };
};

/** What spans tell. */
export const cacheSpanRows = (
  conventions: CacheConventions,
  ranges: RangesSql,
  raw: boolean,
): CacheRowsQuery => {
  const inRange = within('Timestamp', ranges);
  const carried = [
    ...['SpanName', 'SpanKind', 'StatusMessage', 'ScopeName', 'ScopeVersion'],
    ...['SpanAttributes', 'ResourceAttributes'],
  ];
  const rows = {
    within: 'true',
    carried,
    from: `(
SELECT ${carried.join(', ')}, SpanAttributes AS Attributes, ServiceName, Timestamp, StatusCode, Duration, AdjustedCount
FROM otel_traces
WHERE ${inRange} AND ${cacheRowsSql(conventions).span}
)`,
  };
  return {
    sql: cacheSpansSql(conventions, raw ? rows : { within: inRange }),
    at: 'Timestamp',
    attributes: raw ? withCaches(spanAttributes) : keptCacheAttributes,
  };
};
