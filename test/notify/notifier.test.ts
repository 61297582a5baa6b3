import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Secret } from '../../src/lib/secret.ts';
import { redisKeys, redisPrefix } from '../../src/model/keys.ts';
import { parseMatchers } from '../../src/model/matcher-syntax.ts';
import { alertingWith, firingAlert, resolvedAlert } from '../support/alerts.ts';
import { recordOf, startNotifier, webhookReceiver } from '../support/notifier.ts';
import { until } from '../support/until.ts';
import { startWebhook, type TestWebhook } from '../support/webhook.ts';

const alert = firingAlert('00000000000000aa-mk1abc');
const matchers = parseMatchers('service_name=checkout') ?? [];

/** Long enough for several turns of relay and reconciliation, to see that nothing comes. */
const quietMs = 220;

const kindsOf = (webhook: TestWebhook): readonly string[] =>
  webhook.messages.map((it) => it.body.tocsin.kind);

const outboxEmpty = (redis: { xlen: (key: string) => Promise<number> }) => async () =>
  (await redis.xlen(redisKeys.outbox)) === 0;

t.test('an alert that fires and resolves is told once each, and history is kept', async (t) => {
  const webhook = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const { transit, redis, rows } = await startNotifier(t, { alerting });
  await transit('pending', { ...alert, phase: 'pending' });
  await transit('fired', alert);
  await until(() => webhook.messages.length === 1);
  await transit('resolved', resolvedAlert(alert));
  await until(() => webhook.messages.length === 2);
  await sleep(quietMs);
  t.strictSame(kindsOf(webhook), ['firing', 'resolved']);
  t.ok(await outboxEmpty(redis)());
  await until(() => rows.get('notification_log')?.length === 4);
  t.strictSame(
    rows.get('alert_events')?.map((it) => it['Change']),
    ['pending', 'fired', 'resolved'],
  );
  t.strictSame(
    rows.get('notification_log')?.map((it) => [it['Kind'], it['Outcome'], it['Attempt']]),
    [
      ['firing', 'decided', 0],
      ['firing', 'delivered', 1],
      ['resolved', 'decided', 0],
      ['resolved', 'delivered', 1],
    ],
  );
});

// SigNoz#12891, and Alertmanager's 429: neither the beginning nor the end may be lost.
t.test('a refused first attempt does not let the end overtake the beginning', async (t) => {
  const webhook = await startWebhook(t, {
    answer: (body, attempt) =>
      body.status === 'firing' && attempt === 1
        ? { status: 429, headers: { 'retry-after': '1' } }
        : undefined,
  });
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const { transit, rows } = await startNotifier(t, { alerting });
  const startedMs = performance.now();
  await transit('fired', alert);
  await until(() => webhook.attempts.length === 1);
  await transit('resolved', resolvedAlert(alert));
  await until(() => webhook.messages.length === 2);
  t.strictSame(kindsOf(webhook), ['firing', 'resolved']);
  t.ok(performance.now() - startedMs >= 1_000, 'Retry-After was honoured');
  await until(() => rows.get('notification_log')?.length === 5);
  t.match(
    rows.get('notification_log')?.filter((it) => it['Outcome'] === 'retry'),
    [{ Attempt: 1, Error: 'rate-limited', Answer: '429' }],
  );
});

t.test('a silenced alert tells nobody; when its silence is expired it is told', async (t) => {
  const webhook = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const { transit, notifier, redis, rows } = await startNotifier(t, { alerting });
  const silence = await notifier.silences.add({
    matchers,
    endsAtMs: Date.now() + 60_000,
    by: 'ana',
    comment: 'deploy',
  });
  await transit('fired', alert);
  await until(outboxEmpty(redis));
  await sleep(quietMs);
  t.strictSame(webhook.messages, []);
  const view = (await notifier.view([alert])).get(alert.id);
  t.match(view, { suppressed: [{ kind: 'silenced', by: silence.id }], told: [] });
  await notifier.silences.expire(silence.id);
  await until(() => webhook.messages.length === 1);
  t.equal(webhook.messages[0]?.body.notification_reason, 'silence ended');
  await until(() => rows.get('notification_log')?.length === 3);
  t.match(rows.get('notification_log')?.[0], { Outcome: 'skipped', Reason: 'silenced' });
});

t.test('a silence that ends by itself lets the alert be told', async (t) => {
  const webhook = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const { transit, notifier } = await startNotifier(t, {
    alerting,
    limits: { reconcileEveryMs: 60_000 },
  });
  const endsAtMs = Date.now() + 400;
  await notifier.silences.add({ matchers, endsAtMs, by: 'ana', comment: '' });
  await transit('fired', alert);
  await until(() => webhook.messages.length === 1);
  t.ok(Date.now() >= endsAtMs);
});

// Alertmanager#226: resolved through a silence.
t.test('a silence set while an alert fires does not swallow its end', async (t) => {
  const webhook = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const { transit, notifier } = await startNotifier(t, { alerting });
  await transit('fired', alert);
  await until(() => webhook.messages.length === 1);
  const endsAtMs = Date.now() + 60_000;
  await notifier.silences.add({ matchers, endsAtMs, by: 'ana', comment: '' });
  await transit('resolved', resolvedAlert(alert));
  await until(() => webhook.messages.length === 2);
  t.strictSame(kindsOf(webhook), ['firing', 'resolved']);
});

const policy = {
  name: 'policy',
  repeat: 0,
  levels: [
    { afterMs: 0, notify: ['team'] },
    { afterMs: 300, notify: ['boss'] },
  ],
};

t.test('an unacknowledged alert escalates once, and both levels hear its end', async (t) => {
  const team = await startWebhook(t);
  const boss = await startWebhook(t);
  const alerting = alertingWith({
    receivers: [webhookReceiver('team', team.url), webhookReceiver('boss', boss.url)],
    escalationPolicies: [policy],
  });
  // Reconciliation is far away: it is the timer that escalates.
  const limits = { reconcileEveryMs: 60_000 };
  const { transit, notifier } = await startNotifier(t, { alerting, limits });
  const escalating = { ...alert, escalation: 'policy' };
  const startedMs = performance.now();
  await transit('fired', escalating);
  await until(() => boss.messages.length === 1);
  t.ok(performance.now() - startedMs >= 300);
  await sleep(quietMs);
  t.strictSame([kindsOf(team), kindsOf(boss)], [['firing'], ['escalated']]);
  t.equal((await notifier.view([alert])).get(alert.id)?.escalationLevel, 1);
  await transit('resolved', resolvedAlert(escalating));
  await until(() => boss.messages.length === 2 && team.messages.length === 2);
  t.strictSame([kindsOf(team)[1], kindsOf(boss)[1]], ['resolved', 'resolved']);
});

t.test('an acknowledged alert does not escalate, and those told hear who took it', async (t) => {
  const team = await startWebhook(t);
  const boss = await startWebhook(t);
  const alerting = alertingWith({
    receivers: [webhookReceiver('team', team.url), webhookReceiver('boss', boss.url)],
    escalationPolicies: [policy],
  });
  const { transit, notifier } = await startNotifier(t, { alerting });
  await transit('fired', { ...alert, escalation: 'policy' });
  await until(() => team.messages.length === 1);
  await notifier.acknowledge(alert.id, 'ana');
  await until(() => team.messages.length === 2);
  t.match(team.messages[1]?.body.tocsin, { kind: 'acknowledged', acknowledged_by: 'ana' });
  await sleep(300 + quietMs);
  t.strictSame(boss.messages, []);
  t.match((await notifier.view([alert])).get(alert.id)?.acknowledged, { by: 'ana' });
  t.match(await notifier.acknowledgements(), [{ alertId: alert.id, by: 'ana' }]);
  await t.rejects(notifier.acknowledge('nobody-1', 'ana'), { code: 'ERR_ALERT_UNKNOWN' });
});

t.test('what cannot be delivered goes to the fallback and to the dead letters', async (t) => {
  let broken = true;
  const team = await startWebhook(t, { answer: () => (broken ? { status: 500 } : undefined) });
  const fallback = await startWebhook(t);
  const alerting = alertingWith({
    receivers: [webhookReceiver('team', team.url), webhookReceiver('fallback', fallback.url)],
    fallbackReceiver: 'fallback',
  });
  const { transit, notifier, rows } = await startNotifier(t, { alerting });
  await transit('fired', alert);
  await until(() => fallback.messages.length === 1);
  t.equal(team.attempts.length, 4, 'all attempts were made');
  t.match(fallback.messages[0]?.body.notification_reason, /^fallback: team could not be told/);
  await until(async () => (await notifier.deadLetters.list()).length === 1);
  t.match(await notifier.deadLetters.list(), [
    { reason: 'status-500', attempts: 4, delivery: { notification: { receiver: 'team' } } },
  ]);
  await until(() => rows.get('notification_log')?.some((it) => it['Outcome'] === 'dead') === true);

  broken = false;
  t.equal(await notifier.deadLetters.retry(), 1);
  await until(() => team.messages.length === 1);
  t.equal(new Set(team.attempts).size, 1, 'under the same webhook-id');
  t.strictSame(await notifier.deadLetters.list(), []);
  t.equal(fallback.messages.length, 1);
});

t.test('what is refused is not tried again, and dropped letters are gone', async (t) => {
  const team = await startWebhook(t, { answer: () => ({ status: 410 }) });
  const alerting = alertingWith({ receivers: [webhookReceiver('team', team.url)] });
  const { transit, notifier } = await startNotifier(t, { alerting });
  await transit('fired', alert);
  await until(async () => (await notifier.deadLetters.list()).length === 1);
  await transit('resolved', resolvedAlert(alert));
  await sleep(quietMs);
  t.equal(team.attempts.length, 1, 'whoever refused the beginning is not told the end');
  t.equal(await notifier.deadLetters.drop(), 1);
  t.strictSame(await notifier.deadLetters.list(), []);
});

// Alertmanager#4108: replicas and their retries made duplicates.
t.test('two notifiers on one Redis tell everything once', async (t) => {
  const webhook = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const one = await startNotifier(t, { alerting });
  await startNotifier(t, { alerting, redis: one.server, insertRows: one.insertRows });
  const alerts = Array.from({ length: 40 }, (_, i) => firingAlert(`00000000000000${i}-mk1abc`));
  for (const it of alerts) await one.transit('fired', it);
  for (const it of alerts) await one.transit('resolved', resolvedAlert(it));
  await until(() => webhook.messages.length >= 80);
  await sleep(quietMs);
  t.equal(webhook.messages.length, 80);
  t.equal(new Set(webhook.attempts).size, 80);
  for (const it of alerts) {
    const kinds = webhook.messages
      .filter((message) => message.body.tocsin['alert_id'] === it.id)
      .map((message) => message.body.status);
    t.strictSame(kinds, ['firing', 'resolved']);
  }
  const events = () => one.rows.get('alert_events') ?? [];
  await until(() => events().length >= 80);
  t.equal(new Set(events().map((it) => it['TransitionId'])).size, 80);
  t.equal(events().length, 80, 'history has each transition once');
});

t.test(
  'records that come back after a crash before they were taken out tell nothing new',
  async (t) => {
    const webhook = await startWebhook(t);
    const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
    const { transit, redis, notifier } = await startNotifier(t, { alerting });
    await transit('fired', alert);
    await transit('resolved', resolvedAlert(alert));
    await until(() => webhook.messages.length === 2);
    for (const kind of ['fired', 'resolved'] as const) {
      const it = kind === 'fired' ? alert : resolvedAlert(alert);
      await redis.xadd(redisKeys.outbox, '*', 'record', recordOf(kind, it));
    }
    notifier.poke();
    await until(outboxEmpty(redis));
    await sleep(quietMs);
    t.equal(webhook.attempts.length, 2);
  },
);

t.test(
  'a message that was delivered is not sent again when all else has forgotten it',
  async (t) => {
    const webhook = await startWebhook(t);
    const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
    const { transit, redis } = await startNotifier(t, { alerting });
    await transit('fired', alert);
    const settled = redisKeys.settled(alert.id);
    await until(async () => (await redis.hlen(settled)) === 1);
    const [id] = await redis.hkeys(settled);
    const job = `${redisPrefix}:notify-webhook:${id}`;
    await until(async () => (await redis.hexists(job, 'finishedOn')) === 1);
    await redis.del(job, redisKeys.told);
    await transit('fired', alert);
    await until(async () => (await redis.hexists(job, 'finishedOn')) === 1);
    t.equal(webhook.attempts.length, 1);
  },
);

t.test('what was owed when the process died is handed over by the next one', async (t) => {
  const webhook = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const first = await startNotifier(t, { alerting });
  await first.transit('fired', alert);
  await until(() => webhook.messages.length === 1);
  await first.notifier.stop();
  // As after a crash between the decision and the queue: owed, and no job.
  const told = JSON.parse((await first.redis.hget(redisKeys.told, alert.id)) ?? '{}');
  const id = told.destinations[0].firstId;
  const notification = {
    ...{ id: `${id.replace('firing', 'escalated-0-1')}`, kind: 'escalated', reason: 'owed' },
    ...{ receiver: 'team', channelIndex: 0, alert, escalationLevel: 1, createdAtMs: Date.now() },
  };
  const owed = [{ channel: 'webhook', notification }];
  await first.redis.hset(redisKeys.told, alert.id, JSON.stringify({ ...told, owed }));
  await startNotifier(t, { alerting, redis: first.server });
  await until(() => webhook.messages.length === 2);
  await sleep(quietMs);
  t.strictSame(kindsOf(webhook), ['firing', 'escalated']);
});

t.test('a firing alert whose transition was lost is told by reconciliation, once', async (t) => {
  const webhook = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  await startNotifier(t, { alerting, readAlerts: async () => [alert] });
  await until(() => webhook.messages.length === 1);
  await sleep(quietMs);
  t.strictSame(kindsOf(webhook), ['firing']);
});

t.test(
  'without ClickHouse notifications go on, and history is stored when it is back',
  async (t) => {
    let away = true;
    const stored: unknown[] = [];
    const webhook = await startWebhook(t);
    const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
    const { transit } = await startNotifier(t, {
      alerting,
      insertRows: async (_table, rows) => {
        if (away) throw new Error('away');
        stored.push(...rows);
      },
    });
    await transit('fired', alert);
    await until(() => webhook.messages.length === 1);
    await sleep(quietMs);
    away = false;
    await until(() => stored.length === 3);
  },
);

t.test('a reloaded file applies to what comes', async (t) => {
  const before = await startWebhook(t);
  const after = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', before.url)] });
  const { transit, notifier } = await startNotifier(t, { alerting });
  notifier.reload({ ...alerting, receivers: [webhookReceiver('team', after.url)] });
  await transit('fired', alert);
  await until(() => after.messages.length === 1);
  t.strictSame(before.messages, []);
});

t.test('a test message goes to every channel at once and says what came of it', async (t) => {
  const webhook = await startWebhook(t);
  const [channel] = webhookReceiver('team', webhook.url).channels;
  const [nobody] = webhookReceiver('team', 'http://127.0.0.1:1/secret').channels;
  const channels = [channel, nobody].filter((it) => it !== undefined);
  const alerting = alertingWith({ receivers: [{ name: 'team', channels }] });
  const { notifier } = await startNotifier(t, { alerting, start: false });
  const results = await notifier.sendTest('team');
  t.match(results, [
    { channel: 'webhook', channelIndex: 0, outcome: { kind: 'delivered' } },
    { channelIndex: 1, destination: '127.0.0.1:1', outcome: { kind: 'retry' } },
  ]);
  t.notMatch(JSON.stringify(results), 'secret');
  t.strictSame(kindsOf(webhook), ['test']);
  await t.rejects(notifier.sendTest('ghost'), { code: 'ERR_RECEIVER_UNKNOWN' });
});

t.test('an unreadable record is dropped loudly and holds nothing up', async (t) => {
  const webhook = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const { transit, redis } = await startNotifier(t, { alerting });
  await redis.xadd(redisKeys.outbox, '*', 'record', 'no JSON');
  await transit('fired', alert);
  await until(() => webhook.messages.length === 1);
  await until(outboxEmpty(redis));
});

t.test('a Redis that is full for a while delays messages and loses none', async (t) => {
  const webhook = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const limits = { lockDurationMs: 1_000, stalledIntervalMs: 500 };
  const { transit, redis } = await startNotifier(t, { alerting, limits });
  for (const n of [1, 2, 3]) await transit('fired', firingAlert(`${n}a-mk1abc`));
  await redis.config('SET', 'maxmemory', '1mb');
  await sleep(quietMs);
  await redis.config('SET', 'maxmemory', '0');
  for (const n of [1, 2, 3]) await transit('resolved', resolvedAlert(firingAlert(`${n}a-mk1abc`)));
  await until(() => new Set(webhook.attempts).size === 6);
  t.strictSame(webhook.refused, []);
});

t.test('an alert too large for a queue is told with its texts cut', async (t) => {
  const webhook = await startWebhook(t);
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const { transit } = await startNotifier(t, { alerting });
  const annotations = { summary: 'x'.repeat(1_000_000), description: '√'.repeat(1_000_000) };
  await transit('fired', { ...alert, annotations });
  await until(() => webhook.messages.length === 1);
  t.ok((webhook.messages[0]?.text.length ?? 0) < 40_000);
});

t.test('a mistake of ours in a channel is an attempt, and the fallback is told', async (t) => {
  const fallback = await startWebhook(t);
  const [broken] = webhookReceiver('team', 'http://127.0.0.1:1/').channels;
  if (broken?.type !== 'webhook') throw new Error('no webhook');
  const reveal = () => {
    throw new TypeError('a mistake');
  };
  const channel = { ...broken, signingSecret: { reveal } as unknown as Secret };
  const alerting = alertingWith({
    receivers: [{ name: 'team', channels: [channel] }, webhookReceiver('fallback', fallback.url)],
    fallbackReceiver: 'fallback',
  });
  const { transit, notifier } = await startNotifier(t, { alerting });
  await transit('fired', alert);
  await until(() => fallback.messages.length === 1);
  t.match(await notifier.deadLetters.list(), [{ reason: 'unforeseen', answer: 'a mistake' }]);
});

t.test('stopping waits for nothing and twice is harmless', async (t) => {
  const webhook = await startWebhook(t, { answer: () => 'hang' });
  const alerting = alertingWith({ receivers: [webhookReceiver('team', webhook.url)] });
  const { transit, notifier } = await startNotifier(t, { alerting });
  await transit('fired', alert);
  await until(() => webhook.attempts.length === 1);
  const startedMs = performance.now();
  await notifier.stop();
  await notifier.stop();
  t.ok(performance.now() - startedMs < 4_000);
});
