import type { Arena, Region } from './arena.ts';
import { Dictionary } from './dictionary.ts';
import { writeInteger, writeShortDouble } from './digits.ts';

/** Byte ranges in the order of the wire; `number` is a UInt64 below 2^32. */
export type Sink = (part: Uint8Array | number) => void;

/**
 * One column (or a part of a compound one) as ClickHouse's Native format wants it. All prefixes of
 * a compound column come before its first offset.
 */
export interface Column {
  readonly type: string;
  readonly prefix: (sink: Sink) => void;
  readonly body: (sink: Sink) => void;
}

const fixedWidths = {
  Bool: 1,
  UInt8: 1,
  UInt32: 4,
  Int32: 4,
  UInt64: 8,
  Float64: 8,
  'DateTime64(9)': 8,
} as const;

/** Values of one width, written through the arena into `region`. */
export class FixedColumn implements Column {
  readonly type: keyof typeof fixedWidths;
  readonly region: Region;
  readonly #arena: Arena;

  constructor(arena: Arena, type: keyof typeof fixedWidths) {
    this.#arena = arena;
    this.type = type;
    this.region = arena.region();
  }

  rows(): number {
    return (this.region.at - this.region.base) / fixedWidths[this.type];
  }

  prefix = (): void => {};

  body = (sink: Sink): void => sink(this.#arena.written(this.region));
}

export class TextColumn implements Column {
  readonly type = 'String';
  readonly region: Region;
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.region = arena.region();
  }

  put(position: number, length: number): void {
    if (length < 128) this.#arena.putByte(this.region, length);
    else this.#arena.putVarint(this.region, length);
    this.#arena.copy(this.region, position, length);
  }

  putEmpty(): void {
    this.#arena.putByte(this.region, 0);
  }

  /** A safe integer that is not negative. */
  putInteger(value: number): void {
    const { region } = this;
    this.#arena.room(region, numberBytesMax);
    const { view } = this.#arena;
    const end = writeInteger(view, region.at + 1, value);
    view.setUint8(region.at, end - region.at - 1);
    region.at = end;
  }

  /** False, and nothing written, for a double that has no short text. */
  putShortDouble(value: number): boolean {
    const { region } = this;
    this.#arena.room(region, numberBytesMax);
    const { view } = this.#arena;
    const end = writeShortDouble(view, region.at + 1, value);
    if (end < 0) return false;
    view.setUint8(region.at, end - region.at - 1);
    region.at = end;
    return true;
  }

  putBool(value: boolean): void {
    if (value) {
      this.#arena.putByte(this.region, 4);
      this.#arena.putUint32(this.region, 0x65757274); // "true"
    } else {
      this.#arena.putByte(this.region, 5);
      this.#arena.putUint32(this.region, 0x736c6166); // "fals"
      this.#arena.putByte(this.region, 0x65);
    }
  }

  /** Bytes as lower-case hex digits; all-zero identifiers are absent ones, so empty. */
  putHex(position: number, length: number): void {
    const { region } = this;
    const arena = this.#arena;
    if (isZero(arena.view, position, length)) return this.putEmpty();
    arena.putVarint(region, length * 2);
    arena.room(region, length * 2);
    const { view } = arena;
    let to = region.at;
    const end = position + length;
    for (let from = position; from < end; from += 1) {
      view.setUint16(to, hexDigits[view.getUint8(from)] ?? 0, true);
      to += 2;
    }
    region.at = to;
  }

  putText(text: string): void {
    const length = this.#arena.stage(text);
    this.put(this.#arena.staged, length);
  }

  prefix = (): void => {};

  body = (sink: Sink): void => sink(this.#arena.written(this.region));
}

/** LowCardinality(String): a dictionary of this block and an index per row. */
export class WordColumn implements Column {
  readonly type = 'LowCardinality(String)';
  readonly region: Region;
  readonly dictionary: Dictionary;
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.region = arena.region();
    this.dictionary = new Dictionary(arena);
  }

  put(position: number, length: number): void {
    this.putId(this.dictionary.idOf(position, length));
  }

  putId(id: number): void {
    const { region } = this;
    const arena = this.#arena;
    arena.room(region, 4);
    if (arena.indexShift === 1) arena.view.setUint16(region.at, id, true);
    else arena.view.setUint32(region.at, id, true);
    region.at += 1 << arena.indexShift;
  }

  putText(text: string): void {
    const length = this.#arena.stage(text);
    this.put(this.#arena.staged, length);
  }

  /** The same word for `rows` rows. */
  fill(position: number, length: number, rows: number): void {
    this.put(position, length);
    this.repeatLast(rows - 1);
  }

  repeatLast(times: number): void {
    this.#arena.repeat(this.region, 1 << this.#arena.indexShift, times);
  }

  rows(): number {
    return (this.region.at - this.region.base) >>> this.#arena.indexShift;
  }

  prefix = (sink: Sink): void => sink(sharedDictionaries);

  body = (sink: Sink): void => {
    const rows = this.rows();
    if (rows === 0) return;
    sink(additionalKeys + this.#arena.indexShift);
    sink(this.dictionary.count);
    sink(this.#arena.written(this.dictionary.region));
    sink(rows);
    sink(this.#arena.written(this.region));
  };
}

/** LowCardinality(String) over a handful of names known beforehand; the index is one byte. */
export class NameColumn implements Column {
  readonly type = 'LowCardinality(String)';
  readonly region: Region;
  readonly #arena: Arena;
  readonly #names: readonly string[];

  constructor(arena: Arena, names: readonly string[]) {
    this.#arena = arena;
    this.#names = names;
    this.region = arena.region();
  }

  /** Numbers this version does not know read as the first name, as proto3 tells receivers. */
  put(number: number): void {
    this.#arena.putByte(this.region, number < this.#names.length ? number : 0);
  }

  prefix = (sink: Sink): void => sink(sharedDictionaries);

  body = (sink: Sink): void => {
    const rows = this.region.at - this.region.base;
    if (rows === 0) return;
    sink(additionalKeys);
    sink(this.#names.length);
    for (const name of this.#names) sink(nativeText(name));
    sink(rows);
    sink(this.#arena.written(this.region));
  };
}

/** Array(T) as ends of rows, counted in elements; a Nested table shares one `ends` among its columns. */
export class ArrayColumn implements Column {
  readonly type: string;
  readonly ends: Region;
  readonly elements: Column;
  readonly #arena: Arena;

  constructor(arena: Arena, elements: Column, ends: Region = arena.region()) {
    this.#arena = arena;
    this.type = `Array(${elements.type})`;
    this.elements = elements;
    this.ends = ends;
  }

  prefix = (sink: Sink): void => this.elements.prefix(sink);

  body = (sink: Sink): void => {
    sink(this.#arena.written(this.ends));
    this.elements.body(sink);
  };
}

/** Map(LowCardinality(String), V). Duplicate keys, which OTLP forbids, are kept as they came. */
export class MapColumn<Values extends TextColumn | WordColumn> implements Column {
  readonly type: string;
  readonly ends: Region;
  readonly keys: WordColumn;
  readonly values: Values;
  readonly #arena: Arena;

  constructor(arena: Arena, values: Values) {
    this.#arena = arena;
    this.ends = arena.region();
    this.keys = new WordColumn(arena);
    this.values = values;
    this.type = `Map(${this.keys.type}, ${values.type})`;
  }

  rows(): number {
    return (this.ends.at - this.ends.base) / 8;
  }

  endRow(): void {
    this.#arena.putCount(this.ends, this.keys.rows());
  }

  /** Ends a row, then writes it again; its entries are those behind `keysFrom` and `valuesFrom`. */
  endRows(rows: number, keysFrom: number, valuesFrom: number): void {
    const { keys, values, ends } = this;
    const arena = this.#arena;
    const entriesBefore = keysFrom >>> arena.indexShift;
    const entries = keys.rows() - entriesBefore;
    arena.repeat(keys.region, keys.region.at - keys.region.base - keysFrom, rows - 1);
    arena.repeat(values.region, values.region.at - values.region.base - valuesFrom, rows - 1);
    arena.room(ends, rows * 8);
    for (let row = 1; row <= rows; row += 1) arena.putCount(ends, entriesBefore + entries * row);
  }

  prefix = (sink: Sink): void => {
    this.keys.prefix(sink);
    this.values.prefix(sink);
  };

  body = (sink: Sink): void => {
    sink(this.#arena.written(this.ends));
    this.keys.body(sink);
    this.values.body(sink);
  };
}

/** A string as Native writes it: its length as a varint, its bytes. */
export const nativeText = (text: string): Uint8Array => {
  const bytes = new TextEncoder().encode(text);
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Uint8Array.from([...length, rest, ...bytes]);
};

export const isZero = (view: DataView, position: number, length: number): boolean => {
  const end = position + length;
  let at = position;
  for (; at + 4 <= end; at += 4) if (view.getInt32(at, true) !== 0) return false;
  for (; at < end; at += 1) if (view.getUint8(at) !== 0) return false;
  return true;
};

/** A length, a sign, 16 digits, a point and what two-digit writes may need. */
const numberBytesMax = 24;

/** LowCardinality's only serialization version. */
const sharedDictionaries = 1;
/** HasAdditionalKeys and NeedUpdateDictionary; the index width is added as log2 of its bytes. */
const additionalKeys = 0x600;

const hexDigits = Uint16Array.from({ length: 256 }, (_, byte) => {
  const [high = '', low = ''] = byte.toString(16).padStart(2, '0');
  return high.charCodeAt(0) | (low.charCodeAt(0) << 8);
});
