import t from 'tap';
import { type Point, pointRow, type Span, spanRow, startTelemetry } from './telemetry.ts';

const { insert, ask, value } = await startTelemetry(t);

interface CounterPoint extends Point {
  readonly value: number;
  readonly cumulative?: boolean;
}

const sendCounters = (points: readonly CounterPoint[]): Promise<void> =>
  insert(
    'otel_metrics_sum',
    points.map((it) => ({
      ...pointRow(it),
      Value: it.value,
      AggregationTemporality: it.cumulative ? 2 : 1,
      IsMonotonic: true,
    })),
  );

const sendSpans = (service: string, spans: readonly Span[]): Promise<void> =>
  insert(
    'otel_traces',
    spans.map((it) => spanRow({ ...it, service })),
  );

const of = (service: string, value: string, more: Readonly<Record<string, unknown>> = {}) => ({
  from: 'caches',
  value,
  over: '10m',
  where: { 'service.name': service },
  ...more,
});

t.test('a pair of delta counters gives a hit rate', async (t) => {
  const point = { service: 'delta', agoSeconds: 60 };
  await sendCounters([
    { ...point, metric: 'product_cache.hits', value: 70 },
    { ...point, metric: 'product_cache.hits', value: 10, agoSeconds: 30 },
    { ...point, metric: 'product_cache.misses', value: 20 },
  ]);
  t.equal(await value(of('delta', 'hit_rate()')), 0.8);
  t.equal(await value(of('delta', 'count()')), 100);
  t.equal(await value(of('delta', 'rate()')), 100 / 600);
  t.equal(await value(of('delta', 'sum(hits)')), 80);
  t.equal(await value(of('delta', 'sum(misses)')), 20);
  t.strictSame(await ask(of('delta', 'hit_rate()', { by: ['service.name', 'cache.name'] })), [
    { service_name: 'delta', cache_name: 'product_cache', value: 0.8 },
  ]);
});

t.test('cumulative counters count from their base and over a reset', async (t) => {
  const redis = { service: 'redis', cumulative: true };
  await sendCounters([
    { ...redis, metric: 'redis.keyspace.hits', agoSeconds: 660, value: 1_000 },
    { ...redis, metric: 'redis.keyspace.hits', agoSeconds: 300, value: 1_030 },
    { ...redis, metric: 'redis.keyspace.hits', agoSeconds: 60, value: 15 },
    { ...redis, metric: 'redis.keyspace.misses', agoSeconds: 660, value: 500 },
    { ...redis, metric: 'redis.keyspace.misses', agoSeconds: 300, value: 503 },
    { ...redis, metric: 'redis.keyspace.misses', agoSeconds: 60, value: 2 },
  ]);
  // Hits: 30 and, after the reset, 15. Misses: 3 and 2.
  t.equal(await value(of('redis', 'sum(hits)')), 45);
  t.equal(await value(of('redis', 'hit_rate()')), 0.9);
  t.strictSame(await ask(of('redis', 'hit_rate()', { by: ['cache.name'] })), [
    { cache_name: 'redis', value: 0.9 },
  ]);
});

t.test('one counter may say hit or miss in an attribute', async (t) => {
  const point = { service: 'micrometer', metric: 'cache.gets', agoSeconds: 60 };
  await sendCounters([
    { ...point, value: 30, attributes: { cache: 'users', result: 'hit' } },
    { ...point, value: 10, attributes: { cache: 'users', result: 'miss' } },
    { ...point, value: 5, attributes: { 'cache.name': 'carts', 'cache.result': 'MISS' } },
    { ...point, value: 99, attributes: { cache: 'users', result: 'pending' } },
  ]);
  const rows = await ask(of('micrometer', 'hit_rate()', { by: ['cache.name'] }));
  t.strictSame(
    rows.toSorted((a, b) => String(a['cache_name']).localeCompare(String(b['cache_name']))),
    [
      { cache_name: 'carts', value: 0 },
      { cache_name: 'users', value: 0.75 },
    ],
  );
  t.equal(await value(of('micrometer', 'hit_rate()')), 30 / 45);
  const where = { 'service.name': 'micrometer', 'cache.name': 'users' };
  t.equal(await value(of('micrometer', 'count()', { where })), 40);
});

t.test('spans with cache.hit give a hit rate, weighted by what they stand for', async (t) => {
  const attributes = { 'cache.hit': 'true', 'cache.name': 'sessions' };
  await sendSpans('spans', [
    { agoSeconds: 60, attributes },
    { agoSeconds: 50, attributes, weight: 5 },
    { agoSeconds: 40, attributes: { 'cache.hit': 'false', 'cache.name': 'sessions' }, weight: 2 },
    { agoSeconds: 40, attributes: { 'cache.name': 'sessions' }, weight: 100 },
    { agoSeconds: 601, attributes, weight: 100 },
  ]);
  t.strictSame(await ask(of('spans', 'hit_rate()', { by: ['service.name', 'cache.name'] })), [
    { service_name: 'spans', cache_name: 'sessions', value: 0.75 },
  ]);
  t.equal(await value(of('spans', 'count()')), 8);
  const spans = {
    from: 'spans',
    over: '10m',
    value: 'hit_rate()',
    where: { 'service.name': 'spans' },
  };
  t.equal(await value(spans), 0.75);
});

t.test('a cache that tells by counters and by spans is counted once', async (t) => {
  const cache = { 'cache.name': 'both' };
  await sendCounters([
    { service: 'both', metric: 'cache.hits', agoSeconds: 60, value: 9, attributes: cache },
    { service: 'both', metric: 'cache.misses', agoSeconds: 60, value: 1, attributes: cache },
  ]);
  await sendSpans('both', [
    { agoSeconds: 60, attributes: { ...cache, 'cache.hit': 'true' } },
    { agoSeconds: 60, attributes: { 'cache.name': 'other', 'cache.hit': 'false' } },
  ]);
  t.equal(await value(of('both', 'count()', { where: { ...cache, 'service.name': 'both' } })), 10);
  t.equal(await value(of('both', 'count()')), 11);
});

t.test('what only misses is a cache when its name says so', async (t) => {
  await sendCounters([
    { service: 'cold', metric: 'image_cache.misses', agoSeconds: 60, value: 9 },
    { service: 'late', metric: 'deadline.misses', agoSeconds: 60, value: 9 },
    { service: 'pages', metric: 'page.hits', agoSeconds: 60, value: 9 },
    { service: 'pages', metric: 'page.misses', agoSeconds: 60, value: 1 },
  ]);
  t.equal(await value(of('cold', 'hit_rate()')), 0);
  t.equal(await value(of('late', 'hit_rate()')), null);
  t.equal(await value(of('pages', 'hit_rate()')), 0.9);
});

t.test('rules know the conventions that the tiers are computed with', async (t) => {
  const point = { service: 'known', metric: 'memcached.operations', agoSeconds: 60 };
  await sendCounters([
    { ...point, value: 30, attributes: { operation: 'get', type: 'hit' } },
    { ...point, value: 10, attributes: { operation: 'get', type: 'miss' } },
    { ...point, value: 99, attributes: { operation: 'increment', type: 'miss' } },
  ]);
  await sendSpans('known', [
    { agoSeconds: 60, attributes: { 'http.response.header.x-cache': 'HIT' } },
    { agoSeconds: 60, attributes: { 'http.response.header.x-cache': 'MISS' }, weight: 4 },
  ]);
  const rows = await ask(of('known', 'hit_rate()', { by: ['cache.name'] }));
  t.strictSame(
    rows.toSorted((a, b) => String(a['cache_name']).localeCompare(String(b['cache_name']))),
    [
      { cache_name: 'http', value: 0.2 },
      { cache_name: 'memcached', value: 0.75 },
    ],
  );
  const where = { 'service.name': 'known', 'cache.system': 'memcached' };
  t.equal(await value(of('known', 'count()', { where })), 40);
});

t.test('a rule that asks for other attributes looks through all rows', async (t) => {
  const point = { service: 'raw', metric: 'sku_cache.hits', agoSeconds: 60, value: 3 };
  await sendCounters([
    { ...point, attributes: { zone: 'a' } },
    { ...point, attributes: { zone: 'b' } },
  ]);
  const where = { 'service.name': 'raw', zone: 'a' };
  t.equal(await value(of('raw', 'count()', { where })), 3);
  t.equal(await value(of('raw', 'count()')), 6);
});

t.test('no cache has no hit rate and no count', async (t) => {
  t.equal(await value(of('nobody', 'hit_rate()')), null);
  t.equal(await value(of('nobody', 'count()')), null);
  t.strictSame(await ask(of('nobody', 'hit_rate()', { by: ['cache.name'] })), []);
});

t.test('words of a rule about caches stay values', async (t) => {
  const nasty = `x'] OR 1 --\\`;
  const where = { 'service.name': nasty, [nasty]: '', 'cache.name': '!' };
  t.strictSame(await ask(of('x', 'hit_rate()', { by: [nasty], where })), []);
});
