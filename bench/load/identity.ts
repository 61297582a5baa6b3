/**
 * Every item of a load run is numbered, and its ids are that number scrambled: random to look at, so
 * that they compress as badly as real ones, and yet a stored id tells which item of which request it is.
 */
export interface Identities {
  /** Two 32-bit words of the span id. */
  readonly spanHigh: (item: number) => number;
  readonly spanLow: (item: number) => number;
  /** One of four words of the trace id, shared by the spans of one trace. */
  readonly traceWord: (trace: number, word: number) => number;
  /** Start times of data points count nanoseconds from here, one each. */
  readonly startSeconds: number;
  /** The number of a span id in hex; undefined when it is none of this run. */
  readonly itemOfSpan: (hex: string) => number | undefined;
  /** The number of a start time in nanoseconds; undefined when it is none of this run. */
  readonly itemOfStart: (nanoseconds: bigint) => number | undefined;
}

export const identitiesOf = (seed: number): Identities => {
  const key = mix((seed ^ 0x9e3779b9) >>> 0);
  const lowKey = mix((key ^ 0x7f4a7c15) >>> 0);
  const startSeconds = 1_700_000_000 + (key % 10_000_000);
  const spanHigh = (item: number): number => mix((item ^ key) >>> 0);
  const spanLow = (item: number): number => mix((spanHigh(item) ^ lowKey) >>> 0);
  return {
    spanHigh,
    spanLow,
    traceWord: (trace, word) => mix((trace ^ lowKey ^ Math.imul(word, 0x85ebca6b)) >>> 0),
    startSeconds,
    itemOfSpan: (hex) => {
      const item = (unmix(Number.parseInt(hex.slice(0, 8), 16)) ^ key) >>> 0;
      return Number.parseInt(hex.slice(8), 16) === spanLow(item) ? item : undefined;
    },
    itemOfStart: (nanoseconds) => {
      const item = nanoseconds - BigInt(startSeconds) * 1_000_000_000n;
      return item >= 0n && item < 4_294_967_296n ? Number(item) : undefined;
    },
  };
};

/** A bijection of 32 bits, so that no two items share an id. */
const mix = (value: number): number => {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
};

const unmix = (value: number): number => {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x43021123);
  x = Math.imul(x ^ (x >>> 15) ^ (x >>> 30), 0x1d69e2a5);
  return (x ^ (x >>> 16)) >>> 0;
};
