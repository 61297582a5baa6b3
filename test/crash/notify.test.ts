import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { decideDeliveries } from '../../src/decide/deliveries.ts';
import { findSilence } from '../../src/decide/silence.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { httpRequest } from '../../src/lib/http-client.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { noopTracer } from '../../src/lib/tracer.ts';
import { redisKeys } from '../../src/model/keys.ts';
import { createNotifier } from '../../src/notify/notifier.ts';
import { alertingWith, firingAlert, resolvedAlert } from '../support/alerts.ts';
import { openRedis, quickLimits, recordOf, webhookReceiver } from '../support/notifier.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { startWebhook } from '../support/webhook.ts';

const alertsCount = 60;
const killsCount = 5;

/** The same file again, as a daemon that only notifies. */
const runChild = (redisUrl: string, webhookUrl: string): void => {
  createNotifier({
    redisUrl,
    alerting: alertingWith({ receivers: [webhookReceiver('team', webhookUrl)] }),
    decide: decideDeliveries,
    findSilence,
    insertRows: async () => {},
    readAlerts: async () => [],
    http: httpRequest,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    meter: noopMeter,
    tracer: noopTracer,
    limits: { ...quickLimits, lockDurationMs: 1_000, stalledIntervalMs: 500, deliveriesAtOnce: 4 },
  }).start();
};

const spawnChild = (t: Test, redisUrl: string, webhookUrl: string): ChildProcess => {
  const file = import.meta.filename;
  const child = spawn(process.execPath, [file, 'child', redisUrl, webhookUrl], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
};

const whenKilled = async (t: Test): Promise<void> => {
  const server = await startRedis(t);
  const webhook = await startWebhook(t);
  const redis = openRedis(t, server);
  const alerts = Array.from({ length: alertsCount }, (_, i) => firingAlert(`${i}a-mk1abc`));
  const transit = async (): Promise<void> => {
    for (const it of alerts) {
      await redis.xadd(redisKeys.outbox, '*', 'record', recordOf('fired', it));
      await sleep(20);
      await redis.xadd(redisKeys.outbox, '*', 'record', recordOf('resolved', resolvedAlert(it)));
      await sleep(20);
    }
  };
  const transited = transit();
  for (let kill = 0; kill < killsCount; kill += 1) {
    const child = spawnChild(t, server.url, webhook.url);
    const before = webhook.attempts.length;
    // In the middle of its work, wherever that is.
    await until(() => webhook.attempts.length > before + 5 + kill);
    child.kill('SIGKILL');
  }
  await transited;
  spawnChild(t, server.url, webhook.url);
  const told = () => new Set(webhook.attempts).size;
  await until(() => told() === 2 * alertsCount, 20_000);
  t.equal(told(), 2 * alertsCount, 'everything arrived');
  // Between an answer and its being written down a kill can repeat what was in flight, no more.
  const repeated = webhook.attempts.length - told();
  t.comment(`${repeated} messages were in flight when a process died and came twice`);
  t.ok(repeated <= killsCount * 4);
  for (const { id } of alerts) {
    const statuses = webhook.messages
      .filter((it) => it.body.tocsin['alert_id'] === id)
      .map((it) => it.body.status);
    t.ok(statuses.lastIndexOf('firing') < statuses.indexOf('resolved'), `${id} came in order`);
  }
  await until(async () => (await redis.xlen(redisKeys.outbox)) === 0);
};

if (process.argv[2] === 'child') runChild(process.argv[3] ?? '', process.argv[4] ?? '');
else {
  t.test('notifiers killed at work lose no message and send hardly any twice', whenKilled);
}
