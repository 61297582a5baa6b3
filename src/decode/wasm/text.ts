import { room } from './columns.ts';
import { stop } from './host.ts';

@inline
function notAscii(v: v128, count: u32): u32 {
  return i8x16.bitmask(v) & ((1 << count) - 1);
}

/** Writes up to 15 bytes behind the end. */
@inline
export function copyText(to: usize, from: usize, count: u32): void {
  if (count <= 16) {
    const v = v128.load(from);
    v128.store(to, v);
    if (notAscii(v, count)) checkUtf8(from, count);
    return;
  }
  copyLong(to, from, count);
}

function copyLong(to: usize, from: usize, count: u32): void {
  let seen = v128.load(from);
  v128.store(to, seen);
  let done: u32 = 16;
  for (; done + 16 <= count; done += 16) {
    const v = v128.load(from + done);
    v128.store(to + done, v);
    seen = v128.or(seen, v);
  }
  const last = v128.load(from + done);
  v128.store(to + done, last);
  if (i8x16.bitmask(seen) | notAscii(last, count - done)) checkUtf8(from, count);
}

/** RFC 3629, table 3-7 of Unicode. */
export function checkUtf8(from: usize, count: u32): void {
  const end = from + count;
  let p = from;
  while (p < end) {
    const first: u32 = load<u8>(p);
    p += 1;
    if (first < 0x80) continue;
    let more: u32 = 0;
    let least: u32 = 0x80;
    let most: u32 = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) more = 1;
    else if ((first & 0xf0) == 0xe0) {
      more = 2;
      if (first == 0xe0) least = 0xa0;
      if (first == 0xed) most = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      more = 3;
      if (first == 0xf0) least = 0x90;
      if (first == 0xf4) most = 0x8f;
    } else stop();
    if (p + more > end) stop();
    const second: u32 = load<u8>(p);
    if (second < least || second > most) stop();
    for (let index: u32 = 1; index < more; index += 1) {
      if ((<u32>load<u8>(p + index) & 0xc0) != 0x80) stop();
    }
    p += more;
  }
}

/** Writes a length of text at a place with room for 5 bytes. */
@inline
export function writeLength(to: usize, size: u32): usize {
  let rest = size;
  while (rest > 127) {
    store<u8>(to, (rest & 127) | 128);
    rest >>>= 7;
    to += 1;
  }
  store<u8>(to, rest);
  return to + 1;
}

@inline
export function putText(r: usize, from: usize, count: u32): void {
  const to = writeLength(room(r, count + 5), count);
  copyText(to, from, count);
  store<u32>(r, to + count, 4);
}
