import t from 'tap';
import { cachePointArrivals } from '../../src/rollup/caches-sql.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import {
  atMs,
  type CachePoint,
  computeCaches,
  storeCacheSpans,
  storePoints,
} from './cache-telemetry.ts';

const store = openStore(t, await startClickHouse(t));
await migrate(store, migrateOptions);

const compute = (...times: readonly string[]) => computeCaches(store, times.map(atMs));

/** Such as `10:00 redis 8/2 of 12, 1 evicted`. */
const told = async (service: string, tier = '1m'): Promise<readonly string[]> => {
  const rows = await store.query<{ line: string }>(
    `SELECT concat(formatDateTime(Time, '%H:%i', 'UTC'), ' ', CacheName, ' ', toString(Hits), '/', toString(Misses), ' of ', toString(Operations),
       if(Evictions = 0, '', concat(', ', toString(Evictions), ' evicted'))) AS line
     FROM cache_rollup_${tier} WHERE ServiceName = {service:String} ORDER BY line`,
    { timeoutMs: 20_000, parameters: { service } },
  );
  return rows.map((it) => it.line);
};

const performance = async (select: string, service: string, view = 'cache_performance') =>
  store.query<Readonly<Record<string, unknown>>>(
    `SELECT ${select} FROM ${view} WHERE ServiceName = {service:String} ORDER BY Time, CacheName`,
    { timeoutMs: 20_000, parameters: { service } },
  );

const near = (actual: unknown, expected: number, share = 0.00991): boolean =>
  typeof actual === 'number' && Math.abs(actual - expected) <= share * expected;

const redis = (at: string, hits: number, misses: number, more: Partial<CachePoint> = {}) =>
  [
    { at, service: 'redis', metric: 'redis.keyspace.hits', value: hits, ...more },
    { at, service: 'redis', metric: 'redis.keyspace.misses', value: misses, ...more },
  ] as const;

t.test('cumulative counters gain from point to point, over minutes and a restart', async (t) => {
  const since = '09:00:00';
  await storePoints(store, redis('10:00:30', 1_000, 500, { since }));
  await storePoints(store, redis('10:01:30', 1_030, 503, { since }));
  await storePoints(store, redis('10:02:10', 1_040, 503, { since }));
  // The server was restarted: all that it has counted since is new. Without a start time only the
  // lower value betrays it, as with misses here.
  await storePoints(store, redis('10:02:50', 7, 2, { since: '10:02:20' }));
  await storePoints(store, redis('10:03:50', 9, 2, { since: '10:02:20' }));
  await compute('10:00:00', '10:01:00', '10:02:00', '10:03:00');
  t.strictSame(await told('redis'), [
    // What was counted before the first point is nobody's: it may have been last year.
    '10:00 redis 0/0 of 0',
    '10:01 redis 30/3 of 33',
    '10:02 redis 17/2 of 19',
    '10:03 redis 2/0 of 2',
  ]);
  t.strictSame(await told('redis', '1h'), ['10:00 redis 49/5 of 54']);
  t.strictSame(await told('redis', '1d'), ['00:00 redis 49/5 of 54']);
});

t.test(
  'an exporter that restarts under the same name counts anew without a start time',
  async (t) => {
    const service = 'restarted';
    await storePoints(store, redis('10:00:30', 100, 10, { service }));
    await storePoints(store, redis('10:01:30', 150, 20, { service }));
    await storePoints(store, redis('10:02:30', 5, 1, { service }));
    await compute('10:00:00', '10:01:00', '10:02:00');
    t.strictSame(await told(service, '1h'), ['10:00 redis 55/11 of 66']);
  },
);

t.test('a late point divides what was gained between its neighbours anew', async (t) => {
  const service = 'late';
  await storePoints(store, redis('11:00:30', 100, 0, { service }));
  await storePoints(store, redis('11:02:30', 140, 0, { service }));
  await compute('11:00:00', '11:02:00');
  t.strictSame(await told(service), ['11:00 redis 0/0 of 0', '11:02 redis 40/0 of 40']);
  await storePoints(store, redis('11:01:30', 125, 0, { service }));
  await compute('11:01:00', '11:02:00');
  t.strictSame(await told(service), [
    '11:00 redis 0/0 of 0',
    '11:01 redis 25/0 of 25',
    '11:02 redis 15/0 of 15',
  ]);
  t.strictSame(await told(service, '1h'), ['11:00 redis 40/0 of 40']);
  const [due] = await store.query<{ minutes: readonly string[] }>(
    `SELECT arraySort(groupArray(formatDateTime(Window, '%H:%i', 'UTC'))) AS minutes FROM (${cachePointArrivals}) WHERE Window BETWEEN {day:DateTime('UTC')} AND {day:DateTime('UTC')} + 180`,
    { timeoutMs: 20_000, parameters: { since: 1_700_000_000, day: atMs('11:00:00') / 1000 } },
  );
  t.strictSame(due?.minutes, ['11:00', '11:01', '11:02', '11:03'], 'and those after it are due');
});

t.test('delta counters, late ones and a block that is sent again', async (t) => {
  const service = 'delta';
  const point = { service, kind: 'delta' } as const;
  const block: readonly CachePoint[] = [
    { ...point, at: '10:00:10', metric: 'product_cache.hits', value: 70 },
    { ...point, at: '10:00:10', metric: 'product_cache.misses', value: 20 },
    { ...point, at: '10:00:10', metric: 'product_cache.evictions', value: 4 },
  ];
  await storePoints(store, block, 'sent-twice');
  await storePoints(store, block, 'sent-twice');
  await storePoints(store, [{ ...point, at: '10:00:40', metric: 'product_cache.hits', value: 10 }]);
  await compute('10:00:00');
  await compute('10:00:00');
  for (const tier of ['1m', '1h', '1d']) {
    const [line = ''] = await told(service, tier);
    t.match(line, / product_cache 80\/20 of 100, 4 evicted$/, tier);
  }
});

t.test('instances of a cache add up, and levels are what each said last', async (t) => {
  const of = (instance: string, at: string, hits: number, used: number) => [
    ...redis(at, hits, 0, { service: 'many', instance, since: '10:00:00' }),
    {
      at,
      service: 'many',
      instance,
      metric: 'redis.memory.used',
      kind: 'gauge' as const,
      unit: 'By',
      value: used,
    },
  ];
  await storePoints(store, [
    ...of('a', '10:00:10', 10, 1_000),
    ...of('a', '10:00:50', 30, 3_000),
    ...of('b', '10:00:20', 5, 500),
    ...of('a', '10:01:10', 31, 4_000),
    ...of('b', '10:01:20', 5, 700),
  ]);
  await compute('10:00:00', '10:01:00');
  t.strictSame(
    await performance('toString(hits) AS hits, memory, memory_max', 'many', 'cache_performance'),
    [
      { hits: '35', memory: 3_500, memory_max: 3_500 },
      { hits: '1', memory: 4_700, memory_max: 4_700 },
    ],
  );
  t.strictSame(
    await performance('toString(hits) AS hits, memory, memory_max', 'many', 'cache_performance_1h'),
    [{ hits: '36', memory: 4_100, memory_max: 4_700 }],
  );
});

t.test('Memcached and Micrometer tell by attributes', async (t) => {
  const since = '10:00:00';
  const memcached = { at: '10:00:30', service: 'm', since };
  await storePoints(store, [
    {
      ...memcached,
      metric: 'memcached.operations',
      value: 30,
      attributes: { operation: 'get', type: 'hit' },
    },
    {
      ...memcached,
      metric: 'memcached.operations',
      value: 10,
      attributes: { operation: 'get', type: 'miss' },
    },
    {
      ...memcached,
      metric: 'memcached.operations',
      value: 99,
      attributes: { operation: 'increment', type: 'hit' },
    },
    { ...memcached, metric: 'memcached.commands', value: 45, attributes: { command: 'get' } },
    { ...memcached, metric: 'memcached.commands', value: 5, attributes: { command: 'set' } },
    { ...memcached, metric: 'memcached.evictions', value: 3 },
    { ...memcached, metric: 'memcached.current_items', value: 17, kind: 'level' },
    { ...memcached, metric: 'memcached.bytes', value: 2_048, kind: 'gauge' },
    { ...memcached, metric: 'cache.gets', value: 6, attributes: { cache: 'users', result: 'hit' } },
    {
      ...memcached,
      metric: 'cache.gets',
      value: 2,
      attributes: { cache: 'users', result: 'miss' },
    },
    { ...memcached, metric: 'cache.puts', value: 2, attributes: { cache: 'users' } },
    { ...memcached, metric: 'cache.evictions', value: 1, attributes: { cache: 'users' } },
    {
      ...memcached,
      metric: 'cache.size',
      value: 50,
      kind: 'gauge',
      attributes: { cache: 'users' },
    },
  ]);
  await compute('10:00:00');
  t.strictSame(await told('m'), [
    '10:00 memcached 30/10 of 149, 3 evicted',
    '10:00 users 6/2 of 10, 1 evicted',
  ]);
  t.strictSame(await performance('CacheName, CacheSystem, hit_rate, sets, entries, memory', 'm'), [
    {
      CacheName: 'memcached',
      CacheSystem: 'memcached',
      hit_rate: 0.75,
      sets: 5,
      entries: 17,
      memory: 2_048,
    },
    { CacheName: 'users', CacheSystem: '', hit_rate: 0.75, sets: 2, entries: 50, memory: null },
  ]);
});

t.test('what only misses is a cache when its name says so', async (t) => {
  const point = { at: '10:00:30', service: 'names', kind: 'delta' } as const;
  await storePoints(store, [
    { ...point, metric: 'imageCache.misses', value: 9 },
    { ...point, metric: 'deadline.misses', value: 9 },
    { ...point, metric: 'page.hits', value: 9 },
    { ...point, metric: 'page.misses', value: 1 },
    { ...point, metric: 'http.server.requests', value: 1 },
  ]);
  await compute('10:00:00');
  t.strictSame(await told('names'), ['10:00 imageCache 0/9 of 9', '10:00 page 9/1 of 10']);
});

t.test('spans tell durations, sizes and what a miss adds', async (t) => {
  const hit = { 'cache.name': 'c', 'cache.hit': 'true', 'cache.item_size': '300' };
  const miss = { 'cache.name': 'c', 'cache.hit': 'false' };
  const put = { 'cache.name': 'c', 'cache.operation': 'put', 'cache.item_size': '600' };
  // Hits of 1 to 100 ms: p50 is 50, p95 is 95, p99 is 99. Misses of 201 to 300 ms: p95 is 295. Of all
  // 200 lookups the 100th, 180th, 190th and 198th: 100, 280, 290 and 298 ms.
  const times = Array.from({ length: 100 }, (_, index) => index + 1);
  await storeCacheSpans(store, [
    ...times.map((took) => ({ at: '10:00:10', service: 's', attributes: hit, took })),
    ...times.map((it) => ({ at: '10:00:20', service: 's', attributes: miss, took: 200 + it })),
    { at: '10:00:30', service: 's', attributes: put, took: 7, name: 'cache.put' },
    { at: '10:00:30', service: 's', attributes: {}, took: 9_999, name: 'no cache' },
  ]);
  await compute('10:00:00');
  const columns =
    'hit_rate, operations, sets, item_size, get_p50, get_p90, get_p95, get_p99, set_p50, hit_p95, miss_p95, miss_added_p95';
  for (const view of ['cache_performance', 'cache_performance_1h', 'cache_performance_1d']) {
    const [row = {}] = await performance(columns, 's', view);
    t.equal(row['hit_rate'], 0.5);
    t.equal(row['operations'], 201);
    t.equal(row['sets'], 1);
    // (100 × 300 + 600) / 101
    t.ok(near(row['item_size'], 30_600 / 101, 1e-12));
    t.ok(near(row['get_p50'], 100));
    t.ok(near(row['get_p90'], 280));
    t.ok(near(row['get_p95'], 290));
    t.ok(near(row['get_p99'], 298));
    t.ok(near(row['set_p50'], 7));
    t.ok(near(row['hit_p95'], 95));
    t.ok(near(row['miss_p95'], 295));
    t.ok(near(row['miss_added_p95'], 200, 0.02));
  }
});

t.test('spans count what they stand for, late ones and only once when sent again', async (t) => {
  const spans = [
    { at: '10:00:10', service: 'w', attributes: { 'cache.hit': 'true' }, weight: 2.5 },
    {
      at: '10:00:10',
      service: 'w',
      attributes: { 'cache.hit': 'false' },
      weight: 2.5,
      failed: true,
    },
  ];
  await storeCacheSpans(store, spans, 'again');
  await storeCacheSpans(store, spans, 'again');
  await storeCacheSpans(store, [
    { at: '10:00:50', service: 'w', attributes: { 'cache.hit': 'HIT' } },
    { at: '10:59:59.999999999', service: 'w', attributes: { 'cache.hit': 'true' } },
    { at: '11:00:00', service: 'w', attributes: { 'cache.hit': 'true' } },
  ]);
  await compute('10:00:00', '10:59:00', '11:00:00');
  t.strictSame(await told('w'), ['10:00  3.5/2.5 of 6', '10:59  1/0 of 1', '11:00  1/0 of 1']);
  t.strictSame(await told('w', '1h'), ['10:00  4.5/2.5 of 7', '11:00  1/0 of 1']);
  t.strictSame(await told('w', '1d'), ['00:00  5.5/2.5 of 8']);
  const [row] = await performance('errors', 'w');
  t.strictSame(row, { errors: 2.5 });
});

t.test('headers of HTTP caches and verbs of databases are understood', async (t) => {
  const header = (name: string, value: string) => ({ [`http.response.header.${name}`]: value });
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ['x-cache hit', header('x-cache', '["HIT"]'), 'http 1/0 of 1'],
    ['x-cache of CloudFront', header('x_cache', 'Miss from cloudfront'), 'http 0/1 of 1'],
    ['two layers', header('x-cache', 'MISS, HIT'), 'http 1/0 of 1'],
    ['cf hit', header('cf-cache-status', 'REVALIDATED'), 'http 1/0 of 1'],
    ['cf expired', header('cf-cache-status', 'EXPIRED'), 'http 0/1 of 1'],
    ['cf dynamic', header('cf-cache-status', 'DYNAMIC'), 'http 0/0 of 1'],
    ['RFC 9211 hit', header('cache-status', 'ExampleCache; hit; ttl=376'), 'http 1/0 of 1'],
    [
      'RFC 9211 miss',
      header('cache-status', 'ExampleCache; fwd=uri-miss; stored'),
      'http 0/1 of 1',
    ],
    ['RFC 9211 stale', header('cache-status', 'C; fwd=stale; fwd-status=304'), 'http 0/1 of 1'],
    ['RFC 9211 bypass', header('cache-status', 'C; fwd=bypass; hit-count=3'), 'http 0/0 of 1'],
    ['age', header('age', '["17"]'), 'http 1/0 of 1'],
    ['age 0', header('age', '0'), 'http 0/1 of 1'],
    ['age beside x-cache', { ...header('age', '0'), ...header('x-cache', 'HIT') }, 'http 1/0 of 1'],
    ['redis get', { 'db.system.name': 'redis', 'db.operation.name': 'HGET' }, 'redis 0/0 of 1'],
    ['other database', { 'db.system': 'postgresql' }, ''],
    ['cache.result', { 'cache.result': 'miss', cache: 'users' }, 'users 0/1 of 1'],
    ['neither', { 'cache.hit': 'maybe' }, ' 0/0 of 1'],
  ];
  await storeCacheSpans(
    store,
    cases.map(([service, attributes]) => ({ at: '10:00:10', service, attributes, name: 'GET /' })),
  );
  await compute('10:00:00');
  for (const [title, , expected] of cases) {
    t.strictSame(await told(title), expected === '' ? [] : [`10:00 ${expected}`], title);
  }
});

t.test('a cache that tells by counters and by spans is counted once', async (t) => {
  const point = {
    at: '10:00:30',
    service: 'both',
    kind: 'delta',
    attributes: { cache: 'c' },
  } as const;
  await storePoints(store, [
    { ...point, metric: 'cache.hits', value: 9 },
    { ...point, metric: 'cache.misses', value: 1 },
  ]);
  await storeCacheSpans(store, [
    { at: '10:00:10', service: 'both', attributes: { cache: 'c', 'cache.hit': 'true' }, took: 4 },
    { at: '10:00:10', service: 'both', attributes: { cache: 'd', 'cache.hit': 'false' }, took: 4 },
  ]);
  await compute('10:00:00');
  t.strictSame(await performance('CacheName, source, hits, misses, operations, hit_p95', 'both'), [
    { CacheName: 'c', source: 'counters', hits: 9, misses: 1, operations: 10, hit_p95: 4 },
    { CacheName: 'd', source: 'spans', hits: 0, misses: 1, operations: 1, hit_p95: null },
  ]);
});
