import { put8, room } from './columns.ts';
import { stop } from './host.ts';
import { writeLength } from './text.ts';

@inline
function hexDigits(nibbles: v128): v128 {
  return i8x16.swizzle(i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102), nibbles);
}

/** The hex digits of 8 bytes. */
@inline
function hex8(from: usize): v128 {
  const bytes = v128.load64_zero(from);
  const low = v128.and(bytes, i8x16.splat(15));
  const high = i8x16.shr_u(bytes, 4);
  return hexDigits(i8x16.shuffle(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
}

@inline
export function putHex8(r: usize, from: usize): void {
  const to = room(r, 17);
  store<u8>(to, 16);
  v128.store(to + 1, hex8(from));
  store<u32>(r, to + 17, 4);
}

@inline
export function putHex16(r: usize, from: usize): void {
  const to = room(r, 33);
  store<u8>(to, 32);
  v128.store(to + 1, hex8(from));
  v128.store(to + 17, hex8(from + 8));
  store<u32>(r, to + 33, 4);
}

/** Identifiers of any length; of zeros only they are absent. */
export function putHex(r: usize, from: usize, count: u32): void {
  let any: u32 = 0;
  for (let index: u32 = 0; index < count; index += 1) any |= load<u8>(from + index);
  if (any == 0) return put8(r, 0);
  if (count == 8) return putHex8(r, from);
  if (count == 16) return putHex16(r, from);
  if (count > 0x3fffffff) stop();
  let to = writeLength(room(r, count * 2 + 5), count * 2);
  for (let index: u32 = 0; index < count; index += 1) {
    v128.store64_lane(to, hex8(from + index), 0);
    to += 2;
  }
  store<u32>(r, to, 4);
}
