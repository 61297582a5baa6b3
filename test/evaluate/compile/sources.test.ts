import t from 'tap';
import { instancesOf } from '../../../src/evaluate/rules/instances.ts';
import { ago, nowMs, pointRow, ruleWith, run, spanRow, startTelemetry } from './telemetry.ts';

const { store, insert, ask, value } = await startTelemetry(t);

const evaluate = async (rule: ReturnType<typeof ruleWith>) => {
  const answers = await Promise.all(
    Object.entries(rule.signals).map(async ([name, it]) => [name, await run(store, it)] as const),
  );
  return instancesOf(rule, Object.fromEntries(answers)).map((it) => ({
    ...it,
    holds: rule.decide(it.values).holds,
  }));
};

t.test('what was seen before and is not seen now is absent, what never was is not', async (t) => {
  await insert('otel_traces', [
    spanRow({ service: 'gone', agoSeconds: 400 }),
    spanRow({ service: 'gone', agoSeconds: 900 }),
    spanRow({ service: 'alive', agoSeconds: 10 }),
    spanRow({ service: 'forgotten', agoSeconds: 3_700 }),
  ]);
  const rule = ruleWith({
    absent: { from: 'spans', by: ['service.name'], over: '5m', seen_within: '1h' },
  });
  t.strictSame(
    (await evaluate(rule)).toSorted(
      (a, b) => (a.values['silence'] ?? 0) - (b.values['silence'] ?? 0),
    ),
    [
      { labels: { service_name: 'alive' }, values: { silence: 10 }, holds: 'no' },
      { labels: { service_name: 'gone' }, values: { silence: 400 }, holds: 'yes' },
    ],
  );
});

t.test('absence without labels is of anything at all', async (t) => {
  const absent = {
    from: 'spans',
    where: { 'service.name': 'gone' },
    over: '5m',
    seen_within: '1h',
  };
  t.strictSame(await evaluate(ruleWith({ absent })), [
    { labels: {}, values: { silence: 400 }, holds: 'yes' },
  ]);
  const nobody = { ...absent, where: { 'service.name': 'nobody' } };
  t.strictSame(await evaluate(ruleWith({ absent: nobody })), []);
});

t.test('a metric is absent whatever its kind', async (t) => {
  const point = { metric: 'heartbeat', agoSeconds: 500 };
  await insert('otel_metrics_gauge', [{ ...pointRow({ ...point, service: 'a' }), Value: 1 }]);
  await insert('otel_metrics_sum', [{ ...pointRow({ ...point, service: 'b' }), Value: 1 }]);
  await insert('otel_metrics_histogram', [
    { ...pointRow({ ...point, service: 'b', agoSeconds: 20 }), Count: 1 },
  ]);
  const absent = {
    from: 'metrics',
    metric: 'heartbeat',
    by: ['service.name'],
    over: '5m',
    seen_within: '1h',
  };
  const found = await evaluate(ruleWith({ absent }));
  t.strictSame(
    found.toSorted((a, b) =>
      String(a.labels['service_name']).localeCompare(String(b.labels['service_name'])),
    ),
    [
      { labels: { service_name: 'a' }, values: { silence: 500 }, holds: 'yes' },
      { labels: { service_name: 'b' }, values: { silence: 20 }, holds: 'no' },
    ],
  );
});

t.test('hand-written SQL gets its window and answers labels and a value', async (t) => {
  const sql = `SELECT ServiceName AS service, count() AS value FROM otel_traces
    WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} GROUP BY service -- done`;
  const rule = ruleWith({ signals: { n: { sql, over: '10m' } }, when: 'n > 0' });
  const found = await evaluate(rule);
  t.strictSame(
    found.toSorted((a, b) =>
      String(a.labels['service']).localeCompare(String(b.labels['service'])),
    ),
    [
      { labels: { service: 'alive' }, values: { n: 1 }, holds: 'yes' },
      { labels: { service: 'gone' }, values: { n: 1 }, holds: 'yes' },
    ],
  );
});

t.test('hand-written SQL can only read', async (t) => {
  const signals = {
    n: { sql: 'WITH 1 AS x SELECT x AS value, {from:DateTime64(9)}, {to:DateTime64(9)}' },
  };
  const rule = ruleWith({ signals, when: 'n > 0' });
  const { n } = rule.signals;
  if (!n) throw new Error('no signal');
  for (const sql of ['DROP TABLE otel_traces', `${n.sql}; DROP TABLE otel_traces`]) {
    await t.rejects(run(store, { ...n, sql }), { code: 'ERR_QUERY_REFUSED' }, sql);
  }
});

t.test('logs are counted, by severity and attribute', async (t) => {
  const log = (agoSeconds: number, SeverityNumber: number, SeverityText: string, user: string) => ({
    Timestamp: ago(agoSeconds),
    ServiceName: 'logger',
    SeverityNumber,
    SeverityText,
    Body: 'payment declined: card expired',
    LogAttributes: { user },
  });
  await insert('otel_logs', [
    log(10, 9, 'Info', 'a'),
    log(20, 17, 'ERROR', 'a'),
    log(30, 21, 'Fatal', 'b'),
    log(301, 17, 'ERROR', 'c'),
  ]);
  const of = (text: string, more = {}) => ({ from: 'logs', value: text, over: '5m', ...more });
  t.equal(await value(of('count()')), 3);
  t.equal(await value(of('rate()')), 3 / 300);
  t.equal(await value(of('errors()')), 2);
  t.equal(await value(of('error_rate()')), 2 / 3);
  t.equal(await value(of('uniq(user)')), 2);
  t.equal(await value(of('count()', { where: { severity: 'error', body: '*declined*' } })), 1);
  t.strictSame(await ask(of('count()', { by: ['service.name'], where: { user: 'b' } })), [
    { service_name: 'logger', value: 1 },
  ]);
});

t.test('a window is the same moment in every time zone of the server', async (t) => {
  const rule = ruleWith({
    signals: { n: { from: 'spans', value: 'count()', where: { 'service.name': 'alive' } } },
    when: 'n > 0',
  });
  const { n } = rule.signals;
  if (!n) throw new Error('no signal');
  for (const zone of ['UTC', 'America/New_York', 'Asia/Kolkata']) {
    const rows = await store.query(n.sql, {
      parameters: n.parameters(nowMs),
      settings: { session_timezone: zone },
      timeoutMs: 10_000,
    });
    t.strictSame(rows, [{ value: 1 }], zone);
  }
});

t.test('fractions of a second count', async (t) => {
  await insert('otel_traces', [spanRow({ service: 'millis', agoSeconds: 0.5 })]);
  const rule = ruleWith({
    signals: {
      n: { from: 'spans', value: 'count()', over: '100ms', where: { 'service.name': 'millis' } },
    },
    when: 'n > 0',
  });
  const { n } = rule.signals;
  if (!n) throw new Error('no signal');
  const at = async (ms: number) =>
    (await store.query(n.sql, { parameters: n.parameters(ms), timeoutMs: 10_000 }))[0];
  t.strictSame(await at(nowMs - 401), { value: 1 });
  t.strictSame(await at(nowMs - 399), { value: 0 });
  t.strictSame(await at(nowMs - 500), { value: 0 });
});
