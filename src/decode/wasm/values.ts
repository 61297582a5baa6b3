import { put16, put8, room } from './columns.ts';
import { render, warn } from './host.ts';
import {
  eventKeyWords,
  eventKeys,
  eventValues,
  keyWords,
  keys,
  linkKeyWords,
  linkKeys,
  linkValues,
  scopeKeyWords,
  scopeKeys,
  scopeValues,
  values,
} from './layout.ts';
import { writeDouble, writeInteger } from './numbers.ts';
import { copyText, putText, writeLength } from './text.ts';
import { landed, length, pos, skip, varint, varint64 } from './wire.ts';
import { idOf, putWord } from './words.ts';

/** Where the host puts what it renders: behind the request. */
let stagedAt: usize = 0;

export function expectRenderedAt(position: usize): void {
  stagedAt = position;
}

/** The key and the value of the attribute at hand. */
export let keyAt: usize = 0;
export let keyLength: u32 = 0;
export let valueAt: usize = 0;
export let valueEnd: usize = 0;

@inline
export function split(p: usize, end: usize): void {
  if (load<u8>(p) == 10) {
    const size: u32 = load<u8>(p + 1);
    const value = p + 2 + size;
    if (size > 0 && size < 128 && value + 2 <= end && load<u8>(value) == 18) {
      const valueLength: u32 = load<u8>(value + 1);
      if (valueLength < 128 && value + 2 + valueLength == end) {
        keyAt = p + 2;
        keyLength = size;
        valueAt = value + 2;
        valueEnd = end;
        return;
      }
    }
  }
  splitAny(p, end);
}

function splitAny(position: usize, end: usize): void {
  keyAt = position;
  keyLength = 0;
  valueAt = position;
  valueEnd = position;
  let p = position;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    if (tag == 10) {
      keyLength = length(p, end);
      keyAt = pos;
      p = pos + keyLength;
    } else if (tag == 18) {
      const size = length(p, end);
      valueAt = pos;
      p = pos + size;
      valueEnd = p;
    } else {
      p = skip(tag, p, end);
    }
  }
  landed(p, end);
  if (keyLength == 0) warn(3);
}

@inline
function putValue(r: usize, p: usize, end: usize): void {
  if (load<u8>(p) == 10) {
    const size: u32 = load<u8>(p + 1);
    if (size < 128 && p + 2 + size == end) {
      const to = room(r, size + 1);
      store<u8>(to, size);
      copyText(to + 1, p + 2, size);
      store<u32>(r, to + 1 + size, 4);
      return;
    }
  }
  putOther(r, p, end);
}

/** The tag of the value at hand, 0 for none, and its content. */
let kind: u32 = 0;
let contentAt: usize = 0;
let contentEnd: usize = 0;

function locate(position: usize, end: usize): void {
  kind = 0;
  let p = position;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    switch (tag) {
      case 10:
      case 42:
      case 50:
      case 58: {
        const size = length(p, end);
        kind = tag;
        contentAt = pos;
        p = pos + size;
        contentEnd = p;
        break;
      }
      case 16:
      case 24:
      case 33:
        kind = tag;
        contentAt = p;
        p = skip(tag, p, end);
        contentEnd = p;
        break;
      default:
        p = skip(tag, p, end);
    }
  }
  landed(p, end);
}

function putOther(r: usize, position: usize, end: usize): void {
  locate(position, end);
  switch (kind) {
    case 10:
      return putText(r, contentAt, <u32>(contentEnd - contentAt));
    case 0:
      return put8(r, 0);
    case 16: {
      const to = room(r, 6);
      if (varint64(contentAt) != 0) {
        store<u64>(to, 0x6575727404);
        store<u32>(r, to + 5, 4);
      } else {
        store<u64>(to, 0x65736c616605);
        store<u32>(r, to + 6, 4);
      }
      return;
    }
    case 24: {
      const value = varint64(contentAt);
      const to = room(r, 24);
      let p = to + 1;
      let magnitude = value;
      if (<i64>value < 0) {
        store<u8>(p, 45);
        p += 1;
        magnitude = 0 - value;
      }
      p = writeInteger(p, magnitude);
      store<u8>(to, <u32>(p - to - 1));
      store<u32>(r, p, 4);
      return;
    }
    case 33: {
      const to = room(r, 24);
      const p = writeDouble(to + 1, load<f64>(contentAt));
      if (p != 0) {
        store<u8>(to, <u32>(p - to - 1));
        store<u32>(r, p, 4);
        return;
      }
      break;
    }
    case 42:
      if (putPlainStrings(r, contentAt, contentEnd)) return;
      break;
  }
  const size = render(position, end);
  putText(r, stagedAt, size);
}

/** As in plain-strings.ts. */
function putPlainStrings(r: usize, position: usize, end: usize): bool {
  let size: u32 = 1;
  for (let p = position; p < end; ) {
    const length: u32 = load<u8>(p + 1);
    if (load<u8>(p) != 10 || length > 127 || p + 2 + length > end) return false;
    if (length < 2 || load<u8>(p + 2) != 10 || <u32>load<u8>(p + 3) != length - 2) return false;
    p += 2 + length;
    for (let q = p - length + 2; q < p; q += 1) {
      const byte: u32 = load<u8>(q);
      if (byte < 0x20 || byte > 0x7e || byte == 0x22 || byte == 0x5c) return false;
    }
    size += length + 1;
  }
  if (size == 1) return false;
  let to = writeLength(room(r, size + 5), size);
  let before: u32 = 0x5b;
  for (let p = position; p < end; ) {
    const length: u32 = load<u8>(p + 1);
    store<u8>(to, before);
    store<u8>(to + 1, 0x22);
    to += 2;
    memory.copy(to, p + 4, length - 2);
    to += length - 2;
    store<u8>(to, 0x22);
    to += 1;
    before = 0x2c;
    p += 2 + length;
  }
  store<u8>(to, 0x5d);
  store<u32>(r, to + 1, 4);
  return true;
}

@inline
function putAttribute(k: usize, d: usize, v: usize, p: usize, end: usize): void {
  split(p, end);
  put16(k, idOf(d, keyAt, keyLength));
  putValue(v, valueAt, valueEnd);
}

export function putSpanAttribute(p: usize, end: usize): void {
  putAttribute(keys, keyWords, values, p, end);
}

export function putEventAttribute(p: usize, end: usize): void {
  putAttribute(eventKeys, eventKeyWords, eventValues, p, end);
}

export function putLinkAttribute(p: usize, end: usize): void {
  putAttribute(linkKeys, linkKeyWords, linkValues, p, end);
}

export function putScopeAttribute(p: usize, end: usize): void {
  putAttribute(scopeKeys, scopeKeyWords, scopeValues, p, end);
}

export function putValueWord(r: usize, d: usize, p: usize, end: usize): void {
  locate(p, end);
  if (kind == 10) return putWord(r, d, contentAt, <u32>(contentEnd - contentAt));
  const size = render(p, end);
  putWord(r, d, stagedAt, size);
}
