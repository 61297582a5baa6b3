import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { EvaluatorOptions } from '../../../src/evaluate/run/evaluator.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { type Meter, noopMeter } from '../../../src/lib/meter.ts';
import { connectRedis } from '../../../src/lib/redis.ts';
import type { AlertTransition, OutboxRecord } from '../../../src/model/alert.ts';
import { redisKeys } from '../../../src/model/keys.ts';
import { hastyEvaluator, shopRules } from '../../support/evaluator.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { type Answers, createAnswers, rulesOf } from '../../support/rules.ts';
import { until } from '../../support/until.ts';

// They wait more than they work, and each has a Redis of its own.
t.jobs = 5;

const evaluatorProcess = fileURLToPath(
  new URL('../../support/evaluator-process.ts', import.meta.url),
);

type More = Partial<EvaluatorOptions>;

const startEvaluator = (t: Test, redis: TestRedis, answers: Answers, more: More = {}) => {
  const evaluator = hastyEvaluator({ redisUrl: redis.url, query: answers.query, ...more });
  t.teardown(() => evaluator.stop());
  evaluator.start();
  return evaluator;
};

const answersWith = (value: number): Answers => {
  const answers = createAnswers();
  answers.set('numbers_told', [{ service: 'pay', value }]);
  return answers;
};

/** Every transition so far, as the relay would read them. */
const outboxOf = (t: Test, { url }: TestRedis) => {
  const options = { url, clock: systemClock, log: silentLog, meter: noopMeter };
  const { redis, close } = connectRedis({ ...options, role: 'commands', name: 'test' });
  t.teardown(() => close());
  return async (): Promise<readonly AlertTransition[]> => {
    const entries = await redis.xrange(redisKeys.outbox, '-', '+');
    return entries.map(([, [, record = '']]) => (JSON.parse(record) as OutboxRecord).transition);
  };
};

const kinds = (transitions: readonly AlertTransition[]) =>
  transitions.map((it) => `${it.kind} ${it.alert.labels['service']}: ${it.reason}`);

t.test('an alert fires once and resolves once', async (t) => {
  const redis = await startRedis(t);
  const outbox = outboxOf(t, redis);
  const answers = answersWith(3);
  const evaluator = startEvaluator(t, redis, answers);
  await until(() => answers.asked() > 1);
  t.strictSame(await outbox(), []);

  answers.set('numbers_told', [{ service: 'pay', value: 30 }]);
  await until(async () => (await outbox()).length > 0);
  const [alert] = await evaluator.alerts();
  t.match(alert, {
    phase: 'firing',
    ruleId: 'shop.yaml/shop/TooMany',
    labels: { alertname: 'TooMany', service: 'pay', team: 'shop' },
    values: { n: 30 },
    fingerprint: /^[0-9a-f]{16}$/,
    id: /^[0-9a-f]{16}-[0-9a-z]+$/,
  });
  const asked = answers.asked();
  await until(() => answers.asked() > asked + 2);

  answers.set('numbers_told', [{ service: 'pay', value: 3 }]);
  await until(async () => (await evaluator.alerts()).length === 0);
  const transitions = await outbox();
  t.strictSame(kinds(transitions), ['fired pay: condition-holds', 'resolved pay: cleared']);
  const [fired, resolved] = transitions;
  t.match(fired?.id, /^n-shop\.yaml\/shop\/TooMany-\d+-0$/);
  t.equal(resolved?.alert.id, alert?.id);
});

t.test('two evaluators tell every change once, and share the work', async (t) => {
  const redis = await startRedis(t);
  const outbox = outboxOf(t, redis);
  const answers = answersWith(3);
  const committed: AlertTransition[] = [];
  const onCommitted = (all: readonly AlertTransition[]) => void committed.push(...all);
  for (const _ of [1, 2]) startEvaluator(t, redis, answers, { onCommitted });
  for (let flip = 1; flip <= 8; flip += 1) {
    answers.set('numbers_told', [{ service: 'pay', value: flip % 2 === 1 ? 30 : 3 }]);
    await until(async () => (await outbox()).length >= flip);
  }
  const transitions = await outbox();
  const turns = ['fired pay: condition-holds', 'resolved pay: cleared'];
  t.strictSame(kinds(transitions), [...turns, ...turns, ...turns, ...turns]);
  t.equal(new Set(transitions.map((it) => it.id)).size, 8);
  t.equal(new Set(transitions.map((it) => it.atMs)).size, 8, 'no slot counts twice');
  t.strictSame(
    committed.map((it) => it.id),
    transitions.map((it) => it.id),
  );
});

t.test('what a killed evaluator was at is taken over, and since-times are kept', async (t) => {
  const redis = await startRedis(t);
  const child = spawn(process.execPath, [evaluatorProcess, redis.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  for await (const line of createInterface(child.stdout)) if (line === 'asked 3') break;

  const answers = answersWith(30);
  const evaluator = startEvaluator(t, redis, answers, { groups: shopRules({ more: 'for: 1h' }) });
  const [before] = await evaluator.alerts();
  t.match(before, { phase: 'pending', labels: { service: 'pay' } });
  await systemClock.sleep(1_200);
  t.equal(answers.asked(), 0, 'while it lives nobody else evaluates its group');

  child.kill('SIGKILL');
  await once(child, 'exit');
  await until(() => answers.asked() >= 2, 6_000);
  const [after] = await evaluator.alerts();
  t.strictSame(after?.activeAtMs, before?.activeAtMs);
  t.equal(after?.id, before?.id);
  t.strictSame(kinds(await outboxOf(t, redis)()), ['pending pay: condition-holds']);
});

t.test('after a restart of everything an alert goes on where it was', async (t) => {
  const redis = await startRedis(t, { persist: true });
  const answers = answersWith(30);
  const groups = shopRules({ more: 'for: 1500ms' });
  const first = startEvaluator(t, redis, answers, { groups });
  await until(async () => (await first.alerts()).length === 1);
  const [before] = await first.alerts();
  await first.stop();
  await redis.stop();
  await redis.start();
  const second = startEvaluator(t, redis, answers, { groups });
  await until(async () => (await second.alerts()).some((it) => it.phase === 'firing'));
  const [after] = await second.alerts();
  t.equal(after?.activeAtMs, before?.activeAtMs);
  const heldMs = (after?.firedAtMs ?? 0) - (after?.activeAtMs ?? 0);
  t.ok(heldMs >= 1_500 && heldMs < 4_000, 'it waited once, not twice');
  t.strictSame(kinds(await outboxOf(t, redis)()), [
    'pending pay: condition-holds',
    'fired pay: held-for',
  ]);
});

t.test('evaluation goes on by itself when Redis is back', async (t) => {
  const redis = await startRedis(t, { persist: true });
  const answers = answersWith(30);
  const evaluator = startEvaluator(t, redis, answers);
  await until(async () => (await evaluator.alerts()).length === 1);
  await redis.stop();
  await t.rejects(evaluator.alerts(), { code: 'ERR_RULE_STATE', remedy: 'retry' });
  answers.set('numbers_told', [{ service: 'pay', value: 3 }]);
  await redis.start();
  const outbox = outboxOf(t, redis);
  await until(async () => (await outbox()).length === 2);
  t.strictSame(kinds(await outbox()), ['fired pay: condition-holds', 'resolved pay: cleared']);
});

t.test('after Redis lost everything an alert fires again under an id of its own', async (t) => {
  const redis = await startRedis(t);
  const answers = answersWith(30);
  const ids: string[] = [];
  const onCommitted = (all: readonly AlertTransition[]) => void ids.push(...all.map((it) => it.id));
  startEvaluator(t, redis, answers, { onCommitted });
  await until(() => ids.length === 1);
  await redis.stop();
  await redis.start();
  await until(() => ids.length === 2);
  t.equal(new Set(ids).size, 2);
});

t.test('alerts of a rule that left the files are resolved', async (t) => {
  const redis = await startRedis(t);
  const outbox = outboxOf(t, redis);
  const evaluator = startEvaluator(t, redis, answersWith(30));
  await until(async () => (await outbox()).length === 1);
  evaluator.reload(shopRules({ name: 'Other' }));
  await until(async () => (await outbox()).length === 3);
  t.strictSame(
    (await outbox()).map((it) => `${it.alert.labels['alertname']} ${it.kind}: ${it.reason}`),
    [
      'TooMany fired: condition-holds',
      'Other fired: condition-holds',
      'TooMany resolved: rule-removed',
    ],
  );
  t.strictSame(
    (await evaluator.alerts()).map((it) => it.labels['alertname']),
    ['Other'],
  );
});

t.test('a rule that another replica still evaluates is not taken for removed', async (t) => {
  const redis = await startRedis(t);
  const outbox = outboxOf(t, redis);
  const answers = answersWith(30);
  startEvaluator(t, redis, answers);
  await until(async () => (await outbox()).length === 1);
  const newer = rulesOf('groups: []');
  startEvaluator(t, redis, answers, { groups: newer });
  const asked = answers.asked();
  await systemClock.sleep(3_600);
  t.ok(answers.asked() > asked + 3, 'it is evaluated all the while');
  t.equal((await outbox()).length, 1);
});

t.test('a slow group skips slots, is counted, and never runs beside itself', async (t) => {
  const redis = await startRedis(t);
  const answers = answersWith(3);
  const counted = new Map<string, number>();
  const meter: Meter = {
    ...noopMeter,
    counter: (name) => (add) => void counted.set(name, (counted.get(name) ?? 0) + add),
  };
  let running = 0;
  let most = 0;
  const query: Answers['query'] = async (sql, options) => {
    running += 1;
    most = Math.max(most, running);
    await systemClock.sleep(500);
    running -= 1;
    return answers.query(sql, options);
  };
  for (const _ of [1, 2]) startEvaluator(t, redis, answers, { query, meter });
  await until(() => answers.asked() >= 4);
  t.equal(most, 1);
  const skipped = counted.get('tocsin_evaluate_slots_skipped') ?? 0;
  t.ok(skipped >= 4, `${skipped} slots were skipped`);
});

t.test('a clock that is set back an hour does not silence the rules', async (t) => {
  const redis = await startRedis(t);
  const outbox = outboxOf(t, redis);
  const answers = answersWith(30);
  let setBackMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() - setBackMs };
  const evaluator = startEvaluator(t, redis, answers, { clock });
  await until(async () => (await outbox()).length === 1);
  setBackMs = 3_600_000;
  const asked = answers.asked();
  await until(() => answers.asked() > asked + 2);
  t.match(await evaluator.alerts(), [{ phase: 'firing' }]);
  answers.set('numbers_told', [{ service: 'pay', value: 3 }]);
  await until(async () => (await outbox()).length === 2);
  t.strictSame(kinds(await outbox()), ['fired pay: condition-holds', 'resolved pay: cleared']);
});

t.test('a rule that fails says so, and its neighbour is evaluated all the same', async (t) => {
  const redis = await startRedis(t);
  const answers = answersWith(30);
  answers.set('broken', new Error('no such table'));
  const groups = rulesOf(`
groups:
  - name: shop
    interval: 200ms
    rules:
      - {alert: Broken, signals: {n: {sql: SELECT broken, over: 1m}}, when: n > 1}
      - {alert: Fine, signals: {n: {sql: SELECT numbers_told, over: 1m}}, when: n > 1}
`);
  const evaluator = startEvaluator(t, redis, answers, { groups });
  t.equal(evaluator.lastEvaluationMs(), undefined);
  await until(async () => (await evaluator.alerts()).length === 1);
  const health = await evaluator.ruleHealth();
  t.match(
    health.map(({ groupId, rule, evaluated }) => [groupId, rule.alertName, evaluated?.error]),
    [
      ['shop.yaml/shop', 'Broken', 'no such table'],
      ['shop.yaml/shop', 'Fine', undefined],
    ],
  );
  t.ok((health[1]?.evaluated?.atMs ?? 0) > systemClock.nowMs() - 5_000);
  await until(() => (evaluator.lastEvaluationMs() ?? 0) > 0);
});

t.test('a query that never answers ends in time, and stopping does not wait for it', async (t) => {
  const redis = await startRedis(t);
  const answers = answersWith(30);
  answers.hold('numbers_told', new Promise(() => {}));
  const evaluator = startEvaluator(t, redis, answers, { evaluationTimeoutMs: 100 });
  await until(async () => (await evaluator.ruleHealth()).some((it) => it.evaluated !== undefined));
  t.match(await evaluator.ruleHealth(), [{ evaluated: { error: /no answer within 100 ms/ } }]);
  const startMs = systemClock.monotonicMs();
  await evaluator.stop();
  await evaluator.stop();
  t.ok(systemClock.monotonicMs() - startMs < 5_000);
});

t.test('an evaluator starts and stops although there is no Redis', async (t) => {
  const answers = answersWith(30);
  const evaluator = hastyEvaluator({ redisUrl: 'unix:///nowhere/r.sock', query: answers.query });
  t.teardown(() => evaluator.stop());
  evaluator.start();
  await systemClock.sleep(200);
  await evaluator.stop();
  t.equal(answers.asked(), 0);
});

t.test('a group that begins in the middle of its interval is not late', async (t) => {
  const redis = await startRedis(t);
  const answers = answersWith(3);
  const lags: number[] = [];
  const meter: Meter = {
    ...noopMeter,
    histogram: (name) => (value) => void (name === 'tocsin_evaluate_lag' && lags.push(value)),
  };
  // The slot it begins with lies up to an hour back.
  const evaluator = startEvaluator(t, redis, answers, {
    groups: shopRules({ interval: '1h' }),
    meter,
  });
  await until(() => lags.length === 1);
  t.ok((lags[0] ?? Infinity) < 5, `${lags[0]} s`);
  await until(() => evaluator.lastEvaluationMs() !== undefined);
});

t.test('two rules whose alerts have the same labels are pointed out', async (t) => {
  const redis = await startRedis(t);
  const answers = answersWith(30);
  const warned: unknown[] = [];
  const rule =
    '{alert: Same, signals: {n: {sql: "SELECT * FROM numbers_told", over: 1m}}, when: n > 10}';
  const evaluator = startEvaluator(t, redis, answers, {
    groups: rulesOf(`groups: [{name: g, interval: 200ms, rules: [${rule}, ${rule}]}]`),
    log: { ...silentLog, warn: (event) => void warned.push(event) },
  });
  await until(async () => (await evaluator.alerts()).length === 2);
  t.strictSame(warned, ['rules_share_alert']);
});
