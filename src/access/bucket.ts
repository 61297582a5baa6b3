import type { Clock } from '../lib/clock.ts';

/** A sender that was quiet may catch up this much at once: exporters send every few seconds. */
const burstSeconds = 5;

/** A rate that may be exceeded once, but has to be made up for. */
export interface Bucket {
  readonly perSecond: number;
  /** How long until the bucket holds one; 0 when it does. */
  readonly waitMs: () => number;
  /** Takes any amount; what was not there is owed. */
  readonly take: (amount: number) => void;
}

/**
 * A token bucket that may owe, since what a request costs is known only after it was read. It starts
 * full with what five seconds bring.
 */
export const createBucket = (perSecond: number, clock: Clock): Bucket => {
  const most = Math.max(1, perSecond * burstSeconds);
  let held = most;
  let atMs = clock.monotonicMs();

  const refill = (): void => {
    const nowMs = clock.monotonicMs();
    held = Math.min(most, held + ((nowMs - atMs) / 1_000) * perSecond);
    atMs = nowMs;
  };

  return {
    perSecond,
    waitMs: () => {
      refill();
      return held >= 1 ? 0 : ((1 - held) / perSecond) * 1_000;
    },
    take: (amount) => {
      refill();
      held -= amount;
    },
  };
};
