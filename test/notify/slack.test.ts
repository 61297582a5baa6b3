import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { httpRequest } from '../../src/lib/http-client.ts';
import { silentLog } from '../../src/lib/log.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { SlackChannel } from '../../src/model/alerting.ts';
import type { DeliveryOutcome } from '../../src/model/notification.ts';
import { createSlackChannel } from '../../src/notify/slack-channel.ts';
import { firingNotification, resolvedNotification, testSignal } from '../support/notifications.ts';
import { startSlack, type TestSlack } from '../support/slack.ts';

const parts = {
  http: httpRequest,
  clock: systemClock,
  log: silentLog,
  externalUrl: 'http://tocsin.example:9900',
};
const base = { type: 'slack', sendResolved: true, sendAcknowledged: true } as const;

const bot = (slack: TestSlack, changes: Partial<SlackChannel> = {}) =>
  createSlackChannel(
    {
      ...base,
      botToken: new Secret(slack.token),
      botApiUrl: slack.apiUrl,
      channel: '#pay',
      ...changes,
    },
    parts,
  );

const incoming = (slack: TestSlack) =>
  createSlackChannel({ ...base, apiUrl: new Secret(slack.webhookUrl), channel: '#pay' }, parts);

const referenceOf = (outcome: DeliveryOutcome): string | undefined =>
  outcome.kind === 'delivered' ? outcome.reference : undefined;

t.test('a bot posts, then replies in the thread and turns the first message green', async (t) => {
  const slack = await startSlack(t);
  const firing = await bot(slack)(firingNotification(), testSignal());
  t.match(firing, { kind: 'delivered', reference: 'C0123456/1700000000.000001' });
  t.equal(slack.messages[0]?.attachments[0]?.color, '#d92d20');
  const outcome = await bot(slack)(resolvedNotification(referenceOf(firing)), testSignal());
  t.equal(outcome.kind, 'delivered');
  t.strictSame(slack.refused, []);
  t.match(slack.messages, [
    { text: /^\[RESOLVED:critical\] CheckoutSlow/, attachments: [{ color: '#2e9e5b' }] },
    { text: /^\[RESOLVED:critical\]/, threadTs: '1700000000.000001' },
  ]);
});

t.test(
  'a severity that rises is shown in thread and channel, and by the first message',
  async (t) => {
    const slack = await startSlack(t);
    const warning = firingNotification();
    const firing = await bot(slack)(
      { ...warning, alert: { ...warning.alert, labels: { severity: 'warning' } } },
      testSignal(),
    );
    t.equal(slack.messages[0]?.attachments[0]?.color, '#f5a524');
    const reference = referenceOf(firing);
    const thread = { id: warning.id, ...(reference !== undefined && { reference }) };
    const raised = { ...warning, id: 'n-1-raised-1-0', reason: 'severity raised', thread };
    t.match(await bot(slack)(raised, testSignal()), { kind: 'delivered' });
    t.strictSame(slack.refused, []);
    t.match(slack.messages, [
      { text: /^\[FIRING:critical\]/, attachments: [{ color: '#d92d20' }] },
      { text: /^\[FIRING:critical\]/, threadTs: '1700000000.000001', broadcast: true },
    ]);
  },
);

t.test('without a known first message the end is posted by itself', async (t) => {
  const slack = await startSlack(t);
  t.match(await bot(slack)(resolvedNotification(), testSignal()), { kind: 'delivered' });
  t.equal(slack.messages[0]?.threadTs, undefined);
});

t.test('when the first message was deleted the end is posted by itself', async (t) => {
  const slack = await startSlack(t);
  const gone = resolvedNotification('C0123456/1600000000.000001');
  t.match(await bot(slack)(gone, testSignal()), { kind: 'delivered' });
  t.strictSame(slack.refused, ['thread_not_found']);
  t.match(slack.messages, [{ text: /^\[RESOLVED/, threadTs: undefined }]);
});

t.test('a first message that cannot be recoloured does not repeat its end', async (t) => {
  const slack = await startSlack(t, {
    answer: (method) => (method === 'chat.update' ? { status: 500 } : undefined),
  });
  const firing = await bot(slack)(firingNotification(), testSignal());
  const outcome = await bot(slack)(resolvedNotification(referenceOf(firing)), testSignal());
  t.match(outcome, { kind: 'delivered', answer: /not recoloured/ });
});

t.test('an incoming webhook takes the same message', async (t) => {
  const slack = await startSlack(t);
  t.match(await incoming(slack)(firingNotification(), testSignal()), { kind: 'delivered' });
  t.strictSame(slack.refused, []);
  t.equal(slack.of('FIRING', 'CheckoutSlow').length, 1);
});

t.test('rate limits say when to come back, and nobody else retries meanwhile', async (t) => {
  let attempts = 0;
  const slack = await startSlack(t, {
    answer: () => {
      attempts += 1;
      return { status: 429, headers: { 'retry-after': '30' } };
    },
  });
  const limited = { kind: 'retry', reason: 'rate-limited', retryAfterMs: 30_000 };
  t.match(await bot(slack)(firingNotification(), testSignal()), limited);
  t.match(await incoming(slack)(firingNotification(), testSignal()), limited);
  t.equal(attempts, 2);
});

t.test('errors that need a person are refused, passing ones are not', async (t) => {
  const slack = await startSlack(t);
  const wrong = bot(slack, { botToken: new Secret('xoxb-wrong') });
  const outcome = await wrong(firingNotification(), testSignal());
  t.match(outcome, { kind: 'refused', reason: 'invalid_auth' });
  t.notMatch(JSON.stringify(outcome), 'xoxb-wrong');
  const nowhere = bot(slack, { channel: '' });
  t.match(await nowhere(firingNotification(), testSignal()), {
    kind: 'refused',
    reason: 'channel_not_found',
  });
  const body = JSON.stringify({ ok: false, error: 'internal_error' });
  const shaky = await startSlack(t, { answer: () => ({ status: 200, body }) });
  t.match(await bot(shaky)(firingNotification(), testSignal()), {
    kind: 'retry',
    reason: 'internal_error',
  });
});

t.test('server errors, garbage and silence may pass', async (t) => {
  const failing = await startSlack(t, { answer: () => ({ status: 502, body: 'bad gateway' }) });
  t.match(await bot(failing)(firingNotification(), testSignal()), { kind: 'retry' });
  t.match(await incoming(failing)(firingNotification(), testSignal()), { kind: 'retry' });
  const garbage = await startSlack(t, { answer: () => ({ status: 200, body: '<html>' }) });
  t.match(await bot(garbage)(firingNotification(), testSignal()), { kind: 'retry' });
  const hanging = await startSlack(t, { answer: () => 'hang' });
  t.match(await bot(hanging)(firingNotification(), AbortSignal.timeout(50)), {
    kind: 'retry',
    reason: 'http-aborted',
  });
});
