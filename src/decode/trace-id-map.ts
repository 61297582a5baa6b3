const slotsFirst = 1_024;
const idWords = 4;
/** What crafted collisions keep out is not remembered: less exact, never stuck. */
const probesMax = 128;

/** Numbers by trace id, without an object per trace. Ids are four words; none is all zeros. */
export class TraceIdMap {
  size = 0;
  /** By slot. Both move when the map grows, which only `add` does. */
  values = new Uint32Array(slotsFirst);
  stamps = new Uint32Array(slotsFirst);
  #ids = new Uint32Array(slotsFirst * idWords);
  readonly #seed: number;

  /** `seed` (a 32-bit integer) is to be unknown to whoever makes up ids. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** -1 when it is not there. */
  find(a: number, b: number, c: number, d: number): number {
    const slot = this.#slotFor(a, b, c, d);
    return slot >= 0 && isFree(this.#ids, slot) ? -1 : slot;
  }

  /** The slot of an id, with values of 0 when it is new; -1 when there is no room for it. */
  add(a: number, b: number, c: number, d: number): number {
    if (this.size * 2 >= this.values.length) this.#grow();
    const slot = this.#slotFor(a, b, c, d);
    if (slot < 0 || !isFree(this.#ids, slot)) return slot;
    this.size += 1;
    const at = slot * idWords;
    this.#ids[at] = a;
    this.#ids[at + 1] = b;
    this.#ids[at + 2] = c;
    this.#ids[at + 3] = d;
    return slot;
  }

  /** Keeps its room when it needed it this time: growing takes long. */
  clear(): void {
    const slots = this.size * 8 < this.values.length ? slotsFirst : this.values.length;
    this.size = 0;
    if (slots < this.values.length) {
      this.values = new Uint32Array(slots);
      this.stamps = new Uint32Array(slots);
      this.#ids = new Uint32Array(slots * idWords);
    } else {
      this.values.fill(0);
      this.stamps.fill(0);
      this.#ids.fill(0);
    }
  }

  each(visit: (a: number, b: number, c: number, d: number, value: number) => void): void {
    const { values } = this;
    const ids = this.#ids;
    for (let slot = 0; slot < values.length; slot += 1) {
      const at = slot * idWords;
      const [a, b] = [ids[at] ?? 0, ids[at + 1] ?? 0];
      const [c, d] = [ids[at + 2] ?? 0, ids[at + 3] ?? 0];
      if ((a | b | c | d) !== 0) visit(a, b, c, d, values[slot] ?? 0);
    }
  }

  /** Where the id is or could be; -1 when neither is near. */
  #slotFor(a: number, b: number, c: number, d: number): number {
    const ids = this.#ids;
    const mask = this.values.length - 1;
    let slot = mixed(this.#seed, a, b, c, d) & mask;
    for (let probe = 0; probe < probesMax; probe += 1) {
      const at = slot * idWords;
      if (isFree(ids, slot)) return slot;
      if (ids[at + 3] === d && ids[at + 2] === c && ids[at + 1] === b && ids[at] === a) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  /** In one go, some 100 ns a trace, so without a call or a comparison too many. */
  #grow(): void {
    const { values, stamps } = this;
    const ids = this.#ids;
    const seed = this.#seed;
    const slots = values.length * 2;
    const grownValues = new Uint32Array(slots);
    const grownStamps = new Uint32Array(slots);
    const grownIds = new Uint32Array(slots * idWords);
    for (let slot = 0, at = 0; slot < values.length; slot += 1, at += idWords) {
      const [a, b] = [ids[at] ?? 0, ids[at + 1] ?? 0];
      const [c, d] = [ids[at + 2] ?? 0, ids[at + 3] ?? 0];
      if ((a | b | c | d) === 0) continue;
      let free = mixed(seed, a, b, c, d) & (slots - 1);
      while (!isFree(grownIds, free)) free = (free + 1) & (slots - 1);
      const to = free * idWords;
      grownIds[to] = a;
      grownIds[to + 1] = b;
      grownIds[to + 2] = c;
      grownIds[to + 3] = d;
      grownValues[free] = values[slot] ?? 0;
      grownStamps[free] = stamps[slot] ?? 0;
    }
    this.values = grownValues;
    this.stamps = grownStamps;
    this.#ids = grownIds;
  }
}

const isFree = (ids: Uint32Array, slot: number): boolean => {
  const at = slot * idWords;
  return ids[at + 3] === 0 && ids[at + 2] === 0 && ids[at + 1] === 0 && ids[at] === 0;
};

/** A hash of few steps whose start is secret. */
const mixed = (seed: number, a: number, b: number, c: number, d: number): number => {
  let hash = step(step(step(step(seed, a), b), c), d);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
};

const step = (hash: number, word: number): number => {
  const turned = Math.imul(word, 0xcc9e_2d51);
  const mixedIn = hash ^ Math.imul((turned << 15) | (turned >>> 17), 0x1b87_3593);
  return (Math.imul((mixedIn << 13) | (mixedIn >>> 19), 5) + 0xe654_6b64) | 0;
};
