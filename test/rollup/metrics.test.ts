import t from 'tap';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { computeMetrics, forgetPoints, type Measured, storePoints } from './measured.ts';

const server = await startClickHouse(t);
const ask = { timeoutMs: 20_000 };
const store = openStore(t, server);
await migrate(store, migrateOptions);

const tables = [
  ...['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'].map(
    (it) => `otel_metrics_${it}`,
  ),
  ...['1m', '1h', '1d'].map((it) => `metric_rollup_${it}_computed`),
  'metric_series',
  'metric_metadata',
  'metric_arrivals',
];
t.beforeEach(async () => {
  forgetPoints();
  for (const table of tables) await store.command(`TRUNCATE TABLE otel.${table}`);
});

interface Asked {
  readonly tier?: string;
  readonly by?: string;
  readonly from?: string;
  readonly to?: string;
  readonly metric?: string;
}

/** What a view says, one text for each row: the time, then the columns asked for. */
const view = async (
  name: string,
  columns: string,
  asked: Asked = {},
): Promise<readonly string[]> => {
  const { tier = '1m', by = '', from = '10:00:00', to = '11:00:00', metric = 'm' } = asked;
  const rows = await store.query<{ line: string }>(
    `SELECT concatWithSeparator(' ', formatDateTime(Time, '%H:%i', 'UTC'), ${columns}) AS line
     FROM ${name}(metric = '${metric}', tier = '${tier}', by = [${by}], from = '2026-01-15 ${from}', to = '2026-01-15 ${to}')
     ORDER BY line`,
    ask,
  );
  return rows.map((it) => it.line);
};

const cumulative = { AggregationTemporality: 2, IsMonotonic: true };
const delta = { AggregationTemporality: 1, IsMonotonic: true };

const counter = (
  start: string | undefined,
  points: readonly (readonly [at: string, value: number | string])[],
): readonly Measured[] =>
  points.map(([at, Value]) => ({
    at,
    ...(start === undefined ? {} : { start }),
    columns: { ...cumulative, Value },
  }));

t.test('a gauge has its mean, extremes, last value and percentiles in every tier', async (t) => {
  // 1, 2, 3, 10 in the first minute and 4 in the next: mean 16/4 = 4; all: 20/5 = 4, median 3.
  await storePoints(store, 'gauge', [
    ...[1, 2, 3, 10].map((Value, i) => ({ at: `10:00:0${i}`, columns: { Value } })),
    { at: '10:01:00', columns: { Value: 4 } },
  ]);
  await computeMetrics(store, '10:00:00', '10:01:00');
  const columns = 'points, avg, min, max, last, round(p50, 1), p99, unit';
  t.strictSame(await view('metric_gauges', columns), [
    '10:00 4 4 1 10 10 2 10 s',
    '10:01 1 4 4 4 4 4 4 s',
  ]);
  t.strictSame(await view('metric_gauges', columns, { tier: '1h' }), ['10:00 5 4 1 10 4 3 10 s']);
  t.strictSame(await view('metric_gauges', columns, { tier: '1d', from: '00:00:00' }), [
    '00:00 5 4 1 10 4 3 10 s',
  ]);
});

t.test('NaN and infinities are counted apart, and points without a value not at all', async (t) => {
  await storePoints(store, 'gauge', [
    { at: '10:00:00', columns: { Value: 'nan' } },
    { at: '10:00:01', columns: { Value: 'inf' } },
    { at: '10:00:02', columns: { Value: '-inf' } },
    { at: '10:00:03', columns: { Value: 6 } },
    { at: '10:00:04', columns: { Value: 0, Flags: 1 } },
    { at: '10:01:04', columns: { Value: 'nan' } },
  ]);
  await storePoints(
    store,
    'sum',
    [
      ...counter('09:00:00', [
        ['10:00:00', 5],
        ['10:00:01', 'nan'],
        ['10:00:02', 9],
      ]),
      { at: '10:00:03', start: '09:00:00', columns: { ...cumulative, Value: 0, Flags: 1 } },
    ].map((it) => ({ ...it, metric: 'n' })),
  );
  await computeMetrics(store, '10:00:00', '10:01:00');
  t.strictSame(await view('metric_gauges', 'points, avg, min, max, last, p99'), [
    '10:00 1 6 6 6 6 6',
  ]);
  t.strictSame(
    await store.query(
      'SELECT MetricName AS m, toUInt32(sum(NotFinite)) AS n FROM metric_rollup_1h GROUP BY m ORDER BY m',
      ask,
    ),
    [
      { m: 'm', n: 4 },
      { m: 'n', n: 1 },
    ],
  );
  t.strictSame(await view('metric_counters', 'increase', { metric: 'n' }), ['10:00 4']);
});

t.test(
  'a counter gains what lies between its points, wherever minutes and hours end',
  async (t) => {
    // 10 → 15 → 40 | 100 | … 160 at 11:00:30: 30 in the first minute, 60 in the next, 60 in the next hour.
    await storePoints(
      store,
      'sum',
      counter('09:00:00', [
        ['10:58:00', 10],
        ['10:58:10', 15],
        ['10:58:50', 40],
        ['10:59:50', 100],
        ['11:00:30', 160],
      ]),
    );
    await computeMetrics(store, '10:58:00', '11:00:30');
    const to = '12:00:00';
    t.strictSame(await view('metric_counters', 'increase, rate, series', { to }), [
      '10:58 30 0.5 1',
      '10:59 60 1 1',
      '11:00 60 1 1',
    ]);
    t.strictSame(await view('metric_counters', 'increase', { to, tier: '1h' }), [
      '10:00 90',
      '11:00 60',
    ]);
    const day = { to, tier: '1d', from: '00:00:00' };
    // It began inside the day: at 09:00 it stood at 0.
    t.strictSame(await view('metric_counters', 'increase', day), ['00:00 160']);
    // The hour from its tier and the rest from minutes: neither lost nor doubled.
    t.strictSame(await view('metric_counters', 'increase', { tier: '1m', from: '11:00:00', to }), [
      '11:00 60',
    ]);
  },
);

const resets: readonly (readonly [
  title: string,
  points: readonly Measured[],
  minutes: readonly string[],
  hour: string,
])[] = [
  [
    'a new start time is a restart, even where the value did not fall',
    [
      ...counter('09:00:00', [
        ['10:00:10', 50],
        ['10:00:20', 60],
      ]),
      ...counter('10:00:25', [['10:00:30', 70]]),
    ],
    ['10:00 80'],
    '10:00 80',
  ],
  [
    'without a start time a fall is a restart from 0, within a minute',
    // 20 → 25: 5; 25 → 7: 7; 7 → 9: 2.
    counter(undefined, [
      ['10:00:00', 20],
      ['10:00:10', 25],
      ['10:00:20', 7],
      ['10:00:30', 9],
    ]),
    ['10:00 14'],
    '10:00 14',
  ],
  [
    'a fall to more than at first within a minute counts as well',
    // 10 → 20: 10; 20 → 15: 15; 15 → 30: 15.
    counter(undefined, [
      ['10:00:00', 10],
      ['10:00:10', 20],
      ['10:00:20', 15],
      ['10:00:30', 30],
    ]),
    ['10:00 40'],
    '10:00 40',
  ],
  [
    'a fall between minutes counts once in every tier',
    // 20 → 25 | 25 → 7: 7 | 7 → 9: 2.
    counter(undefined, [
      ['10:00:00', 20],
      ['10:00:10', 25],
      ['10:01:20', 7],
      ['10:02:30', 9],
    ]),
    ['10:00 5', '10:01 7', '10:02 2'],
    '10:00 14',
  ],
  [
    'a start time that lies, since the value fell later, is not believed',
    counter('09:00:00', [
      ['10:00:00', 100],
      ['10:00:10', 4],
      ['10:01:10', 6],
    ]),
    ['10:00 4', '10:01 2'],
    '10:00 6',
  ],
  [
    'a start time that equals the time of each point says nothing',
    [...counter('10:00:00', [['10:00:00', 8]]), ...counter('10:00:10', [['10:00:10', 11]])],
    ['10:00 3'],
    '10:00 3',
  ],
  [
    'a counter that began inside what is asked for counts from 0',
    counter('10:00:05', [
      ['10:00:10', 3],
      ['10:01:10', 5],
    ]),
    ['10:00 3', '10:01 2'],
    '10:00 5',
  ],
];

for (const [title, points, minutes, hour] of resets) {
  t.test(`${title}, in any order and any blocks`, async (t) => {
    for (const point of points.toReversed()) await storePoints(store, 'sum', [point]);
    await computeMetrics(store, '10:00:00', '10:02:00');
    t.strictSame(await view('metric_counters', 'increase'), minutes);
    t.strictSame(await view('metric_counters', 'increase', { tier: '1h' }), [hour]);
  });
}

t.test('late points correct the minute, the hour and the day they belong to', async (t) => {
  await storePoints(
    store,
    'sum',
    counter(undefined, [
      ['10:00:00', 20],
      ['10:00:40', 30],
      ['10:01:40', 31],
    ]),
  );
  await computeMetrics(store, '10:00:00', '10:01:00');
  t.strictSame(await view('metric_counters', 'increase'), ['10:00 10', '10:01 1']);
  // A restart that was not seen: 20 → 25: 5, then from 0 to 2, to 30: 28.
  await storePoints(
    store,
    'sum',
    counter(undefined, [
      ['10:00:10', 25],
      ['10:00:20', 2],
    ]),
  );
  await computeMetrics(store, '10:00:00');
  t.strictSame(await view('metric_counters', 'increase'), ['10:00 35', '10:01 1']);
  t.strictSame(await view('metric_counters', 'increase', { tier: '1h' }), ['10:00 36']);
  t.strictSame(await view('metric_counters', 'increase', { tier: '1d', from: '00:00:00' }), [
    '00:00 36',
  ]);
});

t.test('an inserted block that is sent again counts once', async (t) => {
  const points = counter('10:00:00', [['10:00:10', 3]]);
  for (const _ of [1, 2]) await storePoints(store, 'sum', points, 'the same');
  await computeMetrics(store, '10:00:00');
  t.strictSame(await store.query('SELECT toUInt32(sum(Points)) AS n FROM metric_arrivals', ask), [
    { n: 1 },
  ]);
  t.strictSame(await view('metric_counters', 'increase'), ['10:00 3']);
});

t.test('delta and cumulative points of the same work say the same', async (t) => {
  const work = [3, 0, 7, 1, 4];
  let total = 0;
  await storePoints(
    store,
    'sum',
    work.flatMap((value, i) => {
      total += value;
      const at = `10:0${i}:30`;
      return [
        {
          at,
          metric: 'd',
          start: i === 0 ? '09:59:30' : `10:0${i - 1}:30`,
          columns: { ...delta, Value: value },
        },
        { at, metric: 'c', start: '10:00:00', columns: { ...cumulative, Value: total } },
      ];
    }),
  );
  await computeMetrics(store, '10:00:00', '10:04:00');
  for (const tier of ['1m', '1h']) {
    const [d, c] = await Promise.all(
      ['d', 'c'].map((metric) => view('metric_counters', 'increase, rate', { metric, tier })),
    );
    t.strictSame(d, c);
    t.equal(d?.length, tier === '1m' ? 5 : 1);
  }
  t.strictSame(await view('metric_counters', 'increase', { metric: 'd', tier: '1h' }), [
    '10:00 15',
  ]);
});

t.test('an up-down counter is a level, and may fall', async (t) => {
  const points = [5, 9, 2].map((Value, i) => ({
    at: `10:00:${i}0`,
    start: '09:00:00',
    columns: { AggregationTemporality: 2, IsMonotonic: false, Value },
  }));
  await storePoints(store, 'sum', points);
  await computeMetrics(store, '10:00:00');
  t.strictSame(await view('metric_gauges', 'points, round(avg, 3), min, max, last'), [
    '10:00 3 5.333 2 9 2',
  ]);
  t.strictSame(await view('metric_counters', 'increase'), ['10:00 -3']);
});

t.test(
  'attributes group the series of a metric, of the point first and then of the resource',
  async (t) => {
    const point = (route: string, Value: number): Measured => ({
      at: '10:00:10',
      attributes: { 'http.route': route, id: String(Value) },
      columns: { ...delta, Value },
    });
    await storePoints(store, 'sum', [point('/a', 1), point('/a', 2), point('/b', 5)]);
    await computeMetrics(store, '10:00:00');
    const columns = "labels['http.route'], labels['host.name'], increase, series";
    t.strictSame(await view('metric_counters', columns, { by: "'http.route', 'host.name'" }), [
      '10:00 /a h1 3 2',
      '10:00 /b h1 5 1',
    ]);
    t.strictSame(await view('metric_counters', 'increase, series'), ['10:00 8 3']);
  },
);

const bounds = [1, 2, 4];
const histogram = (
  at: string,
  BucketCounts: readonly number[],
  columns: Readonly<Record<string, unknown>>,
  start?: string,
): Measured => ({
  at,
  ...(start === undefined ? {} : { start }),
  columns: {
    Count: BucketCounts.reduce((a, b) => a + b, 0),
    Sum: BucketCounts.reduce((a, b, i) => a + b * (i + 0.5), 0),
    BucketCounts,
    ExplicitBounds: bounds,
    ...columns,
  },
});
const percentiles = 'count, p50, p90, p99';

t.test('explicit histograms are interpolated as Prometheus does, either temporality', async (t) => {
  // (0, 1]: 4, (1, 2]: 4, (2, 4]: 1, beyond: 1. Rank 5 of p50 is the first of four in (1, 2]: 1.25;
  // rank 9 of p90 the end of (2, 4]: 4; rank 9.9 lies beyond: the highest bound.
  const told = '10:00 10 1.25 4 4';
  await storePoints(store, 'histogram', [
    {
      ...histogram('10:00:10', [1, 3, 0, 1], { AggregationTemporality: 1, Min: 0.5, Max: 9 }),
      metric: 'd',
    },
    {
      ...histogram('10:00:20', [3, 1, 1, 0], { AggregationTemporality: 1, Min: 0.25, Max: 3 }),
      metric: 'd',
    },
    {
      ...histogram('10:00:10', [10, 20, 30, 40], { AggregationTemporality: 2 }, '09:00:00'),
      metric: 'c',
    },
    {
      ...histogram('10:00:20', [11, 23, 30, 41], { AggregationTemporality: 2 }, '09:00:00'),
      metric: 'c',
    },
    {
      ...histogram('10:00:30', [14, 24, 31, 41], { AggregationTemporality: 2 }, '09:00:00'),
      metric: 'c',
    },
  ]);
  await computeMetrics(store, '10:00:00');
  for (const tier of ['1m', '1h'])
    for (const metric of ['d', 'c'])
      t.strictSame(
        await view('metric_histograms', percentiles, { metric, tier }),
        [told],
        `${metric} ${tier}`,
      );
  // 4 × 0.5 + 4 × 1.5 + 2.5 + 3.5 = 14.
  t.strictSame(await view('metric_histograms', 'sum, avg, min, max, series', { metric: 'd' }), [
    '10:00 14 1.4 0.25 9 1',
  ]);
  t.strictSame(await view('metric_histograms', 'sum, toString(min) IS NULL', { metric: 'c' }), [
    '10:00 14 1',
  ]);
});

t.test(
  'cumulative histograms are counted on from minute to minute, over restarts and new bounds',
  async (t) => {
    const c = { AggregationTemporality: 2 };
    await storePoints(store, 'histogram', [
      histogram('10:00:10', [10, 0, 0, 0], c, '09:00:00'),
      histogram('10:01:10', [12, 1, 0, 0], c, '09:00:00'),
      // A restart by its start time; its buckets did not fall.
      histogram('10:02:10', [20, 2, 0, 0], c, '10:01:30'),
      // A restart by its buckets alone: more in all, less in one.
      histogram('10:03:10', [5, 30, 0, 0], c, '10:01:30'),
      // Other bounds.
      { ...histogram('10:04:10', [3, 3], { ...c, ExplicitBounds: [8] }, '10:01:30') },
    ]);
    await computeMetrics(store, '10:00:00', '10:04:00');
    t.strictSame(await view('metric_histograms', 'count'), [
      '10:00 0',
      '10:01 3',
      '10:02 22',
      '10:03 35',
      '10:04 6',
    ]);
    // Of 66 values in all 27 lie up to 1, … 33 of (1, 2]: 1 + 30; p50 is rank 33: 1 + 6/33.
    t.strictSame(await view('metric_histograms', 'count', { tier: '1h' }), ['10:00 66']);
  },
);

const exponential = (
  at: string,
  scale: number,
  offset: number,
  counts: readonly number[],
  more: Readonly<Record<string, unknown>> = {},
  start?: string,
): Measured => ({
  at,
  ...(start === undefined ? {} : { start }),
  columns: {
    Count: counts.reduce((a, b) => a + b, 0) + Number(more['ZeroCount'] ?? 0),
    Sum: 1,
    Scale: scale,
    PositiveOffset: offset,
    PositiveBucketCounts: counts,
    AggregationTemporality: 1,
    ...more,
  },
});

t.test('exponential histograms of different scales meet at the coarsest', async (t) => {
  // Scale 0: (1, 2]: 2, (2, 4]: 2. Scale 1, indexes 2 and 3 ((2, 2√2], (2√2, 4]): 4 + 2 → (2, 4] has 8.
  // Rank 5 of 10 is the third of 8: 2 · 2^(3/8); zeros, none.
  await storePoints(store, 'exponential_histogram', [
    exponential('10:00:10', 0, 0, [2, 2]),
    exponential('10:00:20', 1, 2, [4, 2]),
  ]);
  await computeMetrics(store, '10:00:00');
  const told = `10:00 10 ${(2 * 2 ** (3 / 8)).toFixed(6)}`;
  for (const tier of ['1m', '1h'])
    t.strictSame(await view('metric_histograms', 'count, toDecimalString(p50, 6)', { tier }), [
      told,
    ]);
});

t.test('cumulative exponential histograms go on when they grow coarser', async (t) => {
  const c = { AggregationTemporality: 2 };
  await storePoints(store, 'exponential_histogram', [
    exponential('10:00:10', 1, 2, [4, 2], { ...c, ZeroCount: 1 }, '09:00:00'),
    // The same 6 in (2, 4], and 4 more; 2 more zeros.
    exponential('10:00:20', 0, 1, [10], { ...c, ZeroCount: 3 }, '09:00:00'),
    exponential('10:01:20', -1, 0, [14], { ...c, ZeroCount: 3 }, '09:00:00'),
  ]);
  await computeMetrics(store, '10:00:00', '10:01:00');
  // 4 in (2, 4] and 2 zeros; rank 3 of p50 is the first of 4: 2 · 2^(1/4).
  t.strictSame(await view('metric_histograms', 'count, toDecimalString(p50, 6)'), [
    `10:00 6 ${(2 * 2 ** (1 / 4)).toFixed(6)}`,
    // (1, 4]: rank 2 of 4 lies in the middle: 1 · 4^(1/2).
    '10:01 4 2.000000',
  ]);
  t.strictSame(await view('metric_histograms', 'count', { tier: '1h' }), ['10:00 10']);
});

t.test('negative buckets and zeros take part', async (t) => {
  // (-4, -2]: 2, zero: 1, (1, 2]: 1. Rank 2 of p50 is the end of the negative bucket: -2.
  await storePoints(store, 'exponential_histogram', [
    exponential('10:00:10', 0, 0, [1], {
      ZeroCount: 1,
      ZeroThreshold: 0.5,
      NegativeOffset: 1,
      NegativeBucketCounts: [2],
      Count: 4,
    }),
  ]);
  await computeMetrics(store, '10:00:00');
  t.strictSame(await view('metric_histograms', 'count, p50, p99 > 1.9'), ['10:00 4 -2 1']);
});

t.test('summaries keep their quantiles, and their counts count on', async (t) => {
  const summary = (at: string, Count: number, p99: number | string): Measured => ({
    at,
    start: '09:00:00',
    columns: {
      Count,
      Sum: Count * 2,
      'ValueAtQuantiles.Quantile': [0.5, 0.99],
      'ValueAtQuantiles.Value': [1, p99],
    },
  });
  await storePoints(store, 'summary', [
    summary('10:00:10', 5, 9),
    summary('10:00:20', 9, 4),
    summary('10:01:20', 10, 'nan'),
    // A restart that only the count betrays.
    summary('10:02:20', 3, 'nan'),
  ]);
  await computeMetrics(store, '10:00:00', '10:02:00');
  t.strictSame(await view('metric_histograms', 'count, sum'), [
    '10:00 4 8',
    '10:01 1 2',
    '10:02 3 6',
  ]);
  t.strictSame(
    await store.query('SELECT Quantiles AS last, QuantilesMax AS most FROM metric_rollup_1h', ask),
    [{ last: { '0.5': 1 }, most: { '0.5': 1, '0.99': 9 } }],
  );
});

t.test(
  'the catalogue tells kind, unit and services of a metric, and which attribute explodes',
  async (t) => {
    await storePoints(store, 'sum', [
      ...[1, 2, 3].map((user) => ({
        at: '10:00:10',
        attributes: { user: String(user), route: '/' },
        columns: { ...delta, Value: 1 },
      })),
      { at: '11:30:10', service: 'cart', columns: { ...delta, Value: 1 } },
    ]);
    await computeMetrics(store, '10:00:00');
    await computeMetrics(store, '11:30:00');
    await computeMetrics(store, '10:00:00');
    t.strictSame(
      await store.query(
        "SELECT MetricType AS kind, Temporality AS how, MetricUnit AS unit, MetricDescription AS text, services, formatDateTime(first_seen, '%H:%i', 'UTC') AS first, formatDateTime(last_seen, '%H:%i', 'UTC') AS last FROM metric_catalogue",
        ask,
      ),
      [
        {
          kind: 'sum',
          how: 'delta',
          unit: 's',
          text: 'about m',
          services: ['cart', 'shop'],
          first: '10:00',
          last: '11:30',
        },
      ],
    );
    t.strictSame(
      await store.query(
        "SELECT ServiceName AS s, toUInt32(series) AS n FROM metric_cardinality WHERE MetricName = 'm' ORDER BY s",
        ask,
      ),
      [
        { s: 'cart', n: 1 },
        { s: 'shop', n: 3 },
      ],
    );
    t.strictSame(
      await store.query(
        "SELECT attribute AS a, toUInt32(values) AS n FROM attribute_cardinality WHERE ServiceName = 'shop' ORDER BY n DESC, a LIMIT 2",
        ask,
      ),
      [
        { a: 'user', n: 3 },
        { a: 'host.name', n: 1 },
      ],
    );
  },
);

t.test('of the tiers that are not asked for no row is read', async (t) => {
  await storePoints(store, 'gauge', [{ at: '10:00:00', columns: { Value: 1 } }]);
  await computeMetrics(store, '10:00:00');
  const asked = `metric = 'm', by = [], from = '2026-01-15 00:00:00', to = '2026-01-16 00:00:00'`;
  for (const tier of ['1m', '1h', '1d']) {
    const rows = await store.query<{ table: string; rows: number }>(
      `SELECT table, toUInt32(rows) AS rows FROM (EXPLAIN ESTIMATE SELECT * FROM metric_gauges(${asked}, tier = '${tier}'))
       WHERE table LIKE 'metric_rollup%' AND rows > 0`,
      ask,
    );
    t.strictSame(rows, [{ table: `metric_rollup_${tier}_computed`, rows: 1 }], tier);
  }
});

t.test('who asks for one service reads the rows of that service', async (t) => {
  const asked = `metric = 'm', by = [], tier = '1m', from = '2026-01-15 10:00:00', to = '2026-01-15 11:00:00'`;
  await storePoints(store, 'sum', counter('10:00:00', [['10:00:10', 3]]));
  await computeMetrics(store, '10:00:00');
  for (const name of ['metric_gauges', 'metric_counters', 'metric_histograms']) {
    const plan = await store.query<{ explain: string }>(
      `EXPLAIN indexes = 1 SELECT * FROM ${name}(${asked}) WHERE ServiceName = 'shop'`,
      ask,
    );
    const text = plan.map((it) => it.explain).join(' ');
    t.match(text, /ServiceName in \['shop', 'shop'\]/, name);
  }
});
