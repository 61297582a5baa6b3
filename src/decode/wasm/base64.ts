@inline
function letter(bits: u32): u32 {
  const six = bits & 63;
  if (six < 26) return 65 + six;
  if (six < 52) return 71 + six;
  if (six < 62) return six - 4;
  return six == 62 ? 43 : 47;
}

/** With padding. Returns the place behind it. */
export function writeBase64(to: usize, from: usize, end: usize): usize {
  let p = from;
  for (; p + 3 <= end; p += 3) {
    const bits = (<u32>load<u8>(p) << 16) | (<u32>load<u8>(p + 1) << 8) | load<u8>(p + 2);
    store<u8>(to, letter(bits >> 18));
    store<u8>(to + 1, letter(bits >> 12));
    store<u8>(to + 2, letter(bits >> 6));
    store<u8>(to + 3, letter(bits));
    to += 4;
  }
  if (p == end) return to;
  const isTwo = p + 2 == end;
  const bits = (<u32>load<u8>(p) << 16) | (isTwo ? <u32>load<u8>(p + 1) << 8 : 0);
  store<u8>(to, letter(bits >> 18));
  store<u8>(to + 1, letter(bits >> 12));
  store<u8>(to + 2, isTwo ? letter(bits >> 6) : 61);
  store<u8>(to + 3, 61);
  return to + 4;
}
