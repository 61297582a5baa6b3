import { powersAt } from './layout.ts';
import { writeInteger } from './numbers.ts';

/*
 * The shortest decimal that reads as a double, the one closest to it if there are several: the text of
 * JavaScript. By Raffaele Giulietti, "The Schubfach way to render doubles" (2020), whose names these are.
 */

/** The power of ten that `powersAt` begins with; each is 16 bytes, its upper half first. */
const powerLeast: i32 = -292;
const fractionBits: u64 = 0x000fffffffffffff;
const hidden: u64 = 0x0010000000000000;

/** The upper half of a product. */
function multiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  const other = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >> 32) + (other >> 32);
}

/** The bits of `c` times the power at `g` above 2^128; the last is set when there are any below. */
function roundToOdd(g: usize, c: u64): u64 {
  const high = load<u64>(g);
  const carried = multiplyHigh(load<u64>(g, 8), c);
  const low = high * c + carried;
  const above = multiplyHigh(high, c) + u64(low < carried);
  return above | u64(low > 1);
}

/** Digits of the number at hand and the power of ten they stand before. */
let digits: u64 = 0;
let exponent: i32 = 0;

function shorten(bits: u64): void {
  const fraction = bits & fractionBits;
  const biased = <i32>((bits >> 52) & 0x7ff);
  const c = biased == 0 ? fraction : fraction | hidden;
  const q = max(biased, 1) - 1075;
  const isEven = (c & 1) == 0;
  /** Below a power of two, doubles lie twice as close. */
  const isCloser = fraction == 0 && biased > 1;
  const k = (q * 1262611 - (isCloser ? 524031 : 0)) >> 22;
  const h = q + ((-k * 1741647) >> 19) + 1;
  const g = powersAt + (<usize>(-k - powerLeast) << 4);
  const cb = c << 2;
  const lower = roundToOdd(g, (cb - 2 + u64(isCloser)) << h) + u64(!isEven);
  const value = roundToOdd(g, cb << h);
  const upper = roundToOdd(g, (cb + 2) << h) - u64(!isEven);
  const s = value >> 2;
  exponent = k;
  if (s >= 10) {
    const tens = s / 10;
    const isBelow = lower <= 40 * tens;
    const isAbove = 40 * tens + 40 <= upper;
    if (isBelow != isAbove) {
      digits = tens + u64(isAbove);
      exponent = k + 1;
      return;
    }
  }
  const isBelow = lower <= 4 * s;
  const isAbove = 4 * s + 4 <= upper;
  if (isBelow != isAbove) {
    digits = s + u64(isAbove);
    return;
  }
  const middle = 4 * s + 2;
  digits = s + u64(value > middle || (value == middle && (s & 1) == 1));
}

/** Up to 24 bytes; as many are read and written whatever there is to move. */
@inline
function move(to: usize, from: usize): void {
  const head = v128.load(from);
  const tail = load<u64>(from, 16);
  v128.store(to, head);
  store<u64>(to, tail, 16);
}

/** `1.5e+300`, whose digits are at `[to, end)` already. */
function scientific(to: usize, end: usize, power: i32): usize {
  if (end > to + 1) {
    move(to + 2, to + 1);
    store<u8>(to + 1, 46);
    end += 1;
  }
  store<u8>(end, 101);
  store<u8>(end + 1, power < 0 ? 45 : 43);
  return writeInteger(end + 2, abs(power));
}

/** Writes a finite double above zero as `Number.prototype.toString` does, in up to 24 bytes of 40. */
export function writePositive(to: usize, value: f64): usize {
  shorten(reinterpret<u64>(value));
  while (digits % 10 == 0) {
    digits /= 10;
    exponent += 1;
  }
  let end = writeInteger(to, digits);
  /** Digits before the point. */
  const whole = <i32>(end - to) + exponent;
  if (whole > 21 || whole < -5) return scientific(to, end, whole - 1);
  if (whole <= 0) {
    const more = <usize>(2 - whole);
    move(to + more, to);
    store<u16>(to, 0x2e30);
    for (let index: usize = 2; index < more; index += 1) store<u8>(to + index, 48);
    return end + more;
  }
  if (exponent < 0) {
    move(to + whole + 1, to + whole);
    store<u8>(to + whole, 46);
    return end + 1;
  }
  for (; exponent > 0; exponent -= 1) {
    store<u8>(end, 48);
    end += 1;
  }
  return end;
}
