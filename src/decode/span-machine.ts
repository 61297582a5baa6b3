import { Fault } from '../lib/fault.ts';
import { type Arena, headBytes, type Region } from './arena.ts';
import type { Dictionary } from './dictionary.ts';
import {
  isTrap,
  type MachineCode,
  type MachineHost,
  type MachineMemory,
  startMachine,
} from './machine-code.ts';
import { cells, dictionariesOf, regionsOf } from './machine-layout.ts';
import type { Rejections, WarnCode } from './rejections.ts';
import type { TraceColumns } from './trace-columns.ts';
import type { Values } from './values.ts';
import { WalkerChoice } from './walker-choice.ts';

/**
 * Who walked a request: the machine; both, for the machine left it; TypeScript, for it was not offered;
 * or TypeScript after the machine made a mistake, upon which it is offered nothing any more.
 */
export type Walked = 'machine' | 'both' | 'typescript' | 'trapped';

/** A dictionary and what the machine knows of it. */
interface Words {
  readonly dictionary: Dictionary;
  /** Where the machine looks words up; a record and two slots for each, as in `wasm/words.ts`. */
  readonly table: Region;
  /** The first so many words are in the table. */
  known: number;
}

interface Running {
  readonly memory: MachineMemory;
  readonly cells: Int32Array;
  readonly code: MachineCode;
}

/** Thrown through the machine to end a walk; always the same, for its trace tells nothing. */
const stop = new Error('the machine gave up');
/** In the order of what `wasm` calls them. */
const warnings: readonly WarnCode[] = ['no-time', 'future', 'parent', 'empty-key'];
/** Each begins the walk anew. The other walker grows as it goes, and leaves room for the next request. */
const growthsMax = 3;
const wordBytes = 24;
const wordsFirst = 128;

/**
 * Spans as they usually are, walked by machine code that writes the same bytes as `TraceWalker`. It
 * leaves everything else (items to reject, what is not UTF-8, what is malformed or does not fit), has
 * then changed nothing, and the request is for `TraceWalker` to walk.
 */
export class SpanMachine {
  readonly #arena: Arena;
  readonly #values: Values;
  readonly #rejections: Rejections;
  readonly #choice = new WalkerChoice();
  /** Columns, then texts of dictionaries, then tables. */
  readonly #regions: readonly Region[];
  /** The first so many are no tables. */
  readonly #written: number;
  readonly #words: readonly Words[];
  #running: Running | undefined;
  /** What to do before the walk begins again; undefined to give up. */
  #remedy: (() => void) | undefined;
  #hasTrapped = false;

  constructor(arena: Arena, to: TraceColumns, values: Values, rejections: Rejections) {
    this.#arena = arena;
    this.#values = values;
    this.#rejections = rejections;
    const dictionaries = dictionariesOf(to);
    this.#words = dictionaries.map((it) => ({ dictionary: it, table: arena.scratch(), known: 0 }));
    const texts = dictionaries.map((it) => it.region);
    const written = [...regionsOf(to), ...texts];
    this.#written = written.length;
    this.#regions = [...written, ...this.#words.map((it) => it.table)];
    const forget = (): void => this.#forget();
    arena.follow({ mark: () => {}, rollback: forget, clear: forget });
  }

  /**
   * Walks the request of `length` bytes at the arena's beginning. Unless the answer is `machine`, it is
   * for `TraceWalker` now. `isAlways`: however many requests were left before.
   */
  walk(length: number, isAlways: boolean): Walked {
    const walked = isAlways || this.#choice.offers() ? this.#attempt(length) : 'typescript';
    if (walked === 'machine') this.#choice.took();
    else for (const { dictionary } of this.#words) dictionary.learn();
    if (walked === 'both') this.#choice.left();
    return walked;
  }

  #attempt(length: number): Walked {
    if (this.#hasTrapped) return 'trapped';
    try {
      for (let growths = 0; growths <= growthsMax; growths += 1) {
        if (this.#try(length)) return 'machine';
        if (!this.#remedy) break;
        this.#remedy();
      }
    } catch (error) {
      // It is for the other walker to tell what is wrong with a request.
      if (error instanceof Fault) return 'both';
      if (!isTrap(error)) throw error;
      this.#hasTrapped = true;
      this.#running = undefined;
      return 'trapped';
    }
    return 'both';
  }

  #try(length: number): boolean {
    this.#remedy = undefined;
    const running = this.#ready();
    try {
      running.code.walk(headBytes, headBytes + length, this.#rejections.futureHigh);
    } catch (error) {
      this.#rejections.withdrawWarnings();
      for (const [index, words] of this.#words.entries()) {
        running.code.forget(index, words.dictionary.count);
        words.known = words.dictionary.count;
      }
      if (error === stop) return false;
      throw error;
    }
    this.#takeOver(running);
    return true;
  }

  /** Takes note of what the machine wrote. */
  #takeOver(running: Running): void {
    let cell = cells.regionsAt / 4;
    for (let index = 0; index < this.#written; index += 1) {
      const region = this.#regions[index];
      if (!region) break;
      region.at = (running.cells[cell + 1] ?? 0) - headBytes;
      cell += cells.regionBytes / 4;
    }
    cell = cells.dictionariesAt / 4;
    for (let index = 0; index < this.#words.length; index += 1) {
      const words = this.#words[index];
      if (!words) break;
      words.known = running.cells[cell] ?? 0;
      words.dictionary.adopt(words.known);
      cell += cells.dictionaryBytes / 4;
    }
  }

  /** Tells the machine where things stand. */
  #ready(): Running {
    const arena = this.#arena;
    for (const { dictionary, table } of this.#words) {
      if (capacityOf(table) < Math.max(wordsFirst, dictionary.count)) {
        arena.grow(table, (dictionary.count * 2 + wordsFirst) * wordBytes);
      }
    }
    const { memory } = arena;
    if (!memory) throw new Error('the arena of a machine is in its memory');
    const isNew = memory !== this.#running?.memory;
    const running = isNew ? this.#start(memory) : this.#running;
    if (!running) throw new Error('unreachable');
    this.#tellRegions(running.cells);
    for (let index = 0; index < this.#words.length; index += 1) {
      const words = this.#words[index];
      if (!words) break;
      const { count } = words.dictionary;
      if (isNew) running.code.begin(index, capacityOf(words.table));
      if (isNew || words.known !== count) running.code.learn(index, count);
      words.known = count;
    }
    return running;
  }

  /** Its loops and those about it go by index: an iterator makes an object a step until V8 has compiled it well. */
  #tellRegions(to: Int32Array): void {
    let cell = cells.regionsAt / 4;
    for (let index = 0; index < this.#regions.length; index += 1) {
      const region = this.#regions[index];
      if (!region) break;
      to[cell] = region.base + headBytes;
      to[cell + 1] = region.at + headBytes;
      to[cell + 2] = region.limit + headBytes;
      cell += cells.regionBytes / 4;
    }
  }

  #start(memory: MachineMemory): Running {
    const host: MachineHost = {
      irregular: () => {
        throw stop;
      },
      needs: (regionCell, count) => {
        const region = this.#regions[(regionCell - cells.regionsAt) / cells.regionBytes];
        if (region) this.#remedy = () => this.#arena.grow(region, count);
        throw stop;
      },
      warn: (code) => {
        const warning = warnings[code];
        if (warning) this.#rejections.warn(warning);
      },
      render: (position, end) => {
        const text = this.#values.text(position - headBytes, end - headBytes);
        const length = this.#arena.stage(text);
        if (this.#arena.memory === memory) return length;
        // The arena has grown meanwhile: once more, in its new memory.
        this.#remedy = () => {};
        throw stop;
      },
    };
    const code = startMachine(memory, host);
    this.#running = { memory, cells: new Int32Array(memory.buffer, 0, headBytes / 4), code };
    return this.#running;
  }

  /** After dictionaries forgot words: so does the machine. */
  #forget(): void {
    const running = this.#running;
    if (running?.memory !== this.#arena.memory) this.#running = undefined;
    for (const [index, words] of this.#words.entries()) {
      if (words.known <= words.dictionary.count) continue;
      words.known = words.dictionary.count;
      this.#running?.code.forget(index, words.known);
    }
  }
}

/** Words that fit a table: a power of two. */
const capacityOf = (table: Region): number => {
  const words = Math.floor((table.limit - table.base) / wordBytes) - 1;
  return words < 1 ? 0 : 2 ** Math.floor(Math.log2(words));
};
