import type { Arena } from './arena.ts';
import { type MapColumn } from './map-column.ts';
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
  #keyAt = 0;
  #keyLength = 0;
  #valueAt = 0;
  #valueEnd = 0;

  constructor(arena: Arena, wire: Wire, values: Values, rejections: Rejections) {
    this.#arena = arena;
    this.#wire = wire;
    this.#values = values;
    this.#rejections = rejections;
  }

  put(map: MapColumn<TextColumn>, position: number, end: number): void {
    this.#split(position, end);
    map.keys.put(this.#keyAt, this.#keyLength);
    this.#values.putText(map.values, this.#valueAt, this.#valueEnd);
  }

  putWords(map: MapColumn<WordColumn>, position: number, end: number): void {
    this.#split(position, end);
    map.keys.put(this.#keyAt, this.#keyLength);
    this.#values.putWord(map.values, this.#valueAt, this.#valueEnd);
  }

  /** Whether the last `put` had this key. */
  keyIs(key: Uint8Array): boolean {
    if (this.#keyLength !== key.length) return false;
    const { view } = this.#arena;
    for (let index = 0; index < key.length; index += 1) {
      if (view.getUint8(this.#keyAt + index) !== key[index]) return false;
    }
    return true;
  }

  /** Writes the value of the last `put` into a column of its own. */
  putLastValue(column: WordColumn): void {
    this.#values.putWord(column, this.#valueAt, this.#valueEnd);
  }

  #split(position: number, end: number): void {
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
          return;
        }
      }
    }
    this.#splitAny(position, end);
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
    if (this.#keyLength === 0) this.#rejections.warn('empty-key');
  }
}
