/** A 64-bit hash as two 32-bit halves, of things whose order does not matter: it is a sum. */
export class SeriesHash {
  low = 0;
  high = 0;

  reset(): void {
    this.low = 0;
    this.high = 0;
  }

  /** Adds the bytes in question and what they belong to, such as the hash of a key. */
  add(view: DataView, from: number, end: number, seed: number): void {
    let a = seed ^ (end - from);
    let b = Math.imul(seed, 0x27d4_eb2f) ^ 0x1656_67b1;
    let at = from;
    for (; at + 4 <= end; at += 4) {
      const word = view.getInt32(at, true);
      a = Math.imul(a ^ word, 0x85eb_ca6b);
      a ^= a >>> 15;
      b = Math.imul(b + word, 0xc2b2_ae35);
      b ^= b >>> 13;
    }
    let rest = 0;
    for (; at < end; at += 1) rest = (rest << 8) | view.getUint8(at);
    a = Math.imul(a ^ rest, 0x85eb_ca6b);
    b = Math.imul(b + rest, 0xc2b2_ae35);
    this.low = (this.low + mixed(a)) | 0;
    this.high = (this.high + mixed(b)) | 0;
  }
}

/** Makes neighbours differ in all bits. */
export const mixed = (value: number): number => {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x7feb_352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846c_a68b);
  return h ^ (h >>> 16);
};
