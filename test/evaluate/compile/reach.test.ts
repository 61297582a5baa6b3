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

t.test('so is SQL where its own bounds say so', (t) => {
  const of = (sql: string, over = '5m', offset = '0s') =>
    warnings({
      signals: {
        x: { sql: `WITH {from:DateTime64(9)} AS f, {to:DateTime64(9)} AS t ${sql}`, over, offset },
      },
      when: 'x > 1',
    });
  const month = 'now() - INTERVAL 30 DAY';
  const spans = (far: string) => [
    `warning looks ${far} back, but otel_traces is kept for 14d only (retention.traces.raw)`,
  ];
  // biome-ignore format: one case per line
  const table: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['its window', ['SELECT count() AS value FROM otel_traces WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)}', '15d'], spans('15d')],
    ['its window, moved', ['SELECT count() AS value FROM otel_traces WHERE Timestamp >= {from:DateTime64(9)}', '1d', '14d'], spans('15d')],
    ['a window that is kept', ['SELECT count() AS value FROM otel_traces WHERE Timestamp >= {from:DateTime64(9)}', '14d'], []],
    ['an interval', [`SELECT count() AS value FROM otel_traces WHERE Timestamp > ${month}`], spans('30d')],
    ['the words of an interval', ["SELECT count() AS value FROM default.`otel_traces` AS s FINAL PREWHERE s.Timestamp >= now64(9, 'UTC') - INTERVAL '30 days' WHERE x = 1 GROUP BY y"], spans('30d')],
    ['before its end', ['SELECT count() AS value FROM otel_traces WHERE x = 1 AND Timestamp BETWEEN {to:DateTime64(9)} - toIntervalWeek(2) AND {to:DateTime64(9)}', '5m', '1h'], spans('14d1h')],
    ['before its start', ['SELECT count() AS value FROM otel_traces WHERE toDate(Timestamp) >= toDate(subtractDays({from:DateTime64(9)}, 20)) ORDER BY 1', '1d'], spans('21d')],
    ['rounded, twice', ["SELECT count() AS value FROM otel_traces WHERE Timestamp >= toStartOfDay(now() - INTERVAL 2 WEEK - INTERVAL 3 HOUR, 'UTC')"], spans('14d3h')],
    ['seconds and days', ['SELECT 1 FROM otel_logs WHERE Timestamp >= now() - 2678400 UNION ALL SELECT 2 FROM otel_traces WHERE Timestamp > today() - 16', '5m'], spans('16d')],
    ['a month, at least', ['SELECT 1 FROM otel_traces WHERE Timestamp > now() - INTERVAL 1 MONTH'], spans('28d')],
    ['points', [`SELECT 1 FROM otel_metrics_gauge WHERE TimeUnix > ${month}`], ['warning looks 30d back, but otel_metrics_gauge is kept for 7d only (retention.metrics.raw)']],
    ['logs', [`SELECT 1 FROM otel_logs WHERE TimestampTime > now() - INTERVAL 31 DAY`], ['warning looks 31d back, but otel_logs is kept for 30d only (retention.logs)']],
    ['minutes', ['SELECT 1 FROM request_metrics WHERE Time > now() - INTERVAL 31 DAY'], ['warning looks 31d back, but request_metrics is kept for 30d only (retention.spans.1m)']],
    ['hours', ['SELECT 1 FROM span_rollup_1h WHERE Time > now() - INTERVAL 366 DAY'], ['warning looks 366d back, but span_rollup_1h is kept for 365d only (retention.spans.1h)']],
    ['days', ['SELECT 1 FROM metric_rollup_1d WHERE Time > now() - INTERVAL 401 DAY'], ['warning looks 401d back, but metric_rollup_1d is kept for 400d only (retention.metrics.1d)']],
    ['caches', ['SELECT 1 FROM cache_performance_1h WHERE Time > now() - INTERVAL 2 YEAR'], ['warning looks 730d back, but cache_performance_1h is kept for 365d only (retention.spans.1h)']],
    ['a part of it', [`SELECT a.n / b.n AS value FROM (SELECT count() AS n FROM otel_traces WHERE Timestamp >= {from:DateTime64(9)}) AS a, (SELECT count() AS n FROM otel_traces WHERE Timestamp >= ${month}) AS b`], spans('30d')],
    ['a named part', [`SELECT n FROM u JOIN other ON n = m -- nothing\n, u AS (SELECT 1 AS n FROM otel_traces /* OR */ WHERE (a OR b) AND Timestamp >= ${month})`], spans('30d')],

    ['a nearer bound beside it', [`SELECT 1 FROM otel_traces WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp > ${month}`], []],
    ['a choice', [`SELECT 1 FROM otel_traces WHERE Timestamp > ${month} OR Timestamp >= {from:DateTime64(9)}`], []],
    ['the opposite', [`SELECT 1 FROM otel_traces WHERE NOT Timestamp > ${month}`], []],
    ['an upper bound', [`SELECT 1 FROM otel_traces WHERE Timestamp < ${month}`], []],
    ['what comes out', [`SELECT max(Timestamp) > ${month} AS value FROM otel_traces WHERE Timestamp >= {from:DateTime64(9)} HAVING value > ${month}`], []],
    ['another column', [`SELECT 1 FROM otel_traces WHERE deployed > ${month}`], []],
    ['a text', [`SELECT 1 FROM otel_traces WHERE x = 'Timestamp > ${month}' -- Timestamp > ${month}`], []],
    ['a sum that goes on', [`SELECT 1 FROM otel_traces WHERE Timestamp > ${month} + INTERVAL 29 DAY`], []],
    ['an interval out of a column', ['SELECT 1 FROM otel_traces WHERE Timestamp > now() - INTERVAL n DAY'], []],
    ['a function', [`SELECT 1 FROM metric_gauges(metric = 'm') WHERE Time > now() - INTERVAL 9 YEAR`], []],
    ['an unknown table beside it', [`SELECT 1 FROM otel_traces JOIN mine USING TraceId WHERE Timestamp > ${month}`], []],
    ['one that is kept longer beside it', [`SELECT 1 FROM otel_traces AS t JOIN otel_logs AS l USING TraceId WHERE Timestamp > ${month}`], []],
    ['a name of its own', [`SELECT 1 FROM otel_traces, otel_traces AS (SELECT 1) WHERE Timestamp > ${month}`], []],
  ];
  for (const [title, [sql = '', over, offset], expected] of table) {
    t.strictSame(of(sql, over, offset), expected, title);
  }
  t.end();
});
