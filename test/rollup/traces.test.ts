import t from 'tap';
import { createProgress } from '../../src/rollup/run-progress.ts';
import { createTraceJob } from '../../src/rollup/traces.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { documentedSql } from './documented.ts';
import { atMs, storeSpans, type Traced } from './traced.ts';

const server = await startClickHouse(t);
const store = openStore(t, server);
await migrate(store, migrateOptions);
const ask = { timeoutMs: 20_000 };
const job = createTraceJob({ lookbackMs: 86_400_000 });
t.beforeEach(async () => {
  for (const table of ['otel_traces', 'trace_summaries_computed'])
    await store.command(`TRUNCATE TABLE otel.${table}`);
});

let computations = 0;
/** Computes a minute as the runner does at a clock time, which is minutes later unless told. */
const compute = async (minute: string, at = '11:00:00', input = 1): Promise<void> => {
  computations += 1;
  const fromMs = atMs(minute);
  const window = { fromMs, toMs: fromMs + 60_000, versionMs: atMs(at), input };
  for (const [index, { sql, ...rest }] of job.run(window).entries()) {
    const token = `${job.name}-${computations}-${index}`;
    await store.insertSelect(sql, { ...rest, token, timeoutMs: 60_000 });
  }
};

type Drawn = readonly [name: string, parent: string, fromMs: number, toMs: number];

/** Span ids are the names in hex digits, so `a1` is a span and so is `cafe`. */
const span = (
  [id, parent, fromMs, toMs]: Drawn,
  more: Partial<Traced> = {},
  at = '10:00:10',
): Traced => ({
  at: new Date(atMs(at) + fromMs).toISOString().slice(11, 23),
  service: 'a',
  kind: 'Internal',
  id,
  name: id,
  parent,
  took: toMs - fromMs,
  ...more,
});

interface Summary {
  readonly TraceId: string;
  readonly ms: number;
  readonly rootMs: number;
  readonly root: string;
  readonly RootMissing: number;
  readonly Status: string;
  readonly Spans: number;
  readonly Errors: number;
  readonly Services: readonly string[];
  readonly path: readonly string[];
  readonly bottleneck: string;
}

/** Own times in milliseconds, such as `c2 50`; `- 20` is time that no span tells of. */
const summaries = (): Promise<readonly Summary[]> =>
  store.query<Summary>(
    `SELECT TraceId, Duration / 1e6 AS ms, RootDuration / 1e6 AS rootMs, concat(RootService, ' ', RootName) AS root,
       RootMissing, Status, Spans, Errors, Services,
       arrayMap((name, ns) -> concat(if(name = '', '-', name), ' ', toString(ns / 1e6)), CriticalPath.SpanName, CriticalPath.Time) AS path,
       concat(BottleneckService, ' ', BottleneckName, ' ', toString(BottleneckTime / 1e6), ' ms, ', toString(BottleneckSpans), ' spans, ', toString(round(BottleneckShare, 4))) AS bottleneck
     FROM trace_summaries ORDER BY TraceId`,
    ask,
  );

const call = (client: Drawn, server: Drawn) => [
  span(client, { kind: 'Client' }),
  span(server, { kind: 'Server', service: 'b' }),
];

// Drawn by hand, milliseconds. From the end of the root backwards: whatever ended last before the point that
// was reached, and the rest is the parent's own.
const drawings: Readonly<Record<string, readonly [readonly Traced[], readonly string[]]>> = {
  'one after the other': [
    [span(['a0', '', 0, 100]), span(['b1', 'a0', 10, 30]), span(['b2', 'a0', 40, 90])],
    ['a0 30', 'b1 20', 'b2 50'],
  ],
  'at the same time: only the one waited for longest': [
    [
      span(['a0', '', 0, 100]),
      span(['b1', 'a0', 10, 80]),
      span(['b2', 'a0', 10, 60]),
      span(['b3', 'a0', 85, 95]),
    ],
    ['a0 20', 'b1 70', 'b3 10'],
  ],
  'overlapping: what ended before the last one began is on the path, what did not is not': [
    [
      span(['a0', '', 0, 100]),
      span(['b1', 'a0', 10, 50]),
      span(['b2', 'a0', 40, 90]),
      span(['b3', 'a0', 5, 35]),
    ],
    ['a0 20', 'b3 30', 'b2 50'],
  ],
  'one in the other': [
    [
      span(['a0', '', 0, 100]),
      ...call(['b1', 'a0', 10, 90], ['c1', 'b1', 20, 80]),
      span(['d1', 'c1', 30, 70]),
    ],
    ['a0 20', 'b1 20', 'c1 20', 'd1 40'],
  ],
  'what is left is left with all that it called': [
    [
      span(['a0', '', 0, 100]),
      span(['b1', 'a0', 0, 40]),
      span(['c1', 'b1', 10, 30]),
      span(['d1', 'c1', 15, 25]),
      span(['b2', 'a0', 60, 100]),
      span(['c2', 'b2', 60, 80]),
    ],
    ['a0 20', 'b1 20', 'c1 10', 'd1 10', 'c2 20', 'b2 20'],
  ],
  'work that outlives its parent was not waited for, nor what it called': [
    [
      span(['a0', '', 0, 100]),
      span(['b1', 'a0', 20, 300]),
      span(['c1', 'b1', 30, 95]),
      span(['b2', 'a0', 30, 90]),
    ],
    ['a0 40', 'b2 60'],
  ],
  'a message is not waited for': [
    [
      span(['a0', '', 0, 100]),
      span(['b1', 'a0', 20, 30], { kind: 'Producer' }),
      span(['c1', 'b1', 50, 90], { kind: 'Consumer', service: 'b' }),
    ],
    ['a0 90', 'b1 10'],
  ],
  'a callee whose clock is ahead is cut at the end of its caller': [
    [
      span(['a0', '', 0, 100]),
      ...call(['b1', 'a0', 10, 90], ['c1', 'b1', 30, 110]),
      span(['d1', 'c1', 40, 60]),
    ],
    ['a0 20', 'b1 20', 'c1 40', 'd1 20'],
  ],
  'a callee whose clock is behind is cut at the start of its caller': [
    [
      span(['a0', '', 0, 100]),
      ...call(['b1', 'a0', 10, 90], ['c1', 'b1', 0, 60]),
      span(['d1', 'c1', 2, 20]),
    ],
    ['a0 20', 'b1 30', 'c1 40', 'd1 10'],
  ],
  'a callee on a clock that has nothing in common is time of its caller': [
    [span(['a0', '', 0, 100]), ...call(['b1', 'a0', 10, 90], ['c1', 'b1', 510, 590])],
    ['a0 20', 'b1 80'],
  ],
  'on a coarse clock, all at once, it is the innermost': [
    [
      span(['a0', '', 0, 100], { kind: 'Server' }),
      span(['b1', 'a0', 0, 100]),
      span(['f1', 'b1', 0, 100], { kind: 'Client' }),
    ],
    ['f1 100'],
  ],
  'what has lost its parent hangs on the root': [
    [span(['a0', '', 0, 100]), span(['c1', 'dead', 20, 90])],
    ['a0 30', 'c1 70'],
  ],
  'without a root, what is there hangs on nothing': [
    [
      span(['c1', 'dead', 0, 40]),
      span(['c2', 'dead', 60, 100]),
      span(['d2', 'c2', 70, 80]),
      span(['c3', 'dead', 65, 90]),
    ],
    ['c1 40', '- 20', 'c2 30', 'd2 10'],
  ],
  'parents in a circle end nothing': [
    [span(['a0', 'b1', 0, 100]), span(['b1', 'a0', 10, 90])],
    ['a0 20', 'b1 80'],
  ],
  'a span that is its own parent has none': [
    [span(['a0', 'a0', 0, 100]), span(['b1', 'a0', 10, 90])],
    ['a0 20', 'b1 80'],
  ],
  'a span sent twice is one': [
    [span(['a0', '', 0, 100]), span(['b1', 'a0', 10, 90]), span(['b1', 'a0', 10, 90])],
    ['a0 20', 'b1 80'],
  ],
  'what took no time has no path': [[span(['a0', '', 0, 0])], []],
  'the earlier of two roots': [
    [span(['a1', '', 20, 90]), span(['a0', '', 0, 100]), span(['b1', 'a1', 30, 80])],
    ['a0 30', 'a1 20', 'b1 50'],
  ],
};

t.test('the critical path is what the end of the root waited for', async (t) => {
  const cases = Object.entries(drawings);
  const drawn = cases.flatMap(([, [spans]], n) => spans.map((it) => ({ ...it, trace: `t${n}` })));
  await storeSpans(store, 'drawn', drawn);
  await compute('10:00:00');
  const found = new Map((await summaries()).map((it) => [it.TraceId, it]));
  for (const [n, [title, [, path]]] of cases.entries())
    t.strictSame(found.get(`t${n}`)?.path.toSorted(), path.toSorted(), title);
});

t.test('a summary has root, durations, counts, services and the slowest operation', async (t) => {
  const select = { name: 'SELECT', kind: 'Client' } as const;
  await storeSpans(store, 't1', [
    span(['00f067aa0ba902b7', '', 0, 100], { service: 'web', name: 'GET /', count: 4 }),
    span(['b1', '00f067aa0ba902b7', 10, 30], { ...select, service: 'shop', failed: true }),
    span(['b2', '00f067aa0ba902b7', 30, 50], { ...select, service: 'shop' }),
    span(['b3', '00f067aa0ba902b7', 55, 70], { ...select, service: 'shop' }),
    span(['b4', '00f067aa0ba902b7', 70, 140], { service: 'mail', name: 'later' }),
  ]);
  await compute('10:00:00');
  t.match((await summaries())[0], {
    ...{ TraceId: 't1', ms: 140, rootMs: 100, root: 'web GET /', RootMissing: 0, Status: 'ok' },
    ...{ Spans: 5, Errors: 1, Services: ['mail', 'shop', 'web'] },
    path: ['GET / 45', 'SELECT 20', 'SELECT 20', 'SELECT 15'],
    // One of them is less than the root, together they are more.
    bottleneck: 'shop SELECT 55 ms, 3 spans, 0.55',
  });
  const rest = `SELECT RootSpanId, CriticalPath.SpanId[1] AS first, toString(Start) AS start, AdjustedCount,
    arrayMap(it -> it / 1e6, CriticalPath.Offset) AS offsets FROM trace_summaries`;
  t.strictSame(await store.query(rest, ask), [
    {
      ...{ RootSpanId: '00f067aa0ba902b7', first: '00f067aa0ba902b7' },
      ...{ start: '2026-01-15 10:00:10.000000000', AdjustedCount: 4, offsets: [0, 10, 30, 55] },
    },
  ]);
});

t.test('the root decides whether a trace is ok, failed or timed out', async (t) => {
  const timeout = { failed: true, attributes: { 'error.type': 'java.net.SocketTimeoutException' } };
  const cases: readonly (readonly [string, Partial<Traced>, Partial<Traced>])[] = [
    ['ok', {}, {}],
    ['ok', {}, timeout],
    ['error', { failed: true }, {}],
    [
      'error',
      { failed: true, attributes: { 'http.response.status_code': '500' } },
      { failed: true },
    ],
    ['timeout', { failed: true }, timeout],
    ['timeout', timeout, {}],
    ['timeout', { failed: true, attributes: { 'http.response.status_code': '504' } }, {}],
  ];
  const spans = cases.flatMap(([, root, child], n) => [
    span(['a0', '', 0, 100], { ...root, trace: `t${n}` }),
    span(['b1', 'a0', 10, 90], { ...child, trace: `t${n}` }),
  ]);
  await storeSpans(store, 'cases', spans);
  await compute('10:00:00');
  const found = await summaries();
  t.strictSame(
    found.map((it) => it.Status),
    cases.map(([status]) => status),
  );
});

t.test(
  'a trace is summarised when it has been quiet, by the minute of its last span',
  async (t) => {
    await storeSpans(store, 't1', [span(['a0', '', 0, 20_000], {}, '10:00:50')]);
    await storeSpans(store, 't1', [span(['b1', 'a0', 12_000, 19_000], {}, '10:00:50')]);
    await compute('10:00:00', '10:01:30');
    t.strictSame(await summaries(), []);
    await compute('10:01:00', '10:02:30');
    t.match(await summaries(), [{ Spans: 2, path: ['a0 13000', 'b1 7000'] }]);
    await compute('10:00:00', '10:02:30');
    const [rows] = await store.query<{ n: number }>(
      'SELECT toFloat64(count()) AS n FROM trace_summaries_computed',
      ask,
    );
    t.equal(rows?.n, 1, 'and not once more for nothing');
  },
);

t.test('one that never ends is not waited for', async (t) => {
  const ticks = Array.from({ length: 8 }, (_, n) =>
    span([`b${n}`, '', n * 60_000, n * 60_000 + 10]),
  );
  await storeSpans(store, 't1', ticks);
  await compute('10:06:00', '10:07:30');
  t.match(await summaries(), [{ Spans: 8 }]);
});

t.test(
  'late spans correct a summary, also when it turns out to have begun a minute earlier',
  async (t) => {
    await storeSpans(store, 't1', [
      span(['b1', 'a0', 70_000, 80_000]),
      span(['b2', 'a0', 85_000, 90_000]),
    ]);
    await compute('10:01:00');
    t.match(await summaries(), [
      { RootMissing: 1, ms: 20_000, path: ['b1 10000', '- 5000', 'b2 5000'] },
    ]);
    await storeSpans(store, 't1', [span(['a0', '', 0, 100_000], { failed: true })]);
    await compute('10:00:00');
    const corrected = {
      ...{ RootMissing: 0, root: 'a a0', ms: 100_000, Status: 'error', Spans: 3 },
      path: ['a0 85000', 'b1 10000', 'b2 5000'],
    };
    t.match(await summaries(), [corrected]);
    await compute('10:01:00');
    t.match(await summaries(), [corrected]);
    await store.command('OPTIMIZE TABLE otel.trace_summaries_computed FINAL');
    t.match(await summaries(), [corrected]);
  },
);

t.test('a computation that saw fewer spans changes nothing', async (t) => {
  await storeSpans(store, 't1', [span(['a0', '', 0, 100]), span(['b1', 'a0', 10, 90])]);
  await compute('10:00:00');
  await store.command(
    "ALTER TABLE otel.otel_traces DELETE WHERE SpanId = 'b1' SETTINGS mutations_sync = 1",
  );
  await compute('10:00:00');
  t.match(await summaries(), [{ Spans: 2 }]);
});

t.test('a timeout counts although the rollup shows it later than the spans', async (t) => {
  const { signal } = new AbortController();
  const progress = createProgress(store.query, store.insertRows);
  const everMs = Date.now() - atMs('00:00:00');
  const due = async () => {
    const found = await progress.candidates({ ...job, lookbackMs: everMs }, signal);
    return found.windows.filter((it) => it.fromMs === atMs('10:20:00'));
  };
  const late = span(
    ['b1', 'a0', 0, 100],
    { kind: 'Client', failed: true, attributes: { 'error.type': 'timeout' } },
    '10:20:10',
  );
  await storeSpans(store, 'hidden', [span(['a0', '', 0, 100], { failed: true }, '10:20:10')]);
  const before = await due();
  t.match(before, [{ input: 1 }]);
  // As an insert looks from outside of which only the spans, and their arrival, are there.
  await store.command('CREATE TABLE otel.hidden AS otel.span_rollup_1m');
  await store.command('INSERT INTO otel.hidden SELECT * FROM otel.span_rollup_1m');
  await storeSpans(store, 'hidden', [late]);
  await store.command('EXCHANGE TABLES otel.hidden AND otel.span_rollup_1m');
  const during = await due();
  t.strictSame(during, before, 'what the rollup does not show has not come');
  await compute('10:20:00');
  t.match(await summaries(), [{ Status: 'error', Spans: 2 }]);
  for (const { fromMs, input } of during) {
    await progress.record(job, { fromMs, input, versionMs: Date.now(), tookMs: 1 });
  }
  t.strictSame(await due(), []);

  await store.command('EXCHANGE TABLES otel.hidden AND otel.span_rollup_1m');
  t.match(await due(), [{ input: 2 }], 'it is due again');
  await compute('10:20:00');
  t.match(await summaries(), [{ Status: 'timeout', Spans: 2 }]);
  await store.command('OPTIMIZE TABLE otel.trace_summaries_computed FINAL');
  t.match(await summaries(), [{ Status: 'timeout', Spans: 2 }]);
  await store.command('DROP TABLE otel.hidden');
});

t.test('many spans are read in parts, and each trace is in one of them', async (t) => {
  const traces = Array.from({ length: 20 }, (_, n) => span(['a0', '', 0, 100], { trace: `t${n}` }));
  await storeSpans(store, 'many', traces);
  await compute('10:00:00', '11:00:00', 3_000_000);
  t.equal((await summaries()).length, 20);
  const [rows] = await store.query<{ n: number }>(
    'SELECT toFloat64(count()) AS n FROM trace_summaries_computed',
    ask,
  );
  t.equal(rows?.n, 20);
});

t.test('of a huge trace the longest spans make the path, and all are counted', async (t) => {
  // 2,900 calls of 90 µs and, beginning at every tenth of them, 290 of 900 µs that are on the path instead.
  await store.command(
    `INSERT INTO otel.otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, Duration, StatusCode)
     SELECT toDateTime64('2026-01-15 10:00:10', 9, 'UTC') + INTERVAL 100000 * intDiv(number * 10, 11) NANOSECOND, 'huge',
       leftPad(hex(number + 1), 16, '0'), if(number = 0, '', leftPad('1', 16, '0')), if(number % 11 = 1, 'long', 'short'), 'Internal', 'a',
       multiIf(number = 0, 300000000, number % 11 = 1, 900000, 90000), if(number = 3, 'Error', 'Unset')
     FROM numbers(3190)`,
  );
  await compute('10:00:00');
  const [found] = await summaries();
  t.match(found, {
    Spans: 3190,
    Errors: 1,
    rootMs: 300,
    bottleneck: 'a long 261 ms, 290 spans, 0.87',
  });
  t.equal(found?.path.length, 100, 'of which those are kept that took longest');
});

t.test(
  'the documented queries find slow traces, what slows them, and the path of one',
  async (t) => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const at = new Date(Date.now() - 120_000).toISOString();
    const row = { TraceId: trace, Start: at, RootService: 'shop', RootName: 'GET /', Version: 1 };
    const more = {
      ...{
        RootDuration: 100e6,
        BottleneckService: 'pay',
        BottleneckName: 'charge',
        BottleneckShare: 0.7,
      },
      ...{ BottleneckTime: 70e6, AdjustedCount: 2, Status: 'ok' },
      ...{ 'CriticalPath.SpanId': ['a0', 'b1'], 'CriticalPath.ServiceName': ['shop', 'pay'] },
      ...{ 'CriticalPath.SpanName': ['GET /', 'charge'], 'CriticalPath.Offset': [0, 20e6] },
      ...{ 'CriticalPath.Time': [30e6, 70e6], 'CriticalPath.Share': [0.3, 0.7] },
    };
    await store.insertRows('trace_summaries_computed', [{ ...row, ...more }], 'summary');
    const root = {
      Timestamp: at,
      TraceId: trace,
      SpanName: 'GET /',
      ServiceName: 'shop',
      Duration: 100e6,
    };
    await store.insertRows('otel_traces', [root], 'root');
    const [slow = '', by = '', path = '', spans = '', ...rest] = documentedSql('Trace summaries');
    t.strictSame(rest, []);
    t.match(await store.query(slow, ask), [{ TraceId: trace, ms: 100, BottleneckName: 'charge' }]);
    t.match(await store.query(by, ask), [
      { BottleneckService: 'pay', BottleneckName: 'charge', traces: 2, share: 0.7, seconds: 0.14 },
    ]);
    t.match(await store.query(path, ask), [
      { ServiceName: 'shop', SpanName: 'GET /', at_ms: 0, own_ms: 30, share: 0.3, SpanId: 'a0' },
      { ServiceName: 'pay', SpanName: 'charge', at_ms: 20, own_ms: 70, share: 0.7, SpanId: 'b1' },
    ]);
    t.match(await store.query(spans, ask), [{ SpanName: 'GET /', ms: 100 }]);
  },
);
