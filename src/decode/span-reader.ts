import { matchesGlob } from '../lib/glob.ts';
import type { SampleRule } from '../model/sampling.ts';
import type { Arena } from './arena.ts';
import type { Attributes } from './attributes.ts';
import { adjustedCount, randomnessOf } from './sampling.ts';
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

/** A rule with its number in the configuration. */
export interface IndexedRule {
  readonly index: number;
  readonly rule: SampleRule;
  readonly slowerThanNs: number;
}

interface Key {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** Looks at a span before anything of it is written: what sampling rules ask, and which one fits it. */
export class SpanReader {
  /** The first that fits the span read last. */
  rule: IndexedRule | undefined;
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #attributes: Attributes;
  readonly #rules: readonly IndexedRule[];
  /** Keys that rules ask for, but name and kind. */
  readonly #keys: readonly Key[];
  readonly #ofResource = new Map<string, string>();
  readonly #ofSpan = new Map<string, string>();
  /** The rules that may apply to spans of the resource at hand. */
  #open: readonly IndexedRule[] = [];
  #asksSpan = false;
  readonly #asksName: boolean;
  readonly #asksKind: boolean;
  #stateAt = 0;
  #stateLength = 0;
  #startAt = -1;
  #endAt = -1;
  #statusAt = 0;
  #statusEnd = 0;

  constructor(arena: Arena, wire: Wire, attributes: Attributes, rules: readonly SampleRule[]) {
    this.#arena = arena;
    this.#wire = wire;
    this.#attributes = attributes;
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

  /** Whether a rule may fit spans of the resource at hand. */
  get isOpen(): boolean {
    return this.#open.length > 0;
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

  read(position: number, end: number): void {
    const wire = this.#wire;
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

    this.#stateAt = stateAt;
    this.#stateLength = stateLength;
    this.#startAt = startAt;
    this.#endAt = endAt;
    this.#statusAt = statusAt;
    this.#statusEnd = statusEnd;
    if (this.#asksName) {
      this.#ofSpan.set('name', this.#attributes.stringText(nameAt, nameLength));
    }
    if (this.#asksKind) this.#ofSpan.set('kind', kinds[kind] ?? kinds[0] ?? '');
    this.rule = asksSpan ? this.#open.find((it) => this.#applies(it)) : this.#open[0];
  }

  /** How many spans the one read last stands for, according to its sender. */
  count(): number {
    const { view } = this.#arena;
    return this.#stateLength === 0 ? 1 : adjustedCount(view, this.#stateAt, this.#stateLength);
  }

  randomness(traceIdAt: number): number {
    return randomnessOf(this.#arena.view, traceIdAt, this.#stateAt, this.#stateLength);
  }

  /** Good to a millisecond for spans of months; negative when the clock went back. */
  lastedNs(): number {
    const { view } = this.#arena;
    const [startAt, endAt] = [this.#startAt, this.#endAt];
    if (startAt < 0 || endAt < 0) return 0;
    const high = view.getUint32(endAt + 4, true) - view.getUint32(startAt + 4, true);
    return high * 2 ** 32 + view.getUint32(endAt, true) - view.getUint32(startAt, true);
  }

  isError(): boolean {
    const wire = this.#wire;
    const end = this.#statusEnd;
    let code = 0;
    for (let p = this.#statusAt; p < end; ) {
      const tag = wire.varint(p);
      const at = wire.pos;
      p = wire.skip(tag, at, end);
      if (tag === statusCode) code = wire.varint(at);
    }
    return code === statusError;
  }

  /** Notes the value of an attribute that somebody asks for. */
  #read(position: number, end: number, to: Map<string, string>): void {
    const attributes = this.#attributes;
    attributes.peek(position, end);
    for (const { key, bytes } of this.#keys) {
      if (attributes.keyIs(bytes)) to.set(key, attributes.lastValueText());
    }
  }

  #applies({ rule }: IndexedRule): boolean {
    return rule.where.every(
      ({ key, globs }) =>
        key === serviceName ||
        matchesAny(globs, this.#ofSpan.get(key) ?? this.#ofResource.get(key) ?? ''),
    );
  }
}

const matchesAny = (globs: readonly string[], text: string): boolean =>
  globs.some((glob) => matchesGlob(glob, text));
