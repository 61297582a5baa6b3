import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Alert } from '../../src/model/alert.ts';
import { redisKeys } from '../../src/model/keys.ts';
import { parseMatchers } from '../../src/model/matcher-syntax.ts';
import { alertingWith, firingAlert, resolvedAlert } from '../support/alerts.ts';
import { recordOf, startNotifier, webhookReceiver } from '../support/notifier.ts';
import { until } from '../support/until.ts';
import { startWebhook, type TestWebhook } from '../support/webhook.ts';

const quietMs = 220;
const graded = (severity: string, rank: number, changes: number): Alert => {
  const plain = firingAlert('00000000000000aa-mk1abc', { grade: { rank, changes } });
  return { ...plain, labels: { ...plain.labels, severity } };
};
const warning = graded('warning', 0, 0);
const critical = graded('critical', 1, 1);

const briefly = (webhook: TestWebhook): readonly string[] =>
  webhook.messages.map(
    ({ body }) => `${body.status} ${body.commonLabels['severity']}: ${body.notification_reason}`,
  );

const startRouted = async (t: Test) => {
  const team = await startWebhook(t);
  const pager = await startWebhook(t);
  const alerting = alertingWith({
    route: {
      receiver: 'team',
      matchers: [],
      continue: false,
      routes: [
        {
          receiver: 'pager',
          matchers: parseMatchers('severity=critical') ?? [],
          continue: false,
          routes: [],
        },
      ],
    },
    receivers: [webhookReceiver('team', team.url), webhookReceiver('pager', pager.url)],
  });
  return { team, pager, alerting };
};

t.test('a warning that becomes critical pages once, through replays and restarts', async (t) => {
  const { team, pager, alerting } = await startRouted(t);
  const first = await startNotifier(t, { alerting });
  await first.transit('fired', warning);
  await until(() => team.messages.length === 1);
  t.strictSame(pager.messages, []);
  await first.transit('changed', critical);
  await until(() => pager.messages.length === 1 && team.messages.length === 2);
  await first.notifier.stop();

  // As after a crash before the records were taken out; the evaluator's view arrives as well.
  for (const it of [warning, critical]) {
    await first.redis.xadd(redisKeys.outbox, '*', 'record', recordOf('changed', it));
  }
  const readAlerts = async () => [critical];
  const next = await startNotifier(t, { alerting, redis: first.server, readAlerts });
  await until(async () => (await next.redis.xlen(redisKeys.outbox)) === 0);
  await sleep(quietMs);
  await next.transit('resolved', resolvedAlert(critical));
  await until(() => pager.messages.length === 2 && team.messages.length === 3);
  t.strictSame(briefly(team), [
    'firing warning: first notification',
    'firing critical: severity raised',
    'resolved critical: resolved',
  ]);
  t.strictSame(briefly(pager), ['firing critical: severity raised', 'resolved critical: resolved']);
  t.strictSame([team.refused, pager.refused], [[], []]);
});

t.test('a lost rise is told by reconciliation, and one under a silence at its end', async (t) => {
  const { team, pager, alerting } = await startRouted(t);
  let live = warning;
  const { transit, notifier } = await startNotifier(t, {
    alerting,
    readAlerts: async () => [live],
  });
  await transit('fired', warning);
  await until(() => team.messages.length === 1);
  const silence = await notifier.silences.add({
    matchers: parseMatchers('service_name=checkout') ?? [],
    endsAtMs: Date.now() + 60_000,
    by: 'ana',
    comment: '',
  });
  live = critical;
  await sleep(quietMs);
  t.strictSame([team.messages.length, pager.messages.length], [1, 0]);
  await notifier.silences.expire(silence.id);
  await until(() => team.messages.length === 2 && pager.messages.length === 1);
  await sleep(quietMs);
  t.strictSame(briefly(pager), ['firing critical: severity raised']);
  t.equal(team.messages.length, 2);
});
