import type { Arena, Follower } from './arena.ts';
import type { Dictionary } from './dictionary.ts';
import type { PlaceRules } from './redaction.ts';

const verdictsFirst = 64;

/**
 * What redaction says about the keys of one map column, by their numbers in its dictionary: each key
 * is compared with the rules once per block, and each attribute costs one look-up.
 */
export class KeyGuard implements Follower {
  readonly rules: PlaceRules;
  readonly #dictionary: Dictionary;
  #verdicts = new Uint8Array(verdictsFirst);
  #known = 0;

  /** After the dictionary, so that it has already forgotten what is to be forgotten here. */
  constructor(arena: Arena, dictionary: Dictionary, rules: PlaceRules) {
    this.rules = rules;
    this.#dictionary = dictionary;
    arena.follow(this);
  }

  verdict(id: number): number {
    return id < this.#known ? (this.#verdicts[id] ?? 0) : this.#learn(id);
  }

  key(id: number): string {
    return this.#dictionary.word(id);
  }

  mark(): void {}

  rollback(): void {
    this.#known = Math.min(this.#known, this.#dictionary.count);
  }

  clear(): void {
    this.#known = 0;
    if (this.#verdicts.length > verdictsFirst) this.#verdicts = new Uint8Array(verdictsFirst);
  }

  #learn(id: number): number {
    if (id >= this.#verdicts.length) {
      const more = new Uint8Array(Math.max(id + 1, this.#verdicts.length * 2));
      more.set(this.#verdicts);
      this.#verdicts = more;
    }
    for (; this.#known <= id; this.#known += 1) {
      const key = this.#dictionary.word(this.#known);
      this.#verdicts[this.#known] = this.rules.verdictOf(key);
    }
    return this.#verdicts[id] ?? 0;
  }
}
