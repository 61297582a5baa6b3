import t from 'tap';
import { objectivesOf, startPromises } from './promised.ts';

const { store, send, compute, rows, report } = await startPromises(t);

type Row = Readonly<Record<string, unknown>>;

const status = (
  sla: string,
  minutes: readonly string[],
  columns: string,
): Promise<readonly Row[]> =>
  rows<Row>(
    `SELECT formatDateTime(Time, '%F %H:%i', 'UTC') AS at, ${columns} FROM sla_status
     WHERE Sla = '${sla}' AND at IN (${minutes.map((it) => `'${it}'`).join(', ')}) ORDER BY Objective, Time`,
  );

const minutesOf = (sla: string, columns: string, where = '1'): Promise<readonly Row[]> =>
  rows<Row>(
    `SELECT formatDateTime(Time, '%H:%i', 'UTC') AS at, ${columns} FROM sla_minutes
     WHERE Sla = '${sla}' AND (${where}) ORDER BY Objective, Time`,
  );

/** One span a minute that stands for 100 requests, from 30 seconds past `first` on. */
const everyMinute = (service: string, first: string, count: number, failsWhen: string) =>
  store.command(`INSERT INTO otel.otel_traces (Timestamp, ServiceName, SpanKind, StatusCode, Duration, AdjustedCount)
    SELECT toDateTime64('${first}:30', 9, 'UTC') + number * 60 AS at, '${service}', 'Server', if(${failsWhen}, 'Error', 'Ok'), 1000000, 100
    FROM numbers(${count})`);

const minute = (hour: number, number: number, day = '2026-10-03') =>
  `${day} ${String(hour).padStart(2, '0')}:${String(number).padStart(2, '0')}`;

t.test('a month with an outage of twelve minutes and two hours of maintenance', async (t) => {
  // 30 days of 100 requests a minute, and failures only on either side of the month in UTC.
  await everyMinute(
    'shop',
    '2026-08-31 23:50',
    10 + 43_200 + 10,
    `
    at < '2026-09-01 00:00:00' OR at >= '2026-10-01 00:00:00'
    OR at BETWEEN '2026-09-10 03:00:00' AND '2026-09-10 03:12:00'
    OR at BETWEEN '2026-09-20 02:00:00' AND '2026-09-20 04:00:00'`,
  );
  const exclude = [
    {
      reason: 'database upgrade',
      start: '2026-09-20T04:00:30+02:00',
      end: '2026-09-20T03:59:30Z',
    },
  ];
  const objectives = objectivesOf({
    name: 'up',
    service: 'shop',
    type: 'availability',
    target: '99.9 percent',
    calendar: 'month',
    exclude,
  });
  await compute(objectives, '2026-08-31 00:00', '2026-10-02 00:00', { jobs: ['minutes'] });
  const found = await report('up', '2026-09');
  // 43,200 minutes less 120 excluded, 100 each: 4,308,000; 12 minutes of them bad: 1,200.
  t.match(found, {
    service: 'shop',
    type: 'availability',
    from: '2026-09-01T00:00:00Z',
    to: '2026-10-01T00:00:00Z',
    until: null,
    objectives: [
      {
        unit: 'ratio',
        target: 0.999,
        achieved: 4_306_800 / 4_308_000,
        met: true,
        requests: 4_308_000,
        errors: 1_200,
        budget: { share: 0.001, total: 4_308, consumed: 1_200, remaining: 3_108, left: 0.721448 },
        minutes: { month: 43_200, recorded: 43_200, excluded: 120, breached: 12 },
        breaches: [
          { from: '2026-09-10T03:00:00Z', to: '2026-09-10T03:12:00Z', minutes: 12, worst: 0 },
        ],
        exclusions: [
          {
            from: '2026-09-20T02:00:00Z',
            to: '2026-09-20T04:00:00Z',
            minutes: 120,
            reason: 'database upgrade',
          },
        ],
        missing: [],
        definitions: [{ window: 'month', source: 'span_rollup_1m', minutes: 43_200 }],
      },
    ],
    evidence: { rows: 43_200 },
  });
  t.equal(JSON.stringify(await report('up', '2026-09')), JSON.stringify(found), 'asked again');
  await store.command('OPTIMIZE TABLE otel.sla_minutes_computed FINAL');
  t.equal(JSON.stringify(await report('up', '2026-09')), JSON.stringify(found), 'after a merge');

  await compute(objectives, '2026-09-30 23:00', '2026-10-01 01:00', { jobs: ['status'] });
  await compute(objectives, '2026-09-10 03:00', '2026-09-10 05:00', { jobs: ['status'] });
  const last = ['2026-09-30 23:59', '2026-10-01 00:00'];
  const window = `formatDateTime(WindowStart, '%F %H:%i', 'UTC') AS start, WindowGood, WindowTotal, Compliant, BudgetTotal, BudgetConsumed, BudgetRemaining`;
  t.strictSame(await status('up', last, window), [
    {
      at: '2026-09-30 23:59',
      start: '2026-09-01 00:00',
      WindowGood: 4_306_800,
      WindowTotal: 4_308_000,
      Compliant: 1,
      BudgetTotal: 4_308,
      BudgetConsumed: 1_200,
      BudgetRemaining: 3_108,
    },
    {
      at: '2026-10-01 00:00',
      start: '2026-10-01 00:00',
      WindowGood: 0,
      WindowTotal: 100,
      Compliant: 0,
      BudgetTotal: 0.1,
      BudgetConsumed: 100,
      BudgetRemaining: -99.9,
    },
  ]);
  // 12 bad minutes of the last 5, 30, 60 … : shares of 1, 12/30, 12/60, 12/360 in budgets of 0.001.
  const rates = 'BurnRate5m, BurnRate30m, BurnRate1h, BurnRate6h, BurnRate1d';
  t.strictSame(await status('up', ['2026-09-10 03:11', '2026-09-10 04:11'], rates), [
    {
      at: '2026-09-10 03:11',
      BurnRate5m: 1_000,
      BurnRate30m: 400,
      BurnRate1h: 200,
      BurnRate6h: 33.333333,
      BurnRate1d: 8.333333,
    },
    {
      at: '2026-09-10 04:11',
      BurnRate5m: 0,
      BurnRate30m: 0,
      BurnRate1h: 0,
      BurnRate6h: 33.333333,
      BurnRate1d: 8.333333,
    },
  ]);
});

t.test('a rolling window forgets what is older', async (t) => {
  // From 10:00 to 13:00 100 a minute; the minutes 10:10 and 10:11 fail.
  await everyMinute(
    'roll',
    '2026-10-03 10:00',
    180,
    `at BETWEEN '2026-10-03 10:10:00' AND '2026-10-03 10:12:00'`,
  );
  const objectives = objectivesOf({
    name: 'rolls',
    service: 'roll',
    type: 'error_rate',
    target: '1 percent',
    window: '2h',
  });
  await compute(objectives, '2026-10-03 10:00', '2026-10-03 13:00');
  const minutes = ['10:09', '10:10', '12:09', '12:10', '12:11'].map((it) => `2026-10-03 ${it}`);
  t.strictSame(
    await status('rolls', minutes, 'Value, WindowGood, WindowTotal, BudgetRemainingShare AS left'),
    [
      { at: '2026-10-03 10:09', Value: 0, WindowGood: 1_000, WindowTotal: 1_000, left: 1 },
      // 11 minutes, 100 bad, a budget of 11.
      { at: '2026-10-03 10:10', Value: 1, WindowGood: 1_000, WindowTotal: 1_100, left: -89 / 11 },
      // From 10:10 on: two bad minutes of 120, a budget of 120.
      {
        at: '2026-10-03 12:09',
        Value: 0,
        WindowGood: 11_800,
        WindowTotal: 12_000,
        left: -80 / 120,
      },
      { at: '2026-10-03 12:10', Value: 0, WindowGood: 11_900, WindowTotal: 12_000, left: 20 / 120 },
      { at: '2026-10-03 12:11', Value: 0, WindowGood: 12_000, WindowTotal: 12_000, left: 1 },
    ],
  );
});

t.test('throughput is owed from the first request on, also in silence', async (t) => {
  // 2 per second are promised: 10:05 has the first request, 10:06 to 10:09 120 each, 10:10 and 10:11
  // nothing, 10:12 60, and 10:13 to 10:59 180 each.
  await send([
    { minute: minute(10, 5), count: 1, service: 'bus' },
    ...[6, 7, 8, 9].map((it) => ({ minute: minute(10, it), count: 120, service: 'bus' })),
    { minute: minute(10, 12), count: 60, service: 'bus' },
    ...Array.from({ length: 47 }, (_, it) => ({
      minute: minute(10, 13 + it),
      count: 180,
      service: 'bus',
    })),
  ]);
  const objectives = objectivesOf({
    name: 'busy',
    service: 'bus',
    type: 'throughput',
    target: '2 per second',
  });
  await compute(objectives, '2026-10-03 09:00', '2026-10-03 11:00');
  t.strictSame(
    await minutesOf(
      'busy',
      'Requests, Good, Total, Value, Breached',
      `Time BETWEEN '2026-10-03 10:04:00' AND '2026-10-03 10:06:00' OR Breached`,
    ),
    [
      { at: '10:04', Requests: 0, Good: 0, Total: 0, Value: null, Breached: 0 },
      { at: '10:05', Requests: 1, Good: 0, Total: 0, Value: null, Breached: 0 },
      { at: '10:06', Requests: 120, Good: 120, Total: 120, Value: 2, Breached: 0 },
      { at: '10:10', Requests: 0, Good: 0, Total: 120, Value: 0, Breached: 1 },
      { at: '10:11', Requests: 0, Good: 0, Total: 120, Value: 0, Breached: 1 },
      { at: '10:12', Requests: 60, Good: 60, Total: 120, Value: 1, Breached: 1 },
    ],
  );
  // 54 minutes from 10:06 on: 480 + 60 + 47 × 180 = 9,000 requests where 6,480 were promised.
  t.strictSame(
    await status('busy', ['2026-10-03 10:59'], 'WindowGood, WindowTotal, Compliant, BudgetTotal'),
    [
      {
        at: '2026-10-03 10:59',
        WindowGood: 9_000,
        WindowTotal: 6_480,
        Compliant: 1,
        BudgetTotal: null,
      },
    ],
  );
  t.match(await report('busy', '2026-10'), {
    objectives: [
      {
        unit: 'per-second',
        achieved: 9_000 / (54 * 60),
        met: true,
        budget: null,
        minutes: { month: 44_640, recorded: 120, breached: 3 },
        breaches: [{ from: '2026-10-03T10:10:00Z', to: '2026-10-03T10:13:00Z', worst: 0 }],
        missing: [
          { from: '2026-10-01T00:00:00Z', to: '2026-10-03T09:00:00Z', minutes: 3_420 },
          { from: '2026-10-03T11:00:00Z', to: '2026-11-01T00:00:00Z', minutes: 41_100 },
        ],
      },
    ],
  });
});

t.test('each percentile of a response time is a promise of its own', async (t) => {
  // 10:00: 98 of 100 ms and 2 of 900 ms; 10:01: 100 of 100 ms; 10:02: 1 of 250 ms.
  await send([
    { minute: minute(10, 0), count: 98, service: 'fast', durationMs: 100 },
    { minute: minute(10, 0), count: 2, service: 'fast', durationMs: 900 },
    { minute: minute(10, 1), count: 100, service: 'fast', durationMs: 100 },
    { minute: minute(10, 2), count: 1, service: 'fast', durationMs: 250 },
  ]);
  const objectives = objectivesOf({
    name: 'quick',
    service: 'fast',
    type: 'response_time',
    target: { p99: '300 ms', p50: '200 ms' },
  });
  await compute(objectives, '2026-10-03 10:00', '2026-10-03 11:00');
  const within = 'round(Good, 3) AS good, Total, round(Value, 2) AS value, Breached';
  t.strictSame(await minutesOf('quick', `Objective, ${within}`, 'Requests > 0'), [
    { at: '10:00', Objective: 'p50', good: 98, Total: 100, value: 0.1, Breached: 0 },
    { at: '10:01', Objective: 'p50', good: 100, Total: 100, value: 0.1, Breached: 0 },
    { at: '10:02', Objective: 'p50', good: 0, Total: 1, value: 0.25, Breached: 1 },
    { at: '10:00', Objective: 'p99', good: 98, Total: 100, value: 0.9, Breached: 1 },
    { at: '10:01', Objective: 'p99', good: 100, Total: 100, value: 0.1, Breached: 0 },
    { at: '10:02', Objective: 'p99', good: 1, Total: 1, value: 0.25, Breached: 0 },
  ]);
  // Of 201 requests the 101st takes 100 ms and the 199th, the last of 99 %, 250 ms.
  const found = await report('quick', '2026-10');
  const [p50, p99] = found?.objectives ?? [];
  t.ok(Math.abs((p50?.achieved ?? 0) / 0.1 - 1) < 0.0099021, String(p50?.achieved));
  t.ok(Math.abs((p99?.achieved ?? 0) / 0.25 - 1) < 0.0099021, String(p99?.achieved));
  t.match(p99, { objective: 'p99', target: 0.3, met: true, good: 199, total: 201 });
  t.match(p99?.budget, { total: 2.01, consumed: 2, remaining: 0.01 });
});

t.test('what the tiers do not know is counted from spans', async (t) => {
  await send([
    { minute: minute(10, 0), count: 8, errors: 2, service: 'far', attributes: { region: 'eu' } },
    { minute: minute(10, 0), count: 5, errors: 5, service: 'far', attributes: { region: 'us' } },
  ]);
  const objectives = objectivesOf({
    name: 'europe',
    service: 'far',
    type: 'availability',
    target: '99 percent',
    where: { region: 'eu' },
  });
  await compute(objectives, '2026-10-03 10:00', '2026-10-03 11:00');
  t.strictSame(await minutesOf('europe', 'Good, Total, Source', 'Requests > 0'), [
    { at: '10:00', Good: 6, Total: 8, Source: 'otel_traces' },
  ]);
});

t.test('late spans correct a minute, and the report says so', async (t) => {
  const objectives = objectivesOf({
    name: 'corrected',
    service: 'late',
    type: 'availability',
    target: '90 percent',
  });
  await send([10, 11].map((it) => ({ minute: minute(10, it), count: 10, service: 'late' })));
  const closedMs = Date.UTC(2026, 10, 1, 1);
  const nowMs = closedMs - 1;
  await compute(objectives, '2026-10-03 10:00', '2026-10-03 12:00', { nowMs });
  const before = await report('corrected', '2026-10');
  t.match(before?.objectives, [{ requests: 20, errors: 0, minutes: { breached: 0 } }]);
  t.equal(before?.evidence.later, 0);

  await compute(objectives, '2026-10-03 10:00', '2026-10-03 12:00', { nowMs: closedMs + 5_000 });
  t.same(await report('corrected', '2026-10'), before, 'computed again, with nothing new');

  await send([{ minute: minute(10, 11), count: 5, errors: 5, service: 'late' }]);
  await compute(objectives, '2026-10-03 10:00', '2026-10-03 12:00', { nowMs: closedMs + 9_000 });
  const after = await report('corrected', '2026-10');
  t.match(after, {
    objectives: [
      {
        requests: 25,
        errors: 5,
        breaches: [{ from: '2026-10-03T10:11:00Z', minutes: 1, worst: 10 / 15 }],
      },
    ],
    evidence: { rows: 120, later: 1, changed: '2026-11-01T01:00:09Z' },
  });
  t.not(after?.evidence.sha256, before?.evidence.sha256);
  t.strictSame(
    await status('corrected', ['2026-10-03 10:10', '2026-10-03 11:59'], 'WindowGood, WindowTotal'),
    [
      { at: '2026-10-03 10:10', WindowGood: 10, WindowTotal: 10 },
      { at: '2026-10-03 11:59', WindowGood: 20, WindowTotal: 25 },
    ],
  );
});

t.test('a month that is not over has a report so far, up to the last minute', async (t) => {
  const objectives = objectivesOf({
    name: 'young',
    service: 'shop',
    type: 'availability',
    target: '99.9 percent',
  });
  // At 10:07:29 the minute 10:06 is not yet 30 seconds over.
  const nowMs = Date.UTC(2030, 0, 5, 10, 7, 29);
  await compute(objectives, '2030-01-05 10:00', '2030-01-05 11:00', { nowMs });
  await t.rejects(report('young', '2030-01'), { code: 'ERR_SLA_MONTH_OPEN' });
  t.match(await report('young', '2030-01', true), {
    until: '2030-01-05T10:06:00Z',
    objectives: [
      {
        achieved: null,
        met: null,
        minutes: { recorded: 6 },
        missing: [{ from: '2030-01-01T00:00:00Z', to: '2030-01-05T10:00:00Z' }],
      },
    ],
  });
  t.equal(await report('young', '2025-12'), undefined);
  t.equal(await report('nobody', '2026-09'), undefined);
});

t.test('alerts of the SLA are incidents of each month that they were firing in', async (t) => {
  const event = (alert: string, change: string, at: string, sla = 'up') => ({
    At: at,
    AlertId: alert,
    AlertName: 'SlaBreached',
    Change: change,
    Severity: 'critical',
    Labels: { sla },
    TransitionId: `${alert}-${change}`,
    ActiveAt: at,
  });
  await store.insertRows(
    'alert_events',
    [
      event('before', 'fired', '2026-08-01 10:00:00'),
      event('before', 'resolved', '2026-08-31 23:59:59'),
      event('into', 'fired', '2026-08-31 10:00:00'),
      event('into', 'resolved', '2026-09-01 10:00:00.500'),
      event('beyond', 'fired', '2026-09-30 10:00:00'),
      event('beyond', 'resolved', '2026-10-01 10:00:00'),
      event('pending', 'pending', '2026-09-02 10:00:00'),
      event('other', 'fired', '2026-09-02 10:00:00', 'other'),
    ],
    'alert-events',
  );
  t.strictSame((await report('up', '2026-09'))?.incidents, [
    {
      alert: 'into',
      name: 'SlaBreached',
      objective: '',
      severity: 'critical',
      fired: '2026-08-31T10:00:00Z',
      resolved: '2026-09-01T10:00:00.500Z',
    },
    {
      alert: 'beyond',
      name: 'SlaBreached',
      objective: '',
      severity: 'critical',
      fired: '2026-09-30T10:00:00Z',
      resolved: null,
    },
  ]);
});
