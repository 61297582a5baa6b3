import t from 'tap';
import { messageOf } from '../../src/notify/message.ts';
import { renderEmail } from '../../src/notify/render-email.ts';
import { renderSlack } from '../../src/notify/render-slack.ts';
import { renderWebhook } from '../../src/notify/render-webhook.ts';
import { firingAlert } from '../support/alerts.ts';
import { matchGolden } from '../support/golden.ts';
import { firingNotification, resolvedNotification } from '../support/notifications.ts';

const externalUrl = 'http://tocsin.example:9900';
const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

for (const notification of [
  firingNotification(),
  resolvedNotification(),
  firingNotification({ kind: 'escalated', reason: 'escalation level 2', escalationLevel: 2 }),
  firingNotification({
    kind: 'acknowledged',
    reason: 'acknowledged by ana',
    acknowledgedBy: 'ana',
  }),
]) {
  t.test(`the ${notification.kind} message reads as agreed on every channel`, async (t) => {
    const { kind } = notification;
    const message = messageOf(notification, externalUrl);
    const email = renderEmail(message);
    matchGolden(t, `notify/${kind}.txt`, `${email.subject}\n\n${email.text}\n`);
    matchGolden(t, `notify/${kind}.html`, email.html);
    matchGolden(t, `notify/${kind}.slack.json`, pretty(renderSlack(message)));
    const body = renderWebhook(notification, externalUrl, message.links);
    matchGolden(t, `notify/${kind}.webhook.json`, pretty(JSON.parse(body)));
  });
}

const hostile = firingNotification({
  alert: firingAlert('aa-1', {
    labels: {
      alertname: '<script>alert("1")</script>',
      severity: 'critical',
      x: '<!channel> & co',
    },
    annotations: {
      summary: 'a <b>bold</b> claim\r\nBcc: everyone@example.com',
      evil_url: 'javascript:alert(1)',
      odd_url: 'https://example.com/?a="><script>',
    },
  }),
});

t.test('markup in labels and annotations stays text in HTML', async (t) => {
  const { html, subject } = renderEmail(messageOf(hostile, externalUrl));
  t.notMatch(html, '<script>');
  t.notMatch(html, '<b>bold');
  t.match(html, '&lt;script&gt;');
  t.notMatch(html, 'javascript:');
  t.notMatch(subject, /[\r\n]/);
});

t.test('markup in labels and annotations stays text in Slack', async (t) => {
  const text = JSON.stringify(renderSlack(messageOf(hostile, externalUrl)));
  t.notMatch(text, '<!channel>');
  t.match(text, '&lt;!channel&gt; &amp; co');
});

t.test('a message stays within every limit whatever an alert carries', async (t) => {
  const long = 'x&<'.repeat(50_000);
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`l${i}`, long]));
  const notification = firingNotification({
    reason: long,
    alert: firingAlert('aa-1', {
      labels: { alertname: long, ...many },
      annotations: { summary: long, description: long, runbook_url: `https://example.com/${long}` },
      values: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`v${i}`, i])),
    }),
  });
  const message = messageOf(notification, externalUrl);
  t.ok(message.title.length <= 180);
  const slack = renderSlack(message);
  t.ok(JSON.stringify(slack).length < 40_000);
  for (const block of slack.attachments.flatMap((it) => it.blocks)) {
    if ('text' in block) t.ok(block.text.text.length <= 3_000);
    if ('fields' in block) t.ok(block.fields.every((it) => it.text.length <= 2_000));
    if ('elements' in block) t.ok(block.elements.every((it) => it.text.length <= 2_000));
  }
  const { html, text } = renderEmail(message);
  t.ok(html.length < 100_000);
  t.ok(text.length < 100_000);
});

t.test('an alert without annotations and severity is still a message', async (t) => {
  const alert = firingAlert('aa-1', { labels: { alertname: 'X' }, annotations: {}, values: {} });
  const message = messageOf(firingNotification({ alert }), externalUrl);
  t.equal(message.title, '[FIRING] X');
  t.equal(renderEmail(message).text.split('\n')[0], '[FIRING] X');
  t.equal(renderSlack(message).text, '[FIRING] X');
});
