import { isAscii, isUtf8 } from 'node:buffer';
import { tooLarge } from './faults.ts';
import { createMachineMemory, type MachineMemory } from './machine-code.ts';

/** Copies may write up to 7 bytes past their end, and reads of numbers look up to 10 bytes ahead. */
const slackBytes = 16;
/** At the beginning of a machine's memory, for its cells and tables; what the arena holds begins behind. */
export const headBytes = 16_384;
const regionBytesFirst = 4096;
/** Below this a loop of 8-byte moves beats `copyWithin`, whose call costs about 15 ns. */
const copyBytesMax = 96;

export interface ArenaLimits {
  /** Input and all columns together; up to 40 MB for a machine's tables come on top. While it grows, old and new memory exist side by side. */
  readonly arenaBytesMax: number;
  /** A larger arena is given back when it is emptied. */
  readonly arenaBytesKept: number;
}

/**
 * A stretch of the arena with its own cursor. Positions are absolute; all of them move when the
 * arena grows, so nobody keeps one across a write to any region.
 */
export class Region {
  base = 0;
  at = 0;
  limit = 0;
  /** Bytes written when the arena was marked. */
  marked = 0;
}

/** State outside the arena that must stand or fall with what is written in it. */
export interface Follower {
  readonly mark: () => void;
  readonly rollback: () => void;
  readonly clear: () => void;
}

/**
 * One ArrayBuffer for the request being read and every column being written, so that moving bytes
 * between them makes no objects. The request starts at position 0 and stays there when the arena
 * grows: positions in it, and even a `view` taken before growing, remain good for reading it.
 */
export class Arena {
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  /** Dictionary indexes are 1 << indexShift bytes wide: 2, or 4 for a block that needs it. */
  indexShift: 1 | 2 = 1;
  readonly #limits: ArenaLimits;
  readonly #regions: Region[] = [];
  readonly #scratch: Region[] = [];
  readonly #isForMachine: boolean;
  #memory: MachineMemory | undefined;
  readonly #followers: Follower[] = [];
  #inputCapacity = 0;
  #inputBytes = 0;

  constructor(limits: ArenaLimits, isForMachine = false) {
    this.#limits = limits;
    this.#isForMachine = isForMachine;
  }

  /** What the arena lies in, behind `headBytes`, if it is for a machine; another one when it grows. */
  get memory(): MachineMemory | undefined {
    return this.#memory;
  }

  /** Regions are claimed before the first request is loaded. */
  region(): Region {
    const region = new Region();
    this.#regions.push(region);
    return region;
  }

  /** A region of the machine's own: its content is lost whenever the arena grows. */
  scratch(): Region {
    const region = new Region();
    this.#scratch.push(region);
    return region;
  }

  follow(follower: Follower): void {
    this.#followers.push(follower);
  }

  /** Puts the request at position 0; its end is `body.length`. */
  load(body: Uint8Array): void {
    this.#inputBytes = body.length;
    this.#inputRoom(body.length);
    this.bytes.set(body);
  }

  /** Makes sure that `count` bytes can be written at the region's cursor. */
  room(region: Region, count: number): void {
    if (region.at + count > region.limit) this.grow(region, count);
  }

  /** Makes the region at least twice as large, and large enough for `count` more bytes. */
  grow(region: Region, count: number): void {
    this.#layOut(this.#inputCapacity, region, count);
  }

  putByte(region: Region, value: number): void {
    this.room(region, 1);
    this.view.setUint8(region.at, value);
    region.at += 1;
  }

  putUint32(region: Region, value: number): void {
    this.room(region, 4);
    this.view.setUint32(region.at, value, true);
    region.at += 4;
  }

  /** A UInt64 below 2^32. */
  putCount(region: Region, value: number): void {
    this.room(region, 8);
    this.view.setUint32(region.at, value, true);
    this.view.setUint32(region.at + 4, 0, true);
    region.at += 8;
  }

  putFloat64(region: Region, value: number): void {
    this.room(region, 8);
    this.view.setFloat64(region.at, value, true);
    region.at += 8;
  }

  /** Eight bytes as they stand in the input, or zeros when `from` is negative. */
  putFixed64(region: Region, from: number): void {
    this.room(region, 8);
    const { view } = this;
    view.setUint32(region.at, from < 0 ? 0 : view.getUint32(from, true), true);
    view.setUint32(region.at + 4, from < 0 ? 0 : view.getUint32(from + 4, true), true);
    region.at += 8;
  }

  putUint64(region: Region, low: number, high: number): void {
    this.room(region, 8);
    this.view.setUint32(region.at, low, true);
    this.view.setUint32(region.at + 4, high, true);
    region.at += 8;
  }

  putVarint(region: Region, value: number): void {
    this.room(region, 5);
    let rest = value;
    let at = region.at;
    while (rest > 127) {
      this.view.setUint8(at, (rest & 127) | 128);
      rest >>>= 7;
      at += 1;
    }
    this.view.setUint8(at, rest);
    region.at = at + 1;
  }

  copy(region: Region, from: number, count: number): void {
    this.room(region, count);
    const to = region.at;
    if (count > copyBytesMax) {
      this.bytes.copyWithin(to, from, from + count);
    } else {
      const { view } = this;
      for (let done = 0; done < count; done += 8) {
        view.setBigUint64(to + done, view.getBigUint64(from + done, true), true);
      }
    }
    region.at = to + count;
  }

  /**
   * Copies text. False unless all of it is sure to be ASCII: bytes behind it may be mistaken for its
   * own, so the answer is a reason to look, no more.
   */
  copyText(region: Region, from: number, count: number): boolean {
    this.room(region, count);
    const to = region.at;
    region.at = to + count;
    if (count > copyBytesMax) {
      this.bytes.copyWithin(to, from, from + count);
      return isAscii(this.bytes.subarray(to, to + count));
    }
    const { view } = this;
    let seen = 0;
    for (let done = 0; done < count; done += 8) {
      const low = view.getInt32(from + done, true);
      const high = view.getInt32(from + done + 4, true);
      seen |= low | high;
      view.setInt32(to + done, low, true);
      view.setInt32(to + done + 4, high, true);
    }
    return (seen & 0x8080_8080) === 0;
  }

  /** Whether bytes of the request are UTF-8, as proto3 demands of strings. */
  isUtf8(position: number, length: number): boolean {
    return isUtf8(this.bytes.subarray(position, position + length));
  }

  /** Puts UTF-8 behind the request, as `stage` does, with U+FFFD for what is none. */
  stageRepaired(position: number, length: number): number {
    return this.stage(decoder.decode(this.bytes.subarray(position, position + length)));
  }

  /** Writes the last `count` bytes of the region again, `times` times, by doubling. */
  repeat(region: Region, count: number, times: number): void {
    if (count === 0 || times <= 0) return;
    this.room(region, count * times);
    const from = region.at - count;
    const end = region.at + count * times;
    while (region.at < end) {
      const next = Math.min(end, region.at + (region.at - from));
      this.bytes.copyWithin(region.at, from, from + (next - region.at));
      region.at = next;
    }
  }

  /**
   * Puts text behind the request, to be looked up like a word that came in. Returns its length; it
   * begins at `staged` and lasts until the next call.
   */
  stage(text: string): number {
    this.#inputRoom(this.#inputBytes + text.length * 3);
    return encoder.encodeInto(text, this.bytes.subarray(this.#inputBytes)).written;
  }

  get staged(): number {
    return this.#inputBytes;
  }

  putText(region: Region, text: string): void {
    this.room(region, text.length * 3);
    region.at += encoder.encodeInto(text, this.bytes.subarray(region.at)).written;
  }

  /** What the region holds, as it is now; not a copy. */
  written(region: Region): Uint8Array {
    return this.bytes.subarray(region.base, region.at);
  }

  /** Bytes in all columns. */
  held(): number {
    let total = 0;
    for (const region of this.#regions) total += region.at - region.base;
    return total;
  }

  mark(): void {
    // By index, as this is done for each request: see `SpanMachine`.
    for (let index = 0; index < this.#regions.length; index += 1) {
      const region = this.#regions[index];
      if (region) region.marked = region.at - region.base;
    }
    for (let index = 0; index < this.#followers.length; index += 1) this.#followers[index]?.mark();
  }

  rollback(): void {
    for (const region of this.#regions) region.at = region.base + region.marked;
    for (const follower of this.#followers) follower.rollback();
  }

  clear(): void {
    for (const region of this.#regions) region.at = region.base;
    if (this.bytes.length > this.#limits.arenaBytesKept) this.#giveBack();
    for (const follower of this.#followers) follower.clear();
  }

  #giveBack(): void {
    for (const region of [...this.#regions, ...this.#scratch]) {
      region.base = 0;
      region.at = 0;
      region.limit = 0;
    }
    this.#inputCapacity = 0;
    this.#memory = undefined;
    this.bytes = new Uint8Array(0);
    this.view = new DataView(this.bytes.buffer);
  }

  #inputRoom(count: number): void {
    if (count + slackBytes <= this.#inputCapacity) return;
    this.#layOut(Math.max(roundUp(count + slackBytes), this.#inputCapacity * 2), undefined, 0);
  }

  /** A new buffer with room for `count` more in `needy`; what is over half full doubles on the way. */
  #layOut(inputCapacity: number, needy: Region | undefined, count: number): void {
    const size = (region: Region, growth: number): number => {
      const capacity = region.limit === 0 ? 0 : region.limit - region.base + slackBytes;
      if (region !== needy) return Math.max(regionBytesFirst, capacity);
      const least = roundUp(region.at - region.base + count + slackBytes);
      return Math.max(least, roundUp(capacity * growth));
    };
    const ample = (region: Region): number => {
      const usedHalf = (region.at - region.base) * 2 > region.limit - region.base;
      return size(region, 2) * (usedHalf && region !== needy ? 2 : 1);
    };
    const total = (sizes: readonly number[]): number =>
      sizes.reduce((sum, it) => sum + it, inputCapacity);

    let sizes = this.#regions.map(ample);
    if (total(sizes) > this.#limits.arenaBytesMax) {
      // Still by a quarter: growing page by page near the limit would copy everything each time.
      sizes = this.#regions.map((region) => size(region, 1.25));
    }
    if (total(sizes) > this.#limits.arenaBytesMax) {
      throw tooLarge(`its columns need more than ${this.#limits.arenaBytesMax} bytes`);
    }
    // What a request may hold does not hang on who walks it.
    sizes = [...sizes, ...this.#scratch.map(ample)];
    const bytes = this.#allocate(total(sizes));
    bytes.set(this.bytes.subarray(0, this.#inputCapacity));
    let base = inputCapacity;
    for (const [index, region] of [...this.#regions, ...this.#scratch].entries()) {
      const used = region.at - region.base;
      bytes.set(this.bytes.subarray(region.base, region.at), base);
      region.base = base;
      region.at = base + used;
      base += sizes[index] ?? 0;
      region.limit = base - slackBytes;
    }
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset);
    this.#inputCapacity = inputCapacity;
  }

  #allocate(count: number): Uint8Array<ArrayBuffer> {
    if (!this.#isForMachine) return new Uint8Array(count);
    this.#memory = createMachineMemory(headBytes + count);
    return new Uint8Array(this.#memory.buffer, headBytes, count);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const roundUp = (count: number): number => Math.ceil(count / 4096) * 4096;
