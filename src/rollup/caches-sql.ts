/**
 * How far before a minute the point is sought from which a cumulative counter is counted on: senders
 * that report every five minutes, and one report that was lost.
 */
const counterReachMinutes = 11;

/** Minutes that change with the points in them, and with those before from which they count on. */
export const cacheArrivals = `
  SELECT toDateTime(touched, 'UTC') AS Window, sum(Points) AS Input FROM (
    SELECT arrayJoin(arrayMap(i -> Time + 60 * i, range(0, ${counterReachMinutes + 1}))) AS touched, Points
    FROM cache_arrivals WHERE Time >= {since:DateTime('UTC')} - ${60 * counterReachMinutes}
  ) WHERE touched >= {since:DateTime('UTC')} GROUP BY Window`;

const events = {
  Hits: `sumIf(Gained, Fact = 'hit')`,
  Misses: `sumIf(Gained, Fact = 'miss')`,
  Gets: `greatest(sumIf(Gained, Fact = 'get'), Hits + Misses)`,
  Sets: `sumIf(Gained, Fact = 'set')`,
  Deletes: `sumIf(Gained, Fact = 'delete')`,
  Operations: `greatest(sumIf(Gained, Fact = 'command'), Gets + Sets + Deletes + sumIf(Gained, Fact = 'other'))`,
  Evictions: `sumIf(Gained, Fact = 'eviction')`,
} as const;

const levels = ['Memory', 'Entries'] as const;

const columns = [
  'Time',
  'ServiceName',
  'CacheName',
  'CacheSystem',
  ...Object.keys(events),
  ...levels.flatMap((it) => [`${it}Sum`, `${it}Max`, `${it}Minutes`]),
  'Version',
].join(', ');

/** A start time that equals the point's own says nothing: the sender does not know it. */
const restarted = `(StartTimeUnix > BeforeStart AND StartTimeUnix >= BeforeAt AND StartTimeUnix < TimeUnix)
      OR Value < BeforeValue`;

/**
 * What a point adds: all of a delta, of a restarted counter, and of a series that began within reach;
 * else the difference to the point before. Nothing where the series is older than what is seen of it.
 */
const gained = `multiIf(
    IsDelta, Value,
    BeforeAt = toDateTime64(0, 9), if(StartTimeUnix >= Base AND StartTimeUnix < TimeUnix, Value, 0),
    ${restarted}, Value,
    Value - BeforeValue)`;

/**
 * Caches of one minute, `{from:DateTime}` to `{to:DateTime}`, out of the points. A gain belongs to the
 * minute of the point that tells it. Levels of instances are added up, each as it was last.
 */
export const minuteCachesSql = `
  INSERT INTO cache_counters_1m (${columns})
  WITH toDateTime64({from:DateTime('UTC')}, 9) AS Start,
    Start - INTERVAL ${counterReachMinutes} MINUTE AS Base
  SELECT {from:DateTime('UTC')} AS Time, ServiceName, CacheName, CacheSystem,
    ${Object.entries(events)
      .map(([name, sql]) => `${sql} AS ${name}`)
      .join(',\n    ')},
    ${levels.map(levelSql).join(',\n    ')},
    {version:UInt64} AS Version
  FROM (
    SELECT ServiceName, CacheName, CacheSystem, Fact, SeriesId, max(Certain) AS Sure,
      sumIf(${gained}, TimeUnix >= Start) AS Gained,
      argMaxIf(Value, TimeUnix, TimeUnix >= Start) AS Last, countIf(TimeUnix >= Start) AS Points
    FROM (
      SELECT *, lagInFrame(TimeUnix) OVER w AS BeforeAt, lagInFrame(StartTimeUnix) OVER w AS BeforeStart,
        lagInFrame(Value) OVER w AS BeforeValue
      FROM cache_points
      WHERE TimeUnix >= Base AND TimeUnix < toDateTime64({to:DateTime('UTC')}, 9)
        AND toStartOfHour(TimeUnix) >= toStartOfHour(Base)
      WINDOW w AS (PARTITION BY SeriesId, Fact ORDER BY TimeUnix ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
    )
    GROUP BY ServiceName, CacheName, CacheSystem, Fact, SeriesId
  )
  GROUP BY ServiceName, CacheName, CacheSystem
  HAVING sum(Points) > 0 AND (max(Sure) OR (countIf(Fact = 'hit') > 0 AND countIf(Fact = 'miss') > 0))`;

function levelSql(name: (typeof levels)[number]): string {
  const fact = `Fact = '${name.toLowerCase()}' AND Points > 0`;
  return `sumIf(Last, ${fact}) AS ${name}Sum, ${name}Sum AS ${name}Max, toUInt64(countIf(${fact}) > 0) AS ${name}Minutes`;
}

/** Caches of one hour or day out of the tier before it, as that stands now. */
export const tierCachesSql = (tier: '1h' | '1d', below: '1m' | '1h'): string => `
  INSERT INTO cache_counters_${tier} (${columns})
  SELECT {from:DateTime('UTC')} AS Time, c.ServiceName AS ServiceName, c.CacheName AS CacheName, c.CacheSystem AS CacheSystem,
    ${Object.keys(events)
      .map((it) => `sum(c.${it}) AS ${it}`)
      .join(', ')},
    ${levels.map((it) => `sum(c.${it}Sum) AS ${it}Sum, max(c.${it}Max) AS ${it}Max, sum(c.${it}Minutes) AS ${it}Minutes`).join(', ')},
    {version:UInt64} AS Version
  FROM cache_counters_${below} AS c FINAL
  WHERE c.Time >= {from:DateTime('UTC')} AND c.Time < {to:DateTime('UTC')}
  GROUP BY c.ServiceName, c.CacheName, c.CacheSystem`;
