@inline
function behind(separator: u32, p: usize, end: usize): usize {
  while (p < end && load<u8>(p) != separator) p += 1;
  return min(end, p + 1);
}

/** 2^56, in which thresholds are counted. */
const all: u64 = 0x100000000000000;
const hexDigitsMax: u32 = 14;

function thresholdCount(p: usize, end: usize): f64 {
  let threshold: u64 = 0;
  let count: u32 = 0;
  for (; p < end; p += 1) {
    const byte: u32 = load<u8>(p);
    let digit: u32 = byte - 48;
    if (digit > 9) {
      digit = byte - 87;
      if (digit < 10 || digit > 15) break;
    }
    if (count == hexDigitsMax) return 1;
    threshold = (threshold << 4) | digit;
    count += 1;
  }
  if (count == 0) return 1;
  threshold <<= (hexDigitsMax - count) << 2;
  return <f64>all / <f64>(all - threshold);
}

/** What `AdjustedCount` is for a `tracestate`: as `adjustedCount` in sampling.ts. */
export function weigh(position: usize, size: u32): f64 {
  const end = position + size;
  for (let member = position; member < end; ) {
    while (member < end && load<u8>(member) == 32) member += 1;
    const memberEnd = behind(44, member, end);
    // "ot="
    if (member + 3 <= end && (load<u32>(member) & 0xffffff) == 0x3d746f) {
      for (let field = member + 3; field < memberEnd; field = behind(59, field, memberEnd)) {
        // "th:"
        if (field + 3 <= memberEnd && (load<u32>(field) & 0xffffff) == 0x3a6874) {
          return thresholdCount(field + 3, end);
        }
      }
      return 1;
    }
    member = memberEnd;
  }
  return 1;
}
