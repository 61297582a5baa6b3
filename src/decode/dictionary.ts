import type { Arena, Follower, Region } from './arena.ts';
import { dictionaryFull } from './faults.ts';

const wordsFirst = 64;
/** A larger dictionary is given back with its block. */
const wordsKept = 0x1_0000;
/** Words that crafted collisions keep out of the table are stored again instead: slower, never stuck. */
const probesMax = 64;

/**
 * The distinct words of a column, numbered as they come. The words lie in their region as Native
 * wants them (length, bytes). Telemetry repeats itself in order (attribute keys above all), so each
 * word remembers its last successor and most look-ups are one comparison.
 */
export class Dictionary implements Follower {
  count = 0;
  readonly region: Region;
  readonly #arena: Arena;
  /** Where a word's bytes begin, counted from the region's base. */
  #starts = new Int32Array(wordsFirst);
  #lengths = new Int32Array(wordsFirst);
  #hashes = new Int32Array(wordsFirst);
  /** By id + 1; 0 stands for the beginning. */
  #successors = new Int32Array(wordsFirst + 1);
  /** Open addressing, id + 1, 0 for free; never more than half full. */
  #table = new Int32Array(wordsFirst * 2);
  #slots = new Int32Array(wordsFirst);
  #previous = 0;
  /** Words in the tables. Others, behind these, were written by the machine. */
  #known = 0;
  #marked = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.region = arena.region();
    arena.follow(this);
  }

  /** The number of the word at `position`, which is new when it equals the former `count`. */
  idOf(position: number, length: number): number {
    const guess = this.#successors[this.#previous] ?? 0;
    if (
      guess < this.count &&
      this.#lengths[guess] === length &&
      this.#same(guess, position, length)
    ) {
      this.#previous = guess + 1;
      return guess;
    }
    const id = this.#find(position, length);
    this.#successors[this.#previous] = id;
    this.#previous = id + 1;
    return id;
  }

  /** Slow: for what is asked once per word. */
  word(id: number): string {
    const start = this.region.base + (this.#starts[id] ?? 0);
    return decoder.decode(this.#arena.bytes.subarray(start, start + (this.#lengths[id] ?? 0)));
  }

  /** The same for the same word in any block of any thread. */
  hashOf(id: number): number {
    return this.#hashes[id] ?? 0;
  }

  mark(): void {
    this.#marked = this.count;
  }

  /** Forgets the newest first: then each leaves the table as it was before it came. */
  rollback(): void {
    this.#keep(this.#marked);
  }

  clear(): void {
    this.#keep(0);
    if (this.#starts.length > wordsKept) this.#size(wordsFirst);
  }

  /** The machine wrote words, so that there are `count` now. Call `learn` before the next `idOf`. */
  adopt(count: number): void {
    this.count = count;
  }

  /** Puts words that the machine wrote into the tables. */
  learn(): void {
    const { base } = this.region;
    const { view } = this.#arena;
    let id = this.#known;
    let at = id === 0 ? 0 : (this.#starts[id - 1] ?? 0) + (this.#lengths[id - 1] ?? 0);
    while (this.#starts.length < this.count) this.#size(this.#starts.length * 2);
    for (; id < this.count; id += 1) {
      let length = 0;
      for (let shift = 0, more = true; more; shift += 7) {
        const byte = view.getUint8(base + at);
        length |= (byte & 127) << shift;
        more = byte > 127;
        at += 1;
      }
      this.#starts[id] = at;
      this.#lengths[id] = length;
      this.#hashes[id] = this.#hash(base + at, length);
      this.#successors[id + 1] = 0;
      this.#enter(id);
      at += length;
    }
    this.#known = this.count;
  }

  /** Puts a word into the first free slot there is for it. */
  #enter(id: number): void {
    const mask = this.#table.length - 1;
    let slot = (this.#hashes[id] ?? 0) & mask;
    let probes = 0;
    while (probes < probesMax && (this.#table[slot] ?? 0) !== 0) {
      slot = (slot + 1) & mask;
      probes += 1;
    }
    this.#slots[id] = probes < probesMax ? slot : -1;
    if (probes < probesMax) this.#table[slot] = id + 1;
  }

  #keep(count: number): void {
    for (let id = this.#known - 1; id >= count; id -= 1) {
      const slot = this.#slots[id] ?? -1;
      if (slot >= 0) this.#table[slot] = 0;
    }
    this.count = count;
    this.#known = Math.min(this.#known, count);
    this.#previous = 0;
  }

  #find(position: number, length: number): number {
    const hash = this.#hash(position, length);
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    for (let probes = 0; probes < probesMax; probes += 1) {
      const id = (this.#table[slot] ?? 0) - 1;
      if (id < 0) return this.#add(position, length, hash, slot);
      if (
        this.#hashes[id] === hash &&
        this.#lengths[id] === length &&
        this.#same(id, position, length)
      ) {
        return id;
      }
      slot = (slot + 1) & mask;
    }
    return this.#add(position, length, hash, -1);
  }

  #add(position: number, length: number, hash: number, slot: number): number {
    const id = this.count;
    if (this.#arena.indexShift === 1 && id > 0xffff) throw dictionaryFull();
    if (id === this.#starts.length) {
      this.#size(this.#starts.length * 2);
      return this.#find(position, length);
    }
    const { region } = this;
    const arena = this.#arena;
    const before = region.at - region.base;
    arena.putVarint(region, length);
    this.#starts[id] = region.at - region.base;
    if (!arena.copyText(region, position, length) && !arena.isUtf8(position, length)) {
      region.at = region.base + before;
      return this.#find(arena.staged, arena.stageRepaired(position, length));
    }
    this.#lengths[id] = length;
    this.#hashes[id] = hash;
    this.#successors[id + 1] = 0;
    this.#slots[id] = slot;
    if (slot >= 0) this.#table[slot] = id + 1;
    this.count = id + 1;
    this.#known = id + 1;
    return id;
  }

  #size(size: number): void {
    this.#starts = resized(this.#starts, size);
    this.#lengths = resized(this.#lengths, size);
    this.#hashes = resized(this.#hashes, size);
    this.#slots = resized(this.#slots, size);
    this.#successors = resized(this.#successors, size + 1);
    this.#table = new Int32Array(size * 2);
    for (let id = 0; id < this.#known; id += 1) this.#enter(id);
  }

  #same(id: number, position: number, length: number): boolean {
    const { view } = this.#arena;
    const start = this.region.base + (this.#starts[id] ?? 0);
    if (length < 4) {
      for (let at = 0; at < length; at += 1) {
        if (view.getUint8(start + at) !== view.getUint8(position + at)) return false;
      }
      return true;
    }
    const last = length - 4;
    for (let at = 0; at < last; at += 4) {
      if (view.getInt32(start + at, true) !== view.getInt32(position + at, true)) return false;
    }
    return view.getInt32(start + last, true) === view.getInt32(position + last, true);
  }

  #hash(position: number, length: number): number {
    const { view } = this.#arena;
    let hash = length;
    if (length < 4) {
      for (let at = 0; at < length; at += 1) {
        hash = Math.imul(hash ^ view.getUint8(position + at), 0x9e3779b1);
      }
    } else {
      const last = length - 4;
      for (let at = 0; at < last; at += 4) {
        hash = Math.imul(hash ^ view.getInt32(position + at, true), 0x9e3779b1);
        hash ^= hash >>> 15;
      }
      hash = Math.imul(hash ^ view.getInt32(position + last, true), 0x9e3779b1);
    }
    hash ^= hash >>> 16;
    hash = Math.imul(hash, 0x85ebca6b);
    return hash ^ (hash >>> 13);
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const resized = (from: Int32Array, size: number): Int32Array<ArrayBuffer> => {
  const to = new Int32Array(size);
  to.set(from.subarray(0, size));
  return to;
};
