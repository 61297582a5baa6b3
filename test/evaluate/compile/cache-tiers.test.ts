import t from 'tap';
import { cacheConventionsOf } from '../../../src/config/caches.ts';
import type { Stored } from '../../../src/evaluate/compile/stored.ts';
import { loadRules } from '../../../src/evaluate/rules/load.ts';
import type { CompiledSignal, SignalRow } from '../../../src/evaluate/rules/plan.ts';
import { knownCacheConventions } from '../../../src/model/cache-conventions.ts';
import { computeCaches, hitJobs } from '../../rollup/cache-telemetry.ts';
import { seededRandom } from '../../support/random.ts';
import { nowMs, pointRow, spanRow, startTelemetry } from './telemetry.ts';

const { store, insert } = await startTelemetry(t);
const random = seededRandom(7);
const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];

const problemsOf = (signal: object, stored: Partial<Stored>) => {
  const rule = { alert: 'A', signals: { x: { from: 'caches', ...signal } }, when: 'x > 1' };
  const text = JSON.stringify({ groups: [{ name: 'g', rules: [rule] }] });
  return loadRules([{ file: 'a.yaml', text }], { intervalMs: 30_000, queryOffsetMs: 0, stored });
};

const compiled = (signal: object, stored: Partial<Stored> = {}): CompiledSignal => {
  const { groups, problems } = problemsOf(signal, stored);
  const [found] = groups.flatMap((it) => it.rules.flatMap((rule) => Object.values(rule.signals)));
  if (!found) throw new Error(problems.map((it) => it.message).join('\n'));
  return found;
};

const ask = async (signal: CompiledSignal, atMs = nowMs): Promise<readonly SignalRow[]> => {
  const rows = await store.query<SignalRow>(signal.sql, {
    parameters: signal.parameters(atMs),
    settings: signal.settings,
    timeoutMs: 20_000,
  });
  return rows.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
};

const valueOf = async (signal: CompiledSignal): Promise<unknown> => {
  const [row, ...others] = await ask(signal);
  if (!row || others.length > 0) throw new Error('not one row');
  return row['value'];
};

const tables = ({ sql }: CompiledSignal): readonly string[] =>
  [...new Set(sql.match(/FROM (\w+)/g)?.map((it) => it.slice(5)))].toSorted();

/** An attribute that no row has, and that only raw rows can be asked for. */
const fromRaw = { zone: '' };
const summedUp = [
  ...['cache_points', 'cache_rollup_1d', 'cache_rollup_1h', 'cache_rollup_1m', 'cache_spans'],
];

/** Lookups on both sides of the bounds of minutes, hours and days, and some between. */
const boundsMs = [
  ...[0, 1, 5, 9, 10, 11, 12, 19, 20, 21, 30, 59, 60].map((it) => nowMs - it * minuteMs),
  ...[2, 3, 11, 12, 13, 30, 36, 60].map((it) => nowMs - it * hourMs),
].flatMap((it) => [it - 1, it, it + 20_000]);
const timesMs = boundsMs.filter((it) => it < nowMs);

t.before(async () => {
  const secondsAgo = (ms: number): number => (nowMs - ms) / 1_000;
  const spans = timesMs.map((ms) =>
    spanRow({
      agoSeconds: secondsAgo(ms),
      service: 'spans',
      weight: random() < 0.5 ? 1 : 3,
      attributes: { 'cache.hit': random() < 0.7 ? 'true' : 'false' },
    }),
  );
  const points = timesMs.flatMap((ms) =>
    ['hits', 'misses'].map((name) => ({
      ...pointRow({ metric: `sku_cache.${name}`, agoSeconds: secondsAgo(ms), service: 'counters' }),
      Value: Math.ceil(random() * 9),
      AggregationTemporality: 1,
      IsMonotonic: true,
    })),
  );
  await insert('otel_traces', spans);
  await insert('otel_metrics_sum', points);
  await computeCaches(store, timesMs, knownCacheConventions, hitJobs);
});

t.test('over a long window the tiers say what the rows say', async (t) => {
  // biome-ignore format: one case per line
  const table: readonly (readonly [value: string, over: string, offset: string, atMs: number])[] = [
    ['count()', '11m', '0s', nowMs + 12_345],
    ['count()', '20m', '0s', nowMs + 41_000],
    ['count()', '1h', '7m', nowMs + 1],
    ['count()', '13h', '0s', nowMs + 30_001],
    ['count()', '13h', '12h', nowMs + 1],
    ['count()', '49h', '0s', nowMs],
    ['hit_rate()', '70h', '1h', nowMs],
  ];
  for (const [value, over, offset, atMs] of table) {
    const signal = { value, over, offset, by: ['service.name', 'cache.name'] };
    const summed = compiled(signal);
    const read = compiled({ ...signal, where: fromRaw });
    t.strictSame(tables(summed), summedUp);
    t.strictSame(tables(read), ['otel_metrics_sum', 'otel_traces']);
    const [found, expected] = await Promise.all([ask(summed, atMs), ask(read, atMs)]);
    t.equal(expected.length, 2);
    t.strictSame(found, expected, `${value} over ${over}, ${offset} ago`);
  }
});

t.test('what has just happened is read from the rows: tiers are computed later', async (t) => {
  await store.insertRows(
    'otel_traces',
    [4, 9.9].map((minutes) =>
      spanRow({
        agoSeconds: minutes * 60,
        service: 'now',
        attributes: { 'cache.hit': 'true' },
      }),
    ),
    'now',
  );
  t.equal(
    await valueOf(compiled({ value: 'count()', over: '1h', where: { 'service.name': 'now' } })),
    2,
  );
  t.end();
});

t.test('hours and days answer for what only they still have', async (t) => {
  const kept = { raw: hourMs, '1m': 3 * hourMs, '1h': 30 * dayMs, '1d': 30 * dayMs };
  const where = { 'service.name': 'spans' };
  const of = (over: string, stored?: Partial<Stored>) =>
    valueOf(compiled({ value: 'count()', over, where }, stored));
  // 12:00 two days ago and a half lies on the bound of an hour, so nothing is read beside the window.
  t.equal(await of('60h', { cachesKeptMs: kept }), await of('60h'));
});

t.test('a rule knows the caches that are declared', async (t) => {
  const caches = cacheConventionsOf([
    {
      name: 'sessions',
      metrics: { hits: ['lookup.found'], misses: ['lookup.absent'] },
      spans: { attribute: ['from_store'], hit: ['fresh'], miss: ['gone'] },
    },
  ]);
  const point = { agoSeconds: 60, service: 'declared' };
  const sum = { AggregationTemporality: 1, IsMonotonic: true };
  await insert('otel_metrics_sum', [
    { ...pointRow({ ...point, metric: 'lookup.found' }), ...sum, Value: 3 },
    { ...pointRow({ ...point, metric: 'lookup.absent' }), ...sum, Value: 1 },
  ]);
  await insert('otel_traces', [
    spanRow({ ...point, service: 'told', attributes: { from_store: 'fresh' } }),
    spanRow({ ...point, service: 'told', attributes: { from_store: 'gone' }, weight: 4 }),
  ]);
  const rate = (service: string, stored?: Partial<Stored>, from = 'caches') =>
    valueOf(
      compiled(
        { from, value: 'hit_rate()', where: { 'service.name': service, ...fromRaw } },
        stored,
      ),
    );
  t.equal(await rate('declared', { caches }), 0.75);
  t.equal(await rate('told', { caches }), 0.2);
  t.equal(await rate('told', { caches }, 'spans'), 0.2);
  t.equal(await rate('declared'), null);
});

t.test('a cache that falls silent is told by counters and by spans', async (t) => {
  const silence = (where: Readonly<Record<string, string>>) => {
    const absent = { from: 'caches', where, over: '1m', seen_within: '1h' };
    const text = JSON.stringify({ groups: [{ name: 'g', rules: [{ alert: 'A', absent }] }] });
    const { groups } = loadRules([{ file: 'a.yaml', text }], { intervalMs: 1, queryOffsetMs: 0 });
    const [signal] = groups.flatMap((it) => it.rules.flatMap((r) => Object.values(r.signals)));
    if (!signal) throw new Error('no signal');
    return valueOf(signal);
  };
  const at = { agoSeconds: 90 };
  const sum = { AggregationTemporality: 1, IsMonotonic: true, Value: 0 };
  await insert('otel_metrics_sum', [
    { ...pointRow({ ...at, service: 'quiet', metric: 'sku_cache.hits' }), ...sum },
  ]);
  await insert('otel_traces', [
    spanRow({ ...at, service: 'still', attributes: { 'cache.name': 'c', 'cache.hit': 'true' } }),
    spanRow({ agoSeconds: 5, service: 'still' }),
  ]);
  t.equal(await silence({ 'service.name': 'quiet' }), 90);
  t.equal(await silence({ 'service.name': 'still', 'cache.name': 'c' }), 90);
});

t.test('a rule that looks further back than caches are kept is told so', (t) => {
  const cachesKeptMs = { raw: 7 * dayMs, '1m': 30 * dayMs, '1h': 365 * dayMs, '1d': 399 * dayMs };
  const kept =
    'but what tells of caches is kept for 7d only (the shorter of retention.metrics.raw and retention.traces.raw), and what is kept longer does not do because';
  // biome-ignore format: one case per line
  const table: readonly (readonly [string, object, readonly string[]])[] = [
    ['rows that are there', { over: '7d', where: { region: 'eu' } }, []],
    ['tiers that are there', { over: '90d', by: ['cache.name'] }, []],
    ['rows that are gone', { over: '8d', where: { region: 'eu' } }, [`warning looks 8d back, ${kept} of region`]],
    ['an offset', { over: '5m', offset: '1w' }, [`warning looks 7d5m back, ${kept} its window is short`]],
    ['tiers that are gone', { over: '400d' }, ['warning looks 400d back, but caches are kept for 399d only (retention.spans)']],
  ];
  for (const [title, signal, expected] of table) {
    const { problems } = problemsOf({ value: 'hit_rate()', ...signal }, { cachesKeptMs });
    t.strictSame(
      problems.map((it) => `${it.severity} ${it.message}`),
      expected,
      title,
    );
  }
  t.end();
});
