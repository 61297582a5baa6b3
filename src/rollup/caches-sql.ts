import type { CacheConventions } from '../model/cache-conventions.ts';
import { cacheGainsSql, counterReachMinutes } from '../model/cache-gains-sql.ts';
import { cachePointsSql, cacheSpansSql } from '../model/cache-sql.ts';
import { durationSketchSql } from '../model/sketch-sql.ts';

/** Minutes that change with the points in them, and with those before from which they count on. */
export const cachePointArrivals = `
  SELECT toDateTime(touched, 'UTC') AS Window, sum(Points) AS Input FROM (
    SELECT arrayJoin(arrayMap(i -> Time + 60 * i, range(0, ${counterReachMinutes + 1}))) AS touched, Points
    FROM metric_arrivals WHERE Time >= {since:DateTime('UTC')} - ${60 * counterReachMinutes}
  ) WHERE touched >= {since:DateTime('UTC')} GROUP BY Window`;

const keys = 'ServiceName, CacheName, CacheSystem';
const levels = ['Memory', 'Entries'] as const;
type Columns = Readonly<Record<string, string>>;

const insertSql = (tier: string, columns: Columns): string =>
  `INSERT INTO cache_rollup_${tier}_computed (Time, ${keys}, Source, ${Object.keys(columns).join(', ')}, Version)`;

const listSql = (columns: Columns): string =>
  Object.entries(columns)
    .map(([name, sql]) => `${sql} AS ${name}`)
    .join(',\n    ');

const counted: Columns = {
  Hits: `sumIf(Gained, Fact = 'hit')`,
  Misses: `sumIf(Gained, Fact = 'miss')`,
  Gets: `greatest(sumIf(Gained, Fact = 'get'), Hits + Misses)`,
  Sets: `sumIf(Gained, Fact = 'set')`,
  Deletes: `sumIf(Gained, Fact = 'delete')`,
  Operations: `greatest(sumIf(Gained, Fact = 'command'), Gets + Sets + Deletes + sumIf(Gained, Fact = 'other'))`,
  Evictions: `sumIf(Gained, Fact = 'eviction')`,
  ...Object.fromEntries(
    levels.flatMap((name) => {
      const fact = `Fact = '${name.toLowerCase()}' AND Points > 0`;
      return [
        [`${name}Sum`, `sumIf(Last, ${fact})`],
        [`${name}Max`, `${name}Sum`],
        [`${name}Minutes`, `toUInt64(countIf(${fact}) > 0)`],
      ];
    }),
  ),
};

const end = `toDateTime64({to:DateTime('UTC')}, 9)`;

/**
 * Caches of one minute, `{from:DateTime}` to `{to:DateTime}`, out of the points. A gain belongs to the
 * minute of the point that tells it. Levels of instances are added up, each as it was last.
 */
export const minuteCountersSql = (conventions: CacheConventions): string => `
  ${insertSql('1m', counted)}
  WITH toDateTime64({from:DateTime('UTC')}, 9) AS Begin, Begin - INTERVAL ${counterReachMinutes} MINUTE AS Since
  SELECT {from:DateTime('UTC')} AS Time, ${keys}, 'counters' AS Source,
    ${listSql(counted)},
    {version:UInt64} AS Version
  FROM (
    SELECT ${keys}, Fact, SeriesId, max(Certain) AS Sure,
      sumIf(it.Gained, TimeUnix >= Begin) AS Gained,
      argMaxIf(Value, TimeUnix, TimeUnix >= Begin) AS Last, countIf(TimeUnix >= Begin) AS Points
    FROM (${cacheGainsSql(
      cachePointsSql(conventions, {
        within: `TimeUnix >= Since AND TimeUnix < ${end} AND toStartOfHour(TimeUnix) >= toStartOfHour(Since)`,
      }),
    )}) AS it
    GROUP BY ${keys}, Fact, SeriesId
  )
  GROUP BY ${keys}
  HAVING sum(Points) > 0 AND (max(Sure) OR (countIf(Fact = 'hit') > 0 AND countIf(Fact = 'miss') > 0))`;

const sketch = durationSketchSql('AdjustedCount');

const traced: Columns = {
  Hits: `sumIf(AdjustedCount, Result = 'hit')`,
  Misses: `sumIf(AdjustedCount, Result = 'miss')`,
  Gets: `sumIf(AdjustedCount, Operation = 'get')`,
  Sets: `sumIf(AdjustedCount, Operation = 'set')`,
  Deletes: `sumIf(AdjustedCount, Operation = 'delete')`,
  Operations: 'sum(AdjustedCount)',
  Errors: `sumIf(AdjustedCount, StatusCode = 'Error')`,
  ItemBytes: 'sum(AdjustedCount * ItemSize)',
  SizedItems: 'sumIf(AdjustedCount, ItemSize > 0)',
  GetSketch: `sumMapIf(${sketch}, Operation = 'get')`,
  SetSketch: `sumMapIf(${sketch}, Operation = 'set')`,
  HitSketch: `sumMapIf(${sketch}, Result = 'hit')`,
  MissSketch: `sumMapIf(${sketch}, Result = 'miss')`,
  DurationMin: 'min(Duration)',
  DurationMax: 'max(Duration)',
};

/** Caches of one minute out of the spans that start in it. */
export const minuteSpansSql = (conventions: CacheConventions): string => `
  ${insertSql('1m', traced)}
  WITH toDateTime64({from:DateTime('UTC')}, 9) AS Begin
  SELECT {from:DateTime('UTC')} AS Time, ${keys}, 'spans' AS Source,
    ${listSql(traced)},
    {version:UInt64} AS Version
  FROM (${cacheSpansSql(conventions, {
    within: `Timestamp >= Begin AND Timestamp < ${end} AND toStartOfHour(Timestamp) = toStartOfHour(Begin)`,
  })})
  GROUP BY ${keys}`;

const aggregates: Readonly<Record<string, string>> = {
  MemoryMax: 'max',
  EntriesMax: 'max',
  GetSketch: 'sumMap',
  SetSketch: 'sumMap',
  HitSketch: 'sumMap',
  MissSketch: 'sumMap',
  DurationMin: 'min',
  DurationMax: 'max',
};

/** Caches of one hour or day out of the tier before it, as that stands now. */
export const tierCachesSql = (tier: '1h' | '1d', below: '1m' | '1h'): string => {
  const columns: Columns = Object.fromEntries(
    Object.keys({ ...counted, ...traced }).map((it) => [it, `${aggregates[it] ?? 'sum'}(c.${it})`]),
  );
  return `
  ${insertSql(tier, columns)}
  SELECT {from:DateTime('UTC')} AS Time, c.ServiceName AS ServiceName, c.CacheName AS CacheName,
    c.CacheSystem AS CacheSystem, c.Source AS Source,
    ${listSql(columns)},
    {version:UInt64} AS Version
  FROM cache_rollup_${below}_computed AS c FINAL
  WHERE c.Time >= {from:DateTime('UTC')} AND c.Time < {to:DateTime('UTC')}
  GROUP BY c.ServiceName, c.CacheName, c.CacheSystem, c.Source`;
};
