/** How one kind of telemetry tells of cache hits and misses. All SQL is ours, none is a rule's. */
export interface CacheConvention {
  readonly name: string;
  /** Rows that follow the convention. */
  readonly where: string;
  /** 1 for a hit, 0 for a miss. */
  readonly hit: string;
  /** Name of the cache where no attribute has it. */
  readonly cacheName: string;
  /**
   * Whether one such row alone proves a cache. Otherwise both hits and misses must be seen, for
   * there are other things that miss and hit: deadlines, pages, targets.
   */
  readonly certain: string;
}

/** `product_cache.hits`, `redis.keyspace.misses`, `cache_hits_total`. */
const pairEnd = `'[._](hits?|miss(es)?)([._](count|total))?$'`;

const resultKeys = ['cache.result', 'result', 'cache.hit', 'outcome'];

const lowered = (map: string, key: string): string => `lower(${map}['${key}'])`;

/** The first of the attributes that says hit or miss; empty when none does. */
const resultOf = (map: string): string => {
  const said = resultKeys.map(
    (key) =>
      `if(${lowered(map, key)} IN ('hit', 'miss', 'true', 'false'), ${lowered(map, key)}, NULL)`,
  );
  return `coalesce(${said.join(', ')}, '')`;
};

/** Conventions of counters, in `otel_metrics_sum`. */
export const counterConventions: readonly CacheConvention[] = [
  {
    name: 'a pair of counters, one for hits and one for misses',
    where: `match(MetricName, ${pairEnd})`,
    hit: `match(MetricName, '[._]hits?([._](count|total))?$')`,
    cacheName: `replaceRegexpOne(toString(MetricName), ${pairEnd}, '')`,
    certain: `match(lower(MetricName), 'cache|redis|memcached')`,
  },
  {
    name: 'one counter with an attribute that says hit or miss',
    where: `positionCaseInsensitive(MetricName, 'cache') > 0 AND ${resultOf('Attributes')} != ''`,
    hit: `${resultOf('Attributes')} IN ('hit', 'true')`,
    cacheName: 'toString(MetricName)',
    certain: '1',
  },
];

/** The convention of spans, in `otel_traces`. */
export const spanConvention: CacheConvention = {
  name: 'spans with cache.hit',
  where: `${lowered('SpanAttributes', 'cache.hit')} IN ('true', 'false', 'hit', 'miss')`,
  hit: `${lowered('SpanAttributes', 'cache.hit')} IN ('true', 'hit')`,
  cacheName: `''`,
  certain: '1',
};

const nameKeys = ['cache.name', 'cache', 'name', 'db.system.name', 'db.system'];

/** `cache.name` as it is seen by `where` and `by`: the first attribute that names the cache. */
export const cacheNameSql = (map: string, otherwise: string): string =>
  `coalesce(${nameKeys.map((key) => `nullIf(toString(${map}['${key}']), '')`).join(', ')}, ${otherwise})`;

/** Picks, for each row, what the convention that the row follows says. */
export const byConvention = (
  conventions: readonly CacheConvention[],
  column: 'hit' | 'cacheName' | 'certain',
): string => {
  const [last, ...earlier] = conventions.toReversed();
  return earlier.reduce(
    (otherwise, it) => `if(${it.where}, ${it[column]}, ${otherwise})`,
    last ? last[column] : `''`,
  );
};
