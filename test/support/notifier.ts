import type { Test } from 'tap';
import { decideDeliveries } from '../../src/decide/deliveries.ts';
import { findSilence } from '../../src/decide/silence.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { httpRequest } from '../../src/lib/http-client.ts';
import { type Log, silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { connectRedis, type Redis } from '../../src/lib/redis.ts';
import { Secret } from '../../src/lib/secret.ts';
import { noopTracer } from '../../src/lib/tracer.ts';
import type { Alert, AlertTransition, TransitionKind } from '../../src/model/alert.ts';
import type { Alerting, Receiver } from '../../src/model/alerting.ts';
import { redisKeys } from '../../src/model/keys.ts';
import type { InsertRows } from '../../src/model/query.ts';
import { createNotifier, type Notifier } from '../../src/notify/notifier.ts';
import type { NotifierLimits } from '../../src/notify/notifier-limits.ts';
import { startRedis, type TestRedis } from './redis.ts';

/** As the real ones, at a pace for tests. */
export const quickLimits: Partial<NotifierLimits> = {
  relayEveryMs: 50,
  reconcileEveryMs: 100,
  attemptsMax: 4,
  backoff: { firstMs: 20, maxMs: 100 },
  predecessorPollMs: 20,
  graceMs: 500,
};

export interface NotifierSetup {
  readonly alerting: Alerting;
  readonly redis?: TestRedis;
  readonly insertRows?: InsertRows;
  readonly readAlerts?: () => Promise<readonly Alert[]>;
  readonly limits?: Partial<NotifierLimits>;
  readonly log?: Log;
  /** False: nothing runs until the test says so. */
  readonly start?: boolean;
}

export interface TestNotifier {
  readonly notifier: Notifier;
  readonly server: TestRedis;
  readonly redis: Redis;
  /** Rows by table, each batch once, as ClickHouse keeps them. */
  readonly rows: ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>;
  readonly insertRows: InsertRows;
  /** Puts a transition into the outbox, as the evaluator does. */
  readonly transit: (kind: TransitionKind, alert: Alert) => Promise<void>;
}

/** A notifier on a real Redis, stopped when the test ends. */
export const startNotifier = async (t: Test, setup: NotifierSetup): Promise<TestNotifier> => {
  const server = setup.redis ?? (await startRedis(t));
  const kept = keepRows();
  const notifier = createNotifier({
    redisUrl: server.url,
    alerting: setup.alerting,
    decide: decideDeliveries,
    findSilence,
    insertRows: setup.insertRows ?? kept.insertRows,
    readAlerts: setup.readAlerts ?? (async () => []),
    http: httpRequest,
    clock: systemClock,
    random: Math.random,
    log: setup.log ?? silentLog,
    meter: noopMeter,
    tracer: noopTracer,
    limits: { ...quickLimits, ...setup.limits },
  });
  t.teardown(notifier.stop);
  if (setup.start !== false) notifier.start();
  const redis = openRedis(t, server);
  return {
    notifier,
    server,
    redis,
    rows: kept.rows,
    insertRows: kept.insertRows,
    transit: async (kind, alert) => {
      await redis.xadd(redisKeys.outbox, '*', 'record', recordOf(kind, alert));
      notifier.poke();
    },
  };
};

export const openRedis = (t: Test, server: TestRedis): Redis => {
  const { redis, close } = connectRedis({
    url: server.url,
    role: 'commands',
    name: 'test',
    clock: systemClock,
    log: silentLog,
    meter: noopMeter,
  });
  t.teardown(() => close());
  return redis;
};

export const recordOf = (kind: TransitionKind, alert: Alert): string => {
  const transition: AlertTransition = {
    id: `tr-${alert.id}-${kind}`,
    kind,
    reason: kind === 'fired' ? 'held-for' : 'cleared',
    atMs: alert.resolvedAtMs ?? alert.firedAtMs ?? alert.activeAtMs,
    alert,
  };
  return JSON.stringify({ kind: 'transition', transition });
};

/** A table that keeps each batch once, however often and by whomever it is sent. */
const keepRows = () => {
  const rows = new Map<string, Readonly<Record<string, unknown>>[]>();
  const tokens = new Set<string>();
  const insertRows: InsertRows = async (table, batch, token) => {
    if (tokens.has(token)) return;
    tokens.add(token);
    rows.set(table, [...(rows.get(table) ?? []), ...batch]);
  };
  return { rows, insertRows };
};

export const webhookReceiver = (name: string, url: string): Receiver => ({
  name,
  channels: [
    {
      type: 'webhook',
      url: new Secret(url),
      timeoutMs: 5_000,
      alertsMax: 0,
      sendResolved: true,
      sendAcknowledged: true,
    },
  ],
});
