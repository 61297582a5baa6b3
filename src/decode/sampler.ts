import { matchesGlob } from '../lib/glob.ts';
import type { SampleRule } from '../model/sampling.ts';
import type { Arena } from './arena.ts';
import type { Attributes } from './attributes.ts';
import { adjustedCount, randomnessOf, weightOf } from './sampling.ts';
import { spanKinds } from './trace-columns.ts';
import { bytesField, fixed64Field, varintField, type Wire } from './wire.ts';

const resource = bytesField(1);
const resourceAttribute = bytesField(1);

const traceState = bytesField(3);
const spanName = bytesField(5);
const spanKind = varintField(6);
const startTime = fixed64Field(7);
const endTime = fixed64Field(8);
const spanAttribute = bytesField(9);
const spanStatus = bytesField(15);
const statusCode = varintField(3);
const statusError = 2;

const kinds = spanKinds.map((name) => name.toLowerCase());

/** Only ever of the resource, so that whole resources are decided about at once. */
const serviceName = 'service.name';

interface Rule {
  readonly index: number;
  readonly rule: SampleRule;
  readonly slowerThanNs: number;
}

interface Key {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** No rule applies: the span is kept and stands for as many as its sender says. */
export const untouched = -1;

/**
 * Head sampling: decides about each span by itself, before anything of it is written. By trace id, so
 * that every service and every daemon with the same share keeps the same traces.
 */
export class Sampler {
  /** Spans left out since `begin`, by rule. */
  readonly counts: number[];
  leftOut = 0;
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #attributes: Attributes;
  readonly #rules: readonly Rule[];
  /** Keys that rules ask for, but name and kind. */
  readonly #keys: readonly Key[];
  readonly #ofResource = new Map<string, string>();
  readonly #ofSpan = new Map<string, string>();
  /** The rules that may apply to spans of the resource at hand. */
  #open: readonly Rule[] = [];
  #asksSpan = false;
  readonly #asksName: boolean;
  readonly #asksKind: boolean;

  constructor(arena: Arena, wire: Wire, attributes: Attributes, rules: readonly SampleRule[]) {
    this.#arena = arena;
    this.#wire = wire;
    this.#attributes = attributes;
    this.counts = rules.map(() => 0);
    this.#rules = rules.map((rule, index) => ({
      index,
      rule,
      slowerThanNs: (rule.keepSlowerThanMs ?? Number.POSITIVE_INFINITY) * 1e6,
    }));
    const keys = new Set(rules.flatMap(({ where }) => where.map(({ key }) => key)));
    this.#asksName = keys.has('name');
    this.#asksKind = keys.has('kind');
    this.#keys = Array.from(keys, (key) => ({ key, bytes: new TextEncoder().encode(key) })).filter(
      ({ key }) => key !== 'name' && key !== 'kind',
    );
  }

  begin(): void {
    this.counts.fill(0);
    this.leftOut = 0;
  }

  /** Reads what rules want to know of a ResourceSpans, before its spans. */
  resource(position: number, end: number): void {
    const wire = this.#wire;
    this.#ofResource.clear();
    if (this.#keys.length > 0) {
      wire.each(position, end, resource, (from, till) =>
        wire.each(from, till, resourceAttribute, (from, till) =>
          this.#read(from, till, this.#ofResource),
        ),
      );
    }
    const service = this.#ofResource.get(serviceName) ?? '';
    this.#open = this.#rules.filter(({ rule }) =>
      rule.where.every(({ key, globs }) => key !== serviceName || matchesAny(globs, service)),
    );
    this.#asksSpan = this.#open.some(({ rule }) =>
      rule.where.some(({ key }) => key !== serviceName),
    );
  }

  /** How many spans this one stands for; 0 when it is left out, which is counted; or `untouched`. */
  weigh(traceIdAt: number, position: number, end: number): number {
    if (this.#open.length === 0) return untouched;
    const wire = this.#wire;
    const { view } = this.#arena;
    const asksSpan = this.#asksSpan;
    let stateAt = position;
    let stateLength = 0;
    let nameAt = position;
    let nameLength = 0;
    let kind = 0;
    let startAt = -1;
    let endAt = -1;
    let statusAt = position;
    let statusEnd = position;
    if (asksSpan) this.#ofSpan.clear();
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      const at = wire.pos;
      if ((tag & 7) === 2 && tag > 7) {
        const length = wire.length(at, end);
        const from = wire.pos;
        p = from + length;
        switch (tag) {
          case traceState:
            stateAt = from;
            stateLength = length;
            break;
          case spanName:
            nameAt = from;
            nameLength = length;
            break;
          case spanAttribute:
            if (asksSpan) this.#read(from, p, this.#ofSpan);
            break;
          case spanStatus:
            statusAt = from;
            statusEnd = p;
            break;
        }
        continue;
      }
      p = wire.skip(tag, at, end);
      switch (tag) {
        case spanKind:
          kind = wire.varint(at);
          break;
        case startTime:
          startAt = at;
          break;
        case endTime:
          endAt = at;
          break;
      }
    }
    wire.landed(p, end);

    if (this.#asksName) {
      this.#ofSpan.set('name', this.#attributes.stringText(nameAt, nameLength));
    }
    if (this.#asksKind) this.#ofSpan.set('kind', kinds[kind] ?? kinds[0] ?? '');
    const found = asksSpan ? this.#open.find((it) => this.#applies(it)) : this.#open[0];
    if (!found) return untouched;
    const count = stateLength === 0 ? 1 : adjustedCount(view, stateAt, stateLength);
    const { rule, slowerThanNs, index } = found;
    if (rule.keepErrors && this.#isError(statusAt, statusEnd)) return count;
    if (lastedNs(view, startAt, endAt) > slowerThanNs) return count;
    const randomness = randomnessOf(view, traceIdAt, stateAt, stateLength);
    const weight = weightOf(randomness, count, rule.keep);
    if (weight === 0) {
      this.counts[index] = (this.counts[index] ?? 0) + 1;
      this.leftOut += 1;
    }
    return weight;
  }

  /** Notes the value of an attribute that somebody asks for. */
  #read(position: number, end: number, to: Map<string, string>): void {
    const attributes = this.#attributes;
    attributes.peek(position, end);
    for (const { key, bytes } of this.#keys) {
      if (attributes.keyIs(bytes)) to.set(key, attributes.lastValueText());
    }
  }

  #applies({ rule }: Rule): boolean {
    return rule.where.every(
      ({ key, globs }) =>
        key === serviceName ||
        matchesAny(globs, this.#ofSpan.get(key) ?? this.#ofResource.get(key) ?? ''),
    );
  }

  #isError(position: number, end: number): boolean {
    const wire = this.#wire;
    let code = 0;
    for (let p = position; p < end; ) {
      const tag = wire.varint(p);
      const at = wire.pos;
      p = wire.skip(tag, at, end);
      if (tag === statusCode) code = wire.varint(at);
    }
    return code === statusError;
  }
}

const matchesAny = (globs: readonly string[], text: string): boolean =>
  globs.some((glob) => matchesGlob(glob, text));

/** Good to a millisecond for spans of months; negative when the clock went back. */
const lastedNs = (view: DataView, startAt: number, endAt: number): number => {
  if (startAt < 0 || endAt < 0) return 0;
  const high = view.getUint32(endAt + 4, true) - view.getUint32(startAt + 4, true);
  return high * 2 ** 32 + view.getUint32(endAt, true) - view.getUint32(startAt, true);
};
