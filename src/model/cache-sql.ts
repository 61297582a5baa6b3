import {
  type CacheConventions,
  type CacheMetricConvention,
  type CacheSpanConvention,
  cacheItemSizeAttribute,
  cacheMarks,
  cacheMetricEnding,
  cacheNameAttributes,
  cacheOperationAttributes,
  cacheOperations,
  cacheSystemAttributes,
  cacheSystems,
} from './cache-conventions.ts';

/** What points tell of caches, SQL over a row of `otel_metrics_sum` or `otel_metrics_gauge`. */
export interface CachePointSql {
  /** Over the name only: of a name in a dictionary it is computed once for each name, not each row. */
  readonly where: string;
  /** A `CacheFact`, or empty. */
  readonly fact: string;
  readonly cacheName: string;
  readonly cacheSystem: string;
  readonly certain: string;
}

export const cachePointSql = ({ metrics }: CacheConventions): CachePointSql => {
  const fits = metrics.map((it, index) => `${fitsSql(it)}, ${index + 1}`);
  const found = `multiIf(${fits.join(', ')}, 0)`;
  const pick = (say: (it: CacheMetricConvention) => string) =>
    `[${metrics.map(say).join(', ')}][${found}]`;
  const names = [...new Set(metrics.map((it) => it.metric))];
  const stem = `replaceRegexpOne(toString(MetricName), ${quote(`(?i)${cacheMetricEnding}`)}, '')`;
  return {
    where: nameMatches(names.join('|')),
    fact: pick((it) => quote(it.tells)),
    cacheName: firstOf(
      'Attributes',
      [...cacheNameAttributes, 'name', ...databases],
      [
        `nullIf(${pick((it) => quote(it.cacheName ?? ''))}, '')`,
        `nullIf(${stem}, '')`,
        'toString(MetricName)',
      ],
    ),
    cacheSystem: firstOf('Attributes', cacheSystemAttributes, [
      pick((it) => quote(it.system ?? '')),
    ]),
    certain: pick((it) => (it.certain ? 'true' : 'false')),
  };
};

const fitsSql = ({ metric, when }: CacheMetricConvention): string =>
  [
    nameMatches(metric),
    ...Object.entries(when).map(
      ([key, values]) => `lower(${valueOf('Attributes', key)}) IN (${quoteAll(values)})`,
    ),
  ].join(' AND ');

const foldedName =
  "replaceRegexpOne(lower(replaceRegexpAll(replaceRegexpAll(MetricName, '([a-z0-9])([A-Z])', '\\\\1_\\\\2'), '[.-]', '_')), '_(total|count)$', '')";

const nameMatches = (pattern: string): string =>
  `match(${foldedName}, ${quote(`^(?:${pattern})$`)})`;

/** What spans tell of caches, SQL over a row of `otel_traces`. */
export interface CacheSpanSql {
  /** Whether the span may be one of a cache: one pass over its attributes. */
  readonly where: string;
  /** `hit`, `miss` or empty. */
  readonly result: string;
  /** `get`, `set`, `delete` or `other`. */
  readonly operation: string;
  readonly cacheName: string;
  readonly cacheSystem: string;
  /** Bytes, 0 where not told. */
  readonly itemSize: string;
}

export const cacheSpanSql = ({ spans }: CacheConventions): CacheSpanSql => {
  const marks = [...new Set([...spans.flatMap((it) => it.attributes), ...cacheMarks])];
  const results = spans.flatMap((it) => {
    const said = `lower(${firstOf('SpanAttributes', it.attributes, ["''"])})`;
    return [`match(${said}, ${quote(it.hit)}), 'hit'`, `match(${said}, ${quote(it.miss)}), 'miss'`];
  });
  const result = `multiIf(${results.join(', ')}, '')`;
  const verb = `splitByChar(' ', lower(${firstOf('SpanAttributes', cacheOperationAttributes, [
    `if(${result} != '', 'get', toString(SpanName))`,
  ])}))[1]`;
  const verbs = Object.entries(cacheOperations).map(
    ([name, words]) => `match(${verb}, ${quote(words)}), ${quote(name)}`,
  );
  const size = valueOf('SpanAttributes', cacheItemSizeAttribute);
  return {
    where: `arrayExists((k, v) -> k IN (${quoteAll(marks)}) OR (k IN (${quoteAll(databases)}) AND v IN (${quoteAll(cacheSystems)})), SpanAttributes.keys, SpanAttributes.values)`,
    result,
    operation: `multiIf(${verbs.join(', ')}, 'other')`,
    cacheName: firstOf(
      'SpanAttributes',
      [...cacheNameAttributes, ...databases],
      [byMarks(spans, (it) => it.cacheName)],
    ),
    cacheSystem: firstOf('SpanAttributes', cacheSystemAttributes, [
      byMarks(spans, (it) => it.system),
    ]),
    itemSize: `ifNull(toUInt64OrNull(${size}), 0)`,
  };
};

const databases = ['db.system.name', 'db.system'];

/** What the first convention says one of whose attributes a span has. */
const byMarks = (
  spans: readonly CacheSpanConvention[],
  say: (convention: CacheSpanConvention) => string | undefined,
): string => {
  const cases = spans.flatMap((it) => {
    const has = `arrayExists(k -> k IN (${quoteAll(it.attributes)}), SpanAttributes.keys)`;
    return [has, quote(say(it) ?? '')];
  });
  return cases.length === 0 ? "''" : `multiIf(${cases.join(', ')}, '')`;
};

/** The first of these attributes that is not empty, else the first of `otherwise` that is not null. */
const firstOf = (map: string, keys: readonly string[], otherwise: readonly string[]): string =>
  `coalesce(${[...keys.map((it) => `nullIf(${valueOf(map, it)}, '')`), ...otherwise].join(', ')})`;

const valueOf = (map: string, key: string): string => `${map}[${quote(key)}]`;

const quoteAll = (values: readonly string[]): string => values.map(quote).join(', ');

/** A string literal. */
const quote = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
