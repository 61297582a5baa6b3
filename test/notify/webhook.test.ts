import t, { type Test } from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { httpRequest } from '../../src/lib/http-client.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { WebhookChannel } from '../../src/model/alerting.ts';
import { retryAfterOf } from '../../src/notify/http-answer.ts';
import { createWebhookChannel } from '../../src/notify/webhook.ts';
import { startHttp, type TestAnswer } from '../support/http-server.ts';
import { firingNotification, testSignal } from '../support/notifications.ts';
import { startWebhook } from '../support/webhook.ts';

const prefixed = `whsec_${Buffer.from('a signing secret of 32 bytes ...').toString('base64')}`;

const channelTo = (url: string, changes: Partial<WebhookChannel> = {}) =>
  createWebhookChannel(
    {
      type: 'webhook',
      url: new Secret(url),
      timeoutMs: 5_000,
      alertsMax: 0,
      sendResolved: true,
      sendAcknowledged: true,
      ...changes,
    },
    { http: httpRequest, clock: systemClock, externalUrl: 'http://tocsin.example:9900' },
  );

for (const [name, secret] of [
  ['a whsec_ secret', prefixed],
  ['a plain secret', 'a plain secret with 30 letters'],
] as const) {
  t.test(`a request signed with ${name} holds for the standard library`, async (t) => {
    const webhook = await startWebhook(t, { secret });
    const send = channelTo(webhook.url, { signingSecret: new Secret(secret) });
    t.match(await send(firingNotification(), testSignal()), {
      kind: 'delivered',
      answer: '200 thanks',
    });
    t.strictSame(webhook.refused, []);
    t.match(webhook.messages[0], {
      id: firingNotification().id,
      body: { version: '4', status: 'firing', tocsin: { kind: 'firing' } },
    });
  });
}

t.test('a request signed with another secret does not hold', async (t) => {
  const webhook = await startWebhook(t, { secret: prefixed });
  const send = channelTo(webhook.url, { signingSecret: new Secret('another secret, also long') });
  t.match(await send(firingNotification(), testSignal()), { kind: 'refused' });
  t.equal(webhook.messages.length, 0);
});

t.test('every attempt of a notification has the same id and body', async (t) => {
  const webhook = await startWebhook(t, {
    secret: prefixed,
    answer: (_, attempt) => (attempt === 1 ? { status: 503 } : undefined),
  });
  const send = channelTo(webhook.url, { signingSecret: new Secret(prefixed) });
  t.match(await send(firingNotification(), testSignal()), { kind: 'retry' });
  t.match(await send(firingNotification(), testSignal()), { kind: 'delivered' });
  t.strictSame([webhook.refused, new Set(webhook.attempts).size], [[], 1]);
});

t.test('an authorization header is sent as configured', async (t) => {
  const seen: unknown[] = [];
  const origin = await startHttp(t, ({ headers }) => {
    seen.push(headers.authorization, headers['webhook-signature']);
    return { status: 204 };
  });
  const send = channelTo(origin, { authorization: new Secret('Bearer abc') });
  t.match(await send(firingNotification(), testSignal()), { kind: 'delivered' });
  t.strictSame(seen, ['Bearer abc', undefined]);
});

// biome-ignore format: one case per line.
const answers: readonly (readonly [answer: TestAnswer, expected: Readonly<Record<string, unknown>>])[] = [
  [{ status: 200 },                                       { kind: 'delivered' }],
  [{ status: 204 },                                       { kind: 'delivered' }],
  [{ status: 302, headers: { location: '/elsewhere' } },  { kind: 'refused', reason: 'redirected' }],
  [{ status: 400, body: 'no\n\u0007 such field' },        { kind: 'refused', reason: 'status-400', answer: '400 no such field' }],
  [{ status: 401 },                                       { kind: 'refused', reason: 'status-401' }],
  [{ status: 404 },                                       { kind: 'refused', reason: 'status-404' }],
  [{ status: 408 },                                       { kind: 'retry', reason: 'status-408' }],
  [{ status: 410 },                                       { kind: 'refused', reason: 'status-410' }],
  [{ status: 425 },                                       { kind: 'retry', reason: 'status-425' }],
  [{ status: 429, headers: { 'retry-after': '7' } },      { kind: 'retry', reason: 'rate-limited', retryAfterMs: 7_000 }],
  [{ status: 429 },                                       { kind: 'retry', reason: 'rate-limited', retryAfterMs: undefined }],
  [{ status: 500 },                                       { kind: 'retry', reason: 'status-500' }],
  [{ status: 503, headers: { 'retry-after': '1' } },      { kind: 'retry', retryAfterMs: 1_000 }],
];

for (const [answer, expected] of answers) {
  t.test(`status ${answer.status} means ${String(expected['kind'])}`, async (t) => {
    const origin = await startHttp(t, ({ path }) =>
      path === '/elsewhere' ? { status: 200 } : answer,
    );
    const outcome = await channelTo(origin)(firingNotification(), testSignal());
    t.match(outcome, expected);
    if ('retryAfterMs' in expected && expected['retryAfterMs'] === undefined) {
      t.notOk('retryAfterMs' in outcome);
    }
  });
}

t.test('no answer in time, nobody there, and being stopped may pass', async (t: Test) => {
  const origin = await startHttp(t, () => 'hang');
  const hanging = await channelTo(origin, { timeoutMs: 50 })(firingNotification(), testSignal());
  t.match(hanging, { kind: 'retry', reason: 'http-timeout' });
  const nobody = await channelTo('http://127.0.0.1:1/x')(firingNotification(), testSignal());
  t.match(nobody, { kind: 'retry', reason: 'http-unreachable' });
  const stopped = await channelTo(origin)(firingNotification(), AbortSignal.abort());
  t.match(stopped, { kind: 'retry', reason: 'http-aborted' });
});

t.test('what is secret in a URL stands in no outcome', async (t) => {
  const outcome = await channelTo('http://127.0.0.1:1/hook/very-secret')(
    firingNotification(),
    testSignal(),
  );
  t.notMatch(JSON.stringify(outcome), 'very-secret');
});

t.test('Retry-After is seconds or a date', async (t) => {
  const nowMs = Date.UTC(2026, 0, 5, 9, 0, 0);
  t.equal(retryAfterOf('120', nowMs), 120_000);
  t.equal(retryAfterOf('Mon, 05 Jan 2026 09:00:30 GMT', nowMs), 30_000);
  t.equal(retryAfterOf('Mon, 05 Jan 2026 08:00:00 GMT', nowMs), 0);
  t.equal(retryAfterOf('soon', nowMs), undefined);
  t.equal(retryAfterOf('', nowMs), undefined);
  t.equal(retryAfterOf(undefined, nowMs), undefined);
});
