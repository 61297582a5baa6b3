import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type Daemon, daemonDirOnDisk, startDaemon, within } from '../support/daemon.ts';
import { otelService } from '../support/otel-service.ts';
import { descendantsOf, isAlive } from '../support/processes.ts';
import { startWebhook } from '../support/webhook.ts';

const rules = `
groups:
  - name: crash
    interval: 1s
    query_offset: 1s
    rules:
      - alert: Fires
        signals: {n: {from: spans, value: errors(), where: {service.name: pay}, by: [service.name], over: 5m}}
        when: n > 0
      - alert: Waits
        signals: {n: {from: spans, value: errors(), where: {service.name: pay}, by: [service.name], over: 5m}}
        when: n > 0
        for: 1h
`;

t.test(
  'kill -9 leaves no process, no loss and no second message',
  { timeout: 120_000 },
  async (t) => {
    const webhook = await startWebhook(t);
    const dir = daemonDirOnDisk(t, {
      'tocsin.yaml': 'rules: {files: [rules.yaml]}\nalerting: {file: alerting.yaml}\n',
      'rules.yaml': rules,
      'alerting.yaml': `
route: {receiver: team}
receivers: [{name: team, webhook_configs: [{url: '${webhook.url}'}]}]
`,
    });

    const first = await startDaemon(t, dir);
    const service = otelService('pay', 'http/protobuf', first.listen);
    for (let n = 0; n < 100; n += 1) service.request(10, n % 2 === 0);
    await service.shutdown();
    const before = await within(20_000, async () => {
      const alerts = await alertsOf(first);
      return alerts.length === 2 && webhook.of('firing').length === 1 ? alerts : undefined;
    });
    t.equal(await count(first), '100');

    const children = descendantsOf(first.pid);
    t.ok(children.length >= 2, 'ClickHouse and Redis run as children');
    await first.kill('SIGKILL');
    await within(
      15_000,
      () => (children.some(isAlive) ? undefined : true),
      'the end of every child',
    );

    const second = await startDaemon(t, dir);
    t.equal(await count(second), '100', 'every acknowledged span is there');
    await sleep(4_000);
    t.strictSame(await alertsOf(second), before, 'states and since-times are as they were');
    t.equal(webhook.of('firing').length, 1, 'nobody is told twice');
    t.strictSame(webhook.of('resolved'), [], 'and nothing resolved falsely');

    const survivors = descendantsOf(second.pid);
    t.equal(await second.kill('SIGINT'), 0, 'Ctrl-C ends in order');
    t.notOk(survivors.some(isAlive), 'and ends what was started');
  },
);

interface ApiAlert {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
  readonly since: string;
}

const alertsOf = async (daemon: Daemon): Promise<readonly ApiAlert[]> => {
  const { alerts } = (await daemon.api('GET', '/api/v1/alerts')).body as { alerts: ApiAlert[] };
  return alerts
    .map(({ id, labels, state, since }) => ({ id, labels, state, since }))
    .toSorted((a, b) => a.id.localeCompare(b.id));
};

const count = (daemon: Daemon): Promise<string> =>
  daemon.sql(`SELECT count() FROM otel.otel_traces WHERE ServiceName = 'pay'`);
