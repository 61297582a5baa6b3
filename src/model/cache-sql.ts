import {
  type AttributeCondition,
  type CacheConventions,
  type CacheMetricConvention,
  type CacheSpanConvention,
  cacheItemSizeAttribute,
  cacheMarks,
  cacheMetricEnding,
  cacheNameAttributes,
  cacheOperationAttributes,
  cacheOperations,
  cacheSystemAttribute,
  cacheSystems,
  latencyOperationAttributes,
} from './cache-conventions.ts';

const bytesPerUnit = `transform(toString(MetricUnit), ['KiBy', 'MiBy', 'GiBy', 'kBy', 'MBy', 'GBy'], [1024, 1048576, 1073741824, 1e3, 1e6, 1e9], toFloat64(1))`;

/** Which rows are asked what they tell. */
export interface CacheRows {
  /** A condition over the table's columns. */
  readonly within: string;
  /** What stands behind FROM, with the columns of `cache_points` or `cache_spans`; those unless given. */
  readonly from?: string;
  /** Further columns of it to yield. */
  readonly carried?: readonly string[];
}

/**
 * A query over `cache_points` that yields what is recognised: `ServiceName`, `CacheName`, `CacheSystem`,
 * `Fact`, `Certain`, `SeriesId`, `StartTimeUnix`, `TimeUnix`, `IsDelta` and `Value`, memory in bytes. What may
 * fall is a level, and what only grows is none. Each step is a query of its own: an alias is read
 * again wherever it is used, and the engine takes seconds for what that multiplies to.
 */
export const cachePointsSql = (
  { metrics }: CacheConventions,
  { within, from = 'cache_points', carried = [] }: CacheRows,
): string => {
  const fits = metrics.map((it, index) => `${fitsSql(it)}, ${index + 1}`);
  const told = metrics.map(
    (it) =>
      `(${quoteAll([it.tells, it.cacheName ?? '', it.system ?? ''])}, ${it.certain ? 'true' : 'false'})`,
  );
  const cacheName = firstOf(
    [...cacheNameAttributes, 'name'],
    [
      "nullIf(Told.2, '')",
      ...databases.map((it) => `nullIf(${valueOf(it)}, '')`),
      `nullIf(replaceRegexpOne(toString(MetricName), ${quote(`(?i)${cacheMetricEnding}`)}, ''), '')`,
      'toString(MetricName)',
    ],
  );
  const cacheSystem = firstOf(
    [cacheSystemAttribute],
    ["nullIf(Told.3, '')", ...databases.map((it) => `nullIf(${valueOf(it)}, '')`), "''"],
  );
  return `SELECT ${listed(carried)}ServiceName, ${cacheName} AS CacheName, ${cacheSystem} AS CacheSystem,
  Told.1 AS Fact, Told.4 AS Certain, SeriesId, StartTimeUnix, TimeUnix, IsDelta,
  Value * if(Told.1 = 'memory', ${bytesPerUnit}, 1) AS Value
FROM (
  SELECT *, [${told.join(', ')}][Convention] AS Told
  FROM (
    SELECT *, multiIf(${fits.join(',\n      ')}, 0) AS Convention
    FROM (SELECT *, ${foldedName} AS FoldedName FROM ${from} WHERE ${within})
  )
  WHERE Convention > 0
)
WHERE IsLevel = (Told.1 IN ('memory', 'entries'))`;
};

const listed = (columns: readonly string[]): string => columns.map((it) => `${it}, `).join('');

const fitsSql = ({ metric, when }: CacheMetricConvention): string =>
  [nameMatches(metric), ...when.map(conditionSql)].join(' AND ');

const conditionSql = ({ attributes, values }: AttributeCondition): string => {
  const [only, ...others] = attributes;
  if (only !== undefined && others.length === 0) {
    return `lower(${valueOf(only)}) IN (${quoteAll(values)})`;
  }
  return `arrayExists((k, v) -> k IN (${quoteAll(attributes)}) AND lower(v) IN (${quoteAll(values)}), Attributes.keys, Attributes.values)`;
};

const foldedName =
  "replaceRegexpOne(lower(replaceRegexpAll(replaceRegexpAll(MetricName, '([a-z0-9])([A-Z])', '\\\\1_\\\\2'), '[.-]', '_')), '_(total|count)$', '')";

const nameMatches = (pattern: string): string => `match(FoldedName, ${quote(`^(?:${pattern})$`)})`;

/**
 * A query over `cache_spans` that yields `ServiceName`, `CacheName`, `CacheSystem`, `Timestamp`,
 * `StatusCode`, `Duration`, `AdjustedCount`, `Result` (`hit`, `miss` or empty), `Operation` (`get`, `set`,
 * `delete` or `other`) and `ItemSize`, bytes.
 */
export const cacheSpansSql = (
  { spans }: CacheConventions,
  { within, from = 'cache_spans', carried = [] }: CacheRows,
): string => {
  const said = spans.map((it, index) => `lower(${anyOf(it.attributes)}) AS Said${index + 1}`);
  const results = spans.flatMap((it, index) => [
    `match(Said${index + 1}, ${quote(it.hit)}), 'hit'`,
    `match(Said${index + 1}, ${quote(it.miss)}), 'miss'`,
  ]);
  const byConvention = (say: (it: CacheSpanConvention) => string | undefined): string =>
    `multiIf(${spans.map((it, index) => `Said${index + 1} != '', ${quote(say(it) ?? '')}`).join(', ')}, '')`;
  const operationName = firstOf(cacheOperationAttributes, [
    "if(Result = '', toString(SpanName), 'get')",
  ]);
  const cacheName = firstOf(cacheNameAttributes, [
    `nullIf(${byConvention((it) => it.cacheName)}, '')`,
    'Database',
  ]);
  const cacheSystem = firstOf(
    [cacheSystemAttribute],
    [`nullIf(${byConvention((it) => it.system)}, '')`, 'Database'],
  );
  return `SELECT *, multiIf(${verbsSql}, 'other') AS Operation
FROM (
  SELECT ${listed(carried)}ServiceName, CacheName, CacheSystem, Timestamp, StatusCode, Duration, AdjustedCount, Result, ItemSize,
    splitByChar(' ', lower(${operationName}))[1] AS Verb
  FROM (
    SELECT *, multiIf(${results.join(', ')}, '') AS Result, ${cacheName} AS CacheName, ${cacheSystem} AS CacheSystem
    FROM (
      SELECT *, ${said.join(', ')}, ${anyOf(databases)} AS Database,
        ifNull(toUInt64OrNull(${valueOf(cacheItemSizeAttribute)}), 0) AS ItemSize
      FROM ${from}
      WHERE ${within}
    )
  )
)`;
};

/** A condition over metrics that holds for all histograms that tell durations of caches, and maybe more. */
export const cacheLatencyRowsSql = ({ latencies }: CacheConventions): string =>
  `match(${foldedName}, ${quote(`^(?:${latencies.map((it) => it.metric).join('|')})$`)})`;

const nanosecondsPerUnit = `transform(lower(MetricUnit), ['s', 'seconds', 'ms', 'milliseconds', 'us', 'µs', 'microseconds', 'ns', 'nanoseconds'], [1e9, 1e9, 1e6, 1e6, 1e3, 1e3, 1e3, 1, 1],
      multiIf(endsWith(FoldedName, '_seconds'), 1e9, match(FoldedName, '_(ms|msec|milliseconds)$'), 1e6, match(FoldedName, '_(us|usec|microseconds)$'), 1e3, 0))`;

/**
 * Adds `CacheName`, `CacheSystem`, `Operation` (as `cacheSpansSql` does) and `Nanoseconds` (of a unit of the
 * metric) to those rows that tell durations of caches. `from` stands behind FROM and has `MetricName`,
 * `MetricUnit` and `Attributes`. Of a unit that is not known nothing is told.
 */
export const cacheLatenciesSql = ({ latencies }: CacheConventions, from: string): string => {
  const fits = latencies.map(
    ({ metric, when }, index) =>
      `${[nameMatches(metric), ...when.map(conditionSql)].join(' AND ')}, ${index + 1}`,
  );
  const told = latencies.map(
    (it) => `(${quoteAll([it.operation ?? '', it.cacheName ?? '', it.system ?? ''])})`,
  );
  const named = databases.map((it) => `nullIf(${valueOf(it)}, '')`);
  const cacheName = firstOf(
    [...cacheNameAttributes, 'name'],
    [
      "nullIf(Told.2, '')",
      ...named,
      "nullIf(replaceRegexpOne(FoldedName, '_operation_duration(_seconds)?$', ''), '')",
      "''",
    ],
  );
  const cacheSystem = firstOf([cacheSystemAttribute], ["nullIf(Told.3, '')", ...named, "''"]);
  return `SELECT *, multiIf(Told.1 != '', Told.1, ${verbsSql}, 'other') AS Operation
FROM (
  SELECT *, ${cacheName} AS CacheName, ${cacheSystem} AS CacheSystem, ${nanosecondsPerUnit} AS Nanoseconds,
    splitByChar(' ', lower(${firstOf(latencyOperationAttributes, ["''"])}))[1] AS Verb
  FROM (
    SELECT *, [${told.join(', ')}][Convention] AS Told
    FROM (
      SELECT *, multiIf(${fits.join(', ')}, 0) AS Convention
      FROM (SELECT *, ${foldedName} AS FoldedName FROM ${from})
    )
    WHERE Convention > 0
  )
)
WHERE Nanoseconds > 0`;
};

/** Which rows of the raw tables are worth keeping for caches: all that a convention may fit. */
export interface CacheRowsSql {
  /** Over `otel_metrics_*`. */
  readonly point: string;
  /** Over `otel_traces`: one pass over the names of a span's attributes. */
  readonly span: string;
  /** Over `attributes`, with their values: not those of other databases. */
  readonly spanKept: string;
  /** The attributes that any convention asks for. */
  readonly attributes: string;
}

export const cacheRowsSql = ({ metricWords, spans }: CacheConventions): CacheRowsSql => {
  const marks = [...new Set([...spans.flatMap((it) => it.attributes), ...cacheMarks])];
  const asked = [...marks, ...databases, ...cacheNameAttributes, ...cacheOperationAttributes];
  return {
    point: `multiSearchAnyCaseInsensitive(MetricName, [${quoteAll(metricWords)}])`,
    span: `arrayExists(k -> k IN (${quoteAll([...marks, ...databases])}), SpanAttributes.keys)`,
    spanKept: `arrayExists((k, v) -> k IN (${quoteAll(marks)}) OR v IN (${quoteAll(cacheSystems)}), Attributes.keys, Attributes.values)`,
    attributes: `mapFilter((k, v) -> k IN (${quoteAll([...asked, cacheSystemAttribute])}), SpanAttributes)`,
  };
};

const verbsSql = Object.entries(cacheOperations)
  .map(([name, words]) => `match(Verb, '${words}'), '${name}'`)
  .join(', ');

const databases = ['db.system.name', 'db.system'];

/** Whichever of these attributes comes first; empty without. */
const anyOf = (keys: readonly string[]): string =>
  `Attributes.values[arrayFirstIndex(k -> k IN (${quoteAll(keys)}), Attributes.keys)]`;

/** The first of these attributes that is not empty, else the first of `otherwise` that is not null. */
const firstOf = (keys: readonly string[], otherwise: readonly string[]): string =>
  `toString(coalesce(${[...keys.map((it) => `nullIf(${valueOf(it)}, '')`), ...otherwise].join(', ')}))`;

const valueOf = (key: string): string => `Attributes[${quote(key)}]`;

const quoteAll = (values: readonly string[]): string => values.map(quote).join(', ');

/** A string literal. */
const quote = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
