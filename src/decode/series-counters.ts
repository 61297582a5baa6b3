/** Generations, which are hours, are told apart modulo 2^16: seven years. */
export const generationMask = 0xffff;

/** Pairs of service and metric, and services, that are counted at once. Others have no limit of their own. */
const countersMax = 2 ** 18;
const probesMax = 32;

// Words of a counter.
const keyWord = 0;
/** One more than the generation, so that 0 is none. */
const turnedWord = 1;
/** Seen in this generation. */
const seenWord = 2;
/** Known when it began. */
const beforeWord = 3;
/** Of this generation and not known before. */
const freshWord = 4;
const counterWords = 5;

/** Words of memory that counters take; a multiple of 16. */
export const countersWords = Math.ceil(((1 + countersMax) * counterWords) / 16) * 16;

/** Numbers of series by the hash of whose they are, in shared memory; hash 0 is that of all. */
export class SeriesCounters {
  readonly #words: Int32Array;
  #turn = 1;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  turnTo(generation: number): void {
    this.#turn = generation + 1;
  }

  /** Series of this hour and the one before; 0 for one there is no room for. */
  known(hash: number): number {
    const at = this.#at(hash);
    if (at < 0) return 0;
    return this.#load(at + beforeWord) + this.#load(at + freshWord);
  }

  /** A series is seen for the first time in this hour; `fresh` when not in the last one either. */
  count(hash: number, fresh: boolean): void {
    const at = this.#at(hash);
    if (at < 0) return;
    Atomics.add(this.#words, at + seenWord, 1);
    if (fresh) Atomics.add(this.#words, at + freshWord, 1);
  }

  /** Where the counter is, turned to this hour. */
  #at(hash: number): number {
    const at = hash === 0 ? 0 : this.#place(hash);
    if (at >= 0) this.#turnOver(at);
    return at;
  }

  #place(key: number): number {
    let free = -1;
    for (let probe = 0; probe < probesMax; probe += 1) {
      const at = (1 + ((key + probe) & (countersMax - 1))) * counterWords;
      const found = this.#load(at + keyWord);
      if (found === key) return at;
      if (free < 0 && (found === 0 || this.#age(at) > 1)) free = at;
      if (found === 0) break;
    }
    return free < 0 ? -1 : this.#claim(free, key);
  }

  #claim(at: number, key: number): number {
    const words = this.#words;
    const found = this.#load(at + keyWord);
    const isFree = found === 0 || this.#age(at) > 1;
    if (!isFree || Atomics.compareExchange(words, at + keyWord, found, key) !== found) return -1;
    Atomics.store(words, at + turnedWord, 0);
    return at;
  }

  /** Begins this hour for a counter that stands in another. */
  #turnOver(at: number): void {
    const words = this.#words;
    const stood = this.#load(at + turnedWord);
    if (stood === this.#turn) return;
    if (Atomics.compareExchange(words, at + turnedWord, stood, this.#turn) !== stood) return;
    const seen = Atomics.exchange(words, at + seenWord, 0);
    const isNext = stood !== 0 && ((this.#turn - stood) & generationMask) === 1;
    Atomics.store(words, at + beforeWord, isNext ? seen : 0);
    Atomics.store(words, at + freshWord, 0);
  }

  #age(at: number): number {
    return (this.#turn - this.#load(at + turnedWord)) & generationMask;
  }

  #load(word: number): number {
    return Atomics.load(this.#words, word);
  }
}
