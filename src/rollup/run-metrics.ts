import type { Clock } from '../lib/clock.ts';
import { type Meter, secondsBounds } from '../lib/meter.ts';

export interface RollupMetrics {
  readonly computed: (job: string, why: 'new' | 'late', tookMs: number) => void;
  readonly failed: (job: string) => void;
  readonly looked: (job: string, lagMs: number, waiting: number) => void;
  readonly tickFailed: () => void;
}

/** What this process saw longer ago is another replica's business by now. */
const seenMsMax = 60_000;

export const createRollupMetrics = (meter: Meter, clock: Clock): RollupMetrics => {
  const computed = meter.counter('tocsin_rollup_windows_computed', {
    description: 'Windows computed, by job and whether for the first time or for late input.',
    unit: '{window}',
  });
  const failed = meter.counter('tocsin_rollup_windows_failed', {
    description: 'Attempts at a window that failed, by job.',
    unit: '{attempt}',
  });
  const duration = meter.histogram('tocsin_rollup_duration', {
    description: 'Time to compute one window, by job.',
    unit: 's',
    bounds: secondsBounds,
  });
  const ticks = meter.counter('tocsin_rollup_ticks_failed', {
    description: 'Times the jobs could not be queued; they are queued at the next tick.',
    unit: '{tick}',
  });
  const seen = new Map<string, { lagMs: number; waiting: number; atMs: number }>();
  const observe = (value: (it: { lagMs: number; waiting: number }) => number) => () =>
    [...seen]
      .filter(([, it]) => clock.monotonicMs() - it.atMs < seenMsMax)
      .map(([job, it]) => ({ value: value(it), attributes: { job } }));
  meter.gauge(
    'tocsin_rollup_lag',
    { description: 'Since the end of the oldest window that is due and not computed.', unit: 's' },
    observe((it) => it.lagMs / 1000),
  );
  meter.gauge(
    'tocsin_rollup_windows_waiting',
    { description: 'Windows that are due and not computed, by job.', unit: '{window}' },
    observe((it) => it.waiting),
  );
  return {
    computed: (job, why, tookMs) => {
      computed(1, { job, why });
      duration(tookMs / 1000, { job });
    },
    failed: (job) => failed(1, { job }),
    looked: (job, lagMs, waiting) => {
      seen.set(job, { lagMs, waiting, atMs: clock.monotonicMs() });
    },
    tickFailed: () => ticks(1),
  };
};
