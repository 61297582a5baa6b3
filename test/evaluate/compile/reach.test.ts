import t from 'tap';
import { loadRules } from '../../../src/evaluate/rules/load.ts';

const dayMs = 86_400_000;
const tiers = { '1m': 30 * dayMs, '1h': 365 * dayMs };
const stored = {
  spansKeptMs: { ...tiers, raw: 14 * dayMs, '1d': 399 * dayMs },
  cachesKeptMs: { ...tiers, raw: 7 * dayMs, '1d': 399 * dayMs },
  metricsKeptMs: { ...tiers, raw: 7 * dayMs, '1d': 400 * dayMs },
  logsKeptMs: 30 * dayMs,
};

const warnings = (rule: Readonly<Record<string, unknown>>): readonly string[] => {
  const text = JSON.stringify({ groups: [{ name: 'g', rules: [{ alert: 'A', ...rule }] }] });
  const defaults = { intervalMs: 30_000, queryOffsetMs: 0, stored };
  return loadRules([{ file: 'a.yaml', text }], defaults).problems.map(
    (it) => `${it.severity} ${it.message}`,
  );
};

const longer = 'and what is kept longer does not do because';

t.test('a rule that looks further back than its data are kept is told so', (t) => {
  const spans = 'but spans are kept for 14d only (retention.traces.raw),';
  const points = 'but points are kept for 7d only (retention.metrics.raw),';
  // biome-ignore format: one case per line
  const table: readonly (readonly [string, Readonly<Record<string, unknown>>, readonly string[]])[] = [
    ['spans that are there', { from: 'spans', value: 'count()', over: '14d', where: { region: 'eu' } }, []],
    ['tiers that are there', { from: 'spans', value: 'count()', over: '90d' }, []],
    ['spans that are gone', { from: 'spans', value: 'count()', over: '30d', where: { region: 'eu' } }, [`warning looks 30d back, ${spans} ${longer} of region`]],
    ['an offset', { from: 'spans', value: 'count()', over: '5m', offset: '3w' }, [`warning looks 21d5m back, ${spans} ${longer} its window is short`]],
    ['tiers that are gone', { from: 'spans', value: 'count()', over: '400d' }, ['warning looks 400d back, but requests are kept for 399d only (retention.spans)']],
    ['a metric', { from: 'metrics', metric: 'm', value: 'p99(value)', over: '400d', by: ['host'] }, []],
    ['a metric that is gone', { from: 'metrics', metric: 'm', value: 'rate()', over: '5m', offset: '400d' }, ['warning looks 400d5m back, but metrics are kept for 400d only (retention.metrics)']],
    ['points', { from: 'metrics', metric: 'm', value: 'rate()', over: '7d', where: { 'scope.version': '2' } }, []],
    ['points that are gone', { from: 'metrics', metric: 'm', value: 'rate()', over: '8d', where: { 'scope.version': '2' } }, [`warning looks 8d back, ${points} ${longer} of scope.version`]],
    ['logs that are gone', { from: 'logs', value: 'count()', over: '31d' }, ['warning looks 31d back, but logs are kept for 30d only (retention.logs)']],
    ['caches', { from: 'caches', value: 'hit_rate()', over: '90d' }, []],
    ['caches that are gone', { from: 'caches', value: 'hit_rate()', over: '400d' }, ['warning looks 400d back, but caches are kept for 399d only (retention.spans)']],
    ['what tells of caches', { from: 'caches', value: 'hit_rate()', over: '8d', by: ['region'] }, [`warning looks 8d back, but what tells of caches is kept for 7d only (the shorter of retention.metrics.raw and retention.traces.raw), ${longer} of region`]],
  ];
  for (const [title, signal, expected] of table) {
    t.strictSame(warnings({ signals: { x: signal }, when: 'x > 1' }), expected, title);
  }
  t.end();
});

t.test('so is one that waits for what was seen before that', (t) => {
  const absent = (from: object, seenWithin: string) =>
    warnings({ absent: { ...from, over: '5m', seen_within: seenWithin } });
  const spans = { from: 'spans', by: ['service.name'] };
  t.strictSame(absent(spans, '30d'), []);
  t.strictSame(absent({ ...spans, by: ['region'] }, '30d'), [
    'warning looks 30d back, but spans are kept for 14d only (retention.traces.raw)',
  ]);
  t.strictSame(absent({ from: 'metrics', metric: 'm', by: ['host'] }, '8d'), [
    'warning looks 8d back, but points are kept for 7d only (retention.metrics.raw)',
  ]);
  t.end();
});
