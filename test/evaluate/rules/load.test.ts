import t from 'tap';
import { orderSeverities } from '../../../src/evaluate/rules/decide.ts';
import { loadRules } from '../../../src/evaluate/rules/load.ts';
import type {
  CompiledRule,
  Held,
  SignalValues,
  Verdict,
} from '../../../src/evaluate/rules/plan.ts';
import { ruleWith } from '../compile/telemetry.ts';

const defaults = { intervalMs: 30_000, queryOffsetMs: 5_000 };
const load = (text: string, file = 'rules/a.yaml') => loadRules([{ file, text }], defaults);

const firstRule = (text: string): CompiledRule => {
  const { groups, problems } = load(text);
  const [rule] = groups.flatMap((it) => it.rules);
  if (!rule || problems.length > 0) throw new Error(JSON.stringify(problems));
  return rule;
};

// biome-ignore format: one case per line.
const delayed: readonly (readonly [string, string, number])[] = [
  ['spans',                  'signals: {n: {from: spans, value: count()}}, when: n > 1',                                       17_000],
  ['caches, told by spans too', 'signals: {n: {from: caches, value: hit_rate()}}, when: n < 0.5',                              17_000],
  ['silence of spans',       'absent: {from: spans, by: [service.name], over: 5m, seen_within: 1d}',                           17_000],
  ['a tier by hand',         'signals: {n: {sql: "SELECT count() AS value FROM span_rollup_1m", over: 1m}}, when: n > 1',      17_000],
  ['a view of ours',         'signals: {n: {sql: "SELECT max(p99) AS value FROM request_metrics", over: 1m}}, when: n > 1',    17_000],
  ['a view of theirs',       'signals: {n: {sql: "SELECT max(x) AS value FROM of_somebody", over: 1m}}, when: n > 1',          17_000],
  ['metrics',                'signals: {n: {from: metrics, metric: m, value: max(value), by: [service.name]}}, when: n > 1',    5_000],
  ['metrics by hand',        'signals: {n: {sql: "SELECT max(Value) AS value FROM otel_metrics_gauge", over: 1m}}, when: n > 1', 5_000],
  ['metrics and a view',     'signals: {n: {sql: "SELECT max(added_p95) AS value FROM cache_miss_cost, otel_metrics_gauge", over: 1m}}, when: n > 1', 17_000],
  ['logs',                   'signals: {n: {from: logs, value: count()}}, when: n > 1',                                         5_000],
  ['logs and spans',         'signals: {l: {from: logs, value: count()}, s: {from: spans, value: count()}}, when: l > s',      17_000],
];

t.test('a group that looks at spans waits for them as long as they take', async (t) => {
  for (const [what, rule, expected] of delayed) {
    for (const [offset, offsetMs] of [
      ['auto', expected],
      ['90s', 90_000],
    ] as const) {
      const text = `groups: [{name: g, query_offset: ${offset}, rules: [{alert: A, ${rule}}]}]`;
      const file = { file: 'a.yaml', text };
      const { groups, problems } = loadRules([file], { ...defaults, spanDelayMs: 12_000 });
      t.strictSame(
        problems.filter((it) => it.severity === 'error'),
        [],
        what,
      );
      t.equal(groups[0]?.queryOffsetMs, offsetMs, `${what}, ${offset}`);
      t.equal(load(text).groups[0]?.queryOffsetMs, offset === 'auto' ? 5_000 : 90_000);
    }
  }
});

t.test('groups take what they say and defaults for the rest', async (t) => {
  const { groups, problems } = load(`groups:
  - name: plain
    rules:
      - {alert: A, signals: {n: {from: spans, value: count()}}, when: n > 1}
  - name: own
    interval: 1m
    query_offset: 90s
    limit: 7
  - {name: auto, query_offset: auto}
`);
  t.strictSame(problems, []);
  t.match(groups, [
    {
      id: 'rules/a.yaml/plain',
      name: 'plain',
      file: 'rules/a.yaml',
      intervalMs: 30_000,
      queryOffsetMs: 5_000,
      limit: 0,
    },
    { intervalMs: 60_000, queryOffsetMs: 90_000, limit: 7, rules: [] },
    { queryOffsetMs: 5_000 },
  ]);
});

t.test('ids are safe for keys and stay different', async (t) => {
  const rule = '{alert: "A: b", signals: {n: {from: spans, value: count()}}, when: n > 1}';
  const { groups } = load(
    `groups: [{name: 'x:y z', rules: [${rule}, ${rule}]}]`,
    '/etc/rules (1).yaml',
  );
  t.strictSame(
    groups.flatMap((it) => [it.id, ...it.rules.map((rule) => rule.id)]),
    [
      '/etc/rules~20~~28~1~29~.yaml/x~3a~y~20~z',
      '/etc/rules~20~~28~1~29~.yaml/x~3a~y~20~z/A~3a~~20~b',
      '/etc/rules~20~~28~1~29~.yaml/x~3a~y~20~z/A~3a~~20~b.2',
    ],
  );
});

t.test('a rule that fails to compile leaves the others alone', async (t) => {
  const { groups, problems } = load(`groups:
  - name: g
    rules:
      - {alert: Bad, signals: {n: {from: spans, value: cuont()}}, when: n > 1}
      - {alert: Good, signals: {n: {from: spans, value: count()}}, when: n > 1}
`);
  t.equal(problems.length, 1);
  t.strictSame(
    groups[0]?.rules.map((it) => it.alertName),
    ['Good'],
  );
  t.equal(groups[0]?.rules[0]?.line, 5);
});

t.test('a rule carries its policy', async (t) => {
  const text = (more: string) => `groups:
  - name: g
    rules:
      - {alert: A, signals: {n: {from: metrics, metric: m, value: rate()}}, when: n > 1${more}}
`;
  t.strictSame(firstRule(text('')).policy, {
    forMs: 0,
    keepFiringForMs: 0,
    noData: 'keep',
    onError: 'keep',
  });
  t.strictSame(
    firstRule(
      text(', for: 1h30m, keep_firing_for: 5m, no_data: alert, on_error: fire, escalation: p'),
    ).policy,
    {
      forMs: 5_400_000,
      keepFiringForMs: 300_000,
      noData: 'alert',
      onError: 'fire',
    },
  );
  t.strictSame(firstRule(text(', at_least: 3 of 5')).policy.atLeast, { breaches: 3, of: 5 });
  t.equal(firstRule(text(', escalation: payments')).escalation, 'payments');
  const counting = ruleWith({ signals: { n: { from: 'spans', value: 'count()' } }, when: 'n > 1' });
  t.equal(counting.policy.noData, 'ok', 'a count of nothing is 0');
  const hand = ruleWith({
    signals: { n: { sql: 'SELECT 1 AS value, {from:DateTime64(9)}, {to:DateTime64(9)}' } },
    when: 'n > 1',
  });
  t.equal(hand.policy.noData, 'ok', 'SQL leaves out what is fine');
});

t.test(
  'labels are those of the instance, of the group and of the rule, the nearer winning',
  async (t) => {
    const rule = firstRule(`groups:
  - name: g
    labels: {team: all, tier: '1'}
    rules:
      - alert: Slow
        signals: {n: {from: spans, value: count(), by: [http.route, name]}}
        when: n > 1
        labels: {team: pay, name: fixed, route: 'r={{ $labels.http_route }}', empty: ''}
        annotations: {summary: '{{ $labels.alertname }} {{ $labels.team }}: {{ $value }}'}
`);
    const labels = rule.labels({ labels: { http_route: '/a', name: 'GET' }, values: { n: 3 } });
    t.strictSame(labels, {
      http_route: '/a',
      name: 'fixed',
      team: 'pay',
      tier: '1',
      route: 'r=/a',
      alertname: 'Slow',
    });
    t.strictSame(rule.annotations({ labels, values: { n: 3 } }), { summary: 'Slow pay: 3' });
  },
);

t.test('a value whose unit a comparison tells is printed in it', async (t) => {
  const rule = ruleWith({
    signals: {
      heap: { from: 'metrics', metric: 'm', value: 'last()' },
      other: { from: 'spans', value: 'count()' },
    },
    when: 'heap > 5 MiB and other > 1',
    annotations: { summary: '{{ $value }} of {{ $values.other }}' },
  });
  t.strictSame(rule.annotations({ labels: {}, values: { heap: 6_291_456, other: 2 } }), {
    summary: '6 MiB of 2',
  });
});

const leveled = {
  signals: {
    p99: { from: 'spans', value: 'p99(duration)' },
    n: { from: 'spans', value: 'count()' },
  },
  severities: { critical: 'p99 > 500 ms and n > 9', warning: 'p99 > 300 ms' },
  recover_when: 'p99 < 250 ms',
};

const yes = (severity?: string): Verdict => ({ holds: 'yes', ...(severity ? { severity } : {}) });
const no: Verdict = { holds: 'no' };
const unknown = (...missing: readonly string[]): Verdict => ({ holds: 'unknown', missing });
const critical: Held = { severity: 'critical' };

// biome-ignore format: one case per line, columns aligned, so a missing case shows as a gap.
const table: readonly (readonly [string, SignalValues, Held | undefined, Verdict])[] = [
  ['the highest severity that holds wins',            { p99: 0.6, n: 10 },    undefined, yes('critical')],
  ['the lower holds where the higher does not',       { p99: 0.6, n: 9 },     undefined, yes('warning')],
  ['the lower holds where the higher is unknown',     { p99: 0.6, n: null },  undefined, yes('warning')],
  ['none holds',                                      { p99: 0.3, n: 10 },    undefined, no],
  ['nothing is known',                                { p99: null, n: 10 },   undefined, unknown('p99')],
  ['a firing alert holds on until it recovers',       { p99: 0.26, n: 10 },   critical,  yes('critical')],
  ['a firing alert recovers',                         { p99: 0.24, n: 10 },   critical,  no],
  ['a firing alert gets better',                      { p99: 0.4, n: 10 },    critical,  yes('warning')],
  ['a firing alert of which nothing is known',        { p99: null, n: 10 },   critical,  unknown('p99')],
  ['hysteresis is for firing alerts only',            { p99: 0.26, n: 10 },   undefined, no],
];

for (const [name, values, held, verdict] of table) {
  t.test(name, async (t) => {
    t.strictSame(ruleWith(leveled).decide(values, held), verdict);
  });
}

t.test('severities have their usual order, or the order of the file', async (t) => {
  t.strictSame(ruleWith(leveled).severities, ['critical', 'warning']);
  t.strictSame(orderSeverities(['critical', 'info', 'warning']), ['critical', 'warning', 'info']);
  t.strictSame(orderSeverities(['yellow', 'warning', 'red']), ['red', 'warning', 'yellow']);
});

t.test('an absent rule breaches after its time', async (t) => {
  const rule = ruleWith({
    absent: { from: 'spans', by: ['service.name'], over: '5m', seen_within: '1d' },
  });
  t.equal(rule.condition, 'nothing for 5m, seen within 1d');
  t.strictSame(rule.decide({ silence: 299 }), no);
  t.strictSame(rule.decide({ silence: 300 }), yes());
  t.strictSame(rule.decide({}), unknown('silence'));
});

t.test('a file of Prometheus alone has groups without rules', async (t) => {
  const { groups, problems } = load(
    'groups: [{name: g, rules: [{alert: A, expr: up == 0, for: 5m}]}]',
  );
  t.strictSame(
    groups.map((it) => it.rules),
    [[]],
  );
  t.strictSame(
    problems.map((it) => it.severity),
    ['warning'],
  );
});

t.test('an empty file has nothing', async (t) => {
  t.strictSame(load(''), { groups: [], objectives: [], problems: [] });
});

t.test('severities come before when, and at_least before for, with a word about it', async (t) => {
  const { groups, problems } = load(`groups:
  - name: g
    rules:
      - alert: A
        signals: {n: {from: spans, value: count()}}
        when: n > 1
        severities: {warning: n > 5, critical: n > 9}
        for: 5m
        at_least: 3 of 5
`);
  t.strictSame(
    problems.map((it) => `${it.severity} ${it.line} ${it.key}: ${it.message}`),
    [
      'warning 6 groups[0].rules[0].when: is not used: severities are there instead',
      'warning 8 groups[0].rules[0].for: is not used: at_least is there instead',
    ],
  );
  const [rule] = groups.flatMap((it) => it.rules);
  t.match(rule?.policy, { forMs: 0, atLeast: { breaches: 3, of: 5 } });
  t.strictSame(rule?.decide({ n: 6 }), yes('warning'));
});

t.test('a file with every part of the format is good', async (t) => {
  const { groups, problems } = load(`groups:
  - name: checkout
    interval: 30s
    query_offset: auto
    limit: 500
    rules:
      - alert: CheckoutSlow
        signals:
          p99: {from: spans, value: p99(duration), where: {service.name: checkout, kind: server}, by: [http.route], over: 5m}
          rps: {from: spans, value: rate(), where: {service.name: checkout, kind: server}, by: [http.route], over: 5m}
          week: {from: spans, value: p99(duration), where: {service.name: checkout}, by: [http.route], offset: 1w}
        severities: {warning: p99 > 300 ms and rps > 1, critical: p99 > 500 ms and rps > 1 or p99 > 3 * week}
        recover_when: p99 < 250 ms
        for: 2m
        keep_firing_for: 5m
        no_data: ok
        on_error: keep
        labels: {team: payments}
        annotations: {summary: 'p99 {{ $values.p99 }} on {{ $labels.http_route }}', runbook_url: 'https://x'}
        escalation: payments
      - alert: CacheCold
        signals: {hit: {from: caches, value: hit_rate(), by: [service.name, cache.name], over: 10m}}
        when: hit < 80 percent
      - alert: Stuck
        signals:
          n: {sql: "SELECT ServiceName AS service, count() AS value FROM otel_traces WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} AND StatusCode = 'Error' GROUP BY service", over: 10m}
        when: n > 100
      - alert: ServiceSilent
        absent: {from: spans, by: [service.name], over: 5m, seen_within: 1d}
      - alert: Heap
        signals: {heap: {from: metrics, metric: process.runtime.memory, value: max(value), where: {type: '!stack'}}}
        when: heap > 500 MiB
slas:
  - name: checkout-availability
    service: checkout
    type: availability
    target: 99.9 percent
    window: 30d
    where: {kind: server}
    burn_rates: default
    labels: {team: payments}
    escalation: payments
  - {name: a, service: s, type: response_time, target: {p99: 300 ms}, calendar: month}
  - {name: b, service: s, type: throughput, target: 50 per second}
  - {name: c, service: s, type: error_rate, target: 1 percent, burn_rates: [{severity: page, long: 1h, short: 5m, budget: 2 percent}]}
`);
  t.strictSame(problems, []);
  t.strictSame(
    groups.map((it) => [it.name, it.rules.length]),
    [
      ['checkout', 5],
      ['slas/checkout-availability', 1],
      ['slas-burn-rates/checkout-availability', 2],
      ['slas/a', 1],
      ['slas/b', 1],
      ['slas/c', 1],
      ['slas-burn-rates/c', 1],
    ],
  );
});

t.test(
  'an SLA is looked at as often as its window changes, never more often than rules are',
  async (t) => {
    const sla = (window: string, more = '') =>
      `{name: x-${window}, service: s, type: availability, target: 99 percent, window: ${window}${more}}`;
    const burn = ', burn_rates: [{severity: page, long: 1h, short: 4m, budget: 2 percent}]';
    const { groups, problems } = load(`slas: [${sla('5m')}, ${sla('2h')}, ${sla('30d', burn)}]`);
    t.strictSame(problems, []);
    t.strictSame(
      groups.map((it) => [it.id, it.intervalMs]),
      [
        ['rules/a.yaml/slas/x-5m', 30_000],
        ['rules/a.yaml/slas/x-2h', 72_000],
        ['rules/a.yaml/slas/x-30d', 300_000],
        ['rules/a.yaml/slas-burn-rates/x-30d', 48_000],
      ],
    );
    t.equal(groups[3]?.rules[0]?.id, 'rules/a.yaml/slas-burn-rates/x-30d/SlaBurnRate-page');
  },
);
