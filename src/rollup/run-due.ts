import type { Candidate, RollupJob } from './run-job.ts';

export type Dueness =
  /** Never computed, and over. */
  | 'new'
  /** Computed, and input came after that. */
  | 'late'
  /** Not over, or so shortly that much of its input is still on its way. */
  | 'open'
  /** Computed not long ago: more late input may follow. */
  | 'resting'
  /** Failed not long ago. */
  | 'failing';

/** What is left alone for now without being behind. */
const waiting: ReadonlySet<Dueness> = new Set(['open', 'resting']);

const restMsMin = 60_000;
const restMsMax = 900_000;

/**
 * A window that was computed rests for as long as it was old then, within 1 and 15 minutes: input
 * that trickles in for hours costs a handful of computations, not one each tick.
 */
export const duenessOf = (
  candidate: Candidate,
  job: Pick<RollupJob, 'settleMs'>,
  nowMs: number,
  retryAtMs?: number,
): Dueness => {
  const { toMs, computedMs } = candidate;
  if (retryAtMs !== undefined && nowMs < retryAtMs) return 'failing';
  if (nowMs < toMs + job.settleMs) return 'open';
  if (computedMs === undefined) return 'new';
  const restMs = Math.min(restMsMax, Math.max(restMsMin, computedMs - toMs));
  return nowMs < computedMs + restMs ? 'resting' : 'late';
};

export interface DueWindow extends Candidate {
  readonly why: 'new' | 'late';
}

export interface Plan {
  /** Oldest first, but those before them whose parts wait for fewer windows: a part that is new holds up none. */
  readonly due: readonly DueWindow[];
  /** How long ago the oldest window ended that should have been computed, 0 when there is none. */
  readonly lagMs: number;
}

/** Which windows are to be computed now. `retryAtMs` tells of those that failed. */
export const planWindows = (
  candidates: readonly Candidate[],
  job: Pick<RollupJob, 'settleMs'>,
  nowMs: number,
  retryAtMs: (candidate: Candidate) => number | undefined = () => undefined,
): Plan => {
  const judged = candidates
    .map((it) => ({ it, why: duenessOf(it, job, nowMs, retryAtMs(it)) }))
    .toSorted((a, b) => a.it.fromMs - b.it.fromMs);
  const behind = judged.find(({ why }) => !waiting.has(why));
  return {
    due: judged
      .flatMap(({ it, why }) => (why === 'new' || why === 'late' ? [{ ...it, why }] : []))
      .toSorted((a, b) => a.backlog - b.backlog),
    lagMs: behind ? Math.max(0, nowMs - behind.it.toMs) : 0,
  };
};
