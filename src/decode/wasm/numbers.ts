function digitsOf(value: u64): u32 {
  let digits: u32 = 1;
  let least: u64 = 10;
  while (value >= least && digits < 20) {
    digits += 1;
    if (digits == 20) break;
    least *= 10;
  }
  return digits;
}

/** Returns the place behind the digits. */
export function writeInteger(to: usize, value: u64): usize {
  const end = to + digitsOf(value);
  let p = end;
  let rest = value;
  while (rest > 0xffffffff) {
    p -= 1;
    store<u8>(p, 48 + <u32>(rest % 10));
    rest /= 10;
  }
  let small = <u32>rest;
  do {
    const quotient = small / 10;
    p -= 1;
    store<u8>(p, 48 + small - quotient * 10);
    small = quotient;
  } while (small > 0 || p > to);
  return end;
}

/** As `writeShortDouble` in digits.ts; 0 when the text would be longer. */
export function writeDouble(to: usize, value: f64): usize {
  const magnitude = abs(value);
  const scaled = nearest(magnitude * 1000);
  if (!(scaled < 1e15) || scaled / 1000 != magnitude) return 0;
  const bits = reinterpret<u64>(value);
  if (bits == 0x8000000000000000) return 0;
  let p = to;
  if (value < 0) {
    store<u8>(p, 45);
    p += 1;
  }
  const all = <u64>scaled;
  const whole = all / 1000;
  const decimals = <u32>(all - whole * 1000);
  p = writeInteger(p, whole);
  if (decimals == 0) return p;
  store<u8>(p, 46);
  store<u8>(p + 1, 48 + decimals / 100);
  if (decimals % 100 == 0) return p + 2;
  store<u8>(p + 2, 48 + ((decimals / 10) % 10));
  if (decimals % 10 == 0) return p + 3;
  store<u8>(p + 3, 48 + (decimals % 10));
  return p + 4;
}
