import { writePositive } from './doubles.ts';

@inline
function digitsOf(value: u32): u32 {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1000) return 3;
  if (value < 10000) return 4;
  if (value < 100000) return 5;
  if (value < 1000000) return 6;
  if (value < 10000000) return 7;
  if (value < 100000000) return 8;
  return value < 1000000000 ? 9 : 10;
}

/** Writes the last `count` digits, with zeros before them where there are fewer. */
@inline
function writeDigits(to: usize, value: u32, count: u32): void {
  let rest = value;
  for (let p = to + count; p > to; ) {
    const quotient = rest / 10;
    p -= 1;
    store<u8>(p, 48 + rest - quotient * 10);
    rest = quotient;
  }
}

/** Returns the place behind the digits. */
export function writeInteger(to: usize, value: u64): usize {
  if (value > 0xffffffff) {
    const high = value / 1000000000;
    const behind = writeInteger(to, high);
    writeDigits(behind, <u32>(value - high * 1000000000), 9);
    return behind + 9;
  }
  const count = digitsOf(<u32>value);
  writeDigits(to, <u32>value, count);
  return to + count;
}

/** An integer of 64 bits, the highest for its sign. */
export function writeSigned(to: usize, value: u64): usize {
  if (<i64>value >= 0) return writeInteger(to, value);
  store<u8>(to, 45);
  return writeInteger(to + 1, 0 - value);
}

export function writeBool(to: usize, value: bool): usize {
  store<u64>(to, value ? 0x65757274 : 0x65736c6166);
  return to + (value ? 4 : 5);
}

/** As JavaScript has it, but for the sign of zero, which is written. */
export function writeDouble(to: usize, value: f64): usize {
  const magnitude = abs(value);
  if (magnitude != magnitude) {
    store<u32>(to, 0x4e614e);
    return to + 3;
  }
  if (reinterpret<u64>(value) >> 63) {
    store<u8>(to, 45);
    to += 1;
  }
  if (magnitude == Infinity) {
    store<u64>(to, 0x7974696e69666e49);
    return to + 8;
  }
  const scaled = nearest(magnitude * 1000);
  // Decimals of at most 15 digits name their double uniquely, so no shorter one does.
  if (scaled < 1e15 && scaled / 1000 == magnitude) return writeThousandths(to, <u64>scaled);
  return writePositive(to, magnitude);
}

/** As most doubles are that people put into attributes. */
function writeThousandths(to: usize, all: u64): usize {
  const whole = all / 1000;
  const decimals = <u32>(all - whole * 1000);
  const p = writeInteger(to, whole);
  if (decimals == 0) return p;
  store<u8>(p, 46);
  store<u8>(p + 1, 48 + decimals / 100);
  if (decimals % 100 == 0) return p + 2;
  store<u8>(p + 2, 48 + ((decimals / 10) % 10));
  if (decimals % 10 == 0) return p + 3;
  store<u8>(p + 3, 48 + (decimals % 10));
  return p + 4;
}
