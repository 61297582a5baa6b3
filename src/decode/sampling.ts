const comma = 0x2c;
const semicolon = 0x3b;

/**
 * How many spans this one stands for, from the consistent sampling threshold in its `tracestate`
 * (`ot=th:<1 to 14 hex digits>`, padded with zeros on the right to 56 bits); 1 when there is none.
 */
export const adjustedCount = (view: DataView, position: number, length: number): number => {
  const end = position + length;
  for (let member = position; member < end; member = after(view, comma, member, end)) {
    while (member < end && view.getUint8(member) === 0x20) member += 1;
    if (!startsWith(view, member, end, 'ot=')) continue;
    const memberEnd = after(view, comma, member, end);
    let field = member + 3;
    while (field < memberEnd) {
      if (startsWith(view, field, memberEnd, 'th:')) return thresholdCount(view, field + 3, end);
      field = after(view, semicolon, field, memberEnd);
    }
    return 1;
  }
  return 1;
};

const thresholdCount = (view: DataView, position: number, end: number): number => {
  // Two halves of 28 bits, as the whole would not fit the integers of a double.
  let high = 0;
  let low = 0;
  let digits = 0;
  for (let at = position; at < end; at += 1) {
    const digit = hexDigit(view.getUint8(at));
    if (digit < 0) break;
    if (digits >= 14) return 1;
    if (digits < 7) high += digit * 16 ** (6 - digits);
    else low += digit * 16 ** (13 - digits);
    digits += 1;
  }
  if (digits === 0) return 1;
  const half = 2 ** 28;
  return (half * half) / ((half - high) * half - low);
};

/** The position behind the next `separator`, or `end`. */
const after = (view: DataView, separator: number, position: number, end: number): number => {
  let at = position;
  while (at < end && view.getUint8(at) !== separator) at += 1;
  return Math.min(end, at + 1);
};

const startsWith = (view: DataView, position: number, end: number, text: string): boolean => {
  if (position + text.length > end) return false;
  for (let index = 0; index < text.length; index += 1) {
    if (view.getUint8(position + index) !== text.charCodeAt(index)) return false;
  }
  return true;
};

const hexDigit = (byte: number): number => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  if (byte >= 0x61 && byte <= 0x66) return byte - 0x57;
  return -1;
};
