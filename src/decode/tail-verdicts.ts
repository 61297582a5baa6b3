import { crc32 } from 'node:zlib';
import { type Verdict, whole } from './tail-rules.ts';
import { TraceIdMap } from './trace-id-map.ts';

/**
 * A sheet: what was decided about traces whose requests waited together. Little-endian words: magic,
 * CRC-32 of what follows, number of shares, number of traces, the usual verdict; then the share of each
 * verdict (f64), and id (4 words, big-endian like ids) and verdict of each trace that is not as usual.
 */
const magic = 0x3156_6354;
const headBytes = 20;
const shareBytes = 8;
const entryBytes = 20;

export interface SheetEntries {
  readonly count: number;
  /** Four words each. */
  readonly ids: Uint32Array;
  readonly verdicts: Uint8Array;
}

export const encodeSheet = (
  usual: Verdict,
  shares: readonly number[],
  { count, ids, verdicts }: SheetEntries,
): Uint8Array => {
  const entriesAt = headBytes + shares.length * shareBytes;
  const bytes = new Uint8Array(entriesAt + count * entryBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(8, shares.length, true);
  view.setUint32(12, count, true);
  view.setUint32(16, usual, true);
  for (const [index, share] of shares.entries()) {
    view.setFloat64(headBytes + index * shareBytes, share, true);
  }
  for (let entry = 0; entry < count; entry += 1) {
    const at = entriesAt + entry * entryBytes;
    for (let word = 0; word < 4; word += 1) {
      view.setUint32(at + word * 4, ids[entry * 4 + word] ?? 0);
    }
    view.setUint32(at + 16, verdicts[entry] ?? whole, true);
  }
  view.setUint32(4, crc32(bytes.subarray(8)), true);
  return bytes;
};

/** What was decided, as it stands on sheets. */
export class Verdicts {
  /** By verdict; those of the sheets, as rules may have changed since. */
  shares: readonly number[] = [];
  usual: Verdict = whole;
  readonly #map: TraceIdMap;
  #loaded: Uint8Array | undefined;

  constructor(seed: number) {
    this.#map = new TraceIdMap(seed);
  }

  /** Whether anything is known. */
  get isKnown(): boolean {
    return this.#loaded !== undefined;
  }

  /**
   * Takes the place of what was there. Where sheets are joined, what is kept whole by one is kept. What
   * is damaged, or of a later format, is as if it was not there; false then.
   */
  load(sheets: Uint8Array | undefined): boolean {
    if (sheets === this.#loaded) return true;
    this.#loaded = undefined;
    if (this.#map.size > 0) this.#map.clear();
    if (!sheets) return true;
    const isWhole = eachEntry(
      sheets,
      (usual, shares) => {
        this.usual = usual;
        this.shares = shares;
        this.#loaded = sheets;
      },
      (a, b, c, d, verdict) => {
        const before = this.#map.find(a, b, c, d);
        if (before >= 0 && this.#map.values[before] === whole) return;
        const slot = this.#map.add(a, b, c, d);
        if (slot >= 0) this.#map.values[slot] = verdict;
      },
    );
    return isWhole;
  }

  of(view: DataView, at: number): Verdict {
    const map = this.#map;
    if (map.size === 0) return this.usual;
    const slot = map.find(
      view.getUint32(at),
      view.getUint32(at + 4),
      view.getUint32(at + 8),
      view.getUint32(at + 12),
    );
    return slot < 0 ? this.usual : (map.values[slot] ?? this.usual);
  }
}

/** Reads joined sheets; false when they do not end where they should. */
export const eachEntry = (
  sheets: Uint8Array,
  sheet: (usual: Verdict, shares: readonly number[]) => void,
  entry: (a: number, b: number, c: number, d: number, verdict: Verdict) => void,
): boolean => {
  const view = new DataView(sheets.buffer, sheets.byteOffset, sheets.byteLength);
  let at = 0;
  while (at < sheets.length) {
    if (at + headBytes > sheets.length || view.getUint32(at, true) !== magic) return false;
    const shareCount = view.getUint32(at + 8, true);
    const count = view.getUint32(at + 12, true);
    const entriesAt = at + headBytes + shareCount * shareBytes;
    const end = entriesAt + count * entryBytes;
    if (end > sheets.length) return false;
    if (crc32(sheets.subarray(at + 8, end)) !== view.getUint32(at + 4, true)) return false;
    sheet(
      view.getUint32(at + 16, true),
      Array.from({ length: shareCount }, (_, index) =>
        view.getFloat64(at + headBytes + index * shareBytes, true),
      ),
    );
    for (let p = entriesAt; p < end; p += entryBytes) {
      entry(
        view.getUint32(p),
        view.getUint32(p + 4),
        view.getUint32(p + 8),
        view.getUint32(p + 12),
        view.getUint32(p + 16, true),
      );
    }
    at = end;
  }
  return true;
};
