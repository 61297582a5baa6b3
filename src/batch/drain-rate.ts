/** How fast a backlog goes down, as a mean that forgets: an outage lets it fall towards 0. */
export interface DrainRate {
  readonly drained: (bytes: number, nowMs: number) => void;
  readonly bytesPerSecond: (nowMs: number) => number;
}

const memoryMs = 10_000;

/** What a rate is made of: bytes per second, and when it was so (ms). Others may read it meanwhile. */
export const drainRateWords = 2;

export const createDrainRate = (
  words: Float64Array = new Float64Array(drainRateWords),
): DrainRate => {
  const bytesPerSecond = (nowMs: number): number => {
    const [rate = 0, atMs = 0] = words;
    return rate * Math.exp(-Math.max(0, nowMs - atMs) / memoryMs);
  };
  return {
    drained: (bytes, nowMs) => {
      words[0] = bytesPerSecond(nowMs) + (bytes * 1000) / memoryMs;
      words[1] = nowMs;
    },
    bytesPerSecond,
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
