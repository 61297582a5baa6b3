import { backoffMs, type Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import type { HttpClient } from '../lib/http-client.ts';
import { createJobWorker, type JobContext, type JobWorker } from '../lib/jobs/worker.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import { connectRedis } from '../lib/redis.ts';
import type { Tracer } from '../lib/tracer.ts';
import type { Alert } from '../model/alert.ts';
import type { Alerting } from '../model/alerting.ts';
import type { DecideDeliveries, Delivery, FindSilence } from '../model/delivery.ts';
import { redisPrefix } from '../model/keys.ts';
import type { InsertRows } from '../model/query.ts';
import type { Acknowledgement } from '../model/suppression.ts';
import { createAcknowledgements } from './acknowledgements.ts';
import { createChannelBook } from './channel-book.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import { createDeliver } from './deliver.ts';
import { createDispatcher } from './dispatcher.ts';
import { createLedger } from './ledger.ts';
import { createLoop } from './loop.ts';
import { type NotifierLimits, notifierLimits } from './notifier-limits.ts';
import { channelTypes, createNotifyQueues, queueOf, type TimerJob, timersQueue } from './queues.ts';
import { createReconcile } from './reconcile.ts';
import { createRelay } from './relay.ts';
import { sendTest, type TestResult } from './send-test.ts';
import { createSettledStore } from './settled-store.ts';
import { createSilences, type Silences } from './silences.ts';
import { createToldStore } from './told-store.ts';
import { type AlertView, createView } from './view.ts';

export interface NotifierOptions {
  readonly redisUrl: string;
  readonly alerting: Alerting;
  readonly decide: DecideDeliveries;
  readonly findSilence: FindSilence;
  readonly insertRows: InsertRows;
  /** The evaluator's firing alerts, for reconciliation. */
  readonly readAlerts: () => Promise<readonly Alert[]>;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  readonly tracer: Tracer;
  readonly limits?: Partial<NotifierLimits>;
}

export interface Notifier {
  /** Begins to relay, deliver, escalate and reconcile. Everything else works without it. */
  readonly start: () => void;
  /** Ends what was started and the connections; messages in flight have `graceMs`. */
  readonly stop: () => Promise<void>;
  /** Applies to every decision and attempt from now on. */
  readonly reload: (alerting: Alerting) => void;
  /** Says that something lies in the outbox. */
  readonly poke: () => void;
  readonly silences: Omit<Silences, 'sweep'>;
  /** Rejects with a Fault ERR_ALERT_UNKNOWN (`reject`) for an alert that is not firing. */
  readonly acknowledge: (alertId: string, by: string) => Promise<Acknowledgement>;
  readonly acknowledgements: () => Promise<readonly Acknowledgement[]>;
  /** What holds these alerts back, who took them on, how far they went, who was told; by alert id. */
  readonly view: (
    alerts: readonly Pick<Alert, 'id' | 'labels'>[],
  ) => Promise<ReadonlyMap<string, AlertView>>;
  readonly deadLetters: DeadLetters;
  /** Sends a test message to every channel of a receiver, once, past all queues. */
  readonly sendTest: (receiver: string) => Promise<readonly TestResult[]>;
}

/** Times a message may lose its process before it is given up. */
const maxStalledCount = 10;
/** Timers may fire a little early by the clock of another machine. */
const timerSlackMs = 20;

/** Puts the parts of notifying together; see `deliver`, `dispatcher`, `relay` and `reconcile`. */
export const createNotifier = (options: NotifierOptions): Notifier => {
  const { redisUrl, clock, random, log, meter, tracer } = options;
  const limits = { ...notifierLimits, ...options.limits };
  const connection = connectRedis({
    url: redisUrl,
    role: 'commands',
    name: 'notify',
    clock,
    log,
    meter,
  });
  const { redis } = connection;
  const book = createChannelBook(options.alerting, options);
  const told = createToldStore(redis);
  const settled = createSettledStore(redis);
  const acknowledgements = createAcknowledgements(redis);
  const queues = createNotifyQueues({
    redisUrl,
    attemptsMax: limits.attemptsMax,
    clock,
    log,
    meter,
  });
  const silences = createSilences({ redis, clock, random, changed: () => reconciling.poke() });
  const ledger = createLedger({ redis, insertRows: options.insertRows, clock, log, meter });
  const deadLetters = createDeadLetters({ redis, queues, settled, clock, log, meter });
  const { decide, findSilence, readAlerts } = options;
  const { alerting, destination, channelFor } = book;
  const dispatcher = createDispatcher({
    decide,
    alerting,
    told,
    silences,
    acknowledgements,
    queues,
    destination,
    clock,
    log,
    meter,
  });
  const relay = createRelay({ redis, dispatcher, silences, clock, log, meter });
  const reconcile = createReconcile({
    told,
    dispatcher,
    silences,
    acknowledgements,
    deadLetters,
    readAlerts,
    clock,
    log,
  });
  const relaying = createLoop({
    name: 'relay',
    everyMs: limits.relayEveryMs,
    run: async () => void (await relay()),
    clock,
    log,
  });
  const reconciling = createLoop({
    name: 'reconcile',
    everyMs: limits.reconcileEveryMs,
    run: reconcile,
    clock,
    log,
  });

  const workerOptions = {
    redisUrl,
    prefix: redisPrefix,
    concurrency: limits.deliveriesAtOnce,
    lockDurationMs: limits.lockDurationMs,
    stalledIntervalMs: limits.stalledIntervalMs,
    maxStalledCount,
    graceMs: limits.graceMs,
    backoff: (attempt: number) => backoffMs(attempt - 1, limits.backoff, random),
    clock,
    log,
    meter,
  };

  const escalate = async ({ alertId, round, level }: TimerJob, context: JobContext) => {
    const { escalation } = (await dispatcher.advance(alertId)) ?? {};
    const early =
      escalation?.kind === 'waiting' && escalation.round === round && escalation.level === level;
    const dueAtMs = early ? escalation.dueAtMs : 0;
    if (dueAtMs >= clock.nowMs()) throw await context.delay(dueAtMs + timerSlackMs);
  };

  const workers: JobWorker[] = [];
  const startWorkers = (): void => {
    const deliver = createDeliver({
      limits,
      channelFor,
      destination,
      settled,
      ledger,
      deadLetters,
      dispatcher,
      clock,
      log,
      meter,
      tracer,
    });
    for (const it of channelTypes) {
      const name = queueOf(it);
      workers.push(createJobWorker<Delivery>({ ...workerOptions, name, handler: deliver }));
    }
    workers.push(createJobWorker({ ...workerOptions, name: timersQueue, handler: escalate }));
  };

  return {
    start: () => {
      if (workers.length > 0) return;
      startWorkers();
      relaying.start();
      reconciling.start();
      ledger.start();
    },
    stop: async () => {
      await Promise.all([relaying.stop(), reconciling.stop()]);
      await Promise.all(workers.map((it) => it.close()));
      if (workers.length > 0) await ledger.stop();
      await queues.close();
      await connection.close();
    },
    reload: book.reload,
    poke: relaying.poke,
    silences,
    acknowledge: async (alertId, by) => {
      const { told: state } = await told.read(alertId);
      const firing =
        state?.alert.phase === 'firing' || (await readAlerts()).some((it) => it.id === alertId);
      if (!firing || state?.alert.phase === 'resolved') {
        throw new Fault('ERR_ALERT_UNKNOWN', `no alert ${alertId} is firing`, { remedy: 'reject' });
      }
      const acknowledgement = { alertId, by, atMs: clock.nowMs() };
      await acknowledgements.put(acknowledgement);
      if (state) await dispatcher.advance(alertId);
      return acknowledgement;
    },
    acknowledgements: acknowledgements.list,
    view: createView({ told, silences, acknowledgements, findSilence, clock }),
    deadLetters,
    sendTest: (receiver) =>
      sendTest(receiver, { book, ledger, clock, random, timeoutMs: limits.attemptMsMax }),
  };
};
