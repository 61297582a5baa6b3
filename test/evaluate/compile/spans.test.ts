import t from 'tap';
import { type Span, spanRow, startTelemetry } from './telemetry.ts';

const telemetry = await startTelemetry(t);
const { ask, value } = telemetry;

/** Requests of one service that no other test looks at. */
const send = async (service: string, spans: readonly Span[]): Promise<void> =>
  telemetry.insert(
    'otel_traces',
    spans.map((it) => spanRow({ ...it, service })),
  );

const of = (service: string, signal: Readonly<Record<string, unknown>>) => ({
  from: 'spans',
  over: '5m',
  ...signal,
  where: { 'service.name': service, ...(signal['where'] as object | undefined) },
});

t.test('percentiles are the nearest rank of span durations', async (t) => {
  // 1, 2 … 100 ms: the 99th of 100 is 99 ms, the 50th is 50 ms.
  await send(
    'ranks',
    Array.from({ length: 100 }, (_, index) => ({ agoSeconds: 60, durationMs: index + 1 })),
  );
  const table = [
    ['p50(duration)', 0.05],
    ['p95(duration)', 0.095],
    ['p99(duration)', 0.099],
    ['p99.9(duration)', 0.1],
    ['avg(duration)', 0.0505],
    ['min(duration)', 0.001],
    ['max(duration)', 0.1],
    ['sum(duration)', 5.05],
    ['count()', 100],
    ['rate()', 100 / 300],
  ] as const;
  for (const [text, expected] of table) {
    const found = Number(await value(of('ranks', { value: text })));
    t.ok(Math.abs(found - expected) < 1e-9, `${text} is ${expected}, found ${found}`);
  }
});

t.test(
  'over more than an hour a percentile is right to 1 percent, of spans with an attribute to 0.05',
  async (t) => {
    const summed = Number(await value(of('ranks', { value: 'p99(duration)', over: '2h' })));
    t.ok(Math.abs(summed / 0.099 - 1) < 0.0099021, String(summed));
    const where = { zone: '!x' };
    const read = Number(await value(of('ranks', { value: 'p99(duration)', over: '2h', where })));
    t.ok(Math.abs(read / 0.099 - 1) < 5e-4, String(read));
  },
);

t.test('sampled spans count for as many as they stand for', async (t) => {
  // 8 requests of 10 ms and, sampled 1 in 4, one of 100 ms that stands for 4: 12 in all, 4 slow.
  await send('sampled', [
    ...Array.from({ length: 8 }, () => ({ agoSeconds: 60, durationMs: 10 })),
    { agoSeconds: 60, durationMs: 100, weight: 4, status: 'Error' },
  ]);
  t.equal(await value(of('sampled', { value: 'count()' })), 12);
  t.equal(await value(of('sampled', { value: 'errors()' })), 4);
  t.equal(await value(of('sampled', { value: 'error_rate()' })), 4 / 12);
  t.equal(await value(of('sampled', { value: 'avg(duration)' })), (8 * 0.01 + 4 * 0.1) / 12);
  // Rank 8 of 12 is the last fast one (66.7 %), rank 9 the first slow one.
  t.equal(await value(of('sampled', { value: 'p66(duration)' })), 0.01);
  t.equal(await value(of('sampled', { value: 'p67(duration)' })), 0.1);
});

t.test('a window includes its start, excludes its end and moves with offset', async (t) => {
  await send('edges', [
    { agoSeconds: 300, durationMs: 1 },
    { agoSeconds: 0, durationMs: 1 },
    { agoSeconds: 301, durationMs: 1 },
    { agoSeconds: 3_600, durationMs: 1 },
  ]);
  t.equal(await value(of('edges', { value: 'count()' })), 1);
  t.equal(await value(of('edges', { value: 'count()', offset: '1m' })), 2);
  t.equal(await value(of('edges', { value: 'count()', offset: '59m' })), 1);
});

t.test(
  'labels are attributes with underscores, from the span first and its resource second',
  async (t) => {
    await send('labels', [
      {
        agoSeconds: 9,
        attributes: { 'http.route': '/a', zone: 'span' },
        resource: { zone: 'host', 'service.version': '2' },
      },
      {
        agoSeconds: 9,
        attributes: { 'http.route': '/b' },
        resource: { zone: 'host', 'service.version': '2' },
      },
    ]);
    const rows = await ask(
      of('labels', { value: 'count()', by: ['http.route', 'zone', 'service.version', 'kind'] }),
    );
    t.strictSame(
      rows.toSorted((a, b) => String(a['http_route']).localeCompare(String(b['http_route']))),
      [
        { http_route: '/a', zone: 'span', service_version: '2', kind: 'server', value: 1 },
        { http_route: '/b', zone: 'host', service_version: '2', kind: 'server', value: 1 },
      ],
    );
  },
);

t.test(
  'where filters by value, list, glob, negation, comparison, kind, status and name',
  async (t) => {
    await send('filters', [
      {
        agoSeconds: 9,
        name: 'GET /a',
        durationMs: 1_500,
        attributes: { tier: 'gold', size: '2048' },
      },
      {
        agoSeconds: 9,
        name: 'GET /b',
        durationMs: 500,
        attributes: { tier: 'silver', size: 'many' },
      },
      {
        agoSeconds: 9,
        name: 'POST /a',
        kind: 'Client',
        status: 'Error',
        attributes: { tier: '50%_off' },
      },
      { agoSeconds: 9, name: 'POST /b', kind: 'Client', status: 'Ok' },
    ]);
    const table = [
      [{ tier: 'gold' }, 1],
      [{ tier: ['gold', 'silver'] }, 2],
      [{ tier: ['g*', 'silver'] }, 2],
      [{ tier: '*ol*' }, 1],
      [{ tier: '50%*' }, 1],
      [{ tier: '5?%_off' }, 1],
      [{ tier: '_old' }, 0],
      [{ tier: '_ol*' }, 0],
      [{ tier: '%*' }, 0],
      [{ tier: '!gold' }, 3],
      [{ tier: '!' }, 3],
      [{ tier: '' }, 1],
      [{ tier: '=gold' }, 1],
      [{ size: '> 1 KiB' }, 1],
      [{ size: '<= 2048' }, 1],
      [{ size: '> 1 MiB' }, 0],
      [{ duration: '> 1 s' }, 1],
      [{ duration: '>= 500 ms' }, 2],
      [{ kind: 'server' }, 2],
      [{ kind: ['server', 'Client'] }, 4],
      [{ status: 'error' }, 1],
      [{ status: '!error' }, 3],
      [{ name: 'GET*' }, 2],
      [{ name: 'GET*', tier: 'gold' }, 1],
    ] as const;
    for (const [where, expected] of table) {
      const found = await value(of('filters', { value: 'count()', where }));
      t.equal(found, expected, JSON.stringify(where));
    }
  },
);

t.test('numeric attributes are measured and texts are not', async (t) => {
  await send('numbers', [
    { agoSeconds: 30, attributes: { items: '2', user: 'a' } },
    { agoSeconds: 20, attributes: { items: '4', user: 'b' } },
    { agoSeconds: 10, attributes: { items: 'few', user: 'a' } },
    { agoSeconds: 5 },
  ]);
  t.equal(await value(of('numbers', { value: 'sum(items)' })), 6);
  t.equal(await value(of('numbers', { value: 'avg(items)' })), 3);
  t.equal(await value(of('numbers', { value: 'max(items)' })), 4);
  t.equal(await value(of('numbers', { value: 'last(items)' })), 4);
  t.equal(await value(of('numbers', { value: 'p50(items)' })), 2);
  t.equal(await value(of('numbers', { value: 'uniq(user)' })), 2);
  t.equal(await value(of('numbers', { value: 'max(nothing)' })), null);
});

t.test('no spans are a count of 0 and no percentile or error rate', async (t) => {
  t.equal(await value(of('nobody', { value: 'count()' })), 0);
  t.equal(await value(of('nobody', { value: 'rate()' })), 0);
  t.equal(await value(of('nobody', { value: 'error_rate()' })), null);
  t.equal(await value(of('nobody', { value: 'p99(duration)' })), null);
  t.equal(await value(of('nobody', { value: 'max(duration)' })), null);
  t.strictSame(await ask(of('nobody', { value: 'count()', by: ['http.route'] })), []);
});

t.test('whatever a rule says stays a value and never becomes SQL', async (t) => {
  const nasty = [
    `'; DROP TABLE otel_traces; --`,
    '\\',
    `\\' OR 1=1 --`,
    '{from:String}',
    '`',
    '\n\t\0',
    '$(x)',
    `%' OR '%'='`,
    '"',
  ];
  await send(
    'nasty',
    nasty.map((text) => ({ agoSeconds: 9, attributes: { text, [text]: 'here' } })),
  );
  for (const text of nasty) {
    t.equal(await value(of('nasty', { value: 'count()', where: { text: `=${text}` } })), 1, text);
    t.equal(
      await value(of('nasty', { value: 'count()', where: { [text]: 'here' } })),
      1,
      `name ${text}`,
    );
    const rows = await ask(
      of('nasty', { value: 'count()', by: ['text'], where: { text: [text, 'b'] } }),
    );
    t.strictSame(rows, [{ text, value: 1 }], `list ${text}`);
  }
  t.equal(await value(of('nasty', { value: 'count()' })), nasty.length);
});
