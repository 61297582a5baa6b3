/** Which thread answers which requests, so that a repeated one is recognised wherever it arrives. */
export interface Claims {
  /** The other thread that may have this request; undefined when it is this one's from now on. */
  readonly claim: (hash: Buffer) => number | undefined;
  /** It was not taken: whoever gets it next may have it. */
  readonly release: (hash: Buffer) => void;
}

export interface ClaimsLimits {
  /** A claim is kept at least so long… */
  readonly windowMs: number;
  /** …if no more than so many come meanwhile; beyond, the older half is forgotten. */
  readonly claimsMax: number;
}

/** More threads share the room of so many. */
const threadsMax = 16;
/** A bucket is half a line of the processor's cache. */
const bucketSlots = 8;
/** With four of five free, hardly a bucket is ever full. */
const slotsPerClaim = 5;
/** The rest of a slot tells requests in one bucket apart. */
const ownerBits = 10;
const ownerMask = 2 ** ownerBits - 1;

// Of the memory: whose turn it is, how many claims are young and since when (s), the two halves.
const generationWord = 0;
const turningWord = 1;
const countWord = 2;
const sinceWord = 3;
const slotsAt = 16;

/** In each of both halves, a power of 2. */
const slotsFor = (threads: number, { claimsMax }: ClaimsLimits): number =>
  2 ** Math.ceil(Math.log2((claimsMax / 2) * Math.min(threads, threadsMax) * slotsPerClaim));

/** Memory for the claims of so many threads: zero, and therefore not taken before it is needed. */
export const shareClaims = (threads: number, limits: ClaimsLimits): SharedArrayBuffer =>
  new SharedArrayBuffer((slotsAt + 2 * slotsFor(threads, limits)) * Int32Array.BYTES_PER_ELEMENT);

export interface ClaimsOptions extends ClaimsLimits {
  readonly memory: SharedArrayBuffer;
  readonly threads: number;
  /** This thread, from 0. */
  readonly owner: number;
  readonly nowMs: () => number;
}

/**
 * Claims in memory that all threads share, without waiting for each other. Lossy on purpose: a slot
 * has too few bits to tell all requests apart, and a full bucket forgets. Either only sends a request
 * to another thread than needed, or to none in particular; what that thread remembers decides.
 */
export const openClaims = (options: ClaimsOptions): Claims => {
  const { owner, threads, nowMs, windowMs, claimsMax } = options;
  const words = new Int32Array(options.memory);
  const slots = slotsFor(threads, options);
  const youngMax = (claimsMax / 2) * Math.min(threads, threadsMax);
  const windowS = windowMs / 1000;

  const young = (): number => Atomics.load(words, generationWord) & 1;
  const bucketOf = (hash: Buffer, half: number): number =>
    slotsAt + half * slots + ((hash.readUInt32LE(0) * bucketSlots) & (slots - 1));
  const slotOf = (hash: Buffer): number => (hash.readInt32LE(4) & ~ownerMask) | (owner + 1);

  /** The slot's place, -1 for none. */
  const find = (bucket: number, slot: number): number => {
    for (let at = bucket; at < bucket + bucketSlots; at += 1) {
      const found = Atomics.load(words, at);
      if (found !== 0 && (found & ~ownerMask) === (slot & ~ownerMask)) return at;
    }
    return -1;
  };

  const ownerAt = (at: number): number => (Atomics.load(words, at) & ownerMask) - 1;

  /** Returns whoever was faster. */
  const take = (bucket: number, slot: number): number | undefined => {
    for (let at = bucket; at < bucket + bucketSlots; at += 1) {
      const found = Atomics.compareExchange(words, at, 0, slot);
      if (found === 0) {
        Atomics.add(words, countWord, 1);
        return undefined;
      }
      if ((found & ~ownerMask) === (slot & ~ownerMask)) return othersOnly((found & ownerMask) - 1);
    }
    Atomics.store(words, bucket + ((slot >>> ownerBits) & (bucketSlots - 1)), slot);
    return undefined;
  };

  const othersOnly = (found: number): number | undefined =>
    found === owner || found < 0 ? undefined : found;

  const turn = (): void => {
    const nowS = Math.floor(nowMs() / 1000) | 0;
    const elapsedS = Math.abs(nowS - Atomics.load(words, sinceWord));
    if (elapsedS < windowS && Atomics.load(words, countWord) < youngMax) return;
    if (Atomics.compareExchange(words, turningWord, 0, 1) !== 0) return;
    const next = 1 - young();
    words.fill(0, slotsAt + next * slots, slotsAt + (next + 1) * slots);
    Atomics.store(words, countWord, 0);
    Atomics.store(words, sinceWord, nowS);
    Atomics.add(words, generationWord, 1);
    Atomics.store(words, turningWord, 0);
  };

  return {
    claim: (hash) => {
      turn();
      const slot = slotOf(hash);
      const half = young();
      for (const it of [half, 1 - half]) {
        const at = find(bucketOf(hash, it), slot);
        const other = at < 0 ? undefined : othersOnly(ownerAt(at));
        if (other !== undefined) return other;
      }
      return take(bucketOf(hash, half), slot);
    },
    release: (hash) => {
      const slot = slotOf(hash);
      for (const half of [0, 1]) {
        const at = find(bucketOf(hash, half), slot);
        if (at >= 0) Atomics.compareExchange(words, at, slot, 0);
      }
    },
  };
};
