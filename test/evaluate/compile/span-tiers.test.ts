import t from 'tap';
import { compileSignal } from '../../../src/evaluate/compile/signal.ts';
import { allStored } from '../../../src/evaluate/compile/stored.ts';
import type { CompiledSignal, SignalRow } from '../../../src/evaluate/rules/plan.ts';
import type { QueryPlan, ValueFunction } from '../../../src/evaluate/rules/signal-plan.ts';
import { seededRandom } from '../../support/random.ts';
import { nowMs, ruleWith, type Span, spanRow, startTelemetry } from './telemetry.ts';

const { store, insert } = await startTelemetry(t);
const random = seededRandom(3);

const oneOf = <T>(...all: readonly [T, ...T[]]): T =>
  all[Math.floor(random() * all.length)] ?? all[0];

/** Two days of requests; all of them have the attribute `all`, which no tier has. */
const spans = Array.from({ length: 4_000 }, (): Span => {
  const route = oneOf('/a', '/b', '/c', '');
  return {
    agoSeconds: Math.floor(random() ** 2 * 2 * 86_400) + 0.5,
    durationMs: Math.ceil(random() ** 4 * 2_000),
    service: oneOf('shop', 'cart'),
    name: oneOf('GET /a', 'POST /b'),
    kind: oneOf('Server', 'Client'),
    status: oneOf('Unset', 'Ok', 'Error'),
    weight: oneOf(1, 1, 4),
    attributes: { all: 'yes', ...(route !== '' && { 'http.route': route }) },
  };
});
t.before(() => insert('otel_traces', spans.map(spanRow)));

const compiled = (signal: Readonly<Record<string, unknown>>): CompiledSignal => {
  const [found] = Object.values(
    ruleWith({ signals: { x: { from: 'spans', ...signal } }, when: 'x == x' }).signals,
  );
  if (!found) throw new Error('no signal');
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

const tables = ({ sql }: CompiledSignal): readonly string[] =>
  [...new Set(sql.match(/FROM (\w+)/g)?.map((it) => it.slice(5)))].toSorted();
const tiers = ['span_rollup_1d', 'span_rollup_1h', 'span_rollup_1m'];
/** The ends of a window, less than a minute each, are read from the spans. */
const summedUp = ['otel_traces', ...tiers];

const close = (
  found: readonly SignalRow[],
  expected: readonly SignalRow[],
  error: number,
): boolean =>
  found.length === expected.length &&
  found.every((it, index) => {
    const { value: own, ...labels } = it;
    const { value, ...others } = expected[index] ?? {};
    return (
      JSON.stringify(labels) === JSON.stringify(others) &&
      Math.abs(Number(own) - Number(value)) <= error * Number(value)
    );
  });

t.test('over a long window the tiers say what the spans say', async (t) => {
  // biome-ignore format: one case per line
  const table: readonly (readonly [Readonly<Record<string, unknown>>, number])[] = [
    [{ value: 'count()' }, 0],
    [{ value: 'rate()', over: '11m' }, 0],
    [{ value: 'errors()', over: '26h', by: ['name', 'kind'] }, 0],
    [{ value: 'error_rate()', by: ['service.name', 'http.route'] }, 1e-12],
    [{ value: 'count()', where: { 'http.route': ['/a', '/b'], name: 'GET *', kind: '!client' } }, 0],
    [{ value: 'count()', where: { status: 'error', 'service.name': 'shop' }, offset: '3h' }, 0],
    [{ value: 'sum(duration)', by: ['service.name'] }, 1e-12],
    [{ value: 'avg(duration)', by: ['service.name'] }, 1e-12],
    [{ value: 'min(duration)', by: ['http.route'] }, 0],
    [{ value: 'max(duration)', by: ['http.route'] }, 0],
    [{ value: 'uniq(http.route)', by: ['service.name'] }, 0],
    [{ value: 'p50(duration)', by: ['service.name'] }, 0.0104],
    [{ value: 'p99(duration)', by: ['service.name', 'name'] }, 0.0104],
    [{ value: 'p99.9(duration)' }, 0.0104],
  ];
  for (const [signal, error] of table) {
    const asked: Readonly<Record<string, unknown>> = { over: '30h', ...signal };
    const summed = compiled(asked);
    const read = compiled({ ...asked, where: { ...(asked['where'] as object), all: 'yes' } });
    t.strictSame(tables(summed), summedUp, JSON.stringify(signal));
    t.strictSame(tables(read), ['otel_traces']);
    const [found, expected] = await Promise.all([ask(summed), ask(read)]);
    t.ok(expected.length > 0);
    t.ok(close(found, expected, error), `${JSON.stringify(found)} is ${JSON.stringify(expected)}`);
  }
});

t.test('windows of any length, over every tier, neither lose nor double a request', async (t) => {
  // A request on each side of the bounds of minutes, hours and days, a nanosecond being nearest.
  const midnight = Date.UTC(2026, 10, 18);
  const bounds = [0, 60, 3_600, 86_400, 90_000, 90_060, 126_000].map((it) => midnight / 1e3 + it);
  const stamps = bounds.flatMap((it) => [`${it}.000000000`, `${it - 1}.999999999`]);
  const edge = stamps.map((Timestamp) => ({
    ...spanRow({ agoSeconds: 0, service: 'edge' }),
    Timestamp,
  }));
  await insert('otel_traces', edge);
  const ends = [0, 0.25, 61, 3_541, 3_660, 40_000, 86_400].map((it) => nowMs - it * 1_000);
  const lengths = ['11m', '1h', '59m11s', '24h', '25h1m', '36h', '48h', '2d12h', '61h', '5d3h7m'];
  /** What is old begins with a whole minute. */
  const begins = <T>(over: string, exactly: T, minute: T): T =>
    ['11m', '1h', '59m11s', '24h'].includes(over) ? exactly : minute;
  for (const over of lengths) {
    const signal = { value: 'count()', over, by: ['service.name'] };
    const [summed, read] = [compiled(signal), compiled({ ...signal, where: { zone: '!x' } })];
    for (const atMs of ends) {
      const { from = '', ...others } = read.parameters(atMs);
      const minute = `${Math.floor(Number(from) / 60) * 60}.000`;
      const exact = {
        ...read,
        parameters: () => ({ ...others, from: begins(over, from, minute) }),
      };
      const [found, expected] = await Promise.all([ask(summed, atMs), ask(exact)]);
      t.strictSame(found, expected, `${over} up to ${new Date(atMs).toISOString()}`);
      t.equal(summed.parameters(atMs)['from'], begins(over, from, minute));
    }
  }
});

t.test('what only spans tell is read from spans', (t) => {
  // biome-ignore format: one case per line
  const table: readonly (readonly [string, Readonly<Record<string, unknown>>, readonly string[]])[] = [
    ['a short window', { value: 'count()', over: '10m' }, ['otel_traces']],
    ['a window that is not', { value: 'count()', over: '601s' }, summedUp],
    ['an exact percentile', { value: 'p99(duration)', over: '1h' }, ['otel_traces']],
    ['a percentile over more', { value: 'p99(duration)', over: '61m' }, summedUp],
    ['a filter by an attribute', { value: 'count()', over: '1d', where: { region: 'eu' } }, ['otel_traces']],
    ['a filter by duration', { value: 'count()', over: '1d', where: { duration: '> 1 s' } }, ['otel_traces']],
    ['a label that is an attribute', { value: 'count()', over: '1d', by: ['region'] }, ['otel_traces']],
    ['a numeric attribute', { value: 'avg(size)', over: '1d' }, ['otel_traces']],
    ['the last of something', { value: 'last(duration)', over: '1d' }, ['otel_traces']],
    ['different values of an attribute', { value: 'uniq(user.id)', over: '1d' }, ['otel_traces']],
    ['hits', { value: 'hit_rate()', over: '1d' }, ['otel_traces']],
  ];
  for (const [title, signal, expected] of table)
    t.strictSame(tables(compiled(signal)), expected, title);
  t.end();
});

t.test('an SLA over thirty days counts good requests and slow ones from the tiers', async (t) => {
  const planOf = (value: ValueFunction): QueryPlan => ({
    kind: 'query',
    from: { name: 'spans' },
    value,
    where: [{ attribute: 'service.name', test: { kind: 'equals', text: 'sla' } }],
    by: [],
    window: { kind: 'rolling', overMs: 30 * 86_400_000, offsetMs: 0 },
  });
  // 96 of 100 ms, 4 of 900 ms of which 1 failed; the first came a day, an hour and 40 s ago.
  await insert(
    'otel_traces',
    Array.from({ length: 100 }, (_, index) =>
      spanRow({
        service: 'sla',
        agoSeconds: index === 0 ? 90_040 : 5_000,
        durationMs: index < 96 ? 100 : 900,
        status: index === 99 ? 'Error' : 'Ok',
      }),
    ),
  );
  const table = [
    ['success', { kind: 'success_rate' }, 0.99],
    ['within a limit between them', { kind: 'share_within', seconds: 0.3 }, 0.96],
    ['within the longest', { kind: 'share_within', seconds: 0.9 }, 1],
    ['within less than the shortest', { kind: 'share_within', seconds: 0.099 }, 0],
    ['requests since the first', { kind: 'rate_since_first' }, 100 / 90_040],
    ['p95', { kind: 'percentile', level: 0.95, field: { kind: 'duration' } }, 0.1],
    ['p99', { kind: 'percentile', level: 0.99, field: { kind: 'duration' } }, 0.9],
  ] as const;
  for (const [title, value, expected] of table) {
    const signal = compileSignal(planOf(value));
    t.strictSame(tables(signal), summedUp, title);
    const [row] = await ask(signal);
    const error = value.kind === 'percentile' ? 0.0099021 : 1e-9;
    t.ok(
      Math.abs(Number(row?.['value']) - expected) <= error * expected,
      `${title}: ${JSON.stringify(row)} is ${expected}`,
    );
    const none = {
      ...planOf(value),
      where: [{ attribute: 'service.name', test: { kind: 'equals', text: 'nobody' } }],
    } as const;
    t.strictSame(
      await ask(compileSignal(none)),
      [{ value: null }],
      `${title} of nobody is unknown`,
    );
  }
});

t.test('silence is told to the second from the tiers', async (t) => {
  const table: readonly (readonly [string, number])[] = [
    ['silent-seconds', 7],
    ['silent-hours', 3 * 3_600 + 11],
    ['silent-day', 86_400],
    ['silent-longer', 86_401],
  ];
  await insert(
    'otel_traces',
    table.flatMap(([service, agoSeconds]) =>
      [agoSeconds, agoSeconds + 100].map((it) => spanRow({ service, agoSeconds: it })),
    ),
  );
  const rule = ruleWith({
    absent: {
      from: 'spans',
      by: ['service.name'],
      where: { 'service.name': 'silent-*' },
      over: '5m',
      seen_within: '1d',
    },
  });
  const [signal] = Object.values(rule.signals);
  if (!signal) throw new Error('no signal');
  t.strictSame(tables(signal), tiers);
  const said = async (atMs: number) =>
    Object.fromEntries((await ask(signal, atMs)).map((it) => [it['service_name'], it['value']]));
  t.strictSame(await said(nowMs), {
    'silent-seconds': 7,
    'silent-hours': 10_811,
    'silent-day': 86_400,
  });
  t.strictSame(await said(nowMs + 1_500), { 'silent-seconds': 8.5, 'silent-hours': 10_812.5 });
  t.equal(
    (await said(nowMs - 10_000))['silent-seconds'],
    0,
    'seen in the same minute, a moment later',
  );
});

t.test(
  'what raw spans no longer tell is told by the tiers, each for as long as it is kept',
  async (t) => {
    const agoHours = [0.4, 2.5, 20, 49.75, 95, 24 * 29 + 0.5];
    await insert(
      'otel_traces',
      agoHours.map((it) => spanRow({ service: 'kept', agoSeconds: it * 3_600 })),
    );
    const plan = (overMs: number, kind: 'count' | 'rate'): QueryPlan => ({
      kind: 'query',
      from: { name: 'spans' },
      value: { kind },
      where: [{ attribute: 'service.name', test: { kind: 'equals', text: 'kept' } }],
      by: [],
      window: { kind: 'rolling', overMs, offsetMs: 0 },
    });
    const hourMs = 3_600_000;
    const kept = { raw: hourMs, '1m': 24 * hourMs, '1h': 48 * hourMs, '1d': 720 * hourMs };
    await store.command('TRUNCATE TABLE otel.otel_traces');
    await store.command(
      `ALTER TABLE otel.span_rollup_1m DELETE WHERE Time < '2026-11-19 12:00:00' SETTINGS mutations_sync = 1`,
    );
    await store.command(
      `ALTER TABLE otel.span_rollup_1h DELETE WHERE Time < '2026-11-18 12:00:00' SETTINGS mutations_sync = 1`,
    );
    // biome-ignore format: one case per line
    const table = [
    ['minutes', 23.5, 3, 23.5],
    // From 2026-11-18 12:15 on, of which only hours are left: the one from 12:00.
    ['hours', 47.75, 3, 48],
    // 10:15 two days ago is only left within its whole day.
    ['days', 49.75, 4, 60],
    // The first day is half gone, so it is not read at all.
    ['what is left of the month', 720, 6, 708],
  ] as const;
    for (const [title, hours, count, readHours] of table) {
      const signal = (kind: 'count' | 'rate') =>
        compileSignal(plan(hours * hourMs, kind), { ...allStored, spansKeptMs: kept });
      t.strictSame(await ask(signal('count')), [{ value: count }], title);
      const [rate] = await ask(signal('rate'));
      t.ok(
        Math.abs(Number(rate?.['value']) * readHours * 3_600 - count) < 1e-9,
        `rate of ${title}`,
      );
    }
  },
);
