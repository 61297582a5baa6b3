import type { SeriesLimits, SharedSeries } from '../model/series.ts';
import { countersWords, generationMask, SeriesCounters } from './series-counters.ts';
import { mixed } from './series-hash.ts';

/** Why a series may not begin: its metric, its service or the server has as many as it may. */
export type SeriesLimit = 'metric' | 'service' | 'total';

/** `near`: it begins, and not many more may. */
export type Admission = 'known' | 'new' | 'near' | SeriesLimit;

/** The share of a limit from which on it is near. */
const nearShare = 0.8;

/** A series is forgotten when it was silent for all of one of these. */
const generationMs = 3_600_000;

/** A bucket fills a line of the processor's cache. */
const bucketSlots = 8;
const slotWords = 2;
const bucketWords = bucketSlots * slotWords;
/** Half of the slots stay free, so that one of the two buckets of a series has room. */
const slotsPerSeries = 2;
/** Buckets, as a power of 2, while there are few series. */
const sizeFirst = 6;

const sizeFor = (series: number): number =>
  Math.max(sizeFirst, Math.ceil(Math.log2((series * slotsPerSeries) / bucketSlots)));

// Of the memory: what all threads go by, the counters, the buckets.
const sizeWord = 0;
const countersAt = 16;
const bucketsAt = countersAt + countersWords;

/** Memory for as many series as `limits` allow: zero, and therefore not taken before it is needed. */
export const shareSeries = (limits: SeriesLimits): SharedSeries => {
  const words = bucketsAt + 2 ** sizeFor(limits.total) * bucketWords;
  return { limits, memory: new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT) };
};

/**
 * Which series are known, by 64-bit hash, in memory that all threads share. A series that is known goes
 * on whatever the limits; one that is not may begin while there are fewer than that, counting those
 * of the hour before. Threads do not wait for each other: counts may be off by a few series.
 */
export class SeriesBook {
  readonly #limits: SeriesLimits;
  readonly #words: Int32Array;
  readonly #counters: SeriesCounters;
  #generation = 0;
  #size = sizeFirst;

  constructor({ limits, memory }: SharedSeries) {
    this.#limits = limits;
    this.#words = new Int32Array(memory);
    this.#counters = new SeriesCounters(this.#words.subarray(countersAt, bucketsAt));
  }

  /** Call before `admit` whenever time has passed. */
  turnTo(nowMs: number): void {
    this.#generation = Math.floor(nowMs / generationMs) & generationMask;
    this.#counters.turnTo(this.#generation);
    this.#size = Math.max(sizeFirst, Atomics.load(this.#words, sizeWord));
  }

  /** In which hour the book is, so that others can forget with it. */
  get generation(): number {
    return this.#generation;
  }

  /** Series of all metrics that are known now. */
  known(): number {
    return this.#counters.known(0);
  }

  /** Notes a series if it may be. `metric` and `service` are hashes of whose it is. */
  admit(low: number, high: number, metric: number, service: number): Admission {
    const key = high === 0 ? 1 : high;
    let at = this.#find(low, key, this.#size);
    if (at < 0) at = this.#moved(low, key);
    if (at < 0) return this.#begin(low, key, { metric, service });
    if (this.#ageAt(at) > 0) this.#carryOn(at, { metric, service });
    return 'known';
  }

  /** Where the series is when so many buckets are in use, -1 when it is not known there. */
  #find(low: number, key: number, size: number): number {
    const words = this.#words;
    const tag = low >>> 16;
    for (let choice = 0; choice < 2; choice += 1) {
      const from = bucketOf(low, key, size, choice);
      for (let at = from; at < from + bucketWords; at += slotWords) {
        const found = words[at];
        if (found === 0) break;
        if (found === key && (words[at + 1] ?? 0) >>> 16 === tag && this.#ageAt(at) <= 1) return at;
      }
    }
    return -1;
  }

  /** A series that was noted when fewer buckets were in use belongs elsewhere now. */
  #moved(low: number, key: number): number {
    const words = this.#words;
    for (let size = this.#size - 1; size >= sizeFirst; size -= 1) {
      const from = this.#find(low, key, size);
      if (from < 0) continue;
      const to = this.#room(low, key);
      if (to < 0) return from;
      words[to] = key;
      words[to + 1] = words[from + 1] ?? 0;
      words[from + 1] = (this.#generation - 2) & generationMask;
      return to;
    }
    return -1;
  }

  /** A slot in the emptier of two buckets, -1 when both are full. */
  #room(low: number, key: number): number {
    let best = -1;
    let most = 0;
    for (let choice = 0; choice < 2; choice += 1) {
      const from = bucketOf(low, key, this.#size, choice);
      let free = 0;
      let last = -1;
      for (let at = from + bucketWords - slotWords; at >= from; at -= slotWords) {
        if (this.#words[at] !== 0 && this.#ageAt(at) <= 1) continue;
        free += 1;
        last = at;
      }
      if (free <= most) continue;
      most = free;
      best = last;
    }
    return best;
  }

  #ageAt(slot: number): number {
    return (this.#generation - (this.#words[slot + 1] ?? 0)) & generationMask;
  }

  /** One of the hour before is seen again. */
  #carryOn(at: number, { metric, service }: Owner): void {
    const words = this.#words;
    words[at + 1] = ((words[at + 1] ?? 0) & ~generationMask) | this.#generation;
    for (const it of [0, metric, service]) this.#counters.count(it, false);
  }

  #begin(low: number, key: number, { metric, service }: Owner): Admission {
    const counters = this.#counters;
    const { perMetric, perService, total } = this.#limits;
    const shares = [
      counters.known(0) / total,
      counters.known(service) / perService,
      counters.known(metric) / perMetric,
    ] as const;
    if (shares[0] >= 1) return 'total';
    if (shares[1] >= 1) return 'service';
    if (shares[2] >= 1) return 'metric';
    const near = shares.some((it) => it >= nearShare) ? 'near' : 'new';
    const at = this.#room(low, key);
    // Rare with half of the slots free: it is as new the next time.
    if (at < 0) return near;
    for (const it of [0, metric, service]) counters.count(it, true);
    this.#words[at] = key;
    this.#words[at + 1] = ((low >>> 16) << 16) | this.#generation;
    this.#grow();
    return near;
  }

  /** Few series lie close together, where the processor finds them sooner. */
  #grow(): void {
    const wanted = Math.min(sizeFor(this.#counters.known(0)), sizeFor(this.#limits.total));
    if (wanted <= this.#size) return;
    this.#size = wanted;
    Atomics.store(this.#words, sizeWord, wanted);
  }
}

interface Owner {
  readonly metric: number;
  readonly service: number;
}

const bucketOf = (low: number, key: number, size: number, choice: number): number => {
  const hash = choice === 0 ? low : mixed(key);
  return bucketsAt + (hash & ((1 << size) - 1)) * bucketWords;
};
