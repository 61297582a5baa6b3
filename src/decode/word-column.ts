import type { Arena, Region } from './arena.ts';
import { additionalKeys, type Column, type Sink, sharedDictionaries } from './columns.ts';
import { Dictionary } from './dictionary.ts';

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
