import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';

/** Bytes of request bodies that may be held at once; one budget may serve several doors. */
export interface ByteBudget {
  readonly bytesMax: number;
  readonly heldBytes: () => number;
  /** Throws ERR_RECEIVE_OVERLOADED when the budget has not that much left; takes nothing. */
  readonly check: (bytes: number) => void;
  /** Starts an account that holds nothing yet. Whoever opens it gives everything back. */
  readonly open: () => Hold;
}

/** What one request holds of the budget. */
export interface Hold {
  /** Throws ERR_RECEIVE_OVERLOADED, taking nothing, when the budget has not that much left. */
  readonly take: (bytes: number) => void;
  readonly give: (bytes: number) => void;
  /** `stored` bytes count towards the rate at which the backlog drains. */
  readonly giveAll: (stored: boolean) => void;
}

/** Over about this time the drain rate forgets. */
const rateMemoryMs = 10_000;
const retryMsMin = 1_000;
const retryMsMax = 30_000;

/**
 * Senders turned away are told to come back when half of what is held will have been stored, at
 * the rate of the last seconds: between 1 s and 30 s, and 30 s when nothing moves.
 */
export const createByteBudget = (bytesMax: number, clock: Clock): ByteBudget => {
  let heldBytes = 0;
  /** Stored bytes, each worth less the older it is. Undefined until something was stored. */
  let recent: { readonly bytes: number; readonly atMs: number } | undefined;

  const recentBytes = (nowMs: number): number =>
    recent ? recent.bytes * Math.exp((recent.atMs - nowMs) / rateMemoryMs) : 0;

  const retryAfterMs = (): number | undefined => {
    if (!recent) return undefined;
    const bytesPerMs = recentBytes(clock.monotonicMs()) / rateMemoryMs;
    return Math.min(Math.max(heldBytes / 2 / bytesPerMs, retryMsMin), retryMsMax);
  };

  const check = (bytes: number): void => {
    if (heldBytes + bytes <= bytesMax) return;
    const message = `${heldBytes} of at most ${bytesMax} request bytes are being processed; send it again later`;
    const delayMs = retryAfterMs();
    throw new Fault('ERR_RECEIVE_OVERLOADED', message, {
      remedy: 'retry',
      ...(delayMs !== undefined && { retryAfterMs: delayMs }),
    });
  };

  const open = (): Hold => {
    let ownBytes = 0;
    const give = (bytes: number): void => {
      const given = Math.min(bytes, ownBytes);
      ownBytes -= given;
      heldBytes -= given;
    };
    const giveAll = (stored: boolean): void => {
      if (stored && ownBytes > 0) {
        const atMs = clock.monotonicMs();
        recent = { bytes: recentBytes(atMs) + ownBytes, atMs };
      }
      give(ownBytes);
    };
    const take = (bytes: number): void => {
      check(bytes);
      ownBytes += bytes;
      heldBytes += bytes;
    };
    return { take, give, giveAll };
  };

  return { bytesMax, heldBytes: () => heldBytes, check, open };
};
