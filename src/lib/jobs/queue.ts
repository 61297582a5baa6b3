import { type JobsOptions, Queue } from 'bullmq';
import type { Clock } from '../clock.ts';
import { createErrorReport } from '../error-report.ts';
import { Fault, messageOf } from '../fault.ts';
import type { Log } from '../log.ts';
import type { Meter } from '../meter.ts';
import { connectRedis, firstOf } from '../redis.ts';

export interface JobQueueOptions {
  /** Also the workers' `name`. No colon. */
  readonly name: string;
  readonly redisUrl: string;
  /** A Redis Cluster hash tag, shared by everything one script must touch. */
  readonly prefix: string;
  readonly retention: JobRetention;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/**
 * How long ended jobs stay. A job that is still known is not added twice, so the age must outlast
 * the slowest producer; the count bounds memory and must not evict sooner than the age.
 */
export interface JobRetention {
  readonly completedAgeMs: number;
  readonly completedMax: number;
  readonly failedAgeMs: number;
  readonly failedMax: number;
}

export interface NewJob<Data> {
  /** Adding a known id again is a silent no-op. No colon, and not a whole number. */
  readonly id: string;
  readonly data: Data;
  readonly delayMs?: number;
  /** While a job with the same one waits or runs, this one is not added. */
  readonly deduplicationId?: string;
  /** Instead, the last one added while another runs is run after it. */
  readonly keepLastIfActive?: boolean;
  /** Times to try in all, 1 unless told. */
  readonly attempts?: number;
}

const states = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const;

export type JobCounts = Readonly<Record<(typeof states)[number], number>>;

export interface FailedJob<Data> {
  readonly id: string;
  readonly data: Data;
  readonly reason: string;
  readonly attempts: number;
  readonly failedAtMs: number;
}

/** Every method rejects with a Fault ERR_JOBS_UNAVAILABLE (`retry`) while Redis is away. */
export interface JobQueue<Data> {
  /** Resolves when Redis has them all. After a rejection some may be in; adding again is harmless. */
  readonly addBulk: (jobs: readonly NewJob<Data>[]) => Promise<void>;
  /** False when the job runs just now and so stays; true when it is gone, known before or not. */
  readonly remove: (id: string) => Promise<boolean>;
  readonly counts: () => Promise<JobCounts>;
  /** The dead letters, newest first. */
  readonly failed: (range: { from: number; count: number }) => Promise<readonly FailedJob<Data>[]>;
  /** Puts up to `count` dead letters back to waiting with all their attempts. */
  readonly retryFailed: (count: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

const answerMsMax = 10_000;
const closeMsMax = 2_000;
const bulkMax = 500;
const jobBytesMax = 262_144;
const eventsMax = 100;
const countEveryMs = 15_000;

/** The adding side of a BullMQ queue. Nothing here waits for Redis longer than 10 s. */
export const createJobQueue = <Data>(options: JobQueueOptions): JobQueue<Data> => {
  const { clock, log, meter, name } = options;
  const connection = connectRedis({
    url: options.redisUrl,
    role: 'producer',
    name: `${name}-queue`,
    clock,
    log,
    meter,
  });
  const queue = new Queue<unknown>(name, {
    connection: connection.redis,
    prefix: options.prefix,
    // Nobody reads BullMQ's event stream; the default keeps 10,000 entries a queue.
    streams: { events: { maxLen: eventsMax } },
    defaultJobOptions: { sizeLimit: jobBytesMax, stackTraceLimit: 5, ...keep(options.retention) },
  });
  const report = createErrorReport(log, clock, 'job_queue_failed');
  queue.on('error', (error) => report(error, { queue: name }));
  const countAdded = meter.counter('tocsin_jobs_added', {
    description: 'Jobs handed to a queue, known ones included.',
    unit: '{job}',
  });

  // Kept by hand: racing with one promise that lives as long as the queue would leak every race.
  const refusals = new Set<(error: Error) => void>();

  const ask = async <T>(work: Promise<T>): Promise<T> => {
    const refused = Promise.withResolvers<never>();
    refusals.add(refused.reject);
    const cancel = clock.after(answerMsMax, () =>
      refused.reject(new Error('no answer from Redis')),
    );
    try {
      return await Promise.race([work, refused.promise]);
    } catch (error) {
      throw new Fault('ERR_JOBS_UNAVAILABLE', `queue ${name}: ${messageOf(error)}`, {
        remedy: 'retry',
        cause: error,
      });
    } finally {
      cancel();
      refusals.delete(refused.reject);
      work.catch(() => {});
    }
  };

  const counts = async (): Promise<JobCounts> => {
    const found = await ask(queue.getJobCounts(...states));
    return {
      waiting: found['waiting'] ?? 0,
      active: found['active'] ?? 0,
      delayed: found['delayed'] ?? 0,
      completed: found['completed'] ?? 0,
      failed: found['failed'] ?? 0,
    };
  };

  const closing = new AbortController();
  const watch = async (): Promise<void> => {
    let latest: JobCounts | undefined;
    meter.gauge(
      'tocsin_jobs_held',
      { description: 'Jobs in a queue, by state; failed ones are dead letters.', unit: '{job}' },
      () =>
        states.flatMap((state) =>
          latest ? [{ value: latest[state], attributes: { queue: name, state } }] : [],
        ),
    );
    while (!closing.signal.aborted) {
      latest = await counts().catch(() => undefined);
      await clock.sleep(countEveryMs, closing.signal);
    }
  };
  void watch();

  return {
    addBulk: async (jobs) => {
      for (let from = 0; from < jobs.length; from += bulkMax) {
        const part = jobs.slice(from, from + bulkMax);
        await ask(queue.addBulk(part.map((it) => ({ name, data: it.data, opts: optsOf(it) }))));
        countAdded(part.length, { queue: name });
      }
    },
    remove: async (id) => (await ask(queue.remove(id))) === 1,
    counts,
    failed: async ({ from, count }) => {
      const jobs = await ask(queue.getFailed(from, from + count - 1));
      return jobs.map((it) => ({
        id: it.id ?? '',
        data: it.data as Data,
        reason: it.failedReason,
        attempts: it.attemptsMade,
        failedAtMs: it.finishedOn ?? it.timestamp,
      }));
    },
    retryFailed: (count) => ask(queue.retryJobs({ state: 'failed', count })),
    close: async () => {
      closing.abort();
      for (const refuse of refusals) refuse(new Error('closed'));
      await firstOf(
        clock,
        closeMsMax,
        queue.close().catch(() => {}),
      );
      await connection.close();
    },
  };
};

const keep = (retention: JobRetention): JobsOptions => ({
  removeOnComplete: { age: retention.completedAgeMs / 1_000, count: retention.completedMax },
  removeOnFail: { age: retention.failedAgeMs / 1_000, count: retention.failedMax },
});

const optsOf = <Data>(job: NewJob<Data>): JobsOptions => {
  if (job.id.includes(':') || /^\d+$/.test(job.id)) {
    throw new TypeError(`a job id has no colon and is not a number: ${job.id}`);
  }
  return {
    jobId: job.id,
    attempts: job.attempts ?? 1,
    backoff: { type: 'custom' },
    ...(job.delayMs !== undefined && { delay: Math.max(0, Math.round(job.delayMs)) }),
    ...(job.deduplicationId !== undefined && {
      deduplication: {
        id: job.deduplicationId,
        ...(job.keepLastIfActive && { keepLastIfActive: true }),
      },
    }),
  };
};
