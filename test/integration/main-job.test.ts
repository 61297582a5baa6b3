import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Daemon, daemonDir, startDaemon, within } from '../support/daemon.ts';
import { type OtelService, otelService } from '../support/otel-service.ts';
import { startSlack } from '../support/slack.ts';
import { startSmtp } from '../support/smtp.ts';
import { startWebhook } from '../support/webhook.ts';

const secret = `whsec_${Buffer.from('a signing secret of 32 bytes ...').toString('base64')}`;
const intervalMs = 2_000;
const protocols = ['http/protobuf', 'http/json', 'grpc'] as const;

const rules = `
groups:
  - name: shop
    interval: ${intervalMs / 1000}s
    query_offset: 1s
    rules:
      - alert: PaySlow
        signals:
          p99: {from: spans, value: p99(duration), where: {service.name: pay, kind: server}, by: [service.name, http.route], over: 6s}
        when: p99 > 500 ms
        labels: {severity: critical}
        annotations: {summary: 'p99 {{ $values.p99 }} on {{ $labels.http_route }}'}
      - alert: PayFailing
        signals:
          errors: {from: spans, value: error_rate(), where: {service.name: pay, kind: server}, by: [service.name], over: 6s}
        when: errors > 20 percent
        labels: {severity: critical, team: unacknowledged}
        escalation: chain
      - alert: CacheCold
        signals:
          hit: {from: caches, value: hit_rate(), where: {service.name: pay}, by: [service.name, cache.name], over: 6s}
        when: hit < 80 percent
        labels: {severity: warning, team: acknowledged}
        escalation: chain
      - alert: Quiet
        signals:
          n: {from: spans, value: errors(), where: {service.name: pay}, by: [service.name], over: 6s}
        when: n > 0
        labels: {severity: warning, team: quiet}
`;

t.test('from real SDKs to the right person, once per change', { timeout: 150_000 }, async (t) => {
  const smtp = await startSmtp(t);
  const slack = await startSlack(t);
  const webhook = await startWebhook(t, { secret });
  const boss = await startWebhook(t, { secret });
  const dir = daemonDir(t, {
    'tocsin.yaml': `rules: {files: [rules.yaml]}\nalerting: {file: alerting.yaml}\n`,
    'rules.yaml': rules,
    'alerting.yaml': `
global: {smtp_smarthost: '${smtp.address}', smtp_from: tocsin@example.com, smtp_require_tls: false}
route: {receiver: team}
receivers:
  - name: team
    email_configs: [{to: oncall@example.com, send_resolved: true}]
    slack_configs: [{api_url: '${slack.webhookUrl}', channel: '#pay', send_resolved: true}]
    webhook_configs: [{url: '${webhook.url}', signing_secret: '${secret}'}]
  - name: boss
    webhook_configs: [{url: '${boss.url}', signing_secret: '${secret}'}]
escalation_policies:
  - {name: chain, levels: [{notify: [team]}, {after: 8s, notify: [boss]}], repeat: 0}
`,
  });
  const daemon = await startDaemon(t, dir);
  const services = protocols.map((protocol) => otelService('pay', protocol, daemon.listen));

  const silence = await daemon.api('POST', '/api/v1/silences', {
    matchers: ['alertname=Quiet'],
    duration: '1h',
    by: 'tester',
    comment: 'known',
  });
  t.equal(silence.status, 200, 'a silence is taken');

  await drive(services, 4_000, () => ({ durationMs: 20, failed: false, hit: true }));
  t.strictSame(webhook.messages, [], 'a healthy service pages nobody');
  t.equal(await storedBy(daemon), '3', 'every protocol is stored');

  // Two of three requests slow and failing, nine of ten cache reads missing.
  const badSinceMs = Date.now();
  const bad = (n: number) => ({
    durationMs: n % 3 ? 800 : 20,
    failed: n % 3 !== 0,
    hit: n % 10 === 0,
  });
  const spoiling = new AbortController();
  const spoiled = drive(services, 60_000, bad, spoiling.signal);
  const firing = await within(
    30_000,
    () => webhook.of('firing').length >= 3 || undefined,
    'three alerts',
  );
  t.ok(firing);
  const delayMs = Date.now() - badSinceMs;
  t.comment(`three alerts told ${delayMs} ms after the first bad span`);
  t.ok(delayMs < 3 * intervalMs + 3_000, 'within three evaluation intervals and the query offset');

  const alerts = await alertsOf(daemon);
  const byName = new Map(alerts.map((it) => [it.labels['alertname'], it]));
  t.match(byName.get('PaySlow'), {
    state: 'firing',
    labels: { service_name: 'pay', http_route: '/pay', severity: 'critical' },
    suppressed: [],
  });
  const p99 = byName.get('PaySlow')?.values['p99'] ?? 0;
  t.ok(p99 > 0.79 && p99 < 0.82, `p99 is 0.8 s (${p99})`);
  const errors = byName.get('PayFailing')?.values['errors'] ?? 0;
  t.ok(errors > 0.2 && errors < 0.7, `the value is the error rate by then (${errors})`);
  t.match(byName.get('CacheCold'), { labels: { cache_name: 'orders' }, state: 'firing' });
  t.match(byName.get('Quiet'), { state: 'firing', suppressed: [{ kind: 'silenced' }] });

  const acknowledged = await daemon.api('POST', '/api/v1/acknowledgements', {
    alert: byName.get('CacheCold')?.id,
    by: 'ada',
  });
  t.equal(acknowledged.status, 200, 'an acknowledgement is taken');

  await within(20_000, () => (boss.messages.length > 0 ? true : undefined), 'the escalation');
  await sleep(3 * intervalMs);
  const told = ['PaySlow', 'PayFailing', 'CacheCold'];
  for (const name of told) {
    t.equal(webhook.of('firing', name).length, 1, `${name}: one firing webhook`);
    t.equal(smtp.of('FIRING', name).length, 1, `${name}: one firing mail`);
    t.equal(slack.of('FIRING', name).length, 1, `${name}: one firing Slack message`);
  }
  t.equal(boss.of('firing', 'PayFailing').length, 1, 'the unacknowledged alert escalates once');
  t.equal(boss.messages.length, 1, 'and nothing else reaches the second level');
  t.match(webhook.of('firing', 'PaySlow')[0], {
    version: '4',
    status: 'firing',
    receiver: 'team',
    commonLabels: { alertname: 'PaySlow', service_name: 'pay', http_route: '/pay' },
    alerts: [{ status: 'firing', endsAt: '0001-01-01T00:00:00Z' }],
    tocsin: { escalation_level: 0 },
  });

  spoiling.abort();
  await spoiled;
  const healing = new AbortController();
  const healed = drive(
    services,
    60_000,
    () => ({ durationMs: 20, failed: false, hit: true }),
    healing.signal,
  );
  await within(40_000, () => webhook.of('resolved').length >= 3 || undefined, 'three resolves');
  await within(
    10_000,
    () => boss.of('resolved').length >= 1 || undefined,
    'the second level is told',
  );
  await sleep(2 * intervalMs);
  healing.abort();
  await healed;
  for (const name of told) {
    t.equal(webhook.of('resolved', name).length, 1, `${name}: one resolved webhook`);
    t.equal(smtp.of('RESOLVED', name).length, 1, `${name}: one resolved mail`);
    t.equal(slack.of('RESOLVED', name).length, 1, `${name}: one resolved Slack message`);
    t.equal(webhook.of('firing', name).length, 1, `${name}: still one firing webhook`);
  }
  t.strictSame(
    [webhook, boss].flatMap((it) => it.of('firing', 'Quiet').concat(it.of('resolved', 'Quiet'))),
    [],
    'the silenced alert told nobody',
  );
  t.strictSame(await alertsOf(daemon), [], 'nothing is left');
  t.strictSame(webhook.refused, [], 'every signature held');

  const history = await within(10_000, async () => {
    const rows = await daemon.sql(
      `SELECT groupArray(Change) FROM (SELECT Change FROM otel.alert_events WHERE AlertName = 'PaySlow' ORDER BY At)`,
    );
    return rows.includes('resolved') ? rows : undefined;
  });
  t.equal(history, "['fired','resolved']", 'history stands in alert_events');
  const log = await within(10_000, async () => {
    const rows = await daemon.sql(
      `SELECT count() FROM otel.notification_log WHERE AlertName = 'PaySlow' AND Outcome = 'delivered'`,
    );
    return rows === '6' ? rows : undefined;
  });
  t.equal(log, '6', 'every delivery stands in notification_log');

  await refusals(t, daemon);
  // Before the daemon goes, or exporters would spend their retries on a closed port.
  await Promise.all(services.map((it) => it.shutdown()));
});

interface Load {
  readonly durationMs: number;
  readonly failed: boolean;
  readonly hit: boolean;
}

/** Ten requests and ten cache reads a second and service. */
const drive = async (
  services: readonly OtelService[],
  forMs: number,
  load: (n: number) => Load,
  signal?: AbortSignal,
): Promise<void> => {
  const endMs = Date.now() + forMs;
  for (let n = 1; Date.now() < endMs && !signal?.aborted; n += 1) {
    const { durationMs, failed, hit } = load(n);
    for (const service of services) {
      service.request(durationMs, failed);
      service.cacheRead(hit);
    }
    await sleep(100);
  }
  await Promise.all(services.map((it) => it.flush()));
};

interface ApiAlert {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number>>;
  readonly state: string;
}

const alertsOf = async (daemon: Daemon): Promise<readonly ApiAlert[]> =>
  ((await daemon.api('GET', '/api/v1/alerts?state=firing')).body as { alerts: ApiAlert[] }).alerts;

const storedBy = (daemon: Daemon): Promise<string> =>
  daemon.sql(
    `SELECT uniq(ResourceAttributes['service.instance.id']) FROM otel.otel_traces WHERE ServiceName = 'pay'`,
  );

/** What the read-only user must not do, asked while the daemon lives. */
const refusals = async (t: Test, daemon: Daemon): Promise<void> => {
  for (const query of [
    'DROP TABLE otel.otel_traces',
    `SELECT * FROM file('/etc/passwd', LineAsString)`,
    `SELECT * FROM url('http://127.0.0.1:1/', LineAsString)`,
  ]) {
    t.match(
      await daemon.sql(query),
      /ACCESS_DENIED|Not enough privileges|readonly/,
      `refused: ${query}`,
    );
  }
};
