import { weightOf } from './sampling.ts';

export interface TailLimits {
  /** A trace is decided about this long after its first span. */
  readonly waitMs: number;
  /** Traces that wait; beyond it the oldest is decided about early. */
  readonly tracesMax: number;
  /** All spans that wait; beyond it the oldest traces are decided about early. */
  readonly bytesMax: number;
  /** Decisions remembered for spans that come late. */
  readonly decisionsMax: number;
}

/** What the decision needs to know of a span. */
export interface TailSpan<Item> {
  readonly item: Item;
  readonly traceId: string;
  /** As `randomnessOf` reads it; the same for all spans of a trace. */
  readonly randomness: number;
  /** How many it stands for according to its sender. */
  readonly count: number;
  readonly bytes: number;
  /** An error, or slow: its trace is kept whole. */
  readonly isStriking: boolean;
}

/**
 * Why a span leaves: `striking` is a trace with an error or a slow span, `waited` one whose time is up,
 * `early` one for which there was no room, `late` a span that came behind the decision.
 */
export type TailReason = 'striking' | 'waited' | 'early' | 'late';

/** `weight` is how many the span stands for, 0 when it is left out. */
export interface Released<Item> {
  readonly item: Item;
  readonly weight: number;
  readonly reason: TailReason;
}

export interface TailSampler<Item> {
  /** Takes a span and gives back those that are decided about by its coming. */
  readonly add: (span: TailSpan<Item>, nowMs: number) => readonly Released<Item>[];
  /** Those whose time is up. */
  readonly due: (nowMs: number) => readonly Released<Item>[];
  /** All that wait, as if their time was up. */
  readonly drain: () => readonly Released<Item>[];
  readonly held: () => { readonly traces: number; readonly bytes: number };
}

interface Waiting<Item> {
  readonly sinceMs: number;
  readonly spans: TailSpan<Item>[];
  bytes: number;
}

/**
 * Keeps whole traces: those with an error or a slow span as they are, of the others a share by trace id.
 * A striking span tells at once, so only plain traces wait. Weights stay true on average: what is
 * kept whatever comes stands for itself, the share for its rest; a striking span behind the decision is
 * still kept, for itself alone. Holds spans in memory only: whoever acknowledges them before they are
 * stored must be able to bring them again.
 */
export const createTailSampler = <Item>(share: number, limits: TailLimits): TailSampler<Item> => {
  /** In the order of their first spans. */
  const waiting = new Map<string, Waiting<Item>>();
  /** Whether all of the trace is kept for itself; else the share decides. Oldest first. */
  const decided = new Map<string, boolean>();
  let heldBytes = 0;

  const release = (
    span: TailSpan<Item>,
    keepsAll: boolean,
    reason: TailReason,
  ): Released<Item> => ({
    item: span.item,
    weight: keepsAll || span.isStriking ? span.count : weightOf(span.randomness, span.count, share),
    reason,
  });

  const decide = (traceId: string, reason: TailReason): readonly Released<Item>[] => {
    const trace = waiting.get(traceId);
    if (!trace) return [];
    const keepsAll = reason === 'striking';
    waiting.delete(traceId);
    heldBytes -= trace.bytes;
    remember(traceId, keepsAll);
    return trace.spans.map((span) => release(span, keepsAll, reason));
  };

  const remember = (traceId: string, keepsAll: boolean): void => {
    decided.set(traceId, keepsAll);
    if (decided.size <= limits.decisionsMax) return;
    const [oldest] = decided.keys();
    if (oldest !== undefined) decided.delete(oldest);
  };

  const makeRoom = (): readonly Released<Item>[] => {
    const released: Released<Item>[] = [];
    for (const traceId of waiting.keys()) {
      if (waiting.size <= limits.tracesMax && heldBytes <= limits.bytesMax) break;
      released.push(...decide(traceId, 'early'));
    }
    return released;
  };

  const due = (nowMs: number): readonly Released<Item>[] => {
    const released: Released<Item>[] = [];
    for (const [traceId, { sinceMs }] of waiting) {
      if (nowMs - sinceMs < limits.waitMs) break;
      released.push(...decide(traceId, 'waited'));
    }
    return released;
  };

  const add = (span: TailSpan<Item>, nowMs: number): readonly Released<Item>[] => {
    const { traceId } = span;
    const keepsAll = decided.get(traceId);
    if (keepsAll !== undefined) return [release(span, keepsAll, 'late')];
    const trace = waiting.get(traceId) ?? { sinceMs: nowMs, spans: [], bytes: 0 };
    waiting.set(traceId, trace);
    trace.spans.push(span);
    trace.bytes += span.bytes;
    heldBytes += span.bytes;
    return span.isStriking ? decide(traceId, 'striking') : makeRoom();
  };

  return {
    add,
    due,
    drain: () => [...waiting.keys()].flatMap((traceId) => decide(traceId, 'waited')),
    held: () => ({ traces: waiting.size, bytes: heldBytes }),
  };
};
