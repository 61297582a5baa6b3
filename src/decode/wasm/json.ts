import {
  arrayKind,
  boolKind,
  contentAt,
  contentEnd,
  doubleKind,
  intKind,
  kind,
  locate,
  mapKind,
  stringKind,
} from './any-value.ts';
import { writeBase64 } from './base64.ts';
import { writeString } from './json-text.ts';
import { writeBool, writeDouble, writeSigned } from './numbers.ts';
import { landed, length, pos, skip, varint, varint64 } from './wire.ts';

/*
 * Values as text, as in values.ts of the other walker. Each function writes at `to` and returns the place
 * behind, or 0: then the value is for the host.
 */

/** A value takes no more room than this many bytes for each of its own, and as many once. */
export const bytesPerByteMax: u32 = 6;
export const bytesOnceMax: u32 = 48;
const depthMax: u32 = 16;
/** Keys are put into order by looking for the next one so many times. */
const entriesMax: u32 = 16;

/** What `locate` found, unless it is a string. */
export function writeValue(to: usize): usize {
  switch (kind) {
    case 0:
      return to;
    case boolKind:
      return writeBool(to, varint64(contentAt) != 0);
    case intKind:
      return writeSigned(to, varint64(contentAt));
    case doubleKind:
      return writeDouble(to, load<f64>(contentAt));
    case arrayKind:
      return writeArray(to, contentAt, contentEnd, 0);
    case mapKind:
      return writeMap(to, contentAt, contentEnd, 0);
    default:
      return writeBase64(to, contentAt, contentEnd);
  }
}

/** A member of an array or a map. */
function writeMember(to: usize, position: usize, end: usize, depth: u32): usize {
  locate(position, end);
  switch (kind) {
    case 0:
      return writeNull(to);
    case stringKind:
      return writeString(to, contentAt, contentEnd);
    case boolKind:
    case intKind:
      return writeValue(to);
    case doubleKind: {
      const value = load<f64>(contentAt);
      return isFinite(value) ? writeDouble(to, value) : quoted(to, writeDouble(to + 1, value));
    }
    case arrayKind:
      return writeArray(to, contentAt, contentEnd, depth);
    case mapKind:
      return writeMap(to, contentAt, contentEnd, depth);
    default:
      // Go has no slice for no bytes.
      if (contentAt == contentEnd) return writeNull(to);
      return quoted(to, writeBase64(to + 1, contentAt, contentEnd));
  }
}

@inline
function writeNull(to: usize): usize {
  store<u32>(to, 0x6c6c756e);
  return to + 4;
}

/** Puts quotes around what is at `[to + 1, end)`. */
function quoted(to: usize, end: usize): usize {
  store<u8>(to, 34);
  store<u8>(end, 34);
  return end + 1;
}

function writeArray(to: usize, from: usize, end: usize, depth: u32): usize {
  if (depth == depthMax) return 0;
  let before: u32 = 91;
  let p = from;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    if (tag == 10) {
      const size = length(p, end);
      p = pos + size;
      store<u8>(to, before);
      before = 44;
      to = writeMember(to + 1, p - size, p, depth + 1);
      if (to == 0) return 0;
    } else {
      p = skip(tag, p, end);
    }
  }
  landed(p, end);
  if (before == 91) {
    store<u8>(to, 91);
    to += 1;
  }
  store<u8>(to, 93);
  return to + 1;
}

/** The key and the value of the entry at hand. */
let entryKeyAt: usize = 0;
let entryKeyEnd: usize = 0;
let entryValueAt: usize = 0;
let entryValueEnd: usize = 0;

function readEntry(position: usize, end: usize): void {
  entryKeyAt = position;
  entryKeyEnd = position;
  entryValueAt = position;
  entryValueEnd = position;
  let p = position;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    if (tag == 10) {
      const size = length(p, end);
      entryKeyAt = pos;
      p = pos + size;
      entryKeyEnd = p;
    } else if (tag == 18) {
      const size = length(p, end);
      entryValueAt = pos;
      p = pos + size;
      entryValueEnd = p;
    } else {
      p = skip(tag, p, end);
    }
  }
  landed(p, end);
}

/** Below 0 when the text at hand comes before the other, 0 when they are the same. */
function compare(a: usize, aEnd: usize, b: usize, bEnd: usize): i32 {
  while (a < aEnd && b < bEnd) {
    const difference = <i32>load<u8>(a) - <i32>load<u8>(b);
    if (difference != 0) return difference;
    a += 1;
    b += 1;
  }
  return <i32>(a < aEnd) - <i32>(b < bEnd);
}

/** Entries in the order of their keys. */
function writeMap(to: usize, from: usize, end: usize, depth: u32): usize {
  if (depth == depthMax) return 0;
  let before: u32 = 123;
  let lastAt: usize = 0;
  let lastEnd: usize = 0;
  for (let written: u32 = 0; written <= entriesMax; written += 1) {
    let keyAt: usize = 0;
    let keyEnd: usize = 0;
    let valueAt: usize = 0;
    let valueEnd: usize = 0;
    let p = from;
    while (p < end) {
      const tag = varint(p);
      p = pos;
      if (tag != 10) {
        p = skip(tag, p, end);
        continue;
      }
      const size = length(p, end);
      p = pos + size;
      readEntry(p - size, p);
      if (lastAt != 0 && compare(entryKeyAt, entryKeyEnd, lastAt, lastEnd) <= 0) continue;
      if (keyAt != 0) {
        const order = compare(entryKeyAt, entryKeyEnd, keyAt, keyEnd);
        // The same key again, whose former value counts for nothing but has to be looked at.
        if (order == 0) return 0;
        if (order > 0) continue;
      }
      keyAt = entryKeyAt;
      keyEnd = entryKeyEnd;
      valueAt = entryValueAt;
      valueEnd = entryValueEnd;
    }
    landed(p, end);
    if (keyAt == 0) {
      if (before == 123) {
        store<u8>(to, 123);
        to += 1;
      }
      store<u8>(to, 125);
      return to + 1;
    }
    store<u8>(to, before);
    before = 44;
    to = writeString(to + 1, keyAt, keyEnd);
    store<u8>(to, 58);
    to = writeMember(to + 1, valueAt, valueEnd, depth + 1);
    if (to == 0) return 0;
    lastAt = keyAt;
    lastEnd = keyEnd;
  }
  return 0;
}
