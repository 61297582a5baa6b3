import type { Acceptance } from '../../model/ingest.ts';
import type { Claims } from './claims.ts';

/** A request belongs to another thread, which knows its answer or is about to. */
export class Elsewhere extends Error {
  override readonly name = 'Elsewhere';
  /** From 0. */
  readonly thread: number;

  constructor(thread: number) {
    super(`thread ${thread} may have this request already`);
    this.thread = thread;
  }
}

export interface Remembered {
  /**
   * Runs a request unless the same one is under way or was acknowledged lately: then its answer is
   * given again. A request that failed is forgotten. Rejects with `Elsewhere` when another thread
   * may have it.
   */
  readonly once: (hash: Buffer, run: () => Promise<Acceptance>) => Promise<Acceptance>;
  /** An answer that was given before, by an earlier process or out of another journal. */
  readonly restore: (hash: Buffer, acceptance: Acceptance) => void;
  readonly size: () => number;
}

export interface RememberedOptions {
  /** An answer is remembered at least this long, if there is room… */
  readonly windowMs: number;
  /** …for so many; beyond, the older half is forgotten. */
  readonly requestsMax: number;
  readonly monotonicMs: () => number;
  readonly onRepeated: () => void;
  /** Left out when no other thread takes requests. */
  readonly claims?: Claims | undefined;
}

/** Two generations, so that forgetting costs nothing per request and needs no timer. */
export const createRemembered = (options: RememberedOptions): Remembered => {
  const { windowMs, requestsMax, monotonicMs, claims } = options;
  let young = new Map<string, Acceptance | Promise<Acceptance>>();
  let old = new Map<string, Acceptance | Promise<Acceptance>>();
  let youngSinceMs = monotonicMs();

  const turn = (): void => {
    const grown = young.size * 2 >= requestsMax;
    if (!grown && monotonicMs() - youngSinceMs < windowMs) return;
    old = young;
    young = new Map();
    youngSinceMs = monotonicMs();
  };

  const once = async (hash: Buffer, run: () => Promise<Acceptance>): Promise<Acceptance> => {
    turn();
    const id = hash.toString('latin1');
    const known = young.get(id) ?? old.get(id);
    if (known) {
      options.onRepeated();
      return known;
    }
    const other = claims?.claim(hash);
    if (other !== undefined) throw new Elsewhere(other);
    const running = run();
    young.set(id, running);
    try {
      const acceptance = await running;
      if (!replace(young, id, running, acceptance)) replace(old, id, running, acceptance);
      return acceptance;
    } catch (error) {
      for (const map of [young, old]) if (map.get(id) === running) map.delete(id);
      claims?.release(hash);
      throw error;
    }
  };

  return {
    once,
    restore: (hash, acceptance) => {
      turn();
      claims?.claim(hash);
      young.set(hash.toString('latin1'), acceptance);
    },
    size: () => young.size + old.size,
  };
};

const replace = <T>(map: Map<string, T>, id: string, from: T, to: T): boolean => {
  if (map.get(id) !== from) return false;
  map.set(id, to);
  return true;
};
