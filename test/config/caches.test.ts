import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/lib/document.ts';
import { migrate } from '../../src/store/migrate.ts';
import { atMs, computeCaches, storeCacheSpans, storePoints } from '../rollup/cache-telemetry.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';

const load = (...caches: readonly string[]) =>
  loadConfig({
    file: {
      path: 'tocsin.yaml',
      text: ['ingest:', '  caches:', ...caches.map((it) => `    - ${it}`)].join('\n'),
    },
    environment: {},
    mode: 'up',
    readFile: () => '',
  });

const problems = (cache: string): readonly string[] => {
  const reading = load(cache);
  return reading.ok ? [] : reading.problems.map(formatProblem);
};

t.test('mistakes in a declared cache are told with their place', async (t) => {
  t.strictSame(problems('{name: a, spans: {attribute: from_cache}}'), []);
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{name: a}', /ingest\.caches\[0\].*expected metrics or spans/s],
    ['{metrics: {}}', /ingest\.caches\[0\]\.metrics.*expected the name of a metric/s],
    ['{metrics: {hit: a}}', /hits/],
    ['{spans: {attribute: a, hit: x, miss: [y, x]}}', /the same value cannot say hit and miss/],
    ['{spans: {attribute: []}}', /ingest\.caches\[0\]\.spans\.attribute/],
  ];
  for (const [cache, expected] of cases) t.match(problems(cache).join('\n'), expected, cache);
});

t.test(
  'a declared cache is recognised from the next start on, and before what is known',
  async (t) => {
    const store = openStore(t, await startClickHouse(t));
    await migrate(store, migrateOptions);
    const reading = load(
      "{name: sessions, system: ehcache, metrics: {hits: lookup.found, misses: [lookup.absent], memory: 'heap (old)'}}",
      '{name: pages, spans: {attribute: [from_cache, cache.hit], hit: [fresh, 1], miss: gone}}',
    );
    if (!reading.ok) throw new Error(reading.problems.map(formatProblem).join('\n'));
    const { caches } = reading.config.ingest;
    const { statements } = await migrate(store, { ...migrateOptions, caches });
    t.match(
      statements.map((it) => it.slice(0, it.indexOf(' MODIFY') + 13)),
      ['spans', 'points_sum', 'points_gauge'].map(
        (it) => new RegExp(`^ALTER TABLE .otel.\\..cache_${it}_mv. MODIFY`),
      ),
    );
    t.strictSame((await migrate(store, { ...migrateOptions, caches })).statements, []);

    const point = { at: '10:00:30', service: 's', kind: 'delta' } as const;
    await storePoints(store, [
      { ...point, metric: 'lookup.found', value: 8 },
      { ...point, metric: 'lookup.absent', value: 2 },
      { ...point, metric: 'heap (old)', value: 4, unit: 'KiBy', kind: 'gauge' },
      { ...point, metric: 'heap.old', value: 9, kind: 'gauge' },
      { ...point, metric: 'cache.hits', value: 1 },
    ]);
    const span = { at: '10:00:30', service: 's' };
    await storeCacheSpans(store, [
      { ...span, attributes: { from_cache: 'Fresh', 'db.system': 'redis' } },
      { ...span, attributes: { 'cache.hit': '1' } },
      { ...span, attributes: { from_cache: 'gone' } },
      { ...span, attributes: { 'cache.hit': 'false' } },
    ]);
    await computeCaches(store, [atMs('10:00:00')], caches);
    const found = await store.query(
      'SELECT CacheName, CacheSystem, hits, misses, memory FROM cache_performance ORDER BY CacheName',
      { timeoutMs: 20_000 },
    );
    t.strictSame(found, [
      { CacheName: 'cache', CacheSystem: '', hits: 1, misses: 0, memory: null },
      { CacheName: 'pages', CacheSystem: 'redis', hits: 2, misses: 2, memory: null },
      { CacheName: 'sessions', CacheSystem: 'ehcache', hits: 8, misses: 2, memory: 4_096 },
    ]);
  },
);
