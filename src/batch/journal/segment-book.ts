import { createKnownRequests } from './known-requests.ts';
import type { Range } from './range.ts';
import type { RequestRecord } from './record.ts';
import { segmentHeaderBytes } from './segment-header.ts';

/** One segment file and what is still needed of it. */
export interface Segment {
  readonly id: number;
  readonly path: string;
  /** How much of the file counts. */
  readonly bytes: number;
  /** Requests in it that are not stored yet. */
  readonly pending: number;
  /** When its youngest request came, milliseconds since 1970. */
  readonly youngestMs: number;
}

/** Which segments there are, oldest first, and how much of them is still to be stored. */
export interface SegmentBook {
  readonly add: (segment: Segment) => void;
  readonly wrote: (id: number, bytes: number, requests: readonly RequestRecord[]) => void;
  /** All requests of a segment in their order, unless they are too many to be kept in memory. */
  readonly requestsOf: (id: number) => readonly RequestRecord[] | undefined;
  /** Nothing is left to do for the requests of the range. */
  readonly settle: (range: Range) => void;
  readonly remove: (id: number) => void;
  readonly get: (id: number) => Segment | undefined;
  readonly oldest: () => Segment | undefined;
  /** From the one with this number on. */
  readonly since: (id: number) => readonly Segment[];
  readonly count: () => number;
  readonly bytes: () => number;
  readonly pendingRequests: () => number;
}

/** Of all segments, about 4 MiB: what comes in seconds. Behind a backlog segments are read again instead. */
const knownRequestsMax = 8_192;

/** Segments are only ever removed from the old end: a mark never outlives what it speaks of. */
export const createSegmentBook = (): SegmentBook => {
  const segments = new Map<number, Segment>();
  const known = createKnownRequests(knownRequestsMax);
  let bytes = 0;
  let pending = 0;

  const change = (id: number, by: { readonly bytes: number; readonly pending: number }) => {
    const segment = segments.get(id);
    if (!segment) return;
    segments.set(id, {
      ...segment,
      bytes: segment.bytes + by.bytes,
      pending: segment.pending + by.pending,
    });
    bytes += by.bytes;
    pending += by.pending;
  };

  return {
    add: (segment) => {
      segments.set(segment.id, segment);
      if (segment.bytes <= segmentHeaderBytes) known.begin(segment.id);
      bytes += segment.bytes;
      pending += segment.pending;
    },
    wrote: (id, more, requests) => {
      change(id, { bytes: more, pending: requests.length });
      known.add(id, requests);
      const segment = segments.get(id);
      const youngestMs = requests.reduce((max, it) => Math.max(max, it.atMs), 0);
      if (segment && youngestMs > segment.youngestMs) segments.set(id, { ...segment, youngestMs });
    },
    requestsOf: known.of,
    settle: (range) => {
      for (const [id, requests] of range.parts) change(id, { bytes: 0, pending: -requests });
    },
    remove: (id) => {
      const segment = segments.get(id);
      if (!segment) return;
      change(id, { bytes: -segment.bytes, pending: -segment.pending });
      segments.delete(id);
      known.drop(id);
    },
    get: (id) => segments.get(id),
    oldest: () => segments.values().next().value,
    since: (id) => [...segments.values()].filter((it) => it.id >= id),
    count: () => segments.size,
    bytes: () => bytes,
    pendingRequests: () => pending,
  };
};
