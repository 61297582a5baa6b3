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
    return slot >= 0 && this.#isFree(slot) ? -1 : slot;
  }

  /** The slot of an id, with values of 0 when it is new; -1 when there is no room for it. */
  add(a: number, b: number, c: number, d: number): number {
    if (this.size * 2 >= this.values.length) this.#grow();
    const slot = this.#slotFor(a, b, c, d);
    if (slot < 0 || !this.#isFree(slot)) return slot;
    this.size += 1;
    const at = slot * idWords;
    this.#ids[at] = a;
    this.#ids[at + 1] = b;
    this.#ids[at + 2] = c;
    this.#ids[at + 3] = d;
    return slot;
  }

  clear(): void {
    this.size = 0;
    this.values = new Uint32Array(slotsFirst);
    this.stamps = new Uint32Array(slotsFirst);
    this.#ids = new Uint32Array(slotsFirst * idWords);
  }

  each(
    visit: (a: number, b: number, c: number, d: number, value: number, stamp: number) => void,
  ): void {
    const { values, stamps } = this;
    const ids = this.#ids;
    for (let slot = 0; slot < values.length; slot += 1) {
      const at = slot * idWords;
      const [a, b] = [ids[at] ?? 0, ids[at + 1] ?? 0];
      const [c, d] = [ids[at + 2] ?? 0, ids[at + 3] ?? 0];
      if ((a | b | c | d) !== 0) visit(a, b, c, d, values[slot] ?? 0, stamps[slot] ?? 0);
    }
  }

  /** Where the id is or could be; -1 when neither is near. */
  #slotFor(a: number, b: number, c: number, d: number): number {
    const ids = this.#ids;
    const mask = this.values.length - 1;
    let slot = mixed(this.#seed, a, b, c, d) & mask;
    for (let probe = 0; probe < probesMax; probe += 1) {
      const at = slot * idWords;
      if (this.#isFree(slot)) return slot;
      if (ids[at + 3] === d && ids[at + 2] === c && ids[at + 1] === b && ids[at] === a) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  #isFree(slot: number): boolean {
    const at = slot * idWords;
    const ids = this.#ids;
    return ids[at + 3] === 0 && ids[at + 2] === 0 && ids[at + 1] === 0 && ids[at] === 0;
  }

  #grow(): void {
    const before = new TraceIdMap(this.#seed);
    before.values = this.values;
    before.stamps = this.stamps;
    before.#ids = this.#ids;
    this.size = 0;
    this.values = new Uint32Array(before.values.length * 2);
    this.stamps = new Uint32Array(before.values.length * 2);
    this.#ids = new Uint32Array(before.#ids.length * 2);
    before.each((a, b, c, d, value, stamp) => {
      const slot = this.add(a, b, c, d);
      if (slot < 0) return;
      this.values[slot] = value;
      this.stamps[slot] = stamp;
    });
  }
}

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
