import { stop } from './host.ts';

/** Behind what was read last. */
export let pos: usize = 0;

/** The lower half of a varint. It and others look past the end and have `landed` tell afterwards. */
@inline
export function varint(p: usize): u32 {
  const first: u32 = load<u8>(p);
  if (first < 128) {
    pos = p + 1;
    return first;
  }
  return <u32>varint64(p);
}

export function varint64(p: usize): u64 {
  let value: u64 = 0;
  for (let shift: u64 = 0; shift < 70; shift += 7) {
    const byte: u64 = load<u8>(p);
    p += 1;
    value |= (byte & 127) << shift;
    if (shift == 63) value = (value & 0x7fffffffffffffff) | ((byte & 1) << 63);
    if (byte < 128) {
      pos = p;
      return value;
    }
  }
  stop();
  return 0;
}

/** The length of a field's content, which begins at `pos`. */
@inline
export function length(p: usize, end: usize): u32 {
  const size = varint(p);
  if (pos > end || size > <u32>(end - pos)) stop();
  return size;
}

/** Behind a field's content at `p`. */
export function skip(tag: u32, p: usize, end: usize): usize {
  if (tag < 8) stop();
  let next: usize = 0;
  switch (tag & 7) {
    case 0:
      varint64(p);
      next = pos;
      break;
    case 1:
      next = p + 8;
      break;
    case 2: {
      const size = length(p, end);
      next = pos + size;
      break;
    }
    case 5:
      next = p + 4;
      break;
    default:
      stop();
  }
  if (next > end) stop();
  return next;
}

/** A message must end where it was said to. */
@inline
export function landed(p: usize, end: usize): void {
  if (p != end) stop();
}

/** What `next` found; 0 when there was nothing. */
export let found: usize = 0;
export let foundEnd: usize = 0;

/** The next field `wanted` of a message, from `p` on. */
export function next(p: usize, end: usize, wanted: u32): void {
  while (p < end) {
    const tag = varint(p);
    p = pos;
    if (tag == wanted) {
      const size = length(p, end);
      found = pos;
      foundEnd = pos + size;
      return;
    }
    p = skip(tag, p, end);
  }
  landed(p, end);
  found = 0;
}
