import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import { decideShare } from './share.ts';

/** Bytes of request bodies that may be held at once; one budget may serve several doors. */
export interface ByteBudget {
  readonly bytesMax: number;
  readonly heldBytes: () => number;
  /** Senders with a request under way. */
  readonly senders: () => number;
  /** Starts an account that holds nothing yet. Whoever opens it ends it. */
  readonly open: (sender: string) => Account;
}

/** What one request holds of the budget. */
export interface Hold {
  /**
   * Throws, taking nothing: ERR_RECEIVE_OVERLOADED when the budget has not that much left,
   * ERR_RECEIVE_SHARE when little is left and this sender holds more of it than others may.
   */
  readonly take: (bytes: number) => void;
  readonly give: (bytes: number) => void;
  /** `stored` bytes count towards the rate at which the backlog drains. */
  readonly giveAll: (stored: boolean) => void;
}

/** One request of one sender. */
export interface Account extends Hold {
  /** It turned out who sends; before anything is taken. */
  readonly belongTo: (sender: string) => void;
  /** Throws what `take` would throw; takes nothing. */
  readonly check: (bytes: number) => void;
  /** Throws when so many requests are under way that this one is too many, in all or of its sender. */
  readonly checkRequests: (open: number, max: number) => void;
  /** Gives everything back; safe twice. */
  readonly end: () => void;
}

/** All that one sender has under way. */
interface Sender {
  bytes: number;
  requests: number;
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
  /** Only those with a request under way: as bounded as requests are. */
  const senders = new Map<string, Sender>();
  /** Stored bytes, each worth less the older it is. Undefined until something was stored. */
  let recent: { readonly bytes: number; readonly atMs: number } | undefined;

  const recentBytes = (nowMs: number): number =>
    recent ? recent.bytes * Math.exp((recent.atMs - nowMs) / rateMemoryMs) : 0;

  const retryAfterMs = (): number | undefined => {
    if (!recent) return undefined;
    const bytesPerMs = recentBytes(clock.monotonicMs()) / rateMemoryMs;
    return Math.min(Math.max(heldBytes / 2 / bytesPerMs, retryMsMin), retryMsMax);
  };

  const refuse = (code: 'ERR_RECEIVE_OVERLOADED' | 'ERR_RECEIVE_SHARE', message: string): never => {
    const delayMs = retryAfterMs();
    throw new Fault(code, `${message}; send it again later`, {
      remedy: 'retry',
      ...(delayMs !== undefined && { retryAfterMs: delayMs }),
    });
  };

  const enter = (name: string): Sender => {
    const sender = senders.get(name) ?? { bytes: 0, requests: 0 };
    sender.requests += 1;
    senders.set(name, sender);
    return sender;
  };

  const leave = (name: string, sender: Sender): void => {
    sender.requests -= 1;
    if (sender.requests === 0) senders.delete(name);
  };

  const open = (first: string): Account => {
    let name = first;
    let sender = enter(name);
    let ownBytes = 0;
    let ended = false;

    const check = (bytes: number): void => {
      const own = sender.bytes;
      const hasOthers = sender.requests > 1;
      const state = { max: bytesMax, held: heldBytes, own, hasOthers, senders: senders.size };
      switch (decideShare(state, bytes)) {
        case 'full':
          return refuse(
            'ERR_RECEIVE_OVERLOADED',
            `${heldBytes} of at most ${bytesMax} request bytes are being processed`,
          );
        case 'over-share':
          return refuse(
            'ERR_RECEIVE_SHARE',
            `${own} of the ${heldBytes} request bytes that are being processed are yours`,
          );
        case 'take':
      }
    };

    const checkRequests = (under: number, max: number): void => {
      const own = sender.requests - 1;
      const hasOthers = own > 0;
      const state = { max, held: under - 1, own, hasOthers, senders: senders.size };
      switch (decideShare(state, 1)) {
        case 'full':
          return refuse('ERR_RECEIVE_OVERLOADED', `more than ${max} requests are under way`);
        case 'over-share':
          return refuse('ERR_RECEIVE_SHARE', `${own} of the ${under} requests under way are yours`);
        case 'take':
      }
    };

    const give = (bytes: number): void => {
      const given = Math.min(bytes, ownBytes);
      ownBytes -= given;
      sender.bytes -= given;
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
      sender.bytes += bytes;
      heldBytes += bytes;
    };
    const belongTo = (other: string): void => {
      leave(name, sender);
      name = other;
      sender = enter(name);
    };
    const end = (): void => {
      if (ended) return;
      ended = true;
      giveAll(false);
      leave(name, sender);
    };
    return { take, give, giveAll, belongTo, check, checkRequests, end };
  };

  return { bytesMax, heldBytes: () => heldBytes, senders: () => senders.size, open };
};
