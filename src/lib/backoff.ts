/** A source of numbers in [0, 1); seeded in tests. */
export type Random = () => number;

export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Exponential delay with equal jitter: between half and the whole of `firstMs · 2^attempt`, capped.
 * `attempt` counts from 0.
 */
export const backoffMs = (attempt: number, limits: BackoffLimits, random: Random): number => {
  const ceilingMs = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceilingMs * (0.5 + random() / 2));
};
