import type { Signal } from '../../model/ingest.ts';

/**
 * A run of requests of one signal: all that were written with numbers from `firstSeq` to `lastSeq`.
 * What is known of them takes the same room however many they are.
 */
export interface Range {
  readonly signal: Signal;
  /** Of the batch that they are, on disk in each of them; empty when they were written without. */
  readonly name: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Written and readable. */
  readonly requests: number;
  readonly bytes: number;
  /** Could not be written: their senders were told so. */
  readonly failed: number;
  /** Where the first of them begins. */
  readonly from: { readonly segment: number; readonly offset: number } | undefined;
  /** How many lie in which segment. */
  readonly parts: ReadonlyMap<number, number>;
}

/** Where a record came to lie. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A range that still grows, in the order of its numbers. */
export interface GrowingRange extends Range {
  /** Before the request is written: its number belongs here from now on. */
  readonly claim: (seq: number) => void;
  readonly written: (place: Place) => void;
  readonly notWritten: () => void;
}

export const openRange = (signal: Signal, name = ''): GrowingRange => {
  const parts = new Map<number, number>();
  const range = {
    signal,
    name,
    firstSeq: Number.POSITIVE_INFINITY,
    lastSeq: Number.NEGATIVE_INFINITY,
    requests: 0,
    bytes: 0,
    failed: 0,
    from: undefined as Range['from'],
    parts,
    claim: (seq: number) => {
      range.firstSeq = Math.min(range.firstSeq, seq);
      range.lastSeq = Math.max(range.lastSeq, seq);
    },
    written: ({ segment, offset, bytes }: Place) => {
      range.from ??= { segment, offset };
      range.requests += 1;
      range.bytes += bytes;
      parts.set(segment, (parts.get(segment) ?? 0) + 1);
    },
    notWritten: () => {
      range.failed += 1;
    },
  };
  return range;
};

/**
 * What is left of a run when its beginning became a batch. Requests that turned out to be lost are
 * counted to the rest, so that each is settled once.
 */
export const rangeWithout = (run: Range, taken: Range, firstSeq: number, at: Place): Range => {
  const parts = new Map(run.parts);
  for (const [segment, requests] of taken.parts) {
    parts.set(segment, (parts.get(segment) ?? 0) - requests);
  }
  return {
    ...run,
    firstSeq,
    requests: run.requests - taken.requests,
    bytes: run.bytes - taken.bytes,
    from: { segment: at.segment, offset: at.offset },
    parts,
  };
};
