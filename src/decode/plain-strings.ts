import type { Arena, Region } from './arena.ts';

const quote = 0x22;
const backslash = 0x5c;
const stringTag = 0x0a;

/**
 * Writes an ArrayValue of short strings that JSON need not escape, which most arrays are, straight
 * as JSON text. False, and nothing written, for any other array.
 */
export const putPlainStrings = (
  arena: Arena,
  region: Region,
  position: number,
  end: number,
): boolean => {
  const { view } = arena;
  let length = 1;
  for (let p = position; p < end; ) {
    // An element, an AnyValue that is a string and nothing else.
    const size = view.getUint8(p + 1);
    if (view.getUint8(p) !== stringTag || size > 127 || p + 2 + size > end) return false;
    if (size < 2 || view.getUint8(p + 2) !== stringTag || view.getUint8(p + 3) !== size - 2) {
      return false;
    }
    p += 2 + size;
    if (!isPlain(view, p - size + 2, p)) return false;
    length += size - 2 + 3;
  }
  if (length === 1) return false;

  arena.putVarint(region, length);
  arena.room(region, length);
  const to = arena.view;
  let at = region.at;
  let before = 0x5b;
  for (let p = position; p < end; ) {
    const size = to.getUint8(p + 1);
    to.setUint8(at, before);
    to.setUint8(at + 1, quote);
    at += 2;
    for (let from = p + 4; from < p + 2 + size; from += 1) {
      to.setUint8(at, to.getUint8(from));
      at += 1;
    }
    to.setUint8(at, quote);
    at += 1;
    before = 0x2c;
    p += 2 + size;
  }
  to.setUint8(at, 0x5d);
  region.at = at + 1;
  return true;
};

/** Printable ASCII but for what JSON escapes. */
const isPlain = (view: DataView, position: number, end: number): boolean => {
  for (let at = position; at < end; at += 1) {
    const byte = view.getUint8(at);
    if (byte < 0x20 || byte > 0x7e || byte === quote || byte === backslash) return false;
  }
  return true;
};
