import t from 'tap';
import { type Point, pointRow, startTelemetry } from './telemetry.ts';

const { insert, ask, value } = await startTelemetry(t);

const delta = 1;
const cumulative = 2;

interface SumPoint extends Point {
  readonly value: number;
  readonly temporality?: number;
  readonly monotonic?: boolean;
}

const sendSums = (points: readonly SumPoint[]): Promise<void> =>
  insert(
    'otel_metrics_sum',
    points.map((it) => ({
      ...pointRow(it),
      Value: it.value,
      AggregationTemporality: it.temporality ?? cumulative,
      IsMonotonic: it.monotonic ?? true,
    })),
  );

const of = (metric: string, value: string, more: Readonly<Record<string, unknown>> = {}) => ({
  from: 'metrics',
  metric,
  value,
  over: '5m',
  ...more,
});

t.test('delta counters add up', async (t) => {
  const metric = 'delta';
  await sendSums([
    { metric, agoSeconds: 301, value: 1_000, temporality: delta },
    { metric, agoSeconds: 300, value: 3, temporality: delta },
    { metric, agoSeconds: 60, value: 4, temporality: delta },
    { metric, agoSeconds: 60, value: 5, temporality: delta, attributes: { path: '/b' } },
    { metric, agoSeconds: 0, value: 1_000, temporality: delta },
  ]);
  t.equal(await value(of(metric, 'increase()')), 12);
  t.equal(await value(of(metric, 'rate()')), 12 / 300);
  t.equal(await value(of(metric, 'sum(value)')), 12);
  t.equal(await value(of(metric, 'increase()', { where: { path: '/b' } })), 5);
});

t.test('a cumulative counter is counted from the last point before the window', async (t) => {
  const metric = 'cumulative';
  await sendSums([
    { metric, agoSeconds: 360, startAgoSeconds: 9_000, value: 100 },
    { metric, agoSeconds: 240, startAgoSeconds: 9_000, value: 130 },
    { metric, agoSeconds: 120, startAgoSeconds: 9_000, value: 150 },
  ]);
  t.equal(await value(of(metric, 'increase()')), 50);
  t.equal(await value(of(metric, 'last()')), 150);
});

t.test('a base that is too long ago is none', async (t) => {
  const metric = 'old-base';
  await sendSums([
    { metric, agoSeconds: 601, startAgoSeconds: 9_000, value: 10 },
    { metric, agoSeconds: 240, startAgoSeconds: 9_000, value: 130 },
    { metric, agoSeconds: 120, startAgoSeconds: 9_000, value: 150 },
  ]);
  t.equal(await value(of(metric, 'increase()')), 20);
});

t.test(
  'a counter that began inside the window counts wholly, one that began before does not',
  async (t) => {
    await sendSums([
      { metric: 'young', agoSeconds: 60, startAgoSeconds: 200, value: 40 },
      { metric: 'young', agoSeconds: 30, startAgoSeconds: 200, value: 45 },
      { metric: 'old', agoSeconds: 60, startAgoSeconds: 400, value: 40 },
      { metric: 'old', agoSeconds: 30, startAgoSeconds: 400, value: 45 },
      { metric: 'unknown', agoSeconds: 60, value: 40 },
      { metric: 'unknown', agoSeconds: 30, value: 45 },
      { metric: 'single', agoSeconds: 60, startAgoSeconds: 400, value: 40 },
    ]);
    t.equal(await value(of('young', 'increase()')), 45);
    t.equal(await value(of('old', 'increase()')), 5);
    t.equal(await value(of('unknown', 'increase()')), 5);
    t.equal(
      await value(of('single', 'increase()')),
      null,
      'one point of an old counter says nothing',
    );
  },
);

t.test('a restart is seen by a falling value and by a new start time', async (t) => {
  await sendSums([
    { metric: 'fell', agoSeconds: 310, value: 100 },
    { metric: 'fell', agoSeconds: 250, value: 110 },
    { metric: 'fell', agoSeconds: 190, value: 7 },
    { metric: 'fell', agoSeconds: 130, value: 9 },
    // 10 before the restart, 7 and 2 after it.
    { metric: 'restarted', agoSeconds: 310, startAgoSeconds: 9_000, value: 100 },
    { metric: 'restarted', agoSeconds: 250, startAgoSeconds: 9_000, value: 110 },
    { metric: 'restarted', agoSeconds: 130, startAgoSeconds: 240, value: 400 },
    // 10 before, 400 after, though the value never fell.
    { metric: 'moving', agoSeconds: 310, startAgoSeconds: 310, value: 100 },
    { metric: 'moving', agoSeconds: 250, startAgoSeconds: 250, value: 110 },
    { metric: 'moving', agoSeconds: 190, startAgoSeconds: 190, value: 115 },
    // A start time that moves along with every point says nothing: 10 and 5.
  ]);
  t.equal(await value(of('fell', 'increase()')), 19);
  t.equal(await value(of('restarted', 'increase()')), 410);
  t.equal(await value(of('moving', 'increase()')), 15);
});

t.test('series are counted apart and added up by label', async (t) => {
  const metric = 'series';
  const point = (host: string, path: string, agoSeconds: number, value: number): SumPoint => ({
    metric,
    agoSeconds,
    startAgoSeconds: 9_000,
    value,
    attributes: { path },
    resource: { 'host.name': host },
  });
  await sendSums([
    point('a', '/x', 320, 10),
    point('a', '/x', 60, 15),
    point('b', '/x', 320, 1_000),
    point('b', '/x', 60, 1_001),
    point('a', '/y', 320, 7),
    point('a', '/y', 60, 9),
  ]);
  t.strictSame(
    (await ask(of(metric, 'increase()', { by: ['path'] }))).toSorted((a, b) =>
      String(a['path']).localeCompare(String(b['path'])),
    ),
    [
      { path: '/x', value: 6 },
      { path: '/y', value: 2 },
    ],
  );
  t.strictSame(
    await ask(
      of(metric, 'increase()', { by: ['host.name'], where: { path: '/x', 'host.name': 'b' } }),
    ),
    [{ host_name: 'b', value: 1 }],
  );
});

t.test('points without a recorded value are left out', async (t) => {
  const metric = 'flagged';
  await sendSums([
    { metric, agoSeconds: 320, value: 10 },
    { metric, agoSeconds: 200, value: 0, flags: 1 },
    { metric, agoSeconds: 100, value: 12 },
  ]);
  t.equal(await value(of(metric, 'increase()')), 2);
});

t.test('an up-down counter is a level', async (t) => {
  const metric = 'connections';
  await sendSums([
    { metric, agoSeconds: 310, value: 8, monotonic: false },
    { metric, agoSeconds: 200, value: 5, monotonic: false },
    { metric, agoSeconds: 100, value: 9, monotonic: false },
    { metric, agoSeconds: 100, value: 1, monotonic: false, attributes: { pool: 'b' } },
  ]);
  t.equal(await value(of(metric, 'max(value)')), 9);
  t.equal(await value(of(metric, 'avg(value)')), 5);
  t.equal(await value(of(metric, 'sum(value)')), 10, 'the last values of both series');
  t.equal(await value(of(metric, 'increase()', { where: { pool: '' } })), 1, 'from 8 to 9');
});

t.test('gauges have an average, bounds, a last value and percentiles', async (t) => {
  const metric = 'gauge';
  const rows = [4, 1, 3, 2].map((it, index) => ({
    ...pointRow({ metric, agoSeconds: 200 - index, unit: 'ms' }),
    Value: it * 1_000,
  }));
  await insert('otel_metrics_gauge', [
    ...rows,
    {
      ...pointRow({ metric, agoSeconds: 100, unit: 'ms', attributes: { core: '1' } }),
      Value: 10_000,
    },
  ]);
  t.equal(await value(of(metric, 'avg(value)')), 4, 'milliseconds are read as seconds');
  t.equal(await value(of(metric, 'min(value)')), 1);
  t.equal(await value(of(metric, 'max(value)')), 10);
  t.equal(await value(of(metric, 'last()')), 10);
  t.equal(await value(of(metric, 'sum(value)')), 12, 'the last values of both series');
  t.equal(await value(of(metric, 'count()')), 5);
  t.equal(await value(of(metric, 'p50(value)')), 3);
  t.equal(await value(of(metric, 'uniq(core)')), 1);
});

t.test('a metric that nobody sent has no value', async (t) => {
  for (const text of [
    'rate()',
    'increase()',
    'count()',
    'avg(value)',
    'last()',
    'p99(value)',
    'max(value)',
    'sum(value)',
  ]) {
    t.equal(await value(of('nothing', text)), null, text);
    t.strictSame(await ask(of('nothing', text, { by: ['x'] })), [], text);
  }
});

const near = (found: unknown, expected: number): boolean =>
  Math.abs(Number(found) - expected) <= 1e-9 * Math.abs(expected);

interface HistogramPoint extends Point {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum?: number;
  readonly temporality?: number;
}

const sendHistograms = (points: readonly HistogramPoint[]): Promise<void> =>
  insert(
    'otel_metrics_histogram',
    points.map((it) => ({
      ...pointRow(it),
      Count: it.counts.reduce((sum, count) => sum + count, 0),
      Sum: it.sum ?? 0,
      BucketCounts: it.counts,
      ExplicitBounds: it.bounds,
      AggregationTemporality: it.temporality ?? delta,
    })),
  );

t.test('percentiles of explicit buckets are interpolated as Prometheus does', async (t) => {
  const metric = 'explicit';
  await sendHistograms([
    { metric, agoSeconds: 60, bounds: [0.1, 0.2, 0.4], counts: [10, 20, 10, 0], sum: 7 },
    { metric, agoSeconds: 30, bounds: [0.1, 0.2, 0.4], counts: [0, 0, 50, 10], sum: 23 },
  ]);
  // 10 up to 0.1, 20 up to 0.2, 60 up to 0.4, 10 beyond: 100 in all.
  const table = [
    ['p5(value)', 0.05], // rank 5 of 10 in the bucket that starts at 0
    ['p10(value)', 0.1],
    ['p20(value)', 0.15], // rank 10 of 20 between 0.1 and 0.2
    ['p50(value)', 0.2 + 0.2 * (20 / 60)],
    ['p90(value)', 0.4],
    ['p99(value)', 0.4], // beyond the last bound nothing more is known
    ['count()', 100],
    ['increase()', 100],
    ['rate()', 100 / 300],
    ['sum(value)', 30],
    ['avg(value)', 0.3],
  ] as const;
  for (const [text, expected] of table) {
    const found = Number(await value(of(metric, text)));
    t.ok(Math.abs(found - expected) < 1e-12, `${text} is ${expected}, found ${found}`);
  }
});

t.test('cumulative histograms count from their base and over restarts', async (t) => {
  const metric = 'cumulative-histogram';
  const bounds = [100, 200];
  await sendHistograms([
    {
      metric,
      agoSeconds: 330,
      bounds,
      counts: [90, 5, 5],
      temporality: cumulative,
      unit: 'ms',
      sum: 9_000,
    },
    {
      metric,
      agoSeconds: 270,
      bounds,
      counts: [90, 9, 5],
      temporality: cumulative,
      unit: 'ms',
      sum: 9_600,
    },
    {
      metric,
      agoSeconds: 210,
      bounds,
      counts: [2, 0, 0],
      temporality: cumulative,
      unit: 'ms',
      sum: 100,
    },
    {
      metric,
      agoSeconds: 150,
      bounds,
      counts: [2, 4, 0],
      temporality: cumulative,
      unit: 'ms',
      sum: 700,
    },
  ]);
  // Gained: [0, 4, 0], then from scratch [2, 0, 0], then [0, 4, 0]: 2 up to 100 ms, 8 up to 200 ms.
  t.equal(await value(of(metric, 'count()')), 10);
  t.equal(await value(of(metric, 'p20(value)')), 0.1);
  t.ok(near(await value(of(metric, 'p60(value)')), 0.15));
  t.ok(Math.abs(Number(await value(of(metric, 'avg(value)'))) - 1.3 / 10) < 1e-12);
});

t.test('as many bounds, but others, start a histogram over', async (t) => {
  const metric = 'moved-bounds';
  await sendHistograms([
    { metric, agoSeconds: 310, bounds: [1], counts: [5, 5], temporality: cumulative },
    { metric, agoSeconds: 200, bounds: [4], counts: [8, 12], temporality: cumulative },
  ]);
  t.equal(await value(of(metric, 'p25(value)')), 2.5, '5 of the 8 up to 4, not 2.5 of 3');
});

t.test('new bounds start a histogram over, and series with other bounds are added', async (t) => {
  const metric = 'layouts';
  await sendHistograms([
    { metric, agoSeconds: 310, bounds: [1], counts: [5, 5], temporality: cumulative },
    { metric, agoSeconds: 200, bounds: [1, 2], counts: [6, 10, 0], temporality: cumulative },
    { metric, agoSeconds: 200, bounds: [2], counts: [4, 0], attributes: { host: 'b' } },
    { metric, agoSeconds: 200, bounds: [], counts: [7], attributes: { host: 'c' } },
  ]);
  t.ok(near(await value(of(metric, 'p30(value)', { where: { host: '' } })), 0.8), '4.8 of 6');
  t.equal(await value(of(metric, 'p50(value)', { where: { host: 'b' } })), 1);
  t.equal(
    await value(of(metric, 'p50(value)', { where: { host: 'c' } })),
    null,
    'no bounds, no percentile',
  );
});

interface ExponentialPoint extends Point {
  readonly scale: number;
  readonly zeros?: number;
  readonly zeroWidth?: number;
  readonly offset?: number;
  readonly positive?: readonly number[];
  readonly negativeOffset?: number;
  readonly negative?: readonly number[];
  readonly temporality?: number;
}

const sendExponential = (points: readonly ExponentialPoint[]): Promise<void> =>
  insert(
    'otel_metrics_exponential_histogram',
    points.map((it) => ({
      ...pointRow(it),
      Count: [it.zeros ?? 0, ...(it.positive ?? []), ...(it.negative ?? [])].reduce(
        (a, b) => a + b,
        0,
      ),
      Scale: it.scale,
      ZeroCount: it.zeros ?? 0,
      ZeroThreshold: it.zeroWidth ?? 0,
      PositiveOffset: it.offset ?? 0,
      PositiveBucketCounts: it.positive ?? [],
      NegativeOffset: it.negativeOffset ?? 0,
      NegativeBucketCounts: it.negative ?? [],
      AggregationTemporality: it.temporality ?? delta,
    })),
  );

t.test('percentiles of exponential buckets are interpolated between powers', async (t) => {
  // Scale 0: buckets (1, 2] with 4 and (2, 4] with 4.
  await sendExponential([
    { metric: 'powers', agoSeconds: 9, scale: 0, offset: 0, positive: [4, 4] },
  ]);
  t.ok(near(await value(of('powers', 'p25(value)')), Math.SQRT2), 'halfway from 1 to 2');
  t.ok(near(await value(of('powers', 'p50(value)')), 2));
  t.ok(near(await value(of('powers', 'p75(value)')), 2 * Math.SQRT2), 'halfway from 2 to 4');
  t.equal(await value(of('powers', 'count()')), 8);
});

t.test('zeros and negative values of exponential histograms have their places', async (t) => {
  // [-4, -2) with 2, zero with 4, (1, 2] with 2.
  await sendExponential([
    {
      metric: 'signs',
      agoSeconds: 9,
      scale: 0,
      zeros: 4,
      positive: [2],
      negativeOffset: 1,
      negative: [2],
    },
  ]);
  t.ok(near(await value(of('signs', 'p12.5(value)')), -2 * Math.SQRT2));
  t.equal(await value(of('signs', 'p50(value)')), 0);
  t.ok(near(await value(of('signs', 'p87.5(value)')), Math.SQRT2));
});

t.test('the zero bucket reaches below zero only where there are negative values', async (t) => {
  const zeros = { agoSeconds: 9, scale: 0, zeros: 4, zeroWidth: 2 };
  await sendExponential([
    { metric: 'near-zero', ...zeros },
    { metric: 'around-zero', ...zeros, negativeOffset: 2, negative: [4] },
  ]);
  t.equal(await value(of('near-zero', 'p50(value)')), 1, 'halfway from 0 to 2');
  t.equal(await value(of('around-zero', 'p75(value)')), 0, 'halfway from -2 to 2');
});

t.test('exponential histograms of different scales meet at the coarsest', async (t) => {
  // Scale 1 has (1, √2], (√2, 2], (2, 2√2]: at scale 0 that is 3 in (1, 2] and 1 in (2, 4].
  await sendExponential([
    { metric: 'scales', agoSeconds: 9, scale: 1, offset: 0, positive: [1, 2, 1] },
    {
      metric: 'scales',
      agoSeconds: 8,
      scale: 0,
      offset: 0,
      positive: [1, 3],
      attributes: { host: 'b' },
    },
  ]);
  t.ok(near(await value(of('scales', 'p50(value)')), 2), '4 of 8 up to 2');
  t.ok(near(await value(of('scales', 'p75(value)')), 2 * Math.SQRT2));
  t.ok(
    near(await value(of('scales', 'p25(value)', { where: { host: '' } })), Math.SQRT2),
    'alone at its own scale',
  );
});

t.test('cumulative exponential histograms may shift and coarsen between points', async (t) => {
  // Before: scale 1, index 2 and 3 (from 2 to 4), 5 each. After: scale 0, index -1 to 1: 2, 0, 16.
  await sendExponential([
    {
      metric: 'coarser',
      agoSeconds: 310,
      scale: 1,
      offset: 2,
      positive: [5, 5],
      temporality: cumulative,
    },
    {
      metric: 'coarser',
      agoSeconds: 100,
      scale: 0,
      offset: -1,
      positive: [2, 0, 16],
      temporality: cumulative,
    },
  ]);
  // Gained: 2 in (0.5, 1] and 6 in (2, 4].
  t.equal(await value(of('coarser', 'count()')), 8);
  t.ok(near(await value(of('coarser', 'p25(value)')), 1));
  t.ok(near(await value(of('coarser', 'p62.5(value)')), 2 * Math.SQRT2));
});

t.test('summaries tell how many there were and their average', async (t) => {
  const row = (agoSeconds: number, count: number, sum: number) => ({
    ...pointRow({ metric: 'summary', agoSeconds }),
    Count: count,
    Sum: sum,
  });
  await insert('otel_metrics_summary', [row(320, 10, 5), row(100, 30, 45)]);
  t.equal(await value(of('summary', 'count()')), 20);
  t.equal(await value(of('summary', 'avg(value)')), 2);
});
