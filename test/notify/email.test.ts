import t from 'tap';
import { Secret } from '../../src/lib/secret.ts';
import type { EmailChannel } from '../../src/model/alerting.ts';
import { createEmailChannel } from '../../src/notify/email.ts';
import { firingNotification, resolvedNotification, testSignal } from '../support/notifications.ts';
import { startSmtp, type TestSmtp } from '../support/smtp.ts';

const channelTo = (smtp: Pick<TestSmtp, 'address'>, changes: Partial<EmailChannel> = {}) =>
  createEmailChannel(
    {
      type: 'email',
      to: ['oncall@example.com', 'Boss <boss@example.com>'],
      from: 'Tocsin <tocsin@example.com>',
      smarthost: smtp.address,
      requireTls: false,
      verifyTls: true,
      headers: {},
      sendResolved: true,
      sendAcknowledged: true,
      ...changes,
    },
    { externalUrl: 'http://tocsin.example:9900' },
  );

t.test('a mail says in its subject what happens, in text and in HTML', async (t) => {
  const smtp = await startSmtp(t);
  const outcome = await channelTo(smtp)(firingNotification(), testSignal());
  t.match(outcome, { kind: 'delivered', answer: /^250/, reference: /@example\.com>$/ });
  const [mail] = smtp.messages;
  t.match(mail, {
    subject: '[FIRING:critical] CheckoutSlow checkout /pay',
    text: /p99 is 812 ms on \/pay/,
    html: /<a href="https:\/\/runbooks\.example\.com\/checkout-slow">Runbook<\/a>/,
    to: ['oncall@example.com', 'boss@example.com'],
    headers: {
      'x-tocsin-kind': 'firing',
      'x-tocsin-severity': 'critical',
      'x-tocsin-alert': '00000000000000aa-mk1abc',
      'auto-submitted': 'auto-generated',
    },
  });
  t.match(mail?.headers['content-type'], /^multipart\/alternative/);
});

t.test('the end stands in the thread of the first mail', async (t) => {
  const smtp = await startSmtp(t);
  await channelTo(smtp)(firingNotification(), testSignal());
  await channelTo(smtp)(resolvedNotification(), testSignal());
  const [first, last] = smtp.messages.map((it) => it.headers);
  t.equal(first?.['message-id'], `<${firingNotification().id}@example.com>`);
  t.equal(first?.['in-reply-to'], undefined);
  t.equal(last?.['in-reply-to'], first?.['message-id']);
  t.equal(last?.['references'], first?.['message-id']);
  t.not(last?.['message-id'], first?.['message-id']);
});

t.test('a repeated attempt is the same mail to the letter', async (t) => {
  const smtp = await startSmtp(t);
  const send = channelTo(smtp);
  await send(firingNotification(), testSignal());
  await send(firingNotification(), testSignal());
  const [one, two] = smtp.messages.map((it) => it.headers);
  t.equal(one?.['message-id'], two?.['message-id']);
  t.equal(one?.['date'], two?.['date']);
});

t.test('configured headers are added', async (t) => {
  const smtp = await startSmtp(t);
  await channelTo(smtp, { headers: { 'X-Team': 'payments' } })(firingNotification(), testSignal());
  t.equal(smtp.messages[0]?.headers['x-team'], 'payments');
});

t.test('it logs in over STARTTLS, which is demanded', async (t) => {
  const smtp = await startSmtp(t, { security: 'starttls', user: 'tocsin', password: 'pass word' });
  const send = channelTo(smtp, {
    username: 'tocsin',
    password: new Secret('pass word'),
    requireTls: true,
    verifyTls: false,
  });
  t.match(await send(firingNotification(), testSignal()), { kind: 'delivered' });
  t.match(smtp.messages[0], { secure: true, user: 'tocsin' });
});

t.test('a certificate nobody vouches for is not trusted', async (t) => {
  const smtp = await startSmtp(t, { security: 'starttls' });
  const outcome = await channelTo(smtp, { requireTls: true })(firingNotification(), testSignal());
  t.match(outcome, { kind: 'retry', answer: /certificate/i });
  t.equal(smtp.messages.length, 0);
});

t.test('a server without STARTTLS gets no mail where TLS is demanded', async (t) => {
  const smtp = await startSmtp(t);
  const outcome = await channelTo(smtp, { requireTls: true })(firingNotification(), testSignal());
  t.equal(outcome.kind, 'refused');
  t.equal(smtp.messages.length, 0);
});

t.test('a wrong password is refused and stands in no outcome', async (t) => {
  const smtp = await startSmtp(t, { user: 'tocsin', password: 'right' });
  const send = channelTo(smtp, { username: 'tocsin', password: new Secret('wrong-secret') });
  const outcome = await send(firingNotification(), testSignal());
  t.match(outcome, { kind: 'refused', reason: 'smtp-535' });
  t.notMatch(JSON.stringify(outcome), 'wrong-secret');
});

t.test('4xx may pass, 5xx will not', async (t) => {
  const statuses = [451, 554];
  const smtp = await startSmtp(t, { refuse: () => statuses.shift() });
  const send = channelTo(smtp);
  t.match(await send(firingNotification(), testSignal()), { kind: 'retry', reason: 'smtp-451' });
  t.match(await send(firingNotification(), testSignal()), { kind: 'refused', reason: 'smtp-554' });
});

t.test('nobody there and being stopped may pass', async (t) => {
  const nobody = channelTo({ address: '127.0.0.1:1' });
  t.match(await nobody(firingNotification(), testSignal()), { kind: 'retry' });
  const smtp = await startSmtp(t);
  t.match(await channelTo(smtp)(firingNotification(), AbortSignal.abort()), { kind: 'retry' });
  t.equal(smtp.messages.length, 0);
});
