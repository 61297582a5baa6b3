import type { Cancel, Clock } from '../lib/clock.ts';
import type { NotedTraces, TailTraces, TailTrigger } from '../model/tail.ts';
import { type GrowingRange, openRange, type Range } from './journal/range.ts';

export interface TailLineLimits {
  /** Requests wait this long for what other spans of their traces tell… */
  readonly waitMs: number;
  /** …together with those that came in the same stretch of time, or until these are so many spans. */
  readonly sliceMs: number;
  readonly sliceSpansMax: number;
}

/** Requests that came one after the other and wait together. */
export interface Slice {
  readonly range: Range;
  readonly noted: NotedTraces;
  /** At most, and those that were decided about before not among them. */
  readonly spans: number;
  /** Sheets about some of its traces, if there are any. */
  readonly decided?: readonly Uint8Array[];
}

/** One that requests may join. */
export interface OpenSlice extends Slice {
  readonly range: GrowingRange;
}

export interface TailLineOptions {
  readonly limits: TailLineLimits;
  readonly tail: Pick<TailTraces, 'open' | 'isCrowded'>;
  readonly clock: Clock;
  /** Takes them in their order, once all of them are written or known to be not. */
  readonly leave: (slice: Slice, trigger: TailTrigger) => void;
}

/** Where acknowledged requests wait: what is held of them takes the same room however many they are. */
export interface TailLine {
  /** The slice that a request is to join now. */
  readonly current: () => OpenSlice;
  /** Its request is on the way into the journal, with so many spans; resolves with `written`. */
  readonly join: (slice: OpenSlice, spans: number, written: Promise<void>) => Promise<void>;
  /** Requests of an earlier process, which begin to wait now. */
  readonly enter: (slice: Slice) => void;
  readonly requests: () => number;
  /** Lets all leave; resolves when they have left. */
  readonly drain: () => Promise<void>;
}

interface Waiting extends Slice {
  readonly openedMs: number;
  spans: number;
  /** Not written yet. */
  writing: number;
  /** Undefined while requests may join. */
  sinceMs: number | undefined;
}

export const createTailLine = ({ limits, tail, clock, leave }: TailLineOptions): TailLine => {
  /** In order; the last one may be open. */
  const line: Waiting[] = [];
  let cancelTimer: Cancel = () => {};
  let draining: PromiseWithResolvers<void> | undefined;

  let open: (Waiting & OpenSlice) | undefined;

  const current = (): OpenSlice => {
    if (open) return open;
    const openedMs = clock.monotonicMs();
    const range = openRange('traces');
    open = { range, noted: tail.open(), openedMs, spans: 0, writing: 0, sinceMs: undefined };
    line.push(open);
    return open;
  };

  /** Closes what is open for long enough, lets leave who waited for long enough, and comes back then. */
  const consider = (): void => {
    cancelTimer();
    const nowMs = clock.monotonicMs();
    if (open && isFull(open, nowMs)) {
      open.sinceMs = nowMs;
      open = undefined;
    }
    for (let first = line[0]; first; first = line[0]) {
      const trigger = triggerOf(first, nowMs);
      if (!trigger || first.writing > 0) break;
      line.shift();
      if (first.range.requests > 0) leave(first, trigger);
    }
    if (line.length === 0) draining?.resolve();
    const [first] = line;
    if (!first) return;
    const dueMs = (first.sinceMs ?? Number.POSITIVE_INFINITY) + limits.waitMs;
    const closeMs = open ? open.openedMs + limits.sliceMs : dueMs;
    // One that is being written comes back by itself.
    const atMs = first.writing > 0 && dueMs <= nowMs ? closeMs : Math.min(dueMs, closeMs);
    if (atMs > nowMs) cancelTimer = clock.after(atMs - nowMs, consider);
  };

  const isFull = ({ openedMs, spans, noted }: Waiting, nowMs: number): boolean =>
    draining !== undefined ||
    nowMs - openedMs >= limits.sliceMs ||
    spans >= limits.sliceSpansMax ||
    tail.isCrowded(noted);

  const triggerOf = (slice: Waiting, nowMs: number): TailTrigger | undefined => {
    if (slice.sinceMs === undefined) return undefined;
    if (nowMs - slice.sinceMs >= limits.waitMs) return 'waited';
    if (draining) return 'drain';
    return tail.isCrowded(slice.noted) ? 'early' : undefined;
  };

  const join = async (slice: OpenSlice, spans: number, written: Promise<void>): Promise<void> => {
    const waiting = line.findLast((it) => it.range === slice.range);
    if (!waiting) throw new TypeError('the slice has left');
    const isFirst = waiting.spans === 0;
    waiting.spans += spans;
    waiting.writing += 1;
    const [first = waiting] = line;
    if (isFirst || waiting.spans >= limits.sliceSpansMax || tail.isCrowded(first.noted)) consider();
    try {
      await written;
    } finally {
      waiting.writing -= 1;
      if (waiting.writing === 0 && line[0] === waiting) consider();
    }
  };

  return {
    current,
    join,
    enter: (slice) => {
      const nowMs = clock.monotonicMs();
      line.unshift({ ...slice, openedMs: nowMs, writing: 0, sinceMs: nowMs });
      consider();
    },
    requests: () => line.reduce((sum, it) => sum + it.range.requests, 0),
    drain: () => {
      draining ??= Promise.withResolvers<void>();
      consider();
      return draining.promise;
    },
  };
};
