export interface PaceLimits {
  /** A request waits this long for company while nothing is being stored… */
  readonly lingerMs: number;
  /**
   * …but two batches cut for that reason lie this far apart: each insert costs 10 to 40 ms of CPU,
   * however small, since every view writes a part of its own.
   */
  readonly spacingMs: number;
  /** A request waits this long while other batches are being stored and a slot is free. */
  readonly ageMsMax: number;
}

export interface PaceState {
  readonly openedMs: number;
  /** When a batch was cut last. */
  readonly cutMs: number;
  /** Nothing is being stored. */
  readonly idle: boolean;
}

/** When the batch that is being filled should be cut although it is not full, and why. */
export const cutTime = (
  { openedMs, cutMs, idle }: PaceState,
  limits: PaceLimits,
): { readonly atMs: number; readonly reason: 'linger' | 'age' } => {
  const latestMs = openedMs + limits.ageMsMax;
  if (!idle) return { atMs: latestMs, reason: 'age' };
  const soonestMs = Math.max(openedMs + limits.lingerMs, cutMs + limits.spacingMs);
  return { atMs: Math.min(soonestMs, latestMs), reason: 'linger' };
};
