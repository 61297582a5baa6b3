import { createDrainRate, type DrainRate, drainRateWords } from '../drain-rate.ts';

/** The bytes that journals may hold together, whoever of them does. */
export interface Room {
  /** So many are in this one now. */
  readonly hold: (bytes: number) => void;
  readonly heldByOthers: () => number;
  readonly drained: DrainRate['drained'];
  /** Of all of them. */
  readonly bytesPerSecond: DrainRate['bytesPerSecond'];
}

/** One journal's part fills a line of the processor's cache: what it holds, and how fast it drains. */
const partWords = 8;

/** Memory for so many journals. */
export const shareRoom = (journals: number): SharedArrayBuffer =>
  new SharedArrayBuffer(journals * partWords * Float64Array.BYTES_PER_ELEMENT);

/**
 * The room as one of the journals sees it, from 0; without `memory` it is alone. Each writes its own
 * part only, so nobody waits: what several take at the same moment may exceed a limit, by a request.
 */
export const openRoom = (memory = shareRoom(1), journal = 0): Room => {
  const held = new Float64Array(memory);
  const parts = Array.from({ length: held.length / partWords }, (_, part) => part * partWords);
  const rates = parts.map((at) => createDrainRate(held.subarray(at + 1, at + 1 + drainRateWords)));
  const own = journal * partWords;
  return {
    hold: (bytes) => {
      held[own] = bytes;
    },
    heldByOthers: () => parts.reduce((sum, at) => (at === own ? sum : sum + (held[at] ?? 0)), 0),
    drained: (bytes, nowMs) => rates[journal]?.drained(bytes, nowMs),
    bytesPerSecond: (nowMs) => rates.reduce((sum, it) => sum + it.bytesPerSecond(nowMs), 0),
  };
};
