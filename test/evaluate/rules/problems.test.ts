import t from 'tap';
import { loadRules } from '../../../src/evaluate/rules/load.ts';
import { formatProblem } from '../../../src/lib/document.ts';

const problemsOf = (text: string, file = 'rules/a.yaml'): readonly string[] =>
  loadRules([{ file, text }], { intervalMs: 30_000, queryOffsetMs: 0 }).problems.map(
    (it) => `${it.severity}: ${formatProblem(it)}`,
  );

t.test('mistakes of shape are told at once, each at its line with its key', async (t) => {
  const text = `groups:
  - name: checkout
    intervall: 30s
    query_offset: soon
    rules:
      - alert: Slow
        signals:
          p99: {from: span, value: p99(duration), over: 5 minutes}
        wen: p99 > 1 s
        for: -5m
        no_data: maybe
        labels: [a]
  - name: 7
    rules: {}
`;
  t.strictSame(problemsOf(text), [
    'error: rules/a.yaml:3:16 groups[0].intervall: unknown key; did you mean interval?',
    'error: rules/a.yaml:4:19 groups[0].query_offset: expected auto or a duration such as 30s',
    'error: rules/a.yaml:8:23 groups[0].rules[0].signals.p99.from: expected spans, metrics, logs or caches',
    'error: rules/a.yaml:8:57 groups[0].rules[0].signals.p99.over: expected a duration such as 30s, 5m or 1h30m',
    'error: rules/a.yaml:9:14 groups[0].rules[0].wen: unknown key; did you mean when?',
    'error: rules/a.yaml:10:14 groups[0].rules[0].for: expected a duration such as 30s, 5m or 1h30m',
    'error: rules/a.yaml:11:18 groups[0].rules[0].no_data: expected ok, keep, fire or alert',
    'error: rules/a.yaml:12:17 groups[0].rules[0].labels: expected names with texts',
    'error: rules/a.yaml:13:11 groups[1].name: expected text',
    'error: rules/a.yaml:14:12 groups[1].rules: expected a list of rules',
  ]);
});

t.test('mistakes of meaning are told at once, each at its line with its key', async (t) => {
  const text = `groups:
  - name: checkout
    rules:
      - alert: Slow
        signals:
          p99: {from: spans, value: p99(duraton), where: {kind: servr, duration: '> soon'}, by: [http.route]}
          p98: {from: spans, value: p101(duration)}
          errors: {from: spans, value: eror_rate()}
          hit: {from: caches, value: p99(duration)}
          cpu: {from: metrics, value: avg(value)}
          not: {from: spans, value: rate()}
        when: p99 > 5 MiB and latency > 3
        annotations: {summary: '{{ $labels.http_root }} {{ $values.p9 }}'}
      - alert: Labels
        signals:
          a: {from: spans, value: rate(), by: [http.route]}
          b: {from: spans, value: rate(), by: [name]}
          c: {from: spans, value: rate(), by: [x.y, x_y, severity]}
        when: a > 1
      - alert: Both
        signals: {n: {from: spans, value: count()}}
        when: n > 1
        severities: {warning: n > 1}
      - alert: None
      - alert: Two
        expr: up == 0
        absent: {from: spans, over: 5m}
      - signals: {}
      - alert: Sql
        signals:
          n: {sql: DROP TABLE x, from: spans}
          m: {sql: 'SELECT count() AS value FROM otel_traces'}
        when: n > 1
      - alert: Absent
        absent: {from: spans, over: 1d, seen_within: 5m}
        when: n > 1
      - alert: Texts
        signals: {n: {from: spans, value: count(), by: [name]}}
        when: n > 1
        at_least: 6 of 5
        labels: {'a-b': x, v: '{{ $value }}'}
        annotations: {summary: '{{ $labels.nam }} {{ $values.m }} {{ humanise $value }}'}
`;
  t.strictSame(problemsOf(text), [
    'error: rules/a.yaml:6:65 groups[0].rules[0].signals.p99.where.kind: unknown kind servr; did you mean server?',
    'error: rules/a.yaml:6:82 groups[0].rules[0].signals.p99.where.duration: expected a number after >, such as "> 1 s": soon is not a number with a known unit',
    'error: rules/a.yaml:7:37 groups[0].rules[0].signals.p98.value: unknown function p101(); there are count, rate, increase, errors, error_rate, hit_rate, sum, avg, min, max, last, uniq, p50, p90, p95, p99, p99.9',
    'error: rules/a.yaml:8:40 groups[0].rules[0].signals.errors.value: unknown function eror_rate(); did you mean error_rate()?',
    'error: rules/a.yaml:9:38 groups[0].rules[0].signals.hit.value: caches know sum(hits) and sum(misses)',
    'error: rules/a.yaml:10:16 groups[0].rules[0].signals.cpu: needs metric, the name of a metric',
    'error: rules/a.yaml:11:16 groups[0].rules[0].signals.not: is not a name that a condition can use: letters, digits and _, no and, or, not',
    'error: rules/a.yaml:12:15 groups[0].rules[0].when: unknown signal latency; there are p99, p98, errors, hit, cpu, not',
    'error: rules/a.yaml:13:32 groups[0].rules[0].annotations.summary: no signal p9 in this rule; did you mean p99?',
    'error: rules/a.yaml:17:14 groups[0].rules[1].signals.b: cannot be joined: a is not grouped by name',
    'error: rules/a.yaml:18:53 groups[0].rules[1].signals.c.by[1]: x_y and x.y would both be the label x_y',
    'error: rules/a.yaml:18:58 groups[0].rules[1].signals.c.by[2]: severity cannot be a label of a signal',
    'warning: rules/a.yaml:22:15 groups[0].rules[2].when: is not used: severities are there instead',
    'error: rules/a.yaml:24:9 groups[0].rules[3]: needs signals, absent or expr',
    'error: rules/a.yaml:25:9 groups[0].rules[4]: has expr and absent; one is possible',
    'error: rules/a.yaml:28:9 groups[0].rules[5]: needs alert, the name of the alert',
    'error: rules/a.yaml:31:20 groups[0].rules[6].signals.n.sql: must be one SELECT',
    'error: rules/a.yaml:31:40 groups[0].rules[6].signals.n.from: does not go with sql',
    'warning: rules/a.yaml:32:20 groups[0].rules[6].signals.m.sql: does not use {from:DateTime64(9)}, so it reads more than its window',
    'warning: rules/a.yaml:32:20 groups[0].rules[6].signals.m.sql: does not use {to:DateTime64(9)}, so it reads more than its window',
    'error: rules/a.yaml:35:54 groups[0].rules[7].absent.seen_within: must be longer than over, or nothing is ever missed',
    'error: rules/a.yaml:36:15 groups[0].rules[7].when: does not go with absent',
    'error: rules/a.yaml:40:19 groups[0].rules[8].at_least: expected such as "3 of 5": at most 100 evaluations, and of these fewer',
    'error: rules/a.yaml:41:25 groups[0].rules[8].labels.a-b: a name has letters, digits and _ only, and no digit first',
    'warning: rules/a.yaml:41:31 groups[0].rules[8].labels.v: has a value in it: each new value makes a new alert; use an annotation',
    'error: rules/a.yaml:42:32 groups[0].rules[8].annotations.summary: no label nam in this alert; did you mean name?',
    'error: rules/a.yaml:42:32 groups[0].rules[8].annotations.summary: no signal m in this rule; did you mean n?',
    'error: rules/a.yaml:42:32 groups[0].rules[8].annotations.summary: unknown function humanise; did you mean humanize?',
  ]);
});

t.test('broken YAML is one problem with a place', async (t) => {
  const [only, ...others] = problemsOf('groups:\n  - {name: a\n');
  t.match(only, /^error: rules\/a\.yaml:\d+:\d+ not valid YAML: /);
  t.strictSame(others, []);
});

t.test('SLAs with mistakes', async (t) => {
  const text = `slas:
  - {name: a, service: s, type: availability, target: 99.9}
  - {name: b, service: s, type: availability, target: 99 percent, window: 30d, calendar: month}
  - {name: c, service: s, type: response_time, target: 300 ms}
  - {name: d, service: s, type: response_time, target: {p99: 300, q: 1 s}}
  - {name: e, service: s, type: throughput, target: 50 percent}
  - {name: f, service: s, type: throughput, target: 50, burn_rates: default}
  - {name: g, service: s, type: availabilty, target: 1}
`;
  t.strictSame(problemsOf(text), [
    'error: rules/a.yaml:8:33 slas[6].type: expected availability, response_time, throughput or error_rate',
  ]);
  t.strictSame(problemsOf(text.replace('availabilty', 'error_rate')), [
    'error: rules/a.yaml:2:55 slas[0].target: expected a percentage such as 99.9 percent',
    'error: rules/a.yaml:3:90 slas[1].calendar: does not go with window',
    'error: rules/a.yaml:4:56 slas[2].target: expected percentiles with durations, such as {p99: 300 ms}',
    'error: rules/a.yaml:5:62 slas[3].target.p99: expected a duration such as 300 ms',
    'error: rules/a.yaml:5:70 slas[3].target.q: expected a percentile from p50 to p99.9',
    'error: rules/a.yaml:6:53 slas[4].target: expected a rate such as 50 per second',
    'error: rules/a.yaml:7:69 slas[5].burn_rates: only availability and error_rate have burn rates',
    'error: rules/a.yaml:8:53 slas[6].target: expected a percentage such as 0.5 percent',
  ]);
});

t.test('burn rates that can never be reached are a warning', async (t) => {
  const text = `slas:
  - {name: a, service: s, type: availability, target: 93 percent, burn_rates: default}
  - name: b
    service: s
    type: error_rate
    target: 10 percent
    burn_rates:
      - {severity: page, long: 1h, short: 5m, budget: 2 percent}
      - {severity: page, long: 5m, short: 1h, budget: 2 percent}
      - {severity: page, long: 1h, short: 5m, budget: 2 hours}
`;
  t.strictSame(problemsOf(text), [
    'warning: rules/a.yaml:2:79 slas[0].burn_rates: can never fire: 14.4 times a budget of 7 % is not less than all requests',
    'error: rules/a.yaml:9:43 slas[1].burn_rates[1].short: must be shorter than long',
    'error: rules/a.yaml:10:55 slas[1].burn_rates[2].budget: expected a share of the error budget such as 2 percent',
  ]);
});

t.test('names of groups and SLAs must be alone', async (t) => {
  const text = `groups:
  - {name: a}
  - {name: a}
  - {name: slas/x}
slas:
  - {name: x, service: s, type: throughput, target: 1}
  - {name: x, service: s, type: throughput, target: 1}
`;
  t.strictSame(problemsOf(text), [
    'error: rules/a.yaml:3:12 groups[1].name: a is the name of another group',
    'error: rules/a.yaml:4:12 groups[2].name: slas/x is the group of an SLA of this file',
    'error: rules/a.yaml:7:12 slas[1].name: x is the name of another SLA',
  ]);
});

t.test(
  'what a Prometheus file has and is not evaluated yet is a warning, never silence',
  async (t) => {
    const text = `groups:
  - name: node
    interval: 15s
    query_offset: 30s
    limit: 10
    labels: {team: infra}
    rules:
      - record: instance:up:sum
        expr: sum(up)
        labels: {a: 1}
      - alert: Down
        expr: up == 0
        for: 5m
        keep_firing_for: 10m
        labels: {severity: page}
        annotations: {summary: '{{ if eq $labels.job "x" }}down{{ end }} {{ $externalURL }}'}
tests: [{name: t}]
`;
    t.strictSame(problemsOf(text), [
      'warning: rules/a.yaml:8:17 groups[0].rules[0].record: recording rules are not evaluated yet',
      'warning: rules/a.yaml:12:15 groups[0].rules[1].expr: PromQL is not evaluated yet: this rule never fires',
      'warning: rules/a.yaml:17:8 tests: tests of rules are not run yet',
    ]);
  },
);
