import { backoffMs, type Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { createErrorReport } from '../lib/error-report.ts';
import { remedyOf } from '../lib/fault.ts';
import { createJobQueue, type JobQueue } from '../lib/jobs/queue.ts';
import { createJobWorker, type JobContext, type JobWorker } from '../lib/jobs/worker.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import { firstOf } from '../lib/redis.ts';
import { redisPrefix } from '../model/keys.ts';
import type { InsertRows, InsertSelect, Query } from '../model/query.ts';
import type { RollupJob } from './run-job.ts';
import { createRollupMetrics } from './run-metrics.ts';
import { createPauses } from './run-pause.ts';
import { createProgress, windowsMax } from './run-progress.ts';
import { createWindowRun } from './run-windows.ts';

export interface RollupRunnerOptions {
  readonly jobs: readonly RollupJob[];
  readonly redisUrl: string;
  readonly query: Query;
  readonly insertSelect: InsertSelect;
  readonly insertRows: InsertRows;
  /** Whether jobs should leave the machine to ingest; those that are urgent never do. */
  readonly isIngestBehind: () => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** How often each job looks for windows that are due. 10 s unless told. */
  readonly tickMs?: number;
  /** How soon a dead replica's job is taken over: about the lock and twice the interval. */
  readonly lease?: { readonly lockDurationMs: number; readonly stalledIntervalMs: number };
}

export interface RollupRunner {
  /** Returns at once; works whenever Redis and ClickHouse can be reached. */
  readonly start: () => void;
  /** Replaces all jobs from the next tick on. Throws RangeError for one that looks back too far. */
  readonly reload: (jobs: readonly RollupJob[]) => void;
  /** Ends the running window within a few seconds or gives it up. Safe to call twice. */
  readonly stop: () => Promise<void>;
}

interface Turn {
  readonly job: string;
}

const queueName = 'rollup';
const tickMsDefault = 10_000;
const leaseDefault = { lockDurationMs: 30_000, stalledIntervalMs: 10_000 };
const stalledCountMax = 5;
const graceMs = 3_000;
const attemptsMax = 20;
const turnBackoff = { firstMs: 1_000, maxMs: 60_000 };
/** Longer than any two replicas' ticks are apart. */
const retention = {
  completedAgeMs: 120_000,
  completedMax: 10_000,
  failedAgeMs: 3_600_000,
  failedMax: 1_000,
};

/**
 * Gives each job a turn every tick, on whichever replica is free. Every replica adds the same turns
 * and BullMQ lets one of them run, and no second of a job while one waits or runs. That is a lease,
 * so after a long silence two may run: what they compute replaces one the other.
 */
export const createRollupRunner = (options: RollupRunnerOptions): RollupRunner => {
  const { clock, log, meter, redisUrl, tickMs = tickMsDefault } = options;
  let jobs = byName(options.jobs);
  const metrics = createRollupMetrics(meter, clock);
  const progress = createProgress(options.query, options.insertRows);
  const pauses = createPauses(options);
  const runWindows = createWindowRun({ ...options, progress, metrics, pauses });
  const report = createErrorReport(log, clock, 'rollup_not_queued');
  const reportTurn = createErrorReport(log, clock, 'rollup_turn_failed');
  const stopping = new AbortController();

  let queue: JobQueue<Turn> | undefined;
  let worker: JobWorker | undefined;
  let ticking: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  const handle = async ({ job: name }: Turn, context: JobContext): Promise<void> => {
    const job = jobs.get(name);
    // Another replica's newer program has a job that this one does not know; it asks again.
    if (!job) return;
    try {
      await runWindows(job, { signal: context.signal, stopping: stopping.signal });
    } catch (error) {
      if (context.signal.aborted) throw error;
      // One that may pass is told when it has not.
      const { attempt } = context;
      if (attempt > 1 || remedyOf(error) !== 'retry') reportTurn(error, { job: name, attempt });
      throw error;
    }
  };

  const tickOn = async (): Promise<void> => {
    const { signal } = stopping;
    while (!signal.aborted) {
      const slot = Math.floor(clock.nowMs() / tickMs);
      try {
        await queue?.addBulk(
          [...jobs.keys()].map((job) => ({
            id: `${job}-${slot}`,
            data: { job },
            deduplicationId: job,
            attempts: attemptsMax,
          })),
        );
      } catch (error) {
        metrics.tickFailed();
        report(error);
      }
      await clock.sleep(tickMs, signal);
    }
  };

  const stop = async (): Promise<void> => {
    stopping.abort();
    await queue?.close();
    await worker?.close();
    if (ticking) await firstOf(clock, graceMs, ticking);
  };

  return {
    start: () => {
      if (ticking || stopping.signal.aborted) return;
      const parts = { name: queueName, redisUrl, prefix: redisPrefix, clock, log, meter };
      queue = createJobQueue({ ...parts, retention });
      worker = createJobWorker<Turn>({
        ...parts,
        ...(options.lease ?? leaseDefault),
        concurrency: 1,
        maxStalledCount: stalledCountMax,
        graceMs,
        backoff: (attempt) => backoffMs(attempt - 1, turnBackoff, options.random),
        handler: handle,
      });
      ticking = tickOn();
    },
    reload: (next) => {
      jobs = byName(next);
    },
    stop: () => (stopped ??= stop()),
  };
};

const byName = (jobs: readonly RollupJob[]): ReadonlyMap<string, RollupJob> => {
  for (const { name, lookbackMs, windowMs } of jobs) {
    if (lookbackMs / windowMs > windowsMax) throw new RangeError(`${name} looks back too far`);
  }
  return new Map(jobs.map((it) => [it.name, it]));
};
