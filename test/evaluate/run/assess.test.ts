import t from 'tap';
import { step } from '../../../src/decide/step.ts';
import type { CompiledRule, SignalRow } from '../../../src/evaluate/rules/plan.ts';
import { askSignals } from '../../../src/evaluate/run/ask.ts';
import { type Assessment, assess, assessRemoval } from '../../../src/evaluate/run/assess.ts';
import type { Remembered } from '../../../src/evaluate/run/remembered.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createAnswers, rulesOf } from '../../support/rules.ts';

const compile = (rule: string): CompiledRule => {
  const [compiled] = rulesOf(`groups: [{name: g, rules: [${rule}]}]`)[0]?.rules ?? [];
  if (!compiled) throw new Error('no rule');
  return compiled;
};

/** A rule that lives through evaluations, one call each, without Redis. */
const live = (rule: string, { instancesMax = 100 } = {}) => {
  let compiled = compile(rule);
  const answers = createAnswers();
  let memory: ReadonlyMap<string, Remembered> = new Map();
  const evaluate = async (
    slotMs: number,
    rows: readonly SignalRow[] | Error,
  ): Promise<Assessment> => {
    answers.set('', rows);
    const known = [...memory.values()].filter((it) => !it.about).map((it) => it.source);
    const outcome = await askSignals(compiled, known, slotMs, {
      query: answers.query,
      clock: systemClock,
      timeoutMs: 1_000,
      signal: new AbortController().signal,
    });
    const assessment = assess({ rule: compiled, memory, outcome, slotMs, instancesMax, step });
    memory = assessment.memory;
    return assessment;
  };
  const edit = (next: string): void => {
    compiled = compile(next);
  };
  return { evaluate, edit, memory: () => memory, ruleId: compiled.id };
};

const told = ({ transitions }: Assessment): readonly string[] =>
  transitions.map(({ kind, reason, alert: { labels } }) => {
    const who = labels['service'] ?? labels['state_reason'] ?? 'rule';
    const severity = labels['severity'] === undefined ? '' : ` ${labels['severity']}`;
    return `${who}${severity} ${kind}: ${reason}`;
  });

const pay = (value: number | null) => ({ service: 'pay', value });
const cart = (value: number | null) => ({ service: 'cart', value });
const sql = 'signals: {n: {sql: "SELECT 1", over: 1m}}';

t.test(
  'one evaluation fires, a clear one resolves, and the times are those of the slots',
  async (t) => {
    const { evaluate } = live(`{alert: A, ${sql}, when: n > 10}`);
    const fired = await evaluate(1_000, [pay(11), cart(5)]);
    t.strictSame(told(fired), ['pay fired: condition-holds']);
    t.match(fired.transitions[0]?.alert, {
      activeAtMs: 1_000,
      firedAtMs: 1_000,
      values: { n: 11 },
      phase: 'firing',
    });
    t.strictSame(told(await evaluate(2_000, [pay(12), cart(5)])), []);
    const resolved = await evaluate(3_000, [pay(9), cart(5)]);
    t.strictSame(told(resolved), ['pay resolved: cleared']);
    t.match(resolved.transitions[0]?.alert, {
      activeAtMs: 1_000,
      firedAtMs: 1_000,
      resolvedAtMs: 3_000,
      values: { n: 9 },
      phase: 'resolved',
    });
    t.equal(resolved.memory.size, 0);
  },
);

t.test('the next episode has an id of its own', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10}`);
  const first = await evaluate(1_000, [pay(11)]);
  await evaluate(2_000, [pay(1)]);
  const second = await evaluate(3_000, [pay(11)]);
  const ids = [first, second].map((it) => it.transitions[0]?.alert.id);
  t.equal(new Set(ids).size, 2);
  t.equal(first.transitions[0]?.alert.fingerprint, second.transitions[0]?.alert.fingerprint);
});

t.test('an alert waits its time and then fires; one that clears before is dropped', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, for: 2s}`);
  t.strictSame(told(await evaluate(1_000, [pay(11), cart(11)])), [
    'pay pending: condition-holds',
    'cart pending: condition-holds',
  ]);
  t.strictSame(told(await evaluate(2_000, [pay(11), cart(1)])), ['cart dropped: cleared']);
  t.strictSame(told(await evaluate(3_000, [pay(11), cart(1)])), ['pay fired: held-for']);
});

t.test('a series that is gone resolves at the second evaluation without it', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, no_data: keep}`);
  await evaluate(1_000, [pay(11), cart(1)]);
  t.strictSame(told(await evaluate(2_000, [cart(1)])), []);
  const gone = await evaluate(3_000, [cart(1)]);
  t.strictSame(told(gone), ['pay resolved: missing-series']);
  t.match(gone.transitions[0]?.alert.values, { n: 11 }, 'with what was seen last');
});

t.test('a count of nothing is 0 and resolves at once', async (t) => {
  const errors = 'signals: {e: {from: spans, value: errors(), by: [service], over: 1m}}';
  const { evaluate } = live(`{alert: A, ${errors}, when: e > 10}`);
  await evaluate(1_000, [pay(11)]);
  t.strictSame(told(await evaluate(2_000, [])), ['pay resolved: cleared']);
});

t.test('a failed query changes nothing', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, for: 2s}`);
  await evaluate(1_000, [pay(11)]);
  const failed = await evaluate(9_000, new Error('engine away'));
  t.strictSame(told(failed), []);
  t.match([...failed.memory.values()], [{ step: { phase: 'pending', activeAtMs: 1_000 } }]);
  t.strictSame(told(await evaluate(10_000, [pay(11)])), ['pay fired: held-for']);
});

t.test('two series that become one alert are an error and change nothing', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, labels: {service: all}}`);
  await evaluate(1_000, [pay(11)]);
  const failed = await evaluate(2_000, [pay(1), cart(1)]);
  t.strictSame(told(failed), []);
  t.equal(failed.memory.size, 1);
  t.strictSame(told(await evaluate(3_000, [pay(1)])), ['all resolved: cleared']);
});

t.test('a worse severity changes the alert without making another', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, severities: {warning: n > 10, critical: n > 20}}`);
  const warning = await evaluate(1_000, [pay(11)]);
  t.strictSame(told(warning), ['pay warning fired: condition-holds']);
  t.strictSame(warning.transitions[0]?.alert.grade, { rank: 0, changes: 0 });
  const critical = await evaluate(2_000, [pay(21)]);
  t.strictSame(told(critical), ['pay critical changed: severity-raised']);
  t.equal(critical.transitions[0]?.alert.id, warning.transitions[0]?.alert.id);
  t.strictSame(critical.transitions[0]?.alert.grade, { rank: 1, changes: 1 });
  t.strictSame(told(await evaluate(2_500, [pay(22)])), []);
  const lowered = await evaluate(3_000, [pay(11)]);
  t.strictSame(told(lowered), ['pay warning changed: severity-lowered']);
  t.strictSame(lowered.transitions[0]?.alert.grade, { rank: 0, changes: 2 });
  const resolved = await evaluate(4_000, [pay(1)]);
  t.strictSame(told(resolved), ['pay warning resolved: cleared']);
  t.equal(resolved.transitions[0]?.alert.grade?.changes, 2);
  const next = await evaluate(5_000, [pay(21)]);
  t.strictSame(next.transitions[0]?.alert.grade, { rank: 1, changes: 0 }, 'counted anew');
});

t.test('a severity that rises while the alert is pending is no change', async (t) => {
  const { evaluate } = live(
    `{alert: A, ${sql}, for: 2s, severities: {warning: n > 10, critical: n > 20}}`,
  );
  await evaluate(1_000, [pay(11)]);
  t.strictSame(told(await evaluate(2_000, [pay(21)])), []);
  const fired = await evaluate(3_000, [pay(21)]);
  t.strictSame(told(fired), ['pay critical fired: held-for']);
  t.strictSame(fired.transitions[0]?.alert.grade, { rank: 1, changes: 0 });
});

t.test('what no series names keeps the severity it had', async (t) => {
  const rule = `{alert: A, ${sql}, no_data: keep, severities: {warning: n > 10, critical: n > 20}}`;
  const { evaluate } = live(rule);
  await evaluate(1_000, [pay(21)]);
  t.strictSame(told(await evaluate(2_000, [])), []);
  t.strictSame(told(await evaluate(3_000, new Error('engine away'))), []);
  t.strictSame(told(await evaluate(4_000, [pay(21)])), []);
});

t.test('values come with units, also those that only the condition tells', async (t) => {
  const signals = `signals: {
    p99: {from: spans, value: p99(duration), by: [service], over: 1m},
    rps: {from: spans, value: rate(), by: [service], over: 1m},
    bad: {from: spans, value: error_rate(), by: [service], over: 1m},
    all: {from: spans, value: count(), by: [service], over: 1m},
    lag: {from: metrics, metric: lag, value: last(), by: [service], over: 1m}}`;
  const { evaluate } = live(`{alert: A, ${signals}, when: all > 1 and lag > 3 s}`);
  const fired = await evaluate(1_000, [pay(9)]);
  t.strictSame(fired.transitions[0]?.alert.units, { lag: 's', p99: 's', rps: '/s', bad: '1' });
});

t.test('between both conditions an alert stays what it was', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, recover_when: n < 5}`);
  t.strictSame(told(await evaluate(1_000, [pay(7)])), []);
  t.strictSame(told(await evaluate(2_000, [pay(11)])), ['pay fired: condition-holds']);
  t.strictSame(told(await evaluate(3_000, [pay(7)])), []);
  t.strictSame(told(await evaluate(4_000, [pay(4)])), ['pay resolved: cleared']);
});

t.test('at_least counts evaluations that held, among those that could tell', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, at_least: 2 of 3, no_data: keep}`);
  t.strictSame(told(await evaluate(1_000, [pay(11)])), []);
  t.strictSame(told(await evaluate(2_000, [pay(1)])), []);
  t.strictSame(told(await evaluate(3_000, new Error('engine away'))), []);
  t.strictSame(told(await evaluate(4_000, [pay(11)])), ['pay fired: condition-holds']);
  t.strictSame(told(await evaluate(5_000, [pay(11)])), []);
  t.strictSame(told(await evaluate(6_000, [pay(1)])), []);
  const resolved = await evaluate(7_000, [pay(1)]);
  t.strictSame(told(resolved), ['pay resolved: cleared']);
  t.equal(resolved.memory.size, 1, 'one of the last three still held');
  t.equal((await evaluate(8_000, [pay(1)])).memory.size, 0);
});

t.test('newcomers beyond the limit find no place, and nobody loses theirs', async (t) => {
  const rule = `{alert: A, ${sql}, severities: {warning: n > 10, critical: n > 20}}`;
  const { evaluate } = live(rule, { instancesMax: 2 });
  const rows = [pay(11), cart(11), { service: 'mail', value: 21 }];
  const first = await evaluate(1_000, [pay(11)]);
  t.equal(first.dropped, 0);
  const second = await evaluate(2_000, rows);
  t.strictSame(told(second), ['mail critical fired: condition-holds']);
  t.equal(second.dropped, 1);
  const third = await evaluate(3_000, [pay(1), cart(11), { service: 'mail', value: 21 }]);
  t.strictSame(told(third).toSorted(), [
    'cart warning fired: condition-holds',
    'pay warning resolved: cleared',
  ]);
});

t.test('no_data: fire speaks for the rule when no series is known', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, no_data: fire, for: 1s}`);
  t.strictSame(told(await evaluate(1_000, [])), ['rule pending: no-data']);
  const fired = await evaluate(2_000, []);
  t.strictSame(told(fired), ['rule fired: held-for']);
  t.match(fired.transitions[0]?.alert.annotations, { state_reason: 'the query answered no data' });
  t.strictSame(told(await evaluate(3_000, [pay(1)])), []);
  t.strictSame(told(await evaluate(4_000, [pay(1)])), ['rule resolved: missing-series']);
});

t.test('no_data: alert raises an alert of its own and leaves the series alone', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, no_data: alert}`);
  await evaluate(1_000, [pay(11)]);
  const silent = await evaluate(2_000, []);
  t.strictSame(told(silent), ['no_data fired: no-data']);
  t.match(silent.transitions[0]?.alert.labels, { alertname: 'A', state_reason: 'no_data' });
  t.strictSame(told(await evaluate(3_000, [])), []);
  t.strictSame(told(await evaluate(4_000, new Error('engine away'))), []);
  t.strictSame(told(await evaluate(5_000, [pay(11)])), ['no_data resolved: cleared']);
  t.strictSame(told(await evaluate(6_000, [pay(1)])), ['pay resolved: cleared']);
});

t.test('on_error: alert tells what failed', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, on_error: alert}`);
  const failed = await evaluate(1_000, new Error('engine away'));
  t.strictSame(told(failed), ['error fired: error']);
  t.match(failed.transitions[0]?.alert.annotations, {
    state_reason: 'the query failed: engine away',
  });
  t.strictSame(told(await evaluate(2_000, [])), ['error resolved: cleared']);
});

t.test('a value that is not known is no reading of 0', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n < 10, no_data: keep}`);
  await evaluate(1_000, [pay(5)]);
  t.strictSame(told(await evaluate(2_000, [pay(null)])), []);
  t.strictSame(told(await evaluate(3_000, [pay(null)])), []);
  t.strictSame(told(await evaluate(4_000, [pay(15)])), ['pay resolved: cleared']);
});

t.test(
  'a series that is there but cannot be judged keeps its alert while others are judged',
  async (t) => {
    const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, no_data: keep}`);
    await evaluate(1_000, [pay(11), cart(5)]);
    for (const slotMs of [2_000, 3_000, 4_000]) {
      t.strictSame(told(await evaluate(slotMs, [pay(null), cart(5)])), []);
    }
    t.strictSame(told(await evaluate(5_000, [pay(9), cart(5)])), ['pay resolved: cleared']);
  },
);

t.test('values that only moved are written now and then, everything else at once', async (t) => {
  const { evaluate } = live(`{alert: A, ${sql}, when: n > 10, for: 10s}`);
  const writes = async (slotMs: number, value: number) =>
    (await evaluate(slotMs, [pay(value)])).changed.size;
  t.equal(await writes(1_000, 11), 1, 'a new alert');
  t.equal(await writes(2_000, 12), 0, 'another value');
  t.equal(await writes(11_000, 13), 1, 'another state');
  t.equal(await writes(31_000, 14), 0, 'another value');
  t.equal(await writes(41_000, 15), 1, 'another value, 30 s after the last write');
  t.equal(await writes(42_000, 15), 0, 'the same value');
});

t.test('what a removed rule had running is resolved or dropped', async (t) => {
  const { evaluate, memory, ruleId } = live(`{alert: A, ${sql}, when: n > 10, for: 2s}`);
  await evaluate(1_000, [pay(11)]);
  await evaluate(3_000, [pay(11), cart(11)]);
  const removal = assessRemoval(ruleId, memory(), 5_000);
  t.strictSame(told(removal), ['pay resolved: rule-removed', 'cart dropped: rule-removed']);
  t.match(removal.transitions[0]?.alert, { phase: 'resolved', resolvedAtMs: 5_000 });
  t.equal(removal.forgotten.length, 2);
});

t.test('an edited for is applied to what runs already', async (t) => {
  const rule = (hold: string) => `{alert: A, ${sql}, when: n > 10, for: ${hold}}`;
  const { evaluate, edit } = live(rule('20s'));
  await evaluate(1_000, [pay(11)]);
  edit(rule('1s'));
  const fired = await evaluate(2_000, [pay(11)]);
  t.strictSame(told(fired), ['pay fired: held-for']);
  edit(rule('10s'));
  const waits = await evaluate(3_000, [pay(11)]);
  t.strictSame(told(waits), ['pay resolved: for-raised', 'pay pending: for-raised']);
  const [resolved, pending] = waits.transitions;
  t.equal(resolved?.alert.id, fired.transitions[0]?.alert.id);
  t.not(pending?.alert.id, resolved?.alert.id);
  t.strictSame(told(await evaluate(12_000, [pay(11)])), ['pay fired: held-for']);
});

t.test('an edited annotation is told from then on, and is no change of the alert', async (t) => {
  const rule = (text: string) =>
    `{alert: A, ${sql}, when: n > 10, annotations: {summary: '${text} {{ $value }}'}}`;
  const { evaluate, edit } = live(rule('old'));
  await evaluate(1_000, [pay(11)]);
  edit(rule('new'));
  t.strictSame(told(await evaluate(2_000, [pay(12)])), []);
  const resolved = await evaluate(3_000, [pay(3)]);
  t.match(resolved.transitions[0]?.alert.annotations, { summary: 'new 3' });
});
