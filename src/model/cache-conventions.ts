/**
 * What a point of a metric tells of a cache. `hit` to `eviction` count events, `command` all
 * operations at once; `memory` (bytes) and `entries` (count) are levels.
 */
export type CacheFact =
  | 'hit'
  | 'miss'
  | 'get'
  | 'set'
  | 'delete'
  | 'other'
  | 'command'
  | 'eviction'
  | 'memory'
  | 'entries';

/** How a metric tells of a cache. The first convention that fits a point says what it is. */
export interface CacheMetricConvention {
  readonly title: string;
  /**
   * RE2 for the whole name in lower case with `_` for `.`, `-` and camel's humps, and without an
   * ending `_total` or `_count`: `cacheHits`, `cache.hits` and `cache_hits_total` are one name.
   */
  readonly metric: string;
  /** All of these must hold of the point's attributes. */
  readonly when: readonly AttributeCondition[];
  readonly tells: CacheFact;
  /** Name of the cache where no attribute has it; the metric's name without its ending unless given. */
  readonly cacheName?: string;
  /** What the cache is made with, where no attribute says so. */
  readonly system?: string;
  /**
   * Whether the name alone proves a cache. Otherwise both hits and misses must be seen, for other
   * things miss and hit as well: deadlines, pages, targets.
   */
  readonly certain: boolean;
}

/** One of the attributes has one of the values, which are in lower case. */
export interface AttributeCondition {
  readonly attributes: readonly string[];
  readonly values: readonly string[];
}

/** How attributes of spans tell of hits and misses. The first that says either decides. */
export interface CacheSpanConvention {
  readonly title: string;
  readonly attributes: readonly string[];
  /** RE2 for the value in lower case. */
  readonly hit: string;
  readonly miss: string;
  /** Where no attribute says so. */
  readonly cacheName?: string;
  readonly system?: string;
}

/** How a histogram of durations tells of a cache. The first convention that fits says what it is. */
export interface CacheLatencyConvention {
  readonly title: string;
  /** As in `CacheMetricConvention`. */
  readonly metric: string;
  readonly when: readonly AttributeCondition[];
  /** Of all that it measures; without, an attribute names the operation (`latencyOperationAttributes`). */
  readonly operation?: 'get' | 'set';
  readonly cacheName?: string;
  readonly system?: string;
}

export interface CacheConventions {
  /** What people declared beside what everybody knows, in words for messages; empty without. */
  readonly declared: string;
  /** Every metric of a convention has one of these in its name, in any case. */
  readonly metricWords: readonly string[];
  readonly metrics: readonly CacheMetricConvention[];
  readonly latencies: readonly CacheLatencyConvention[];
  readonly spans: readonly CacheSpanConvention[];
}

type Row = readonly [
  title: string,
  metric: string,
  when: readonly AttributeCondition[],
  tells: CacheFact,
];

const is = (attribute: string, value: string): AttributeCondition => ({
  attributes: [attribute],
  values: [value],
});

const redis: readonly Row[] = [
  ['Redis receiver, redis_exporter', 'redis_keyspace_hits', [], 'hit'],
  ['Redis receiver, redis_exporter', 'redis_keyspace_misses', [], 'miss'],
  ['Redis receiver, redis_exporter', 'redis_(keys_evicted|evicted_keys)', [], 'eviction'],
  ['Redis receiver, redis_exporter', 'redis_commands_processed', [], 'command'],
  ['Redis receiver, redis_exporter', 'redis_memory_used(_bytes)?', [], 'memory'],
];

const memcached: readonly Row[] = [
  [
    'Memcached receiver',
    'memcached_operations',
    [is('operation', 'get'), is('type', 'hit')],
    'hit',
  ],
  [
    'Memcached receiver',
    'memcached_operations',
    [is('operation', 'get'), is('type', 'miss')],
    'miss',
  ],
  ['Memcached receiver', 'memcached_operations', [], 'other'],
  ['memcached_exporter', 'memcached_commands', [is('command', 'get'), is('status', 'hit')], 'hit'],
  [
    'memcached_exporter',
    'memcached_commands',
    [is('command', 'get'), is('status', 'miss')],
    'miss',
  ],
  ['Memcached receiver, memcached_exporter', 'memcached_commands', [is('command', 'get')], 'get'],
  ['Memcached receiver, memcached_exporter', 'memcached_commands', [is('command', 'set')], 'set'],
  ['memcached_exporter', 'memcached_commands', [is('command', 'delete')], 'delete'],
  ['Memcached receiver, memcached_exporter', 'memcached_commands', [], 'other'],
  ['Memcached receiver, memcached_exporter', 'memcached_(evictions|items_evicted)', [], 'eviction'],
  ['Memcached receiver, memcached_exporter', 'memcached_(current_)?bytes', [], 'memory'],
  ['Memcached receiver, memcached_exporter', 'memcached_current_items', [], 'entries'],
];

const cacheWords = '(.*_)?[a-z0-9]*(cache|redis|memcached)[a-z0-9]*(_.*)?';

const resultIs = (...values: readonly string[]): AttributeCondition => ({
  attributes: ['cache.result', 'result', 'cache.hit', 'cache.status', 'outcome'],
  values,
});

/** Libraries inside a program: Micrometer, Caffeine, Guava, and whoever names alike. */
const libraries: readonly Row[] = [
  ['a counter with result=hit|miss (Micrometer)', cacheWords, [resultIs('hit', 'true')], 'hit'],
  ['a counter with result=hit|miss (Micrometer)', cacheWords, [resultIs('miss', 'false')], 'miss'],
  ['a pair of counters of a cache (Caffeine, Guava)', `${cacheWords}_hits?`, [], 'hit'],
  ['a pair of counters of a cache (Caffeine, Guava)', `${cacheWords}_miss(es)?`, [], 'miss'],
  ['Caffeine', `${cacheWords}_(requests?|lookups?)`, [], 'get'],
  ['Micrometer, Caffeine', `${cacheWords}_puts?`, [], 'set'],
  ['Micrometer, Caffeine', `${cacheWords}_removals?`, [], 'delete'],
  ['Micrometer, Caffeine', `${cacheWords}_(evictions?|evicted)`, [], 'eviction'],
  ['Micrometer, Caffeine', `${cacheWords}_(estimated_)?(size|entries)`, [], 'entries'],
  ['memory of a cache', `${cacheWords}_(memory(_used|_usage)?|(.*_)?bytes)`, [], 'memory'],
];

const pairs: readonly Row[] = [
  ['any pair NAME.hits and NAME.misses', '.*_hits?', [], 'hit'],
  ['any pair NAME.hits and NAME.misses', '.*_miss(es)?', [], 'miss'],
];

const conventionsOf = (
  rows: readonly Row[],
  shared: Pick<CacheMetricConvention, 'cacheName' | 'system' | 'certain'>,
): readonly CacheMetricConvention[] =>
  rows.map(([title, metric, when, tells]) => ({ title, metric, when, tells, ...shared }));

/** The same header as it stands in semantic conventions and as older instrumentations write it. */
const headers = (...names: readonly string[]): readonly string[] =>
  names.flatMap((name) => [
    `http.response.header.${name}`,
    ...(name.includes('-') ? [`http.response.header.${name.replaceAll('-', '_')}`] : []),
  ]);

/** Databases that are caches: their spans tell of operations also where nothing says hit or miss. */
export const cacheSystems = ['redis', 'memcached', 'valkey', 'keydb', 'dragonfly', 'hazelcast'];

/**
 * All that is recognised without being declared. Where several HTTP caches answered in turn, one that
 * had it makes a hit. What was not to be cached (BYPASS, DYNAMIC, `fwd=bypass`) is neither. `Age` comes
 * last: caches that always send it (Varnish, Fastly) say 0 for what they have just fetched.
 */
export const knownCacheConventions: CacheConventions = {
  declared: '',
  metricWords: ['cache', 'redis', 'hit', 'miss'],
  metrics: [
    ...conventionsOf(redis, { cacheName: 'redis', system: 'redis', certain: true }),
    ...conventionsOf(memcached, { cacheName: 'memcached', system: 'memcached', certain: true }),
    ...conventionsOf(libraries, { certain: true }),
    ...conventionsOf(pairs, { certain: false }),
  ],
  latencies: [
    {
      title: 'OpenTelemetry database clients',
      metric: 'db_client_operation_duration(_seconds)?',
      when: [{ attributes: ['db.system.name', 'db.system'], values: cacheSystems }],
    },
    {
      title: 'Lettuce (Micrometer)',
      metric: 'lettuce_command_completion(_duration)?(_seconds)?',
      when: [],
      cacheName: 'redis',
      system: 'redis',
    },
    {
      title: 'redis_exporter',
      metric: 'redis_commands_latencies_usec',
      when: [],
      cacheName: 'redis',
      system: 'redis',
    },
    {
      title: 'Thanos, Cortex and Mimir',
      metric: '(.*_)?memcached_operation_duration(_seconds)?',
      when: [],
      cacheName: 'memcached',
      system: 'memcached',
    },
    {
      title: 'Thanos, Cortex and Mimir',
      metric: '(.*_)?cache_operation_duration(_seconds)?',
      when: [],
    },
  ],
  spans: [
    {
      title: 'an attribute that says hit or miss, true or false',
      attributes: ['cache.hit', 'cache_hit', 'cache.result', 'cache.status'],
      hit: '^(true|hit)$',
      miss: '^(false|miss)$',
    },
    {
      title: 'HTTP Cache-Status (RFC 9211)',
      attributes: headers('cache-status'),
      hit: '; *hit *($|[^a-z0-9=_-])',
      miss: 'fwd *= *(uri-miss|vary-miss|miss|stale|partial)',
      cacheName: 'http',
      system: 'http',
    },
    {
      title: 'HTTP CF-Cache-Status, X-Cache and the like',
      attributes: headers('cf-cache-status', 'x-cache', 'x-cache-status', 'x-proxy-cache'),
      hit: 'hit|revalidated|stale|updating',
      miss: 'miss|expired',
      cacheName: 'http',
      system: 'http',
    },
    {
      title: 'HTTP Age',
      attributes: headers('age'),
      hit: '[1-9]',
      miss: '^[^0-9]*0+[^0-9]*$',
      cacheName: 'http',
      system: 'http',
    },
  ],
};

/**
 * What a metric's name ends with beside the name of its cache; RE2, any case. `product_cache.hits`
 * and `product_cache.misses` are of one cache.
 */
export const cacheMetricEnding =
  '[._-]?(hits?|miss(es)?|gets?|puts?|removals?|requests?|lookups?|reads?|access(es)?|operations?|calls?|evictions?|evicted|(estimated[._])?size|entries|memory|memory[._]us(ed|age)|((memory|size|used)[._])*bytes)([._](count|total))?$';

/** Attributes that name a cache and what it is made with, the first that is there. */
export const cacheNameAttributes = ['cache.name', 'cache'];
export const cacheSystemAttribute = 'cache.system';
/** Attributes of spans that name the operation, and that alone make a span one of a cache. */
export const cacheOperationAttributes = ['cache.operation', 'db.operation.name', 'db.operation'];
export const cacheMarks = ['cache.operation', 'cache.item_size'];
/** Attributes of histograms that name the operation. */
export const latencyOperationAttributes = [
  ...cacheOperationAttributes,
  ...['operation', 'command', 'cmd', 'method'],
];
/** Bytes of what was read or written. */
export const cacheItemSizeAttribute = 'cache.item_size';

/** Verbs of caches, RE2 for the operation's first word in lower case. */
export const cacheOperations = {
  get: '^([hm]*get|getex|getall|hgetall|fetch|read|lookup|exists)',
  set: '^([hm]*set|psetex|getset|put|add|write|store|replace|append|incr|decr)',
  delete: '^(h?del|unlink|remove|evict|invalidate|flush|expire)',
} as const;

/** The spelling that the patterns of conventions are for; `foldedName` in SQL does the same. */
export const foldMetricName = (name: string): string =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[.-]/g, '_')
    .toLowerCase()
    .replace(/_(total|count)$/, '');
