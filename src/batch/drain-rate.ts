/** How fast a backlog goes down, as a mean that forgets: an outage lets it fall towards 0. */
export interface DrainRate {
  readonly drained: (bytes: number, nowMs: number) => void;
  readonly bytesPerSecond: (nowMs: number) => number;
}

const memoryMs = 10_000;

export const createDrainRate = (): DrainRate => {
  let rate = 0;
  let atMs = 0;
  const faded = (nowMs: number) => rate * Math.exp(-Math.max(0, nowMs - atMs) / memoryMs);
  return {
    drained: (bytes, nowMs) => {
      rate = faded(nowMs) + (bytes * 1000) / memoryMs;
      atMs = nowMs;
    },
    bytesPerSecond: faded,
  };
};

export interface RetryLimits {
  readonly retryAfterMsMin: number;
  readonly retryAfterMsMax: number;
}

/** When the backlog will be gone at this rate, within bounds; the upper one when nothing moves. */
export const retryAfterMs = (
  heldBytes: number,
  bytesPerSecond: number,
  limits: RetryLimits,
): number => {
  const neededMs =
    bytesPerSecond > 0 ? (heldBytes / bytesPerSecond) * 1000 : Number.POSITIVE_INFINITY;
  return Math.round(
    Math.min(
      limits.retryAfterMsMax,
      Math.max(limits.retryAfterMsMin, heldBytes === 0 ? 0 : neededMs),
    ),
  );
};
