import {
  mergedFacts,
  newsOf,
  noFacts,
  type TailRules,
  type TraceFacts,
  type Verdict,
  whole,
  withVerdict,
} from './tail-rules.ts';
import { TraceIdMap } from './trace-id-map.ts';

export interface TraceTableLimits {
  /** Traces remembered at least, and half of what is at most; those heard of longest ago are forgotten. */
  readonly tracesMax: number;
  /** News for other threads that wait to be taken; more are not told. */
  readonly newsMax: number;
}

export const defaultTraceTableLimits: TraceTableLimits = {
  tracesMax: 500_000,
  newsMax: 65_536,
};

/** Words of an id, and what is known of it. */
const newsWords = 5;
const idWords = 4;
const idsFirst = 256;

/** Ids of the traces of requests that wait together, each once or a little more often. */
export class TraceList {
  traces = 0;
  ids = new Uint32Array(idsFirst * idWords);
  readonly stamp: number;
  /** How many traces the table had taken when the list was begun. */
  readonly since: number;

  constructor(stamp: number, since: number) {
    this.stamp = stamp;
    this.since = since;
  }

  push(a: number, b: number, c: number, d: number): void {
    const at = this.traces * idWords;
    if (at === this.ids.length) {
      const ids = new Uint32Array(at * 2);
      ids.set(this.ids);
      this.ids = ids;
    }
    this.ids[at] = a;
    this.ids[at + 1] = b;
    this.ids[at + 2] = c;
    this.ids[at + 3] = d;
    this.traces += 1;
  }
}

/**
 * What is known of the latest traces. Two generations: forgetting costs nothing per trace and needs no
 * timer, and what was touched stays while `tracesMax` others come.
 */
export class TraceTable {
  /** Where what is noted goes to. */
  list: TraceList;
  readonly rules: TailRules;
  readonly #limits: TraceTableLimits;
  /** Nobody asks for news when one thread has all traces. */
  readonly #news: Uint32Array;
  #newsCount = 0;
  #unsaid = 0;
  #young: TraceIdMap;
  #old: TraceIdMap;
  #added = 0;
  #lists = 0;

  constructor(
    rules: TailRules,
    options: { readonly limits: TraceTableLimits; readonly seed: number; readonly shared: boolean },
  ) {
    this.rules = rules;
    this.#limits = options.limits;
    this.#young = new TraceIdMap(options.seed);
    this.#old = new TraceIdMap(options.seed);
    this.#news = new Uint32Array(options.shared ? options.limits.newsMax * newsWords : 0);
    this.list = this.begin();
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  begin(): TraceList {
    this.#lists += 1;
    return new TraceList(this.#lists, this.#added);
  }

  /** Whether what is known of a list may be forgotten when as many traces come again. */
  isCrowded({ since }: TraceList): boolean {
    return this.#added - since >= this.#limits.tracesMax / 2;
  }

  /** Adds what a span tells of its trace, whose id stands at `at`. */
  note(view: DataView, at: number, told: TraceFacts): void {
    const [a, b] = [view.getUint32(at), view.getUint32(at + 4)];
    const [c, d] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    const slot = this.#touch(a, b, c, d);
    if (slot < 0) return;
    const young = this.#young;
    const { list } = this;
    if (young.stamps[slot] !== list.stamp) {
      young.stamps[slot] = list.stamp;
      list.push(a, b, c, d);
    }
    const before = young.values[slot] ?? noFacts;
    const merged = mergedFacts(before, told);
    if (merged === before) return;
    young.values[slot] = merged;
    if (newsOf(merged) !== this.rules.usual) this.#tell(a, b, c, d, merged);
  }

  /** What another thread knows. */
  hear(news: Uint32Array): void {
    for (let at = 0; at + newsWords <= news.length; at += newsWords) {
      const facts = news[at + 4] ?? noFacts;
      this.#change(
        news[at] ?? 0,
        news[at + 1] ?? 0,
        news[at + 2] ?? 0,
        news[at + 3] ?? 0,
        (before) => mergedFacts(before, facts),
      );
    }
  }

  /** What others should know, taken out. */
  takeNews(): { readonly news: Uint32Array | undefined; readonly unsaid: number } {
    const count = this.#newsCount;
    const unsaid = this.#unsaid;
    this.#newsCount = 0;
    this.#unsaid = 0;
    return { news: count === 0 ? undefined : this.#news.slice(0, count * newsWords), unsaid };
  }

  /** Everything that others should know: for one that knows nothing yet. */
  allNews(): Uint32Array {
    const news = new Uint32Array(this.#limits.newsMax * newsWords);
    let at = 0;
    for (const map of [this.#young, this.#old]) {
      map.each((a, b, c, d, facts) => {
        const told = newsOf(facts);
        if (told === this.rules.usual || at >= news.length) return;
        news.set([a, b, c, d, told], at);
        at += newsWords;
      });
    }
    return news.slice(0, at);
  }

  /** What is known of a trace becomes what `change` makes of it; returns that. */
  decide(
    a: number,
    b: number,
    c: number,
    d: number,
    verdictOf: (facts: TraceFacts) => Verdict,
  ): Verdict {
    let verdict = this.rules.usualVerdict;
    this.#change(a, b, c, d, (facts) => {
      verdict = verdictOf(facts);
      return withVerdict(facts, verdict);
    });
    return verdict;
  }

  /** Somebody decided before that all of the trace is kept. */
  keep(a: number, b: number, c: number, d: number): void {
    const facts = withVerdict(noFacts, whole);
    this.#change(a, b, c, d, (before) => mergedFacts(before, facts));
    this.#tell(a, b, c, d, facts);
  }

  #change(
    a: number,
    b: number,
    c: number,
    d: number,
    change: (facts: TraceFacts) => TraceFacts,
  ): void {
    if ((a | b | c | d) === 0) return;
    const slot = this.#touch(a, b, c, d);
    if (slot < 0) return;
    this.#young.values[slot] = change(this.#young.values[slot] ?? noFacts);
  }

  /** The place of the trace among the young; -1 when there is none. */
  #touch(a: number, b: number, c: number, d: number): number {
    if (this.#young.size >= this.#limits.tracesMax) {
      this.#old.clear();
      [this.#young, this.#old] = [this.#old, this.#young];
    }
    const young = this.#young;
    const size = young.size;
    const slot = young.add(a, b, c, d);
    if (slot < 0 || young.size === size) return slot;
    this.#added += 1;
    const old = this.#old.find(a, b, c, d);
    young.values[slot] = old < 0 ? noFacts : (this.#old.values[old] ?? noFacts);
    young.stamps[slot] = old < 0 ? 0 : (this.#old.stamps[old] ?? 0);
    return slot;
  }

  #tell(a: number, b: number, c: number, d: number, facts: TraceFacts): void {
    const at = this.#newsCount * newsWords;
    if (at >= this.#news.length) {
      if (this.#news.length > 0) this.#unsaid += 1;
      return;
    }
    this.#news[at] = a;
    this.#news[at + 1] = b;
    this.#news[at + 2] = c;
    this.#news[at + 3] = d;
    this.#news[at + 4] = newsOf(facts);
    this.#newsCount += 1;
  }
}
