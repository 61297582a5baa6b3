import t from 'tap';
import {
  type SpanTierColumn,
  spanTierParameters,
  spanTiersSql,
} from '../../src/model/span-tiers.ts';
import { coverRange } from '../../src/model/tier-cover.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { seededRandom } from '../support/random.ts';
import { type SentSpan, spanSender } from '../support/sent-spans.ts';

const store = openStore(t, await startClickHouse(t));
await migrate(store, migrateOptions);

const send = spanSender(store);

const rows = <Row>(sql: string): Promise<readonly Row[]> =>
  store.query<Row>(sql, { timeoutMs: 20_000 });

/** The same question to the three tiers; Time as text of UTC. */
const eachTier = async (select: string, service: string): Promise<readonly (readonly object[])[]> =>
  Promise.all(
    ['1m', '1h', '1d'].map((tier) =>
      rows<object>(
        `SELECT formatDateTime(r.Time, '%F %T', 'UTC') AS at, ${select} FROM span_rollup_${tier} AS r
          WHERE r.ServiceName = '${service}' GROUP BY r.Time ORDER BY r.Time`,
      ),
    ),
  );

t.test(
  'a span is in the bucket of its start in every tier, also when it comes days late',
  async (t) => {
    await send([
      { at: '2026-11-20 10:00:00.000', service: 'times' },
      { at: '2026-11-20 10:00:59.999999999', service: 'times' },
      { at: '2026-11-20 10:01:00', service: 'times' },
      { at: '2026-11-20 23:59:59.999999999', service: 'times' },
      { at: '2026-11-21 00:00:00', service: 'times' },
    ]);
    await send([{ at: '2026-11-20 10:00:30', service: 'times' }]);
    await send([{ at: '2026-11-02 00:00:00', service: 'times' }]);
    const [minutes, hours, days] = await eachTier(
      'sum(r.Requests) AS n, toUInt32(sum(r.Spans)) AS spans',
      'times',
    );
    t.strictSame(minutes, [
      { at: '2026-11-02 00:00:00', n: 1, spans: 1 },
      { at: '2026-11-20 10:00:00', n: 3, spans: 3 },
      { at: '2026-11-20 10:01:00', n: 1, spans: 1 },
      { at: '2026-11-20 23:59:00', n: 1, spans: 1 },
      { at: '2026-11-21 00:00:00', n: 1, spans: 1 },
    ]);
    t.strictSame(hours, [
      { at: '2026-11-02 00:00:00', n: 1, spans: 1 },
      { at: '2026-11-20 10:00:00', n: 4, spans: 4 },
      { at: '2026-11-20 23:00:00', n: 1, spans: 1 },
      { at: '2026-11-21 00:00:00', n: 1, spans: 1 },
    ]);
    t.strictSame(days, [
      { at: '2026-11-02 00:00:00', n: 1, spans: 1 },
      { at: '2026-11-20 00:00:00', n: 5, spans: 5 },
      { at: '2026-11-21 00:00:00', n: 1, spans: 1 },
    ]);
  },
);

t.test(
  'a block that is sent again counts once in every tier, equal spans of another block twice',
  async (t) => {
    const spans = [
      { at: '2026-11-20 10:00:00', service: 'again' },
      { at: '2026-11-20 11:30:00', service: 'again' },
    ];
    await send(spans, 'again-1');
    await send(spans, 'again-1');
    await send(spans, 'again-2');
    await send(spans, 'again-1');
    const found = await eachTier('sum(r.Requests) AS n', 'again');
    t.strictSame(
      found.map((tier) => tier.map((it) => Object.values(it)[1])),
      [[2, 2], [2, 2], [4]],
    );
  },
);

t.test('sums, extremes and the sketch honour how many spans one stands for', async (t) => {
  // 8 of 10 ms, and 100 ms sampled 1 in 4: 12 requests, 4 failed, 8 × 10 + 4 × 100 = 480 ms.
  await send([
    ...Array.from({ length: 8 }, () => ({
      at: '2026-11-20 10:00:01',
      service: 'sampled',
      durationNs: 10_000_000,
    })),
    {
      at: '2026-11-20 10:00:41',
      service: 'sampled',
      durationNs: 100_000_000,
      weight: 4,
      status: 'Error',
    },
  ]);
  const select = `sum(r.Requests) AS n, sum(r.Errors) AS errors, sum(r.DurationSum) / 1e6 AS ms,
    min(r.DurationMin) / 1e6 AS least, max(r.DurationMax) / 1e6 AS most, mapValues(sumMap(r.Sketch)) AS sketch,
    toUInt32(sum(r.Spans)) AS spans, formatDateTime(min(r.FirstTime), '%S', 'UTC') AS first, formatDateTime(max(r.LastTime), '%S', 'UTC') AS last`;
  const all = {
    n: 12,
    errors: 4,
    ms: 480,
    least: 10,
    most: 100,
    sketch: [8, 4],
    spans: 9,
    first: '01',
    last: '41',
  };
  t.strictSame(await eachTier(select, 'sampled'), [
    [{ at: '2026-11-20 10:00:00', ...all }],
    [{ at: '2026-11-20 10:00:00', ...all }],
    [{ at: '2026-11-20 00:00:00', ...all }],
  ]);
});

t.test('timeouts are told by response code, type of error and type of exception', async (t) => {
  const code = (name: string, value: string) => ({ attributes: { [name]: value } });
  const table: readonly (readonly [string, Partial<SentSpan>, string, number])[] = [
    ['nothing said', {}, '', 0],
    ['HTTP 200', code('http.response.status_code', '200'), '200', 0],
    ['HTTP 504', code('http.response.status_code', '504'), '504', 1],
    ['HTTP 408, as it was called before', code('http.status_code', '408'), '408', 1],
    ['HTTP 503', code('http.response.status_code', '503'), '503', 0],
    ['gRPC 4', code('rpc.grpc.status_code', '4'), '4', 1],
    ['gRPC 14', code('rpc.grpc.status_code', '14'), '14', 0],
    ['gRPC by name', code('rpc.response.status_code', 'DEADLINE_EXCEEDED'), 'DEADLINE_EXCEEDED', 1],
    ['a type of error', code('error.type', 'java.net.SocketTimeoutException'), '', 1],
    ['a code of Node', code('error.type', 'ETIMEDOUT'), '', 1],
    ['another type of error', code('error.type', 'connection_refused'), '', 0],
    ['an exception', { status: 'Error', exceptions: ['context.DeadlineExceeded'] }, '', 1],
    ['the second exception', { status: 'Error', exceptions: ['Boom', 'TimeoutError'] }, '', 1],
    ['an exception that was caught', { status: 'Ok', exceptions: ['TimeoutError'] }, '', 0],
    ['another exception', { status: 'Error', exceptions: ['Boom'] }, '', 0],
  ];
  await send(
    table.map(([name, span]) => ({
      at: '2026-11-20 10:00:00',
      service: 'late',
      name,
      weight: 3,
      ...span,
    })),
  );
  const found = await rows<{ name: string; code: string; timeouts: number }>(
    `SELECT SpanName AS name, ResponseCode AS code, Timeouts AS timeouts FROM span_rollup_1d WHERE ServiceName = 'late'`,
  );
  for (const [title, , code, timeouts] of table) {
    t.strictSame(
      found.find((it) => it.name === title),
      { name: title, code, timeouts: 3 * timeouts },
      title,
    );
  }
});

t.test('request_metrics answers per service, kind and minute what people ask', async (t) => {
  // 1 … 100 ms in one minute, each standing for 3: p50 is 50, p90 90, p95 95, p99 99 by nearest rank.
  await send(
    Array.from({ length: 100 }, (_, index) => ({
      at: '2026-11-20 10:00:00',
      service: 'asked',
      durationNs: (index + 1) * 1_000_000,
      weight: 3,
      ...(index < 10 && { status: 'Error' }),
      attributes: {
        'http.route': index < 50 ? '/a' : '/b',
        'http.response.status_code': index < 4 ? '500' : index < 10 ? '504' : '200',
      },
    })),
  );
  const [row, ...more] = await rows<Record<string, number>>(
    `SELECT * EXCEPT Time FROM request_metrics WHERE ServiceName = 'asked' AND Time = '2026-11-20 10:00:00'`,
  );
  t.equal(more.length, 0);
  const { p50, p90, p95, p99, ...rest } = row ?? {};
  t.strictSame(rest, {
    ServiceName: 'asked',
    SpanKind: 'Server',
    requests: 300,
    rps: 5,
    errors: 30,
    error_rate: 0.1,
    errors_by_code: { '500': 12, '504': 18 },
    timeouts: 18,
    avg: 50.5,
    min: 1,
    max: 100,
  });
  for (const [found, expected] of [
    [p50, 50],
    [p90, 90],
    [p95, 95],
    [p99, 99],
  ] as const) {
    t.ok(
      Math.abs(Number(found) / expected - 1) < 0.009903,
      `${found} is within 1 % of ${expected}`,
    );
  }
  const operations = await rows(
    `SELECT HttpRoute, StatusCode, ResponseCode, requests FROM request_metrics_by_operation WHERE ServiceName = 'asked' ORDER BY ALL`,
  );
  t.strictSame(operations, [
    { HttpRoute: '/a', StatusCode: 'Error', ResponseCode: '500', requests: 12 },
    { HttpRoute: '/a', StatusCode: 'Error', ResponseCode: '504', requests: 18 },
    { HttpRoute: '/a', StatusCode: 'Unset', ResponseCode: '200', requests: 120 },
    { HttpRoute: '/b', StatusCode: 'Unset', ResponseCode: '200', requests: 150 },
  ]);
  const rates = await rows(
    `SELECT rps FROM (SELECT rps FROM request_metrics_1h WHERE ServiceName = 'asked' UNION ALL SELECT rps FROM request_metrics_1d WHERE ServiceName = 'asked') ORDER BY rps DESC`,
  );
  t.strictSame(rates, [{ rps: 300 / 3_600 }, { rps: 300 / 86_400 }]);
});

t.test('whatever the range, the tiers together say what the raw spans say', async (t) => {
  const random = seededRandom(4);
  const dayMs = 86_400_000;
  const lastMs = Date.UTC(2026, 10, 20);
  const text = (ms: number) => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
  // Three days of spans, many of them on the very boundaries.
  const units = [1, 1, 60_000, 3_600_000, dayMs];
  const pick = () => {
    const unit = units[Math.floor(random() * units.length)] ?? 1;
    return lastMs - Math.floor((random() * 3 * dayMs) / unit) * unit;
  };
  const spans = Array.from({ length: 5_000 }, (): SentSpan => {
    const ms = random() < 0.1 ? pick() - 1 : pick();
    return {
      at: text(ms),
      service: 'ranges',
      durationNs: Math.ceil(random() * 1_000) * 1_000_000,
      weight: Math.ceil(random() * 3),
      status: random() < 0.2 ? 'Error' : 'Unset',
    };
  });
  for (let start = 0; start < spans.length; start += 500)
    await send(spans.slice(start, start + 500));

  const columns: readonly SpanTierColumn[] = [
    'Requests',
    'Errors',
    'DurationSum',
    'DurationMin',
    'DurationMax',
    'Sketch',
    'Spans',
    'FirstTime',
    'LastTime',
  ];
  const sums = `sum(Requests) AS requests, sum(Errors) AS errors, sum(DurationSum) AS total, min(DurationMin) AS least,
    max(DurationMax) AS most, sumMap(Sketch) AS sketch, toUInt32(sum(Spans)) AS spans, min(FirstTime) AS first, max(LastTime) AS last`;
  const where = [`ServiceName = 'ranges'`];
  const tiers = `SELECT ${sums} FROM (${spanTiersSql({ columns, where, raw: true })})`;
  const nowMs = lastMs + dayMs;
  const forever = { raw: Infinity, '1m': Infinity, '1h': Infinity, '1d': Infinity };
  let seen = 0;
  for (let round = 0; round < 60; round += 1) {
    const [fromMs = 0, toMs = 0] = [pick(), pick()].toSorted((a, b) => a - b);
    const cover = coverRange({ fromMs, toMs }, { nowMs, keptMs: forever, finest: 'raw' });
    const parameters = { ...spanTierParameters(cover) };
    const [found] = await store.query<{ spans: number }>(tiers, { parameters, timeoutMs: 20_000 });
    const own = spanTierParameters({ segments: [{ tier: 'raw', fromMs, toMs }] });
    const [expected] = await store.query<{ spans: number }>(tiers, {
      parameters: own,
      timeoutMs: 20_000,
    });
    const said = `${text(fromMs)} to ${text(toMs)}: ${cover.segments.map((it) => it.tier).join(' ')}`;
    t.strictSame(found, expected, said);
    const counted = spans.filter((it) => it.at >= text(fromMs) && it.at < text(toMs)).length;
    t.equal(found?.spans, counted, `${counted} spans by hand`);
    seen += counted;
  }
  t.ok(seen > 10_000, `${seen} spans in all ranges`);
});
