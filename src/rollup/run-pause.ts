import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { RollupJob } from './run-job.ts';

export interface Waiting {
  /** Somebody is paged by what the job computes. */
  readonly isUrgent: boolean;
  /** Whether ingest does not keep up. */
  readonly isIngestBehind: boolean;
  /** How long the job has made way since it last computed anything; undefined when it does not. */
  readonly pausedMs: number | undefined;
}

export type MakingWay =
  | { readonly run: 'all'; readonly reason: 'urgent' | 'ingest-keeps-up' }
  | { readonly run: 'one'; readonly reason: 'paused-long-enough' }
  | { readonly run: 'none'; readonly reason: 'ingest-is-behind' };

/** One job in a row; then it computes a window and makes way again. */
const pauseMsMax = 600_000;

/**
 * What is acknowledged must be stored before what people look at is derived from it: both take the same
 * cores. Nothing is lost by a pause, since windows that are due stay due.
 */
export const decideMakingWay = ({ isUrgent, isIngestBehind, pausedMs }: Waiting): MakingWay => {
  if (isUrgent) return { run: 'all', reason: 'urgent' };
  if (!isIngestBehind) return { run: 'all', reason: 'ingest-keeps-up' };
  if (pausedMs !== undefined && pausedMs >= pauseMsMax)
    return { run: 'one', reason: 'paused-long-enough' };
  return { run: 'none', reason: 'ingest-is-behind' };
};

export interface PausesOptions {
  readonly isIngestBehind: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Pauses {
  /** Asked before each window that is due. */
  readonly ask: (job: RollupJob) => MakingWay;
  /** The one window was computed: the job makes way anew. */
  readonly computed: (job: RollupJob) => void;
}

/** Remembers since when each job makes way; says when the first begins to and when the last is done. */
export const createPauses = ({ isIngestBehind, clock, log, meter }: PausesOptions): Pauses => {
  const sinceMs = new Map<string, number>();
  meter.gauge(
    'tocsin_rollup_paused',
    { description: 'How long a job has made way for ingest, by job and reason.', unit: 's' },
    () =>
      [...sinceMs].map(([job, ms]) => ({
        value: (clock.monotonicMs() - ms) / 1_000,
        attributes: { job, reason: 'ingest-is-behind' },
      })),
  );
  const resume = (job: string): void => {
    if (sinceMs.delete(job) && sinceMs.size === 0) log.info('rollups_resumed', { job });
  };
  return {
    ask: (job) => {
      const nowMs = clock.monotonicMs();
      const since = sinceMs.get(job.name);
      const way = decideMakingWay({
        isUrgent: job.isUrgent ?? false,
        isIngestBehind: isIngestBehind(),
        pausedMs: since === undefined ? undefined : nowMs - since,
      });
      if (way.run === 'all') resume(job.name);
      if (way.run === 'none' && since === undefined) {
        if (sinceMs.size === 0)
          log.warn('rollups_paused', { job: job.name, reason: way.reason, max_ms: pauseMsMax });
        sinceMs.set(job.name, nowMs);
      }
      return way;
    },
    computed: (job) => {
      if (sinceMs.has(job.name)) sinceMs.set(job.name, clock.monotonicMs());
    },
  };
};
