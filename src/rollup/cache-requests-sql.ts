import type { CacheConventions } from '../model/cache-conventions.ts';
import { cacheSpansSql } from '../model/cache-sql.ts';
import { durationSketchSql } from '../model/sketch-sql.ts';

/** How long after the minute in which a request starts its lookups are sought. */
export const lookupReachMinutes = 2;

/**
 * From when on lookups are known by their trace: since 0020-cache-durations.sql, where the database is
 * older than that. A week of minutes from before would be computed for nothing.
 */
const tracedSince = `(
    SELECT if(maxIf(AppliedAt, Version = 20) > minIf(AppliedAt, Version = 16) + INTERVAL 1 HOUR,
      toStartOfMinute(maxIf(AppliedAt, Version = 20)), toDateTime(0))
    FROM schema_migrations)`;

/** Minutes that change with the spans that start in them and in those after, where lookups may be. */
export const requestArrivals = `
  SELECT toDateTime(touched, 'UTC') AS Window, sum(Spans) AS Input FROM (
    SELECT arrayJoin(arrayMap(i -> Time - 60 * i, range(0, ${lookupReachMinutes + 1}))) AS touched, Spans
    FROM span_arrivals WHERE Time >= {since:DateTime('UTC')}
  ) WHERE touched >= {since:DateTime('UTC')} AND touched >= ${tracedSince} GROUP BY Window`;

const begin = `toDateTime64({from:DateTime('UTC')}, 9)`;
const end = `toDateTime64({to:DateTime('UTC')}, 9)`;
const keys = 'ServiceName, CacheName, CacheSystem';

const sketch = durationSketchSql('Weight');

const columns = {
  HitRequests: 'sumIf(Weight, NOT Missed)',
  MissRequests: 'sumIf(Weight, Missed)',
  HitSketch: `sumMapIf(${sketch}, NOT Missed)`,
  MissSketch: `sumMapIf(${sketch}, Missed)`,
  DurationMin: 'min(Duration)',
  DurationMax: 'max(Duration)',
} as const;

const insertSql = (tier: '1m' | '1h' | '1d'): string =>
  `INSERT INTO cache_requests_${tier}_computed (Time, ${keys}, ${Object.keys(columns).join(', ')}, Version)`;

/**
 * Requests that start in a minute, `{from:DateTime}` to `{to:DateTime}`, by what their lookups found. A
 * request is a span of kind Server or Consumer, or a root; a lookup is part of every request of its
 * trace and service during which it starts. Who called whom within the service is not looked at: that
 * would take all spans of the trace.
 */
export const minuteRequestsSql = (conventions: CacheConventions): string => {
  const within = `Timestamp >= ${begin} AND Timestamp < ${end} + INTERVAL ${lookupReachMinutes} MINUTE AND toStartOfHour(Timestamp) >= toStartOfHour(${begin}) AND TraceHash != 0`;
  const lookups = cacheSpansSql(conventions, { within, carried: ['TraceHash'] });
  return `
  ${insertSql('1m')}
  SELECT {from:DateTime('UTC')} AS Time, ${keys},
    ${listSql(columns)},
    {version:UInt64} AS Version
  FROM (
    SELECT l.ServiceName AS ServiceName, l.CacheName AS CacheName, l.CacheSystem AS CacheSystem,
      any(r.Duration) AS Duration, any(r.Weight) AS Weight, max(l.Result = 'miss') AS Missed
    FROM (SELECT TraceHash, ${keys}, Timestamp, Result FROM (${lookups}) WHERE Result != '') AS l
    INNER JOIN (
      SELECT cityHash64(TraceId) AS TraceHash, SpanId, ServiceName, Timestamp, Duration, AdjustedCount AS Weight
      FROM otel_traces
      WHERE Timestamp >= ${begin} AND Timestamp < ${end}
        AND (SpanKind IN ('Server', 'Consumer') OR ParentSpanId = '')
        AND ServiceName IN (SELECT ServiceName FROM cache_spans WHERE ${within})
        AND cityHash64(TraceId) IN (SELECT TraceHash FROM cache_spans WHERE ${within})
    ) AS r ON r.TraceHash = l.TraceHash AND r.ServiceName = l.ServiceName
    WHERE l.Timestamp >= r.Timestamp AND l.Timestamp <= r.Timestamp + toIntervalNanosecond(r.Duration)
    GROUP BY l.ServiceName, l.CacheName, l.CacheSystem, r.TraceHash, r.SpanId
  )
  GROUP BY ${keys}`;
};

const aggregates: Readonly<Record<keyof typeof columns, string>> = {
  HitRequests: 'sum',
  MissRequests: 'sum',
  HitSketch: 'sumMap',
  MissSketch: 'sumMap',
  DurationMin: 'min',
  DurationMax: 'max',
};

/** Requests of one hour or day out of the tier before it, as that stands now. */
export const tierRequestsSql = (tier: '1h' | '1d', below: '1m' | '1h'): string => `
  ${insertSql(tier)}
  SELECT {from:DateTime('UTC')} AS Time, c.ServiceName AS ServiceName, c.CacheName AS CacheName,
    c.CacheSystem AS CacheSystem,
    ${Object.entries(aggregates)
      .map(([name, aggregate]) => `${aggregate}(c.${name}) AS ${name}`)
      .join(',\n    ')},
    {version:UInt64} AS Version
  FROM cache_requests_${below}_computed AS c FINAL
  WHERE c.Time >= {from:DateTime('UTC')} AND c.Time < {to:DateTime('UTC')}
  GROUP BY c.ServiceName, c.CacheName, c.CacheSystem`;

const listSql = (of: Readonly<Record<string, string>>): string =>
  Object.entries(of)
    .map(([name, sql]) => `${sql} AS ${name}`)
    .join(',\n    ');
