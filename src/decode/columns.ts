import type { Arena, Region } from './arena.ts';

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

/** A string as Native writes it: its length as a varint, its bytes. For names, which are few. */
export const nativeText = (text: string): Uint8Array => {
  const known = texts.get(text);
  if (known) return known;
  const bytes = new TextEncoder().encode(text);
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  const written = Uint8Array.from([...length, rest, ...bytes]);
  texts.set(text, written);
  return written;
};

/** Of columns, types and enumerated values: made once, not for each block. */
const texts = new Map<string, Uint8Array>();

/** LowCardinality's only serialization version. */
export const sharedDictionaries = 1;
/** HasAdditionalKeys and NeedUpdateDictionary; the index width is added as log2 of its bytes. */
export const additionalKeys = 0x600;
