import { contentAt, contentEnd, kind, locate, stringKind } from './any-value.ts';
import { put16, put8, room } from './columns.ts';
import { render, warn } from './host.ts';
import { bytesOnceMax, bytesPerByteMax, writeValue } from './json.ts';
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
import { copyText, putText, writeLength } from './text.ts';
import { landed, length, pos, skip, varint } from './wire.ts';
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

/** Longer values are for the host, so that none asks for much more room than it takes. */
const writtenMax: u32 = 4096;

/** Where to write the value that `locate` found: room for its text, a length before it, in `r`. */
@inline
function roomForValue(r: usize): usize {
  return room(r, <u32>(contentEnd - contentAt) * bytesPerByteMax + bytesOnceMax);
}

function putOther(r: usize, position: usize, end: usize): void {
  locate(position, end);
  if (kind == stringKind) return putText(r, contentAt, <u32>(contentEnd - contentAt));
  if (kind == 0) return put8(r, 0);
  if (<u32>(contentEnd - contentAt) <= writtenMax) {
    const to = roomForValue(r);
    const behind = writeValue(to + 1);
    if (behind != 0) return putWritten(r, to, <u32>(behind - to - 1));
  }
  const size = render(position, end);
  putText(r, stagedAt, size);
}

/** Puts the length of a text at `to` that is one byte behind. */
@inline
function putWritten(r: usize, to: usize, size: u32): void {
  if (size < 128) {
    store<u8>(to, size);
    store<u32>(r, to + 1 + size, 4);
    return;
  }
  const more = size < 0x4000 ? 1 : 2;
  memory.copy(to + 1 + more, to + 1, size);
  writeLength(to, size);
  store<u32>(r, to + 1 + more + size, 4);
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
  if (kind == stringKind) return putWord(r, d, contentAt, <u32>(contentEnd - contentAt));
  if (kind == 0) return putWord(r, d, p, 0);
  if (<u32>(contentEnd - contentAt) <= writtenMax) {
    // Nobody else writes there meanwhile.
    const to = roomForValue(values);
    const behind = writeValue(to);
    if (behind != 0) return putWord(r, d, to, <u32>(behind - to));
  }
  const size = render(p, end);
  putWord(r, d, stagedAt, size);
}
