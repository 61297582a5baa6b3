import { needs, stop } from './host.ts';

/** Bytes written to a region. */
@inline
export function writtenIn(r: usize): u32 {
  return load<u32>(r, 4) - load<u32>(r);
}

/** The region's cursor, at which `count` bytes may be written and 16 more be overwritten. */
@inline
export function room(r: usize, count: u32): usize {
  const cursor = load<u32>(r, 4);
  if (cursor + count > load<u32>(r, 8)) {
    needs(r, count);
    unreachable();
  }
  return cursor;
}

@inline
export function put8(r: usize, value: u32): void {
  const to = room(r, 1);
  store<u8>(to, value);
  store<u32>(r, to + 1, 4);
}

@inline
export function put16(r: usize, value: u32): void {
  const to = room(r, 2);
  store<u16>(to, value);
  store<u32>(r, to + 2, 4);
}

@inline
export function put32(r: usize, value: u32): void {
  const to = room(r, 4);
  store<u32>(to, value);
  store<u32>(r, to + 4, 4);
}

@inline
export function put64(r: usize, value: u64): void {
  const to = room(r, 8);
  store<u64>(to, value);
  store<u32>(r, to + 8, 4);
}

/** Writes the last `count` bytes of the region `times` more times. */
export function repeat(r: usize, count: u32, times: u32): void {
  if (count == 0 || times == 0) return;
  const total = <u64>count * times;
  if (total > 0x3fffffff) stop();
  const to = room(r, <u32>total);
  memory.copy(to, to - count, count);
  let done: u32 = count;
  while (done < <u32>total) {
    const more = min<u32>(done, <u32>total - done);
    memory.copy(to + done, to, more);
    done += more;
  }
  store<u32>(r, to + <u32>total, 4);
}
