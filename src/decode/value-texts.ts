import {
  type AnyValue,
  arrayValue,
  boolValue,
  bytesValue,
  doubleValue,
  intValue,
  kvlistValue,
  none,
  stringValue,
} from './any-value.ts';
import type { Arena } from './arena.ts';
import { malformed } from './faults.ts';
import { inUtf8Order, jsonString } from './json-text.ts';
import { examine, type PlaceRules } from './redaction.ts';
import { bytesField, type Wire } from './wire.ts';

/** Arrays and maps inside each other; protobuf libraries stop at 100 messages, which is 50 values. */
const valueDepthMax = 50;

/** The upper half of 2^53. */
export const safeHigh = 0x20_0000;

const emptyBuffer = Buffer.alloc(0);

/** Values as JavaScript's strings: those that are not written as bytes at once. */
export class ValueTexts {
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #value: AnyValue;
  /** While a value is rendered whose members are to be redacted. */
  #rules: PlaceRules | undefined;
  /** The keys down to the member at hand, with dots between them. */
  #path = '';
  #isDropped = false;
  /** The arena's bytes, as Node reads text from them at half the cost of a decoder and a view. */
  #buffer = emptyBuffer;

  constructor(arena: Arena, wire: Wire, value: AnyValue) {
    this.#arena = arena;
    this.#wire = wire;
    this.#value = value;
    // Else it would keep what the arena gave back.
    const clear = (): void => void (this.#buffer = emptyBuffer);
    arena.follow({ mark: () => {}, rollback: () => {}, clear });
  }

  /**
   * An array or a map as text, its members redacted by key (their own, or all down to them with dots
   * between) and by pattern; undefined when a pattern says that nothing is to stay.
   */
  nestedText(position: number, end: number, rules: PlaceRules, key: string): string | undefined {
    this.#rules = rules;
    this.#path = key;
    this.#isDropped = false;
    try {
      this.#value.locate(position, end);
      const text = this.located(0);
      return this.#isDropped ? undefined : text;
    } finally {
      this.#rules = undefined;
    }
  }

  /** What the value at hand is, `depth` arrays and maps down. */
  located(depth: number): string {
    switch (this.#value.kind) {
      case stringValue:
        return this.utf8(this.#value.at, this.#value.end);
      case boolValue:
        return this.#value.bool() ? 'true' : 'false';
      case intValue:
        return this.#int();
      case doubleValue:
        return doubleText(this.#value.double());
      case bytesValue:
        return this.#base64();
      case none:
        return '';
      default:
        return this.#json(depth);
    }
  }

  /** JSON of what `locate` found. */
  #json(depth: number): string {
    switch (this.#value.kind) {
      case arrayValue:
        return this.#array(this.#value.at, this.#value.end, depth);
      case kvlistValue:
        return this.#map(this.#value.at, this.#value.end, depth);
      case boolValue:
        return this.located(depth);
      case intValue: {
        const text = this.located(depth);
        const member = this.#member(text);
        return member === text ? text : jsonString(member);
      }
      case doubleValue: {
        const value = this.#value.double();
        return Number.isFinite(value) ? doubleText(value) : `"${doubleText(value)}"`;
      }
      case none:
        return 'null';
      case stringValue:
        return jsonString(this.#member(this.located(depth)));
      default:
        // Go has no slice for no bytes.
        return this.#value.at === this.#value.end ? 'null' : `"${this.#base64()}"`;
    }
  }

  /** A member of an array or a map as the patterns leave it. */
  #member(text: string): string {
    if (!this.#rules?.hasPatterns) return text;
    const examined = this.#rules.examined(text);
    if (examined === undefined) this.#isDropped = true;
    return examined ?? '';
  }

  #array(position: number, end: number, depth: number): string {
    const wire = this.#wire;
    this.#limitDepth(position, depth);
    const elements: string[] = [];
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      if (tag === bytesField(1)) {
        const length = wire.length(p, end);
        p = wire.pos + length;
        this.#value.locate(p - length, p);
        elements.push(this.#json(depth + 1));
      } else {
        p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
    return `[${elements.join(',')}]`;
  }

  #map(position: number, end: number, depth: number): string {
    const wire = this.#wire;
    this.#limitDepth(position, depth);
    const entries = new Map<string, string>();
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      if (tag === bytesField(1)) {
        const length = wire.length(p, end);
        p = wire.pos + length;
        this.#entry(p - length, p, depth, entries);
      } else {
        p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
    const members = inUtf8Order([...entries.keys()]).map(
      (key) => `${jsonString(key)}:${entries.get(key)}`,
    );
    return `{${members.join(',')}}`;
  }

  #entry(position: number, end: number, depth: number, entries: Map<string, string>): void {
    const wire = this.#wire;
    let key = '';
    let valueAt = position;
    let valueEnd = position;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      if (tag === bytesField(1)) {
        const length = wire.length(p, end);
        p = wire.pos + length;
        key = this.utf8(p - length, p);
      } else if (tag === bytesField(2)) {
        const length = wire.length(p, end);
        p = wire.pos + length;
        valueAt = p - length;
        valueEnd = p;
      } else {
        p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
    const value = this.#rules
      ? this.#redactedEntry(this.#rules, key, valueAt, valueEnd, depth)
      : this.#entryJson(valueAt, valueEnd, depth);
    if (value !== undefined) entries.set(key, value);
  }

  #entryJson(position: number, end: number, depth: number): string {
    this.#value.locate(position, end);
    return this.#json(depth + 1);
  }

  #redactedEntry(
    rules: PlaceRules,
    key: string,
    position: number,
    end: number,
    depth: number,
  ): string | undefined {
    const outer = this.#path;
    const path = outer === '' ? key : `${outer}.${key}`;
    const verdict = rules.verdictOfEither(path, key);
    if (verdict > examine) {
      this.#rules = undefined;
      this.#value.locate(position, end);
      const text = rules.replaced(verdict, () => this.located(depth + 1));
      this.#rules = rules;
      return text === undefined ? undefined : jsonString(text);
    }
    this.#path = path;
    const json = this.#entryJson(position, end, depth);
    this.#path = outer;
    return json;
  }

  #limitDepth(position: number, depth: number): void {
    if (depth >= valueDepthMax) {
      throw malformed(position, `values more than ${valueDepthMax} levels deep`);
    }
  }

  #int(): string {
    const wire = this.#wire;
    wire.varint64(this.#value.at);
    const { low, high } = wire;
    if (high < safeHigh) return String(high * 0x1_0000_0000 + low);
    return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)).toString();
  }

  utf8(position: number, end: number): string {
    const { bytes } = this.#arena;
    if (this.#buffer.buffer !== bytes.buffer) {
      this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset);
    }
    return this.#buffer.toString('utf8', position, end);
  }

  #base64(): string {
    return Buffer.from(this.#arena.bytes.subarray(this.#value.at, this.#value.end)).toString(
      'base64',
    );
  }
}

/** Go's text of a float64 is JavaScript's, but for the sign of zero. */
const doubleText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
