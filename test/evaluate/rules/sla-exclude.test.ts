import t from 'tap';
import { instancesOf } from '../../../src/evaluate/rules/instances.ts';
import { loadRules } from '../../../src/evaluate/rules/load.ts';
import type { CompiledRule } from '../../../src/evaluate/rules/plan.ts';
import { formatProblem } from '../../../src/lib/document.ts';
import { run, type Span, spanRow, startTelemetry } from '../compile/telemetry.ts';

const { store, insert } = await startTelemetry(t);

const load = (sla: Readonly<Record<string, unknown>>): readonly CompiledRule[] => {
  const { groups, problems } = loadRules(
    [{ file: 'a.yaml', text: JSON.stringify({ slas: [sla] }) }],
    {
      intervalMs: 30_000,
      queryOffsetMs: 0,
    },
  );
  if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'));
  return groups.flatMap((it) => it.rules);
};

const evaluate = async (rule: CompiledRule) => {
  const answers = await Promise.all(
    Object.entries(rule.signals).map(async ([name, it]) => [name, await run(store, it)] as const),
  );
  const [instance] = instancesOf(rule, Object.fromEntries(answers));
  if (!instance) throw new Error('no instance');
  return { verdict: rule.decide(instance.values).holds, values: instance.values };
};

const valuesOf = async (sla: Readonly<Record<string, unknown>>, name = 'actual') => {
  const [rule] = load(sla);
  if (!rule) throw new Error('no rule');
  const { verdict, values } = await evaluate(rule);
  return [verdict, Number(values[name]?.toPrecision(10))];
};

const hourS = 3_600;
const dayS = 24 * hourS;
const many = (count: number, span: Span): readonly Span[] =>
  Array.from({ length: count }, () => span);

// Now is Friday, 12:00 UTC. Maintenance is from 09:00:30 to 10:29:30 today, so all minutes from
// 09:00 to 10:30 are excluded, and each night from 02:00 to 04:00 in Berlin, 01:00 to 03:00 UTC.
const today = { reason: 'upgrade', start: '2026-11-20T09:00:30Z', end: '2026-11-20T10:29:30Z' };
const nights = {
  reason: 'nights',
  times: [{ start_time: '02:00', end_time: '04:00' }],
  location: 'Europe/Berlin',
};
const exclude = [today, nights];
const spans: readonly Span[] = [
  ...many(90, { agoSeconds: 4 * hourS }),
  ...many(9, { agoSeconds: dayS + 5 * hourS, durationMs: 400 }),
  { agoSeconds: 1.5 * hourS, status: 'Error', durationMs: 400 }, // 10:30:00, counts
  ...many(30, { agoSeconds: 1.5 * hourS + 0.001, status: 'Error', durationMs: 900 }), // 10:29:59.999
  ...many(30, { agoSeconds: 3 * hourS, status: 'Error', durationMs: 900 }), // 09:00:00
  { agoSeconds: 3 * hourS + 0.001, durationMs: 400 }, // 08:59:59.999, counts
  ...many(40, { agoSeconds: 11 * hourS, status: 'Error', durationMs: 900 }), // 01:00:00
  ...many(40, { agoSeconds: dayS + 9 * hourS + 1, status: 'Error', durationMs: 900 }), // 02:59:59
  { agoSeconds: dayS + 9 * hourS, status: 'Error', durationMs: 400 }, // yesterday 03:00:00, counts
];
t.before(() =>
  insert(
    'otel_traces',
    spans.map((it) => spanRow({ service: 'shop', attributes: { region: 'eu' }, ...it })),
  ),
);

// Of what counts over two days: 90 + 9 + 1 + 1 + 1 = 102 requests, 2 failed, 12 took 400 ms.
const sla = { name: 's', service: 'shop', window: '2d', exclude };

t.test('what happens in planned maintenance breaks no promise', async (t) => {
  for (const where of [{}, { region: 'eu' }]) {
    const both = { ...sla, where };
    const from = JSON.stringify(where);
    t.strictSame(
      await valuesOf({ ...both, type: 'availability', target: '98 percent' }),
      ['no', 0.9803921569],
      `100 of 102 ${from}`,
    );
    t.strictSame(
      await valuesOf({ ...both, type: 'availability', target: '98 percent' }, 'budget_remaining'),
      ['no', 0.01960784314],
      `2 / 102 of 2 % is spent ${from}`,
    );
    t.strictSame(
      await valuesOf({ ...both, type: 'error_rate', target: '1.9 percent' }),
      ['yes', 0.01960784314],
      `2 of 102 ${from}`,
    );
    // 12 of 102 are slower than 300 ms; with what is excluded it would be 900 ms.
    const [verdict, p95] = await valuesOf({
      ...both,
      type: 'response_time',
      target: { p95: '500 ms' },
    });
    t.equal(verdict, 'no', from);
    t.ok(Math.abs(Number(p95) - 0.4) < 0.004, `${p95} ${from}`);
    // Since the first request that counts, at 03:00 yesterday, 33 hours ago, less 1.5 hours today
    // and 2 last night.
    const rate = 102 / ((33 - 1.5 - 2) * hourS);
    t.strictSame(
      await valuesOf({ ...both, type: 'throughput', target: 5 }),
      ['yes', Number(rate.toPrecision(10))],
      from,
    );
  }
});

t.test('without exclusions all of it counts', async (t) => {
  // 102 + 30 + 30 + 40 + 40 = 242 requests, 142 failed.
  const all = { ...sla, exclude: [], type: 'error_rate', target: '1 percent' };
  t.strictSame(await valuesOf(all), ['yes', Number((142 / 242).toPrecision(10))]);
});

t.test('burn rates leave maintenance out, and say nothing while it lasts', async (t) => {
  const burning = (more: object) => ({
    ...sla,
    window: '30d',
    type: 'availability',
    target: '99 percent',
    burn_rates: [{ severity: 'critical', long: '6h', short: '2h', budget: '5 percent' }],
    ...more,
  });
  const burnRate = async (more: object) => {
    const rule = load(burning(more)).find((it) => it.alertName === 'SlaBurnRate');
    if (!rule) throw new Error('no rule');
    return evaluate(rule);
  };
  // Six hours: 90 good, 1 good at 08:59:59.999 and 1 bad at 10:30; two hours: that one.
  const counted = await burnRate({});
  t.equal(counted.values['errors_2h'], 1);
  t.equal(Number(counted.values['errors_6h']?.toPrecision(10)), Number((1 / 92).toPrecision(10)));
  t.equal(counted.verdict, 'no', '6 times the budget is 6 %');
  const all = await burnRate({ exclude: [] });
  t.equal(all.verdict, 'yes');
  const now = { reason: 'now', start: '2026-11-20T10:00:00Z', end: '2026-11-20T13:00:00Z' };
  const during = await burnRate({ exclude: [now, nights] });
  t.equal(during.values['errors_2h'], null);
  t.equal(during.verdict, 'unknown', 'no proof of a breach, and none of recovery');
});

t.test('a calendar period, read from coarse tiers, leaves single minutes out', async (t) => {
  // Of all of November: the same spans, all being of the last two days.
  t.strictSame(
    await valuesOf({
      ...sla,
      window: undefined,
      calendar: 'month',
      type: 'availability',
      target: '99 percent',
    }),
    ['yes', 0.9803921569],
  );
});
