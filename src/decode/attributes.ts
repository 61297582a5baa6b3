import type { RedactPlace } from '../model/redaction.ts';
import type { Arena } from './arena.ts';
import { KeyGuard } from './key-guard.ts';
import { type MapColumn } from './map-column.ts';
import { examine, type PlaceRules, pass, type Redaction } from './redaction.ts';
import type { Rejections } from './rejections.ts';
import { type TextColumn } from './text-column.ts';
import type { Values } from './values.ts';
import { bytesField, type Wire } from './wire.ts';
import { type WordColumn } from './word-column.ts';

const keyField = bytesField(1);
const valueField = bytesField(2);

/** Walks one KeyValue into a map column. A row of the map is ended by whoever walks its owner. */
export class Attributes {
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #values: Values;
  readonly #rejections: Rejections;
  readonly #redaction: Redaction | undefined;
  /** Of the last word put: what redaction made of it, undefined when it left it alone. */
  #lastText: string | undefined;
  #lastGuard: KeyGuard | undefined;
  #lastId = 0;
  #keyAt = 0;
  #keyLength = 0;
  #valueAt = 0;
  #valueEnd = 0;

  constructor(
    arena: Arena,
    wire: Wire,
    values: Values,
    rejections: Rejections,
    redaction: Redaction | undefined,
  ) {
    this.#arena = arena;
    this.#wire = wire;
    this.#values = values;
    this.#rejections = rejections;
    this.#redaction = redaction;
  }

  /** Puts the rules for attributes of this place before a map. Call before anything is put. */
  protect(map: MapColumn<TextColumn | WordColumn>, place: RedactPlace): void {
    const rules = this.#redaction?.in(place);
    if (rules) map.guard = new KeyGuard(this.#arena, map.keys.dictionary, rules);
  }

  /** The rules for text of this place that has no key; undefined when there are none. */
  textRules(place: RedactPlace): PlaceRules | undefined {
    const rules = this.#redaction?.in(place);
    return rules?.hasPatterns ? rules : undefined;
  }

  put(map: MapColumn<TextColumn>, position: number, end: number): void {
    this.#split(position, end);
    const id = map.keys.dictionary.idOf(this.#keyAt, this.#keyLength);
    const { guard } = map;
    if (guard !== undefined) {
      const verdict = guard.verdict(id);
      if (verdict !== pass && this.#redacts(map, guard, id, verdict)) return;
    }
    map.keys.putId(id);
    this.#values.putText(map.values, this.#valueAt, this.#valueEnd, guard, id);
  }

  putWords(map: MapColumn<WordColumn>, position: number, end: number): void {
    this.#split(position, end);
    const id = map.keys.dictionary.idOf(this.#keyAt, this.#keyLength);
    const { guard } = map;
    this.#lastText = undefined;
    this.#lastGuard = guard;
    this.#lastId = id;
    if (guard !== undefined) {
      const verdict = guard.verdict(id);
      if (verdict !== pass && this.#redacts(map, guard, id, verdict)) return;
    }
    map.keys.putId(id);
    this.#values.putWord(map.values, this.#valueAt, this.#valueEnd, guard, id);
  }

  /** A string that is no attribute, redacted. */
  putString(
    column: TextColumn | WordColumn,
    position: number,
    length: number,
    rules: PlaceRules,
  ): void {
    const text = this.#values.stringText(position, length);
    const examined = rules.examined(text);
    if (examined === text) column.put(position, length);
    else column.putText(examined ?? '');
  }

  /** The body of a log record; one of which nothing is to stay is empty. */
  putBody(column: TextColumn, position: number, end: number): void {
    const rules = this.#redaction?.in('body');
    const values = this.#values;
    if (rules && values.isNested(position, end)) {
      return column.putText(values.nestedText(position, end, rules, '') ?? '');
    }
    if (rules?.hasPatterns) {
      const text = values.plainText(position, end);
      const examined = rules.examined(text);
      if (examined !== text) return column.putText(examined ?? '');
    }
    values.putText(column, position, end, undefined, 0);
  }

  /** Looks at an attribute without putting it anywhere. */
  peek(position: number, end: number): void {
    if (!this.#splitUsual(position, end)) this.#splitAny(position, end);
  }

  /** The value of what was put or looked at last. */
  lastValueText = (): string => this.#values.text(this.#valueAt, this.#valueEnd);

  /** Its key. */
  lastKeyText(): string {
    return this.#values.stringText(this.#keyAt, this.#keyLength);
  }

  stringText(position: number, length: number): string {
    return this.#values.stringText(position, length);
  }

  /** Whether the last `put` or `peek` had this key. */
  keyIs(key: Uint8Array): boolean {
    if (this.#keyLength !== key.length) return false;
    const { view } = this.#arena;
    for (let index = 0; index < key.length; index += 1) {
      if (view.getUint8(this.#keyAt + index) !== key[index]) return false;
    }
    return true;
  }

  /** Writes the value of the last `putWords` into a column of its own. */
  putLastValue(column: WordColumn): void {
    if (this.#lastText === undefined) {
      this.#values.putWord(column, this.#valueAt, this.#valueEnd, this.#lastGuard, this.#lastId);
    } else {
      column.putText(this.#lastText);
    }
  }

  /** Whether the attribute was written, or left out, other than as it came. */
  #redacts(
    map: MapColumn<TextColumn | WordColumn>,
    guard: KeyGuard,
    id: number,
    verdict: number,
  ): boolean {
    const values = this.#values;
    const { rules } = guard;
    if (verdict > examine) {
      return this.#putRedacted(map, id, rules.replaced(verdict, this.lastValueText));
    }
    if (values.isNested(this.#valueAt, this.#valueEnd)) {
      const text = values.nestedText(this.#valueAt, this.#valueEnd, rules, guard.key(id));
      return this.#putRedacted(map, id, text);
    }
    const text = values.plainText(this.#valueAt, this.#valueEnd);
    const examined = rules.examined(text);
    return examined === text ? false : this.#putRedacted(map, id, examined);
  }

  #putRedacted(
    map: MapColumn<TextColumn | WordColumn>,
    id: number,
    text: string | undefined,
  ): true {
    this.#lastText = text ?? '';
    if (text === undefined) return true;
    map.keys.putId(id);
    map.values.putText(text);
    return true;
  }

  #split(position: number, end: number): void {
    if (this.#splitUsual(position, end)) return;
    this.#splitAny(position, end);
    if (this.#keyLength === 0) this.#rejections.warn('empty-key');
  }

  #splitUsual(position: number, end: number): boolean {
    const { view } = this.#arena;
    // What every encoder writes: a short key, then a value shorter than 128 bytes, then the end.
    if (view.getUint8(position) === keyField) {
      const keyLength = view.getUint8(position + 1);
      const value = position + 2 + keyLength;
      if (
        keyLength > 0 &&
        keyLength < 128 &&
        value + 2 <= end &&
        view.getUint8(value) === valueField
      ) {
        const valueLength = view.getUint8(value + 1);
        if (valueLength < 128 && value + 2 + valueLength === end) {
          this.#keyAt = position + 2;
          this.#keyLength = keyLength;
          this.#valueAt = value + 2;
          this.#valueEnd = end;
          return true;
        }
      }
    }
    return false;
  }

  #splitAny(position: number, end: number): void {
    const wire = this.#wire;
    this.#keyAt = position;
    this.#keyLength = 0;
    this.#valueAt = position;
    this.#valueEnd = position;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      if (tag === keyField) {
        this.#keyLength = wire.length(p, end);
        this.#keyAt = wire.pos;
        p = wire.pos + this.#keyLength;
      } else if (tag === valueField) {
        const length = wire.length(p, end);
        this.#valueAt = wire.pos;
        p = wire.pos + length;
        this.#valueEnd = p;
      } else {
        p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
  }
}
