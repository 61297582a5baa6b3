import { backoffMs, type Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { createErrorReport } from '../lib/error-report.ts';
import type { Log } from '../lib/log.ts';
import type { InsertSelect } from '../model/query.ts';
import { type DueWindow, planWindows } from './run-due.ts';
import type { Candidate, RollupJob } from './run-job.ts';
import type { RollupMetrics } from './run-metrics.ts';
import type { Pauses } from './run-pause.ts';
import type { Progress } from './run-progress.ts';

export interface WindowRunOptions {
  readonly progress: Progress;
  readonly insertSelect: InsertSelect;
  readonly metrics: RollupMetrics;
  readonly pauses: Pauses;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Of one job. Rejects with the failure of the first window that failed. */
export type WindowRun = (job: RollupJob, endings: Endings) => Promise<void>;

interface Endings {
  /** Ends the turn now. */
  readonly signal: AbortSignal;
  /** Ends it after the window that is being computed. */
  readonly stopping: AbortSignal;
}

/** One turn of a job; what is left waits for the next tick, behind the other jobs. */
const windowsPerTurnMax = 60;
const turnMsMaxDefault = 20_000;
const failureBackoff = { firstMs: 5_000, maxMs: 600_000 };

/**
 * Computes the windows of a job that are due, oldest first. One that fails ends the turn and is left
 * alone for a while, so that it cannot hold up those after it for ever.
 */
export const createWindowRun = (options: WindowRunOptions): WindowRun => {
  const { progress, insertSelect, metrics, pauses, clock, random, log } = options;
  const report = createErrorReport(log, clock, 'rollup_window_failed');
  const failing = new Map<string, { readonly times: number; readonly retryAtMs: number }>();

  const compute = async (
    job: RollupJob,
    window: DueWindow,
    { readMs, signal }: { readMs: number; signal: AbortSignal },
  ): Promise<void> => {
    const { fromMs, toMs, input, parts, computedMs = 0 } = window;
    const sinceMs = clock.monotonicMs();
    // A clock that was set back must not make the new rows older than those they replace.
    const versionMs = Math.max(readMs, computedMs + 1);
    const { timeoutMs } = job;
    const computation = {
      ...{ fromMs, toMs, versionMs, input },
      ...(parts && { parts: new Set(parts.map((it) => it.part)) }),
    };
    for (const [index, { sql, ...asked }] of job.run(computation).entries()) {
      const token = `${job.name}-${fromMs}-${versionMs}-${parts?.[0]?.part ?? ''}-${index}`;
      await insertSelect(sql, { ...asked, token, timeoutMs, signal });
    }
    const tookMs = clock.monotonicMs() - sinceMs;
    await progress.record(job, {
      ...{ fromMs, input, versionMs, tookMs },
      ...(parts && { parts }),
    });
    metrics.computed(job.name, window.why, tookMs);
  };

  const failed = (job: RollupJob, window: DueWindow, error: unknown): void => {
    const key = keyOf(job, window);
    const times = (failing.get(key)?.times ?? 0) + 1;
    const waitMs = backoffMs(times - 1, failureBackoff, random);
    failing.set(key, { times, retryAtMs: clock.monotonicMs() + waitMs });
    metrics.failed(job.name);
    const from = new Date(window.fromMs).toISOString();
    report(error, { job: job.name, from, times, wait_ms: waitMs });
  };

  return async (job, { signal, stopping }) => {
    const sinceMs = clock.monotonicMs();
    const { nowMs, windows } = await progress.candidates(job, signal);
    const toServerMs = nowMs - clock.monotonicMs();
    const retryAtMs = (key: string) => {
      const found = failing.get(key);
      return found && found.retryAtMs + toServerMs;
    };
    const plan = planWindows(windows, job, nowMs, (it) => retryAtMs(keyOf(job, it)));
    metrics.looked(job.name, plan.lagMs, plan.due.length);
    for (const window of plan.due.slice(0, windowsPerTurnMax)) {
      const over = clock.monotonicMs() - sinceMs > (job.turnMsMax ?? turnMsMaxDefault);
      if (over || signal.aborted || stopping.aborted) return;
      const { run } = pauses.ask(job);
      if (run === 'none') return;
      try {
        await compute(job, window, { readMs: nowMs, signal });
      } catch (error) {
        if (!signal.aborted) failed(job, window, error);
        throw error;
      }
      failing.delete(keyOf(job, window));
      if (run === 'one') pauses.computed(job);
    }
  };
};

const keyOf = (job: RollupJob, { fromMs, parts }: Candidate): string =>
  `${job.name} ${fromMs} ${parts?.[0]?.part ?? ''}`;
