import type { Acceptance } from '../../model/ingest.ts';
import { hashBytes } from './content-hash.ts';

/** Answers by the hashes of their requests, in memory that is there from the beginning and never grows. */
export interface AnswerTable {
  readonly get: (hash: Buffer) => Acceptance | undefined;
  /** No more than `answersMax` different hashes may be put in. */
  readonly put: (hash: Buffer, answer: Acceptance) => void;
  readonly clear: () => void;
  readonly size: () => number;
}

const hashWords = hashBytes / Uint32Array.BYTES_PER_ELEMENT;
/** The hash, and what was accepted of a request of which nothing was rejected; 0 for a free slot. */
const slotWords = hashWords + 1;
/** Of the last word: the answer says more, and is kept beside the table. */
const isOdd = 0xffff_ffff;

/** With a fifth or more of the slots free, few are looked at for each hash. */
const slotsFor = (answersMax: number): number => 2 ** Math.ceil(Math.log2(answersMax * 1.25));

export const createAnswerTable = (answersMax: number): AnswerTable => {
  const slots = slotsFor(Math.max(answersMax, 1));
  const words = new Uint32Array(slots * slotWords);
  const odd = new Map<number, Acceptance>();
  let size = 0;

  /** Where the hash is, or else would be. */
  const find = (hash: Buffer): number => {
    const first = hash.readUInt32LE(0);
    for (let slot = first & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const at = slot * slotWords;
      if (words[at + hashWords] === 0) return at;
      if (words[at] === first && isAt(at, hash)) return at;
    }
  };

  const isAt = (at: number, hash: Buffer): boolean => {
    for (let word = 1; word < hashWords; word += 1) {
      if (words[at + word] !== hash.readUInt32LE(4 * word)) return false;
    }
    return true;
  };

  return {
    get: (hash) => {
      const at = find(hash);
      const value = words[at + hashWords] ?? 0;
      if (value === 0) return undefined;
      return value === isOdd ? odd.get(at) : { accepted: value - 1, rejected: 0, message: '' };
    },
    put: (hash, answer) => {
      const at = find(hash);
      if (words[at + hashWords] === 0) size += 1;
      for (let word = 0; word < hashWords; word += 1)
        words[at + word] = hash.readUInt32LE(4 * word);
      const plain = isPlain(answer);
      words[at + hashWords] = plain ? answer.accepted + 1 : isOdd;
      if (plain) odd.delete(at);
      else odd.set(at, answer);
    },
    clear: () => {
      if (size === 0) return;
      words.fill(0);
      odd.clear();
      size = 0;
    },
    size: () => size,
  };
};

const isPlain = (answer: Acceptance): boolean => {
  const { accepted, rejected, message, ...rest } = answer;
  const isShort = rejected === 0 && message === '' && accepted >= 0 && accepted + 1 < isOdd;
  return isShort && Object.values(rest).every((it) => it === undefined);
};
