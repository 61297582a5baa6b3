import t from 'tap';
import { startClickHouse } from '../support/clickhouse.ts';
import { daemonDir, startReplica, within } from '../support/daemon.ts';
import { otelService } from '../support/otel-service.ts';
import { startRedis } from '../support/redis.ts';
import { startWebhook } from '../support/webhook.ts';

t.test('two replicas share the work, and one goes on alone', { timeout: 90_000 }, async (t) => {
  const clickhouse = await startClickHouse(t);
  const redis = await startRedis(t);
  const webhook = await startWebhook(t);
  const dir = daemonDir(t, {
    'tocsin.yaml': `
clickhouse: {url: '${clickhouse.url}', username: ${clickhouse.username}, password: '${clickhouse.password}'}
redis: {url: '${redis.url}'}
rules: {files: [rules.yaml]}
alerting: {file: alerting.yaml}
`,
    'rules.yaml': `
groups:
  - name: shared
    interval: 1s
    query_offset: 1s
    rules:
      - alert: Failing
        signals: {n: {from: spans, value: errors(), by: [service.name], where: {service.name: 'pay*'}, over: 8s}}
        when: n > 0
`,
    'alerting.yaml': `
route: {receiver: team}
receivers: [{name: team, webhook_configs: [{url: '${webhook.url}'}]}]
`,
  });
  // Started at once, on an empty database: both migrate.
  const [first, second] = await Promise.all([startReplica(t, dir), startReplica(t, dir)]);
  const fail = async (name: string, replica: typeof first): Promise<void> => {
    const service = otelService(name, 'http/protobuf', replica.listen);
    service.request(10, true);
    await service.shutdown();
  };

  await Promise.all([fail('pay-one', first), fail('pay-two', second)]);
  await within(20_000, () => (webhook.of('firing').length >= 2 ? true : undefined), 'both alerts');
  await within(30_000, () => (webhook.of('resolved').length >= 2 ? true : undefined), 'both ends');
  t.equal(webhook.of('firing').length, 2, 'each is told once, whoever evaluated it');
  t.equal(webhook.of('resolved').length, 2, 'and ends once');

  await first.kill('SIGKILL');
  await fail('pay-three', second);
  await within(35_000, () => (webhook.of('firing').length >= 3 ? true : undefined), 'a takeover');
  t.match(webhook.of('firing')[2]?.commonLabels, { service_name: 'pay-three' });
});
