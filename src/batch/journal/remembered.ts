import type { Acceptance } from '../../model/ingest.ts';
import { createAnswerTable } from './answer-table.ts';
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
  const { windowMs, monotonicMs, claims } = options;
  const answersMax = Math.ceil(options.requestsMax / 2);
  const running = new Map<string, Promise<Acceptance>>();
  let young = createAnswerTable(answersMax);
  let old = createAnswerTable(answersMax);
  let youngSinceMs = monotonicMs();

  const turn = (): void => {
    const grown = young.size() >= answersMax;
    if (!grown && monotonicMs() - youngSinceMs < windowMs) return;
    old.clear();
    [young, old] = [old, young];
    youngSinceMs = monotonicMs();
  };

  const remember = (hash: Buffer, answer: Acceptance): void => {
    turn();
    young.put(hash, answer);
  };

  const once = async (hash: Buffer, run: () => Promise<Acceptance>): Promise<Acceptance> => {
    turn();
    const id = hash.toString('latin1');
    const known = running.get(id) ?? young.get(hash) ?? old.get(hash);
    if (known) {
      options.onRepeated();
      return known;
    }
    const other = claims?.claim(hash);
    if (other !== undefined) throw new Elsewhere(other);
    const answer = run();
    running.set(id, answer);
    try {
      const acceptance = await answer;
      remember(hash, acceptance);
      return acceptance;
    } catch (error) {
      claims?.release(hash);
      throw error;
    } finally {
      running.delete(id);
    }
  };

  return {
    once,
    restore: (hash, acceptance) => {
      claims?.claim(hash);
      remember(hash, acceptance);
    },
    size: () => running.size + young.size() + old.size(),
  };
};
