const billion = 1e9;
/** Decimals of at most 15 digits name their double uniquely, so no shorter one does. */
const exactBelow = 1e15;

const pairs = Uint16Array.from({ length: 100 }, (_, value) => {
  const [tens = '', ones = ''] = String(value).padStart(2, '0');
  return tens.charCodeAt(0) | (ones.charCodeAt(0) << 8);
});

/** Writes a safe integer that is not negative. Returns the position behind it. */
export const writeInteger = (view: DataView, position: number, value: number): number => {
  if (value < billion) {
    const end = position + digitsOf(value);
    writeDigits(view, end, value);
    return end;
  }
  const high = Math.floor(value / billion);
  const low = value - high * billion;
  const end = writeInteger(view, position, high) + 9;
  for (let at = end - 9; at < end; at += 1) view.setUint8(at, 0x30);
  writeDigits(view, end, low);
  return end;
};

/**
 * Writes the double that is at `from` if it has at most three decimals, as most have that people put into
 * attributes. Returns the position behind it, or -1 when it has more. A double that is handed over
 * between functions would be an object.
 */
export const writeShortDouble = (view: DataView, position: number, from: number): number => {
  const value = view.getFloat64(from, true);
  const magnitude = Math.abs(value);
  const scaled = Math.round(magnitude * 1000);
  if (!(scaled < exactBelow) || scaled / 1000 !== magnitude || Object.is(value, -0)) return -1;
  let at = position;
  if (value < 0) {
    view.setUint8(at, 0x2d);
    at += 1;
  }
  const whole = Math.floor(scaled / 1000);
  const decimals = scaled - whole * 1000;
  at = writeInteger(view, at, whole);
  if (decimals === 0) return at;
  view.setUint8(at, 0x2e);
  view.setUint8(at + 1, 0x30 + Math.floor(decimals / 100));
  if (decimals % 100 === 0) return at + 2;
  view.setUint8(at + 2, 0x30 + (Math.floor(decimals / 10) % 10));
  if (decimals % 10 === 0) return at + 3;
  view.setUint8(at + 3, 0x30 + (decimals % 10));
  return at + 4;
};

/** Writes the digits of a value below a billion so that they end at `end`. */
const writeDigits = (view: DataView, end: number, value: number): void => {
  let rest = value | 0;
  let at = end;
  while (rest > 99) {
    const quotient = (rest / 100) | 0;
    at -= 2;
    view.setUint16(at, pairs[rest - quotient * 100] ?? 0, true);
    rest = quotient;
  }
  if (rest > 9) view.setUint16(at - 2, pairs[rest] ?? 0, true);
  else view.setUint8(at - 1, 0x30 + rest);
};

const digitsOf = (value: number): number => {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1000) return 3;
  if (value < 10_000) return 4;
  if (value < 100_000) return 5;
  if (value < 1_000_000) return 6;
  if (value < 10_000_000) return 7;
  return value < 100_000_000 ? 8 : 9;
};
