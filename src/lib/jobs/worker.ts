import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import type { Clock } from '../clock.ts';
import { createErrorReport } from '../error-report.ts';
import { Fault, messageOf, remedyOf } from '../fault.ts';
import type { Log } from '../log.ts';
import { type Meter, secondsBounds } from '../meter.ts';
import { connectRedis, endRedis, firstOf, type Redis } from '../redis.ts';

export interface JobWorkerOptions<Data> {
  /** The queue's name. */
  readonly name: string;
  readonly redisUrl: string;
  readonly prefix: string;
  /** Jobs at once in this process. */
  readonly concurrency: number;
  /** A dead worker's jobs are taken over after at most this and twice the stalled interval. */
  readonly lockDurationMs: number;
  readonly stalledIntervalMs: number;
  /** Times a job may lose its worker before it is given up. */
  readonly maxStalledCount: number;
  /** How long `close` waits for running jobs before it aborts them. */
  readonly graceMs: number;
  /** Wait before the next attempt; `attempt` counts from 1. A Fault's `retryAfterMs` goes before it. */
  readonly backoff: (attempt: number, error: unknown) => number;
  readonly handler: (data: Data, context: JobContext) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface JobContext {
  readonly id: string;
  /** Counts from 1. A delayed or handed-over job does not use one up. */
  readonly attempt: number;
  readonly lastAttempt: boolean;
  /** Aborted when this process stops, or when another worker has taken the job over. */
  readonly signal: AbortSignal;
  /** `throw await context.delay(untilMs)`: runs the job again then, without using up an attempt. */
  readonly delay: (untilMs: number) => Promise<Error>;
}

export interface JobWorker {
  /** Stops taking jobs, waits for running ones, aborts and hands back the rest. Never hangs. */
  readonly close: () => Promise<void>;
}

const abortMsMax = 2_000;
/** A peer that asks for more is asked again sooner. */
const retryAfterMsMax = 3_600_000;

type Ending = 'completed' | 'failed' | 'dead' | 'delayed' | 'handed-back' | 'taken-over';

/**
 * The running side of a BullMQ queue: at least once, under a lease. What a handler throws decides: a
 * Fault with remedy `reject` buries the job at once, all else is tried again while attempts last. A
 * job whose handler throws after its signal was aborted goes back to the queue instead.
 */
export const createJobWorker = <Data>(options: JobWorkerOptions<Data>): JobWorker => {
  const { clock, log, name } = options;
  const connection = connectRedis({
    url: options.redisUrl,
    role: 'worker',
    name: `${name}-worker`,
    clock,
    log,
    meter: options.meter,
  });
  const copies = trackCopies(connection.redis);
  const report = createErrorReport(log, clock, 'job_worker_failed');
  const reportThrown = createErrorReport(log, clock, 'job_handler_threw');
  const count = createCounters(options.meter, name);
  const running = new Map<string, AbortController>();
  let closing = false;

  const run = async (job: Job<Data>, token: string): Promise<void> => {
    const id = job.id ?? '';
    const controller = new AbortController();
    running.set(id, controller);
    const startedMs = clock.monotonicMs();
    const ended = (ending: Ending) => count.ended(ending, clock.monotonicMs() - startedMs);
    const lastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
    const delay = async (untilMs: number): Promise<Error> => {
      await job.moveToDelayed(Math.max(untilMs, clock.nowMs()), token);
      return new DelayedError();
    };
    try {
      const attempt = job.attemptsMade + 1;
      const { signal } = controller;
      await options.handler(job.data, { id, attempt, lastAttempt, signal, delay });
      ended('completed');
    } catch (error) {
      if (error instanceof DelayedError) {
        ended('delayed');
        throw error;
      }
      if (controller.signal.aborted) {
        ended(closing ? 'handed-back' : 'taken-over');
        throw closing ? await delay(clock.nowMs()) : error;
      }
      const remedy = remedyOf(error);
      const dead = remedy === 'reject' || lastAttempt;
      ended(dead ? 'dead' : 'failed');
      if (remedy === 'unforeseen') reportThrown(error, { queue: name, job: id });
      if (remedy === 'reject') throw buried(error);
      throw error;
    } finally {
      running.delete(id);
    }
  };

  const worker = new Worker<Data, void>(name, (job, token = '') => run(job, token), {
    connection: connection.redis,
    prefix: options.prefix,
    concurrency: options.concurrency,
    lockDuration: options.lockDurationMs,
    stalledInterval: options.stalledIntervalMs,
    maxStalledCount: options.maxStalledCount,
    settings: {
      backoffStrategy: (attempt, _type, error) =>
        error instanceof Fault && error.retryAfterMs !== undefined
          ? Math.min(error.retryAfterMs, retryAfterMsMax)
          : options.backoff(attempt, error),
    },
  });
  worker.on('error', (error) => {
    count.error();
    report(error, { queue: name });
  });
  worker.on('stalled', (id) => {
    count.stalled();
    log.warn('job_taken_over', { queue: name, job: id });
  });
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) running.get(id)?.abort(new Error('the lease was lost'));
  });

  const close = async (): Promise<void> => {
    closing = true;
    const closed = worker.close().catch(() => {});
    const idle = running.size === 0 && connection.redis.status !== 'ready';
    if (!idle && (await firstOf(clock, options.graceMs, closed)) === 'late') {
      for (const it of running.values()) it.abort(new Error('the process stops'));
      if ((await firstOf(clock, abortMsMax, closed)) === 'late') {
        log.warn('job_worker_abandoned', { queue: name, jobs: [...running.keys()] });
      }
    }
    // BullMQ's own close may wait for a Redis that is away, and a shared connection stays open.
    for (const it of copies) endRedis(it);
    await connection.close();
  };
  return { close };
};

/** BullMQ buries only its own error class; the text is what a dead letter shows. */
const buried = (error: unknown): Error => {
  const told = new UnrecoverableError(messageOf(error));
  told.cause = error;
  return told;
};

/** BullMQ blocks on a copy of the connection, which only it knows and does not always end. */
const trackCopies = (redis: Redis): readonly Redis[] => {
  const copies: Redis[] = [];
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (...args: Parameters<typeof duplicate>) => {
    const copy = duplicate(...args);
    copies.push(copy);
    return copy;
  };
  return copies;
};

const createCounters = (meter: Meter, queue: string) => {
  const ended = meter.counter('tocsin_jobs_ended', {
    description: 'Runs of jobs, by how they ended; dead jobs stay among the failed ones.',
    unit: '{job}',
  });
  const seconds = meter.histogram('tocsin_jobs_duration', {
    description: 'Time a run of a job took.',
    unit: 's',
    bounds: secondsBounds,
  });
  const stalled = meter.counter('tocsin_jobs_stalled', {
    description: 'Jobs taken over from a worker that no longer renewed its lease.',
    unit: '{job}',
  });
  const errors = meter.counter('tocsin_jobs_errors', {
    description: 'Errors of the queue itself, such as Redis being away or full.',
    unit: '{error}',
  });
  return {
    ended: (ending: Ending, durationMs: number) => {
      ended(1, { queue, ending });
      seconds(durationMs / 1_000, { queue });
    },
    stalled: () => stalled(1, { queue }),
    error: () => errors(1, { queue }),
  };
};
