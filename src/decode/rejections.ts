import type { Rejection } from '../model/ingest.ts';
import type { Arena } from './arena.ts';
import type { Redaction } from './redaction.ts';
import { Samples } from './samples.ts';
import type { Wire } from './wire.ts';

/** Why an item is left out; each completes "2 rejected: 2 with …". */
const reasons = {
  ERR_SPAN_TRACE_ID: 'a trace id that is not 16 bytes (32 hex digits) or is all zero',
  ERR_SPAN_SPAN_ID: 'a span id that is not 8 bytes (16 hex digits) or is all zero',
  ERR_ITEM_TIME: 'a time after the year 2262, which nanoseconds in 63 bits cannot tell',
  ERR_POINT_BUCKETS: 'bucket counts that are not one more than the bounds between them',
  ERR_POINT_RANGE: 'a scale or offset whose buckets lie outside of what a double can hold',
  ERR_POINT_SERIES:
    'a new series, of which the metric, its service or this server has as many as ingest.limits allows',
} as const;

export type RejectCode = keyof typeof reasons;

const codes = Object.keys(reasons) as RejectCode[];

/** What is stored all the same, though hardly as it was meant; `of` is who, unless the items. */
const warnings: Readonly<Record<WarnCode, { readonly of?: string; readonly what: string }>> = {
  'no-time': { what: 'without a time are stored as of 1970 and expire at once' },
  future: { what: 'have a time more than an hour ahead of this server: is a clock wrong?' },
  parent: {
    what: 'have a parent span id that is not 8 bytes (16 hex digits) and are stored without a parent',
  },
  'empty-key': { of: 'attributes', what: 'have an empty key' },
  'no-data': { of: 'metrics', what: 'have no data of a kind that this server knows' },
};

export type WarnCode = 'no-time' | 'future' | 'parent' | 'empty-key' | 'no-data';

/** Pairs of reason and service told apart in one request; the others are told under no service. */
const kindsMax = 32;

/** How far a sender's clock may be ahead before we warn. */
const aheadMsMax = 3_600_000;

/** The upper half of the last nanosecond that an Int64 can tell. */
const latestHigh = 0x7fff_ffff;

interface Tally {
  count: number;
  readonly sample: string;
}

/** What was left out of the request at hand and why, for the sender to read and for our books. */
export class Rejections {
  readonly samples: Samples;
  #total = 0;
  #futureHigh = latestHigh;
  readonly #told = new Map<string, { code: RejectCode; serviceName: string; tally: Tally }>();
  /** Of the resource at hand, whose service is known at its end. */
  readonly #open = new Map<RejectCode, Tally>();
  readonly #warned = new Map<WarnCode, number>();
  /** Positions of items in the order of the walk, each with the index of its code. */
  #condemned: number[] = [];
  #next = 0;
  #isSecondWalk = false;

  constructor(arena: Arena, wire: Wire, redaction: Redaction | undefined) {
    this.samples = new Samples(arena, wire, redaction);
  }

  /** The upper half of the latest time, ns, that is not worth a word. */
  get futureHigh(): number {
    return this.#futureHigh;
  }

  get total(): number {
    return this.#total;
  }

  /** Leaves an item out. `sample` is asked for the first of its kind. */
  add(code: RejectCode, sample: () => string): void {
    this.#total += 1;
    const tally = this.#open.get(code);
    if (tally) tally.count += 1;
    else this.#open.set(code, { count: 1, sample: sample() });
  }

  /**
   * An item shows to be bad when half of it has been written. It is left out of the second walk,
   * which follows when anything was condemned. Once for each item.
   */
  condemn(position: number, code: RejectCode): void {
    this.#condemned.push(position * codes.length + codes.indexOf(code));
  }

  /** Whether the item at the position was the last to be condemned. */
  isCondemned(position: number): boolean {
    const last = this.#condemned.at(-1);
    return last !== undefined && Math.floor(last / codes.length) === position;
  }

  /** Whether all that is still walked is to stay. */
  get isSecondWalk(): boolean {
    return this.#isSecondWalk;
  }

  get condemnsAny(): boolean {
    return this.#condemned.length > 0;
  }

  /** In the second walk: why the item at the position is left out, if it is. Ask once, in order. */
  sentence(position: number): RejectCode | undefined {
    const next = this.#condemned[this.#next];
    if (next === undefined || Math.floor(next / codes.length) !== position) return undefined;
    this.#next += 1;
    return codes[next % codes.length];
  }

  /** Judges the time of the item at the position, given the halves of its nanoseconds. */
  judgeTime(position: number, low: number, high: number): void {
    if (high > this.#futureHigh) {
      if (high > latestHigh) this.condemn(position, 'ERR_ITEM_TIME');
      else this.warn('future');
    } else if (high === 0 && low === 0) {
      this.warn('no-time');
    }
  }

  warn(code: WarnCode): void {
    this.#warned.set(code, (this.#warned.get(code) ?? 0) + 1);
  }

  /** For a walk that begins anew. */
  withdrawWarnings(): void {
    this.#warned.clear();
  }

  /** Whether `endResource` has something to note. */
  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  endResource(serviceName: string): void {
    for (const [code, tally] of this.#open) this.#tell(code, serviceName, tally);
    this.#open.clear();
  }

  #tell(code: RejectCode, serviceName: string, tally: Tally): void {
    const key = `${code} ${serviceName}`;
    const told = this.#told.get(key);
    if (told) told.tally.count += tally.count;
    else if (serviceName !== '' && this.#told.size >= kindsMax) this.#tell(code, '', tally);
    else this.#told.set(key, { code, serviceName, tally: { ...tally } });
  }

  list(): readonly Rejection[] {
    return Array.from(this.#told.values(), ({ code, serviceName, tally }) => ({
      code,
      reason: reasons[code],
      serviceName,
      ...tally,
    }));
  }

  /** English for the sender; empty when there is nothing to say. */
  message(noun: string): string {
    if (this.#total === 0 && this.#warned.size === 0) return '';
    const byCode = new Map<RejectCode, number>();
    for (const { code, tally } of this.#told.values()) {
      byCode.set(code, (byCode.get(code) ?? 0) + tally.count);
    }
    const parts = Array.from(byCode, ([code, count]) => `${count} with ${reasons[code]}`);
    const rejected =
      this.#total === 0 ? [] : [`${this.#total} ${noun} rejected: ${parts.join(', ')}`];
    const warned = Array.from(this.#warned, ([code, count]) => {
      const { of = noun, what } = warnings[code];
      return `warning: ${count} ${of} ${what}`;
    });
    return [...rejected, ...warned].join('; ');
  }

  /** Before the first walk of a request; without a time nothing lies in the future. */
  begin(nowMs: number | undefined): void {
    this.#condemned = [];
    this.#futureHigh =
      nowMs === undefined ? latestHigh : Math.floor(((nowMs + aheadMsMax) * 1e6) / 2 ** 32);
    this.#restart();
    this.#isSecondWalk = false;
  }

  /** Before the second one. */
  again(): void {
    this.#restart();
    this.#isSecondWalk = true;
  }

  #restart(): void {
    this.#total = 0;
    this.#next = 0;
    this.#told.clear();
    this.#open.clear();
    this.#warned.clear();
  }
}
