import { checkUtf8 } from './text.ts';

/** With quotes, escaped as in json-text.ts of the other walker. */
export function writeString(to: usize, from: usize, end: usize): usize {
  store<u8>(to, 34);
  to += 1;
  let isChecked = false;
  let p = from;
  while (p < end) {
    const v = v128.load(p);
    const special = v128.or(
      v128.or(i8x16.lt_u(v, i8x16.splat(32)), i8x16.eq(v, i8x16.splat(34))),
      v128.or(i8x16.eq(v, i8x16.splat(92)), v),
    );
    v128.store(to, v);
    const plain = <usize>ctz(i8x16.bitmask(special) | 0x10000);
    if (plain >= end - p) {
      to += end - p;
      break;
    }
    p += plain;
    to += plain;
    if (plain == 16) continue;
    const byte: u32 = load<u8>(p);
    if (byte < 0x80) {
      to = escape(to, byte);
      p += 1;
      continue;
    }
    if (!isChecked) checkUtf8(p, <u32>(end - p));
    isChecked = true;
    // One of the two line ends that only Unicode has.
    if ((load<u32>(p) & 0xfeffff) == 0xa880e2) {
      store<u64>(to, load<u8>(p, 2) == 0xa8 ? 0x38323032755c : 0x39323032755c);
      to += 6;
      p += 3;
      continue;
    }
    const size: usize = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    store<u32>(to, load<u32>(p));
    to += size;
    p += size;
  }
  store<u8>(to, 34);
  return to + 1;
}

function escape(to: usize, byte: u32): usize {
  let letter = byte;
  switch (byte) {
    case 34:
    case 92:
      break;
    case 8:
      letter = 98;
      break;
    case 9:
      letter = 116;
      break;
    case 10:
      letter = 110;
      break;
    case 12:
      letter = 102;
      break;
    case 13:
      letter = 114;
      break;
    default:
      // "\u00" and two digits
      store<u32>(to, 0x3030755c);
      store<u8>(to + 4, 48 + (byte >> 4));
      store<u8>(to + 5, (byte & 15) < 10 ? 48 + (byte & 15) : 87 + (byte & 15));
      return to + 6;
  }
  store<u8>(to, 92);
  store<u8>(to + 1, letter);
  return to + 2;
}
