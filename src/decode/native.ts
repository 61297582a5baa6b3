import type { Block } from '../model/block.ts';
import { type Column, nativeText } from './columns.ts';

/** A table's columns by name, in the order of the table. */
export type Columns = Readonly<Record<string, Column>>;

/** One block in Native format, copied out of the arena into memory of its own. */
export const nativeBlock = (table: string, columns: Columns, rows: number): Block => {
  const parts: (Uint8Array | number)[] = [];
  let bytes = 0;
  const sink = (part: Uint8Array | number): void => {
    parts.push(part);
    bytes += typeof part === 'number' ? 8 : part.length;
  };
  const named = Object.entries(columns);
  sink(varint(named.length));
  sink(varint(rows));
  for (const [name, column] of named) {
    sink(nativeText(name));
    sink(nativeText(column.type));
    column.prefix(sink);
    column.body(sink);
  }
  // Not zeroed: every byte is written below.
  const block = Buffer.allocUnsafeSlow(bytes);
  const view = new DataView(block.buffer);
  let at = 0;
  for (const part of parts) {
    if (typeof part === 'number') {
      view.setUint32(at, part, true);
      view.setUint32(at + 4, 0, true);
      at += 8;
    } else {
      block.set(part, at);
      at += part.length;
    }
  }
  return { table, rows, bytes, segments: [block] };
};

const varint = (value: number): Uint8Array => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
};
