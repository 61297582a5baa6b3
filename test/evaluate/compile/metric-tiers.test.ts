import t from 'tap';
import { compileSignal } from '../../../src/evaluate/compile/signal.ts';
import { allStored, type Stored } from '../../../src/evaluate/compile/stored.ts';
import type { CompiledSignal, SignalRow } from '../../../src/evaluate/rules/plan.ts';
import type { QueryPlan, ValueFunction } from '../../../src/evaluate/rules/signal-plan.ts';
import { createMetricJobs } from '../../../src/rollup/metrics.ts';
import { seededRandom } from '../../support/random.ts';
import { nowMs, pointRow, ruleWith, startTelemetry } from './telemetry.ts';

const { store, insert } = await startTelemetry(t);
const random = seededRandom(5);
const dayMs = 86_400_000;

/** Of points less is kept than the windows of these tests are long. */
const kept: Stored = {
  ...allStored,
  metricsKeptMs: { ...allStored.metricsKeptMs, raw: 2 * dayMs },
};

/** Seconds before `nowMs`, 2026-11-20 12:00, of a time of that month such as `17 12:00:00`. */
const agoOf = (at: string): number => {
  const [day = '', time = ''] = at.split(' ');
  return (nowMs - Date.parse(`2026-11-${day}T${time}Z`)) / 1_000;
};

const compiled = (
  signal: Readonly<Record<string, unknown>>,
  stored = allStored,
): CompiledSignal => {
  const [found] = Object.values(
    ruleWith({ signals: { x: { from: 'metrics', ...signal } }, when: 'x == x' }, stored).signals,
  );
  if (!found) throw new Error('no signal');
  return found;
};

const ask = async (signal: CompiledSignal): Promise<readonly SignalRow[]> => {
  const rows = await store.query<SignalRow>(signal.sql, {
    parameters: signal.parameters(nowMs),
    settings: signal.settings,
    timeoutMs: 30_000,
  });
  return rows.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
};

const readsTiers = ({ sql }: CompiledSignal): boolean => sql.includes('metric_rollup_1d');

/** Every window of every tier that has points, as the jobs compute them. */
let version = 0;
const compute = async (agoSeconds: readonly number[], mention = ''): Promise<void> => {
  version += 1;
  for (const job of createMetricJobs({ lookbackMs: 7 * dayMs })) {
    const starts = agoSeconds.map(
      (it) => Math.floor((nowMs - it * 1_000) / job.windowMs) * job.windowMs,
    );
    for (const fromMs of new Set(starts)) {
      const window = { fromMs, toMs: fromMs + job.windowMs, versionMs: version, input: 1 };
      for (const [index, { sql, ...rest }] of job.run(window).entries()) {
        if (!sql.includes(mention)) continue;
        const token = `${job.name}-${fromMs}-${index}-${version}`;
        await store.insertSelect(sql, { ...rest, token, timeoutMs: 30_000 });
      }
    }
  }
};

const deltaTemporality = 1;
const cumulativeTemporality = 2;

const counterRow = (
  metric: string,
  at: string,
  Value: number,
  temporality: number,
  startAt?: string,
) => ({
  ...pointRow({
    metric,
    agoSeconds: agoOf(at),
    ...(startAt !== undefined && { startAgoSeconds: agoOf(startAt) }),
  }),
  Value,
  AggregationTemporality: temporality,
  IsMonotonic: true,
});

// Three days back from 12:00 on the 20th: hours to the 18th, two days, hours to 06:00, then points.
const counted = [
  ['17 11:57:00', 100],
  ['17 12:00:00', 110], // 10, on from before the window
  ['17 23:59:59.999', 150], // 40
  ['18 00:00:00', 160], // 10, over the bound of a day
  ['18 13:00:00', 5], // 5: it fell, so it began anew
  ['19 23:30:00', 25], // 20
  ['20 05:59:59.500', 30], // 5
  ['20 06:00:00', 31], // 1, over the bound of tiers and points
  ['20 11:59:59', 37], // 6
  ['20 12:00:00', 1_000], // after the window
] as const;
const gained = 10 + 40 + 10 + 5 + 20 + 5 + 1 + 6;

// Powers of two, so that a sum says which of them are in it.
const deltas = [
  ['17 11:59:59.999', 1],
  ['17 12:00:00', 2],
  ['17 23:59:59.999', 4],
  ['18 00:00:00', 8],
  ['19 23:59:59.999', 16],
  ['20 00:00:00', 32],
  ['20 05:59:59.999', 64],
  ['20 06:00:00', 128],
  ['20 11:59:59.999', 256],
  ['20 12:00:00', 512],
] as const;
const inWindow = 2 + 4 + 8 + 16 + 32 + 64 + 128 + 256;

t.before(async () => {
  await insert('otel_metrics_sum', [
    ...counted.map(([at, value]) =>
      counterRow('counted', at, value, cumulativeTemporality, '10 00:00:00'),
    ),
    ...deltas.map(([at, value]) => counterRow('deltas', at, value, deltaTemporality)),
    // It began on the 18th, so all of it counts, and again on the 19th, though it never fell: 7 + 9.
    counterRow('restarted', '18 01:00:00', 7, cumulativeTemporality, '18 00:30:00'),
    counterRow('restarted', '19 03:00:00', 9, cumulativeTemporality, '19 02:59:00'),
    // The only point of a counter that began long ago says nothing.
    counterRow('single', '18 01:00:00', 7, cumulativeTemporality, '10 00:00:00'),
  ]);
  await compute(
    [...counted, ...deltas, ['18 01:00:00'], ['19 03:00:00']].map(([at]) => agoOf(at)),
    'sum',
  );
});

const answers = async (metric: string, stored: Stored): Promise<readonly unknown[]> => {
  const kinds = ['increase', 'rate', 'count'] as const;
  const rows = await Promise.all(
    kinds.map((kind) => ask(compileSignal(planOf(metric, { kind }), stored))),
  );
  return rows.map((it) => it[0]?.['value']);
};

const planOf = (metric: string, value: ValueFunction): QueryPlan => ({
  kind: 'query',
  from: { name: 'metrics', metric },
  value,
  where: [],
  by: [],
  window: { kind: 'rolling', overMs: 3 * dayMs, offsetMs: 0 },
});

t.test('counters of either temporality are counted over the bounds of all tiers', async (t) => {
  const seconds = 3 * 86_400;
  const said = {
    counted: [gained, gained / seconds, 8],
    deltas: [inWindow, inWindow / seconds, 8],
    restarted: [16, 16 / seconds, 2],
    single: [null, null, 1],
  };
  t.ok(readsTiers(compileSignal(planOf('counted', { kind: 'increase' }), kept)));
  for (const [metric, expected] of Object.entries(said)) {
    t.strictSame(await answers(metric, kept), expected, metric);
  }
  // Points are gone after two days, minutes after a day and hours after two: the window begins with
  // the day that is left. There is no point before it, so the first point counts for nothing.
  await store.command(`DELETE FROM otel.otel_metrics_sum WHERE TimeUnix < '2026-11-18 12:00:00'`);
  await store.command(
    `DELETE FROM otel.metric_rollup_1h_computed WHERE Time < '2026-11-18 12:00:00'`,
  );
  const fine = { raw: 2 * dayMs, '1m': dayMs, '1h': 2 * dayMs, '1d': Infinity };
  const days = { ...allStored, metricsKeptMs: fine };
  t.strictSame(
    await answers('counted', days),
    [gained, gained / (3.5 * 86_400), 9],
    'from 11:57 on, within the first day',
  );
  const wider = inWindow + 1;
  t.strictSame(await answers('deltas', days), [wider, wider / (3.5 * 86_400), 9]);
});

t.test('over a long window the tiers say what the points say', async (t) => {
  const times = [
    ...['17 11:58:30', '17 12:00:10', '17 12:00:40', '17 23:59:30', '18 00:00:00', '18 00:00:30'],
    ...['18 07:10:00', '18 07:10:20', '19 18:00:00', '20 05:59:59', '20 06:00:00', '20 11:59:59'],
  ];
  const whole = (max: number): number => Math.floor(random() * max);
  const paths = ['/a', '/b', '/c'];
  const base = (path: string, at: string, startAt: string) => ({
    ...pointRow({
      metric: 'm',
      unit: 'ms',
      agoSeconds: agoOf(at),
      startAgoSeconds: agoOf(startAt),
      service: path === '/c' ? 'cart' : 'shop',
      attributes: { path },
      resource: { host: path === '/b' ? 'h1' : 'h2' },
    }),
  });
  /** A running total that begins anew on the 19th, or its steps. */
  const totals = (isDelta: boolean, size: number): readonly (readonly number[])[] => {
    let total = Array.from({ length: size }, () => 0);
    return times.map((at) => {
      const steps = total.map(() => whole(4));
      total = at === '19 18:00:00' ? steps : total.map((n, i) => n + (steps[i] ?? 0));
      return isDelta ? steps : total;
    });
  };
  const startOf = (at: string): string => (at < '19 18:00:00' ? '10 00:00:00' : '19 17:00:00');
  const distributed = (isDelta: boolean, columns: (counts: readonly number[]) => object) =>
    paths.flatMap((path) =>
      totals(isDelta, 5).map((counts, index) => ({
        ...base(path, times[index] ?? '', startOf(times[index] ?? '')),
        Count: counts.reduce((sum, it) => sum + it, 0),
        Sum: counts.reduce((sum, it, i) => sum + it * i, 0),
        ...columns(counts),
      })),
    );
  const sent = (isDelta: boolean) => ({
    AggregationTemporality: isDelta ? deltaTemporality : cumulativeTemporality,
  });
  const explicit = (isDelta: boolean) => (BucketCounts: readonly number[]) => ({
    ...sent(isDelta),
    BucketCounts,
    ExplicitBounds: [1, 10, 100, 1_000],
  });
  const exponential =
    (isDelta: boolean) =>
    ([zero = 0, ...PositiveBucketCounts]: readonly number[]) => ({
      ...sent(isDelta),
      Scale: 1,
      ZeroCount: zero,
      ZeroThreshold: 0.001,
      PositiveOffset: -1,
      PositiveBucketCounts,
    });
  const sums = (isDelta: boolean, IsMonotonic: boolean) =>
    paths.flatMap((path) =>
      totals(isDelta, 1).map(([Value], index) => ({
        ...base(path, times[index] ?? '', startOf(times[index] ?? '')),
        ...sent(isDelta),
        IsMonotonic,
        Value,
      })),
    );
  const gauges = paths.flatMap((path) =>
    times.map((at) => ({ ...base(path, at, at), Value: (random() - 0.3) * 100 })),
  );
  const percentiles = ['p50(value)', 'p99.9(value)'];
  const counts = ['count()', 'increase()', 'rate()', 'sum(value)', 'avg(value)'];
  const levels = ['count()', 'sum(value)', 'avg(value)', 'min(value)', 'max(value)', 'last(value)'];
  const cases = [
    ['otel_metrics_gauge', gauges, [...levels, 'uniq(host)', ...percentiles]],
    ['otel_metrics_sum', sums(true, true), ['count()', 'increase()', 'sum(value)', 'last(value)']],
    ['otel_metrics_sum', sums(false, true), ['count()', 'increase()', 'sum(value)', 'rate()']],
    ['otel_metrics_sum', sums(false, false), [...levels, 'increase()']],
    ['otel_metrics_histogram', distributed(true, explicit(true)), ['avg(value)', ...percentiles]],
    ['otel_metrics_histogram', distributed(false, explicit(false)), [...counts, ...percentiles]],
    ['otel_metrics_exponential_histogram', distributed(true, exponential(true)), percentiles],
    [
      'otel_metrics_exponential_histogram',
      distributed(false, exponential(false)),
      [...counts, ...percentiles],
    ],
    ['otel_metrics_summary', distributed(false, () => ({})), [...counts, 'uniq(path)']],
  ] as const;
  const selections = [
    {},
    { by: ['path'] },
    { by: ['service.name'], where: { 'service.name': 'shop' } },
    { by: ['host'], where: { path: ['/a', '/b'] }, offset: '1h' },
  ];
  for (const [index, [table, rows]] of cases.entries()) {
    await insert(
      table,
      rows.map((it) => ({ ...it, MetricName: `m${index}` })),
    );
  }
  await compute(times.map(agoOf));
  for (const [index, [table, , values]] of cases.entries()) {
    for (const [place, value] of values.entries()) {
      const selection = selections[(index + place) % selections.length] ?? {};
      const asked = { metric: `m${index}`, value, over: '3d', ...selection };
      const summed = compiled(asked, kept);
      const read = compiled(asked);
      t.strictSame([readsTiers(summed), readsTiers(read)], [true, false]);
      const [found, expected] = [await ask(summed), await ask(read)];
      const error = table === 'otel_metrics_gauge' && value.startsWith('p') ? 0.0104 : 1e-9;
      t.ok(
        close(found, expected, error),
        `${table} ${JSON.stringify(asked)}: ${JSON.stringify(found)} is ${JSON.stringify(expected)}`,
      );
    }
  }
});

const close = (
  found: readonly SignalRow[],
  expected: readonly SignalRow[],
  error: number,
): boolean =>
  expected.length > 0 &&
  found.length === expected.length &&
  found.every(({ value: own, ...labels }, index) => {
    const { value, ...others } = expected[index] ?? {};
    return (
      JSON.stringify(labels) === JSON.stringify(others) &&
      (own === null) === (value === null) &&
      Math.abs(Number(own) - Number(value)) <= error * Math.abs(Number(value))
    );
  });
