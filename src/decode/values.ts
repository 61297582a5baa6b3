import type { Arena } from './arena.ts';
import { malformed } from './faults.ts';
import { inUtf8Order, jsonString } from './json-text.ts';
import type { KeyGuard } from './key-guard.ts';
import { putPlainStrings } from './plain-strings.ts';
import { examine, type PlaceRules } from './redaction.ts';
import { type TextColumn } from './text-column.ts';
import { bytesField, fixed64Field, varintField, type Wire } from './wire.ts';
import { type WordColumn } from './word-column.ts';

/** Arrays and maps inside each other; protobuf libraries stop at 100 messages, which is 50 values. */
const valueDepthMax = 50;

const stringValue = bytesField(1);
const boolValue = varintField(2);
const intValue = varintField(3);
const doubleValue = fixed64Field(4);
const arrayValue = bytesField(5);
const kvlistValue = bytesField(6);
const bytesValue = bytesField(7);
const none = 0;

const emptyBuffer = Buffer.alloc(0);

/** The upper half of 2^53. */
const safeHigh = 0x20_0000;

/**
 * AnyValue as the collector's ClickHouse exporter renders it (pdata `Value.AsString`): text as it
 * is, numbers as JavaScript writes them, bytes as base64, arrays and maps as JSON with sorted keys.
 * Only NaN and infinities in arrays and maps differ: Go's JSON cannot say them, so that the exporter
 * stores an empty text for the whole value; here they are strings and the rest is kept.
 */
export class Values {
  readonly #arena: Arena;
  readonly #wire: Wire;
  /** The member of the oneof that `#locate` found; `#at` and `#end` are its content. */
  #kind = none;
  #at = 0;
  #end = 0;
  /** While a value is rendered whose members are to be redacted. */
  #rules: PlaceRules | undefined;
  /** The keys down to the member at hand, with dots between them. */
  #path = '';
  #isDropped = false;
  /** The arena's bytes, as Node reads text from them at half the cost of a decoder and a view. */
  #buffer = emptyBuffer;

  constructor(arena: Arena, wire: Wire) {
    this.#arena = arena;
    this.#wire = wire;
    // Else it would keep what the arena gave back.
    const clear = (): void => void (this.#buffer = emptyBuffer);
    arena.follow({ mark: () => {}, rollback: () => {}, clear });
  }

  /** `guard` redacts the members of arrays and maps, which belong to the key `id`. */
  putText(
    column: TextColumn,
    position: number,
    end: number,
    guard: KeyGuard | undefined,
    id: number,
  ): void {
    const { view } = this.#arena;
    // Nearly every value is a short string and nothing else.
    if (view.getUint8(position) === stringValue) {
      const length = view.getUint8(position + 1);
      if (length < 128 && position + 2 + length === end) {
        return column.put(position + 2, length);
      }
    }
    this.#locate(position, end);
    switch (this.#kind) {
      case stringValue:
        return column.put(this.#at, this.#end - this.#at);
      case none:
        return column.putEmpty();
      case boolValue:
        return column.putBool(this.#bool());
      case intValue: {
        const wire = this.#wire;
        wire.varint64(this.#at);
        if (wire.high < safeHigh) return column.putInteger(wire.high * 0x1_0000_0000 + wire.low);
        return column.putText(this.#located(0));
      }
      case doubleValue:
        if (column.putShortDouble(this.#double())) return;
        return column.putText(this.#located(0));
      case arrayValue:
        if (putPlainStrings(this.#arena, column.region, this.#at, this.#end)) return;
        return column.putText(this.#guarded(position, end, guard, id));
      default:
        return column.putText(this.#guarded(position, end, guard, id));
    }
  }

  putWord(
    column: WordColumn,
    position: number,
    end: number,
    guard: KeyGuard | undefined,
    id: number,
  ): void {
    this.#locate(position, end);
    if (this.#kind === stringValue) return column.put(this.#at, this.#end - this.#at);
    column.putText(this.#guarded(position, end, guard, id));
  }

  /** Text of what `#locate` found. */
  #guarded(position: number, end: number, guard: KeyGuard | undefined, id: number): string {
    if (guard === undefined) return this.#located(0);
    return this.nestedText(position, end, guard.rules, guard.key(id)) ?? '';
  }

  stringText(position: number, length: number): string {
    return this.#utf8(position, position + length);
  }

  /** The whole value as text. */
  text(position: number, end: number): string {
    this.#locate(position, end);
    return this.#located(0);
  }

  /** The text of a string or an integer; empty for all that patterns are not for. */
  plainText(position: number, end: number): string {
    this.#locate(position, end);
    return this.#kind === stringValue || this.#kind === intValue ? this.#located(0) : '';
  }

  /** Whether this is an array or a map: other values are told at a glance. */
  isNested(position: number, end: number): boolean {
    const { view } = this.#arena;
    switch (view.getUint8(position)) {
      case stringValue: {
        const length = view.getUint8(position + 1);
        if (length < 128 && position + 2 + length === end) return false;
        break;
      }
      case doubleValue:
        if (position + 9 === end) return false;
        break;
      case boolValue:
        if (position + 2 === end) return false;
        break;
      case intValue: {
        let last = position + 1;
        while (last < end && view.getUint8(last) > 127) last += 1;
        if (last + 1 === end) return false;
        break;
      }
    }
    this.#locate(position, end);
    return this.#kind === arrayValue || this.#kind === kvlistValue;
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
      this.#locate(position, end);
      const text = this.#located(0);
      return this.#isDropped ? undefined : text;
    } finally {
      this.#rules = undefined;
    }
  }

  #locate(position: number, end: number): void {
    const wire = this.#wire;
    const { view } = this.#arena;
    this.#kind = none;
    let p = position;
    while (p < end) {
      let tag = view.getUint8(p);
      p += 1;
      if (tag > 127) {
        tag = wire.varint(p - 1);
        p = wire.pos;
      }
      switch (tag) {
        case stringValue:
        case arrayValue:
        case kvlistValue:
        case bytesValue: {
          const length = wire.length(p, end);
          this.#kind = tag;
          this.#at = wire.pos;
          p = wire.pos + length;
          this.#end = p;
          break;
        }
        case boolValue:
        case intValue:
        case doubleValue:
          this.#kind = tag;
          this.#at = p;
          p = wire.skip(tag, p, end);
          this.#end = p;
          break;
        default:
          p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
  }

  #located(depth: number): string {
    switch (this.#kind) {
      case stringValue:
        return this.#utf8(this.#at, this.#end);
      case boolValue:
        return this.#bool() ? 'true' : 'false';
      case intValue:
        return this.#int();
      case doubleValue:
        return doubleText(this.#double());
      case bytesValue:
        return this.#base64();
      case none:
        return '';
      default:
        return this.#json(depth);
    }
  }

  /** JSON of what `#locate` found. */
  #json(depth: number): string {
    switch (this.#kind) {
      case arrayValue:
        return this.#array(this.#at, this.#end, depth);
      case kvlistValue:
        return this.#map(this.#at, this.#end, depth);
      case boolValue:
        return this.#located(depth);
      case intValue: {
        const text = this.#located(depth);
        const member = this.#member(text);
        return member === text ? text : jsonString(member);
      }
      case doubleValue: {
        const value = this.#double();
        return Number.isFinite(value) ? doubleText(value) : `"${doubleText(value)}"`;
      }
      case none:
        return 'null';
      case stringValue:
        return jsonString(this.#member(this.#located(depth)));
      default:
        // Go has no slice for no bytes.
        return this.#at === this.#end ? 'null' : `"${this.#base64()}"`;
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
        this.#locate(p - length, p);
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
        key = this.#utf8(p - length, p);
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
    this.#locate(position, end);
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
      this.#locate(position, end);
      const text = rules.replaced(verdict, () => this.#located(depth + 1));
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

  #bool(): boolean {
    this.#wire.varint64(this.#at);
    return this.#wire.low !== 0 || this.#wire.high !== 0;
  }

  #int(): string {
    const wire = this.#wire;
    wire.varint64(this.#at);
    const { low, high } = wire;
    if (high < safeHigh) return String(high * 0x1_0000_0000 + low);
    return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)).toString();
  }

  #double(): number {
    return this.#arena.view.getFloat64(this.#at, true);
  }

  #utf8(position: number, end: number): string {
    const { bytes } = this.#arena;
    if (this.#buffer.buffer !== bytes.buffer) {
      this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset);
    }
    return this.#buffer.toString('utf8', position, end);
  }

  #base64(): string {
    return Buffer.from(this.#arena.bytes.subarray(this.#at, this.#end)).toString('base64');
  }
}

/** Go's text of a float64 is JavaScript's, but for the sign of zero. */
const doubleText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
