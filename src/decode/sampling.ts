const comma = 0x2c;
const semicolon = 0x3b;

/** Randomness and thresholds of consistent sampling are numbers below this. */
const all = 2 ** 56;
const half = 2 ** 28;
const hexDigitsMax = 14;
const traceIdBytes = 16;

/**
 * How many spans this one stands for, from the consistent sampling threshold in its `tracestate`
 * (`ot=th:<1 to 14 hex digits>`, padded with zeros on the right to 56 bits); 1 when there is none.
 */
export const adjustedCount = (view: DataView, position: number, length: number): number => {
  if (length === 0) return 1;
  const end = position + length;
  const at = otelField(view, position, end, 'th:');
  return at < 0 ? 1 : thresholdCount(view, at, end);
};

/**
 * The number that all samplers of a trace compare with their thresholds: `ot=rv:<14 hex digits>` of
 * its `tracestate`, else the last 56 bits of its id. Kept are spans whose number is not below the
 * threshold. As a double it is off by less than 8, the same way for everybody.
 */
export const randomnessOf = (
  view: DataView,
  traceIdAt: number,
  position: number,
  length: number,
): number => {
  const end = position + length;
  const at = length === 0 ? -1 : otelField(view, position, end, 'rv:');
  if (at >= 0) {
    let value = 0;
    let digits = 0;
    for (; at + digits < end; digits += 1) {
      const digit = hexDigit(view.getUint8(at + digits));
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    if (digits === hexDigitsMax) return value;
  }
  const last = traceIdAt + traceIdBytes;
  return (view.getUint32(last - 8) & 0xff_ffff) * 2 ** 32 + view.getUint32(last - 4);
};

/**
 * How many spans a span stands for when a `share` of those that arrive is kept, 0 when it is left out.
 * `count` is how many it stood for before, by a consistent sampler on its way here: then its number is
 * not below that sampler's threshold, and of the room above that the upper `share` is kept. So counts
 * multiply, and who is kept by a smaller share is kept by every larger one.
 */
export const weightOf = (randomness: number, count: number, share: number): number => {
  if (share >= 1) return count;
  const room = all / count;
  const least = all - room;
  // Below its sender's threshold it did not come here by its number: what is below is shared out.
  const threshold = randomness < least ? least * (1 - share) : all - room * share;
  return randomness >= threshold && share > 0 ? count / share : 0;
};

/** Behind `name` in OpenTelemetry's member of a `tracestate`; -1 when there is none. */
const otelField = (view: DataView, position: number, end: number, name: string): number => {
  for (let member = position; member < end; member = after(view, comma, member, end)) {
    while (member < end && view.getUint8(member) === 0x20) member += 1;
    if (!startsWith(view, member, end, 'ot=')) continue;
    const memberEnd = after(view, comma, member, end);
    let field = member + 3;
    while (field < memberEnd) {
      if (startsWith(view, field, memberEnd, name)) return field + name.length;
      field = after(view, semicolon, field, memberEnd);
    }
    return -1;
  }
  return -1;
};

const thresholdCount = (view: DataView, position: number, end: number): number => {
  // Two halves of 28 bits, as the whole would not fit the integers of a double.
  let high = 0;
  let low = 0;
  let digits = 0;
  for (let at = position; at < end; at += 1) {
    const digit = hexDigit(view.getUint8(at));
    if (digit < 0) break;
    if (digits >= hexDigitsMax) return 1;
    if (digits < 7) high += digit * 16 ** (6 - digits);
    else low += digit * 16 ** (13 - digits);
    digits += 1;
  }
  if (digits === 0) return 1;
  return all / ((half - high) * half - low);
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
