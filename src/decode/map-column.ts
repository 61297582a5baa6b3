import type { Arena, Region } from './arena.ts';
import type { Column, Sink } from './columns.ts';
import type { KeyGuard } from './key-guard.ts';
import type { TextColumn } from './text-column.ts';
import { WordColumn } from './word-column.ts';

/** Map(LowCardinality(String), V). Duplicate keys, which OTLP forbids, are kept as they came. */
export class MapColumn<Values extends TextColumn | WordColumn> implements Column {
  readonly type: string;
  readonly ends: Region;
  readonly keys: WordColumn;
  readonly values: Values;
  /** What redaction says about its keys; undefined when nothing is redacted here. */
  guard: KeyGuard | undefined;
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
