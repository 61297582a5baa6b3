import t from 'tap';
import { redisKeys } from '../../src/model/keys.ts';
import { parseMatchers } from '../../src/model/matcher-syntax.ts';
import { alertingWith } from '../support/alerts.ts';
import { hastyEvaluator } from '../support/evaluator.ts';
import { startNotifier, webhookReceiver } from '../support/notifier.ts';
import { createAnswers, rulesOf } from '../support/rules.ts';
import { until } from '../support/until.ts';
import { startWebhook, type TestWebhook } from '../support/webhook.ts';

const briefly = (webhook: TestWebhook): readonly string[] =>
  webhook.messages.map(
    ({ body }) => `${body.status} ${body.commonLabels['severity']}: ${body.notification_reason}`,
  );

const rules = `
groups:
  - name: shop
    interval: 200ms
    rules:
      - alert: TooMany
        signals: {n: {sql: "SELECT * FROM numbers_told", over: 1m}}
        severities: {warning: n > 10, critical: n > 20}
`;

t.test('from rule to receivers: a warning becomes critical, calms down and ends', async (t) => {
  const team = await startWebhook(t);
  const pager = await startWebhook(t);
  const critical = parseMatchers('severity=critical') ?? [];
  const alerting = alertingWith({
    route: {
      receiver: 'team',
      matchers: [],
      continue: false,
      routes: [{ receiver: 'pager', matchers: critical, continue: false, routes: [] }],
    },
    receivers: [webhookReceiver('team', team.url), webhookReceiver('pager', pager.url)],
  });
  const answers = createAnswers();
  const say = (value: number) => answers.set('numbers_told', [{ service: 'pay', value }]);
  say(11);
  const { notifier, server, redis, rows } = await startNotifier(t, {
    alerting,
    readAlerts: () => evaluator.alerts(),
  });
  const evaluator = hastyEvaluator({
    redisUrl: server.url,
    query: answers.query,
    groups: rulesOf(rules),
    onCommitted: () => notifier.poke(),
  });
  t.teardown(() => evaluator.stop());
  evaluator.start();
  const severity = async () => (await evaluator.alerts())[0]?.labels['severity'];

  await until(() => team.messages.length === 1);
  say(21);
  await until(() => team.messages.length === 2 && pager.messages.length === 1);
  say(11);
  await until(async () => (await severity()) === 'warning');
  const asked = answers.asked();
  await until(() => answers.asked() > asked + 2);
  say(1);
  await until(() => team.messages.length === 3 && pager.messages.length === 2);
  await until(async () => (await redis.xlen(redisKeys.outbox)) === 0);

  t.strictSame(briefly(team), [
    'firing warning: first notification',
    'firing critical: severity raised',
    'resolved warning: resolved',
  ]);
  t.strictSame(briefly(pager), ['firing critical: severity raised', 'resolved warning: resolved']);
  await until(() => rows.get('alert_events')?.length === 4);
  t.strictSame(
    rows.get('alert_events')?.map((it) => [it['Change'], it['Severity'], it['Reason']].join(' ')),
    [
      'fired warning condition-holds',
      'changed critical severity-raised',
      'changed warning severity-lowered',
      'resolved warning cleared',
    ],
  );
});
