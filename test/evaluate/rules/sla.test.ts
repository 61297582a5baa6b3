import t from 'tap';
import { instancesOf } from '../../../src/evaluate/rules/instances.ts';
import { loadRules } from '../../../src/evaluate/rules/load.ts';
import type { CompiledRule } from '../../../src/evaluate/rules/plan.ts';
import { formatProblem } from '../../../src/lib/document.ts';
import { run, type Span, spanRow, startTelemetry } from '../compile/telemetry.ts';

const { store, insert } = await startTelemetry(t);

const send = (service: string, spans: readonly Span[]): Promise<void> =>
  insert(
    'otel_traces',
    spans.map((it) => spanRow({ ...it, service })),
  );

const load = (sla: Readonly<Record<string, unknown>>): readonly CompiledRule[] => {
  const text = JSON.stringify({ slas: [sla] });
  const { groups, problems } = loadRules([{ file: 'a.yaml', text }], {
    intervalMs: 30_000,
    queryOffsetMs: 0,
  });
  if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'));
  return groups.flatMap((it) => it.rules);
};

const evaluate = async (rule: CompiledRule) => {
  const answers = await Promise.all(
    Object.entries(rule.signals).map(async ([name, it]) => [name, await run(store, it)] as const),
  );
  const [instance] = instancesOf(rule, Object.fromEntries(answers));
  if (!instance) throw new Error('no instance');
  const labels = rule.labels(instance);
  return {
    verdict: rule.decide(instance.values).holds,
    values: instance.values,
    labels,
    annotations: rule.annotations({ labels, values: instance.values }),
  };
};

const only = (rules: readonly CompiledRule[]): CompiledRule => {
  const [rule] = rules;
  if (!rule || rules.length > 1) throw new Error(`${rules.length} rules`);
  return rule;
};

const near = (found: number | null | undefined, expected: number): boolean =>
  typeof found === 'number' && Math.abs(found - expected) < 1e-9;

t.before(async () => {
  // 200 requests in the last hour, 1 failed, 4 slow; the first one 50 minutes ago.
  await send('shop', [
    { agoSeconds: 3_000, status: 'Error', durationMs: 100 },
    ...Array.from({ length: 195 }, () => ({ agoSeconds: 1_000, durationMs: 100 })),
    ...Array.from({ length: 4 }, () => ({ agoSeconds: 100, durationMs: 900 })),
    { agoSeconds: 100, kind: 'Client', status: 'Error' },
  ]);
});

const shop = { name: 'shop-sla', service: 'shop', window: '1h', where: { kind: 'server' } };

t.test('availability is the share of requests that did not fail', async (t) => {
  const kept = await evaluate(only(load({ ...shop, type: 'availability', target: '99 percent' })));
  t.equal(kept.verdict, 'no');
  t.ok(near(kept.values['actual'], 0.995));
  t.ok(near(kept.values['budget_remaining'], 0.5), 'half of 1 % is spent');
  const missed = await evaluate(only(load({ ...shop, type: 'availability', target: '99.9%' })));
  t.equal(missed.verdict, 'yes');
  t.ok(near(missed.values['budget_remaining'], -4), 'five times the budget is spent');
  t.strictSame(missed.labels, {
    alertname: 'SlaBreached',
    sla: 'shop-sla',
    service: 'shop',
    service_name: 'shop',
    type: 'availability',
    severity: 'critical',
  });
  t.strictSame(missed.annotations, {
    summary: 'SLA shop-sla: availability is 99.5 %, promised 99.9 % over 1h',
    description: 'Error budget that is left: -400 %',
  });
});

t.test('an error rate must stay below its target', async (t) => {
  const kept = await evaluate(only(load({ ...shop, type: 'error_rate', target: '0.5 percent' })));
  t.equal(kept.verdict, 'no', 'the target itself is kept');
  t.ok(near(kept.values['budget_remaining'], 0));
  const missed = await evaluate(only(load({ ...shop, type: 'error_rate', target: '0.4 percent' })));
  t.equal(missed.verdict, 'yes');
});

t.test('each percentile of a response time is an objective of its own', async (t) => {
  const rules = load({ ...shop, type: 'response_time', target: { p95: '300 ms', p99: '300 ms' } });
  const [p95, p99] = await Promise.all(rules.map(evaluate));
  t.equal(p95?.verdict, 'no');
  t.ok(near(p95?.values['actual'], 0.1));
  t.ok(near(p95?.values['budget_remaining'], 0.6), '2 % of 5 % may still be slow');
  t.equal(p95?.labels['objective'], 'p95');
  t.equal(p99?.verdict, 'yes');
  t.ok(near(p99?.values['actual'], 0.9));
  t.ok(near(p99?.values['budget_remaining'], -1));
  t.equal(
    p99?.annotations['summary'],
    'SLA shop-sla: p99 response time is 900 ms, promised 300 ms over 1h',
  );
});

t.test('throughput counts from the first request that the window has', async (t) => {
  const kept = await evaluate(only(load({ ...shop, type: 'throughput', target: '4 per minute' })));
  t.ok(near(kept.values['actual'], 200 / 3_000));
  t.equal(kept.verdict, 'no');
  const missed = await evaluate(only(load({ ...shop, type: 'throughput', target: 5 })));
  t.equal(missed.verdict, 'yes');
  t.equal(
    missed.annotations['summary'],
    'SLA shop-sla: throughput is 0.06667/s, promised 5/s over 1h',
  );
});

t.test('a service that nobody has heard of breaks no promise', async (t) => {
  const unknown = { ...shop, service: 'nobody' };
  for (const [type, target] of [
    ['availability', '99 percent'],
    ['error_rate', '1 percent'],
    ['response_time', { p99: '1 s' }],
    ['throughput', 5],
  ] as const) {
    const { verdict } = await evaluate(only(load({ ...unknown, type, target })));
    t.equal(verdict, 'unknown', type);
  }
});

t.test('the default burn rates are the four windows of the SRE workbook', async (t) => {
  const sla = {
    ...shop,
    window: '30d',
    type: 'availability',
    target: '99.9 percent',
    burn_rates: 'default',
  };
  const [breach, page, ticket] = load(sla);
  t.equal(breach?.alertName, 'SlaBreached');
  t.equal(
    page?.condition,
    '(errors_1h > 1.44 percent and errors_5m > 1.44 percent) or (errors_6h > 0.6 percent and errors_30m > 0.6 percent)',
  );
  t.equal(
    ticket?.condition,
    '(errors_1d > 0.3 percent and errors_2h > 0.3 percent) or (errors_3d > 0.1 percent and errors_6h > 0.1 percent)',
  );
  t.match(page?.labels({ labels: {}, values: {} }), {
    alertname: 'SlaBurnRate',
    severity: 'critical',
    sla: 'shop-sla',
  });
  t.match(ticket?.labels({ labels: {}, values: {} }), {
    alertname: 'SlaBurnRate',
    severity: 'warning',
  });
  const weeks = load({ ...sla, window: '28d' });
  t.match(weeks[1]?.condition, /errors_1h > 1\.344 percent .*errors_6h > 0\.56 percent/);
});

t.test('a burn must last in both windows of a pair', async (t) => {
  const [, page] = load({
    ...shop,
    window: '30d',
    type: 'error_rate',
    target: '0.1 percent',
    burn_rates: 'default',
  });
  // biome-ignore format: one case per line, columns aligned, so a missing case shows as a gap.
  const table = [
    ['both are burning',           { errors_1h: 0.02, errors_5m: 0.02, errors_6h: 0, errors_30m: 0 },       'yes'],
    ['it is over',                 { errors_1h: 0.02, errors_5m: 0.01, errors_6h: 0.004, errors_30m: 0.02 }, 'no'],
    ['it has just begun',          { errors_1h: 0.01, errors_5m: 0.5, errors_6h: 0.001, errors_30m: 0.1 },   'no'],
    ['the slow pair is burning',   { errors_1h: 0.01, errors_5m: 0.01, errors_6h: 0.007, errors_30m: 0.007 }, 'yes'],
    ['nobody asks any more',       { errors_1h: 0.02, errors_5m: null, errors_6h: 0.003, errors_30m: null }, 'unknown'],
  ] as const;
  for (const [name, values, expected] of table) {
    t.equal(page?.decide(values).holds, expected, name);
  }
  const { verdict } = await evaluate(page ?? only([]));
  t.equal(verdict, 'no', 'on the engine: 1 of 200 in an hour, none lately');
});

t.test('a calendar month begins on its first day in UTC', async (t) => {
  const { window: _window, ...rest } = shop;
  const rule = only(
    load({ ...rest, calendar: 'month', type: 'availability', target: '99 percent' }),
  );
  const { actual } = rule.signals;
  // biome-ignore format: one case per line, columns aligned, so a missing case shows as a gap.
  const table = [
    ['2026-11-20T12:00:00Z', '2026-11-01T00:00:00Z'],
    ['2026-12-01T00:00:00Z', '2026-12-01T00:00:00Z'],
    ['2026-12-01T00:00:30Z', '2026-12-01T00:00:00Z'],
  ] as const;
  for (const [at, from] of table) {
    const parameters = actual?.parameters(Date.parse(at));
    t.equal(Number(parameters?.['from']) * 1_000, Date.parse(from), at);
    t.equal(Number(parameters?.['to']) * 1_000, Date.parse(at));
  }
  t.equal(rule.condition, 'actual < 99 % over this month');
  const quarter = only(
    load({ ...rest, calendar: 'quarter', type: 'availability', target: '99 percent' }),
  );
  const week = only(
    load({ ...rest, calendar: 'week', type: 'availability', target: '99 percent' }),
  );
  const at = Date.parse('2026-11-20T12:00:00Z');
  t.equal(
    Number(quarter.signals['actual']?.parameters(at)['from']) * 1_000,
    Date.parse('2026-10-01T00:00:00Z'),
  );
  t.equal(
    Number(week.signals['actual']?.parameters(at)['from']) * 1_000,
    Date.parse('2026-11-16T00:00:00Z'),
  );
});
