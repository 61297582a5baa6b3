import { readFileSync } from 'node:fs';
import { cells } from './machine-layout.ts';
import { powersOfTen } from './powers-of-ten.ts';

/** What we use of it: its types are among those of browsers only. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number }) => MachineMemory;
  readonly Module: new (code: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  readonly RuntimeError: new () => Error;
};

/** Of a fixed size; what it holds lives as long as somebody holds it or its buffer. */
export interface MachineMemory {
  readonly buffer: ArrayBuffer;
}

const pageBytes = 65_536;

export const createMachineMemory = (bytes: number): MachineMemory => {
  const pages = Math.ceil(bytes / pageBytes);
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
};

/** What `wasm/walker.ts` exports. Places count from the beginning of its memory, in bytes. */
export interface MachineCode {
  /** Writes the rows of the request at `[position, end)` behind the cursors and moves these. */
  readonly walk: (position: number, end: number, futureHigh: number) => void;
  /** A dictionary in a new table with room for `capacity` words (a power of two) begins without any. */
  readonly begin: (dictionary: number, capacity: number) => void;
  /** Takes note of words that somebody else wrote, up to `count`. */
  readonly learn: (dictionary: number, count: number) => void;
  /** Forgets all words but the first `count`. */
  readonly forget: (dictionary: number, count: number) => void;
}

/** What it asks of us. Whatever is thrown ends the walk. */
export interface MachineHost {
  readonly irregular: () => never;
  readonly needs: (regionCell: number, count: number) => never;
  readonly warn: (code: number) => void;
  readonly render: (position: number, end: number) => number;
}

/** Whether the machine did what it must not: a mistake of ours. */
export const isTrap = (error: unknown): boolean => error instanceof WebAssembly.RuntimeError;

const compiled = (): object | undefined => {
  try {
    return new WebAssembly.Module(readFileSync(new URL('wasm/walker.wasm', import.meta.url)));
  } catch {
    // On a processor without SIMD: slower, and nothing else.
    return undefined;
  }
};

const code = compiled();

/** Whether this process can run it. */
export const hasMachineCode = code !== undefined;

export const startMachine = (memory: MachineMemory, host: MachineHost): MachineCode => {
  if (!code) throw new Error('asked to run what did not compile');
  const { exports } = new WebAssembly.Instance(code, { env: { memory }, host: { ...host } });
  const powers = powersOfTen();
  new BigUint64Array(memory.buffer, cells.powersAt, powers.length).set(powers);
  return exports as MachineCode;
};
