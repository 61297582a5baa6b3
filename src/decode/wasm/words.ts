import { put16, repeat, room } from './columns.ts';
import { needs, stop } from './host.ts';
import { dictionariesAt, regionsAt, tablesFrom, wordsFrom } from './layout.ts';
import { copyText, writeLength } from './text.ts';
import { pos, varint } from './wire.ts';

/** Crafted collisions, which the other walker bears. */
const probesMax: u32 = 64;
/** As many as 16 bits can number. */
const wordsMax: u32 = 0x10000;

/*
 * The table of a dictionary of n words: n + 1 records of 16 bytes (start in the region of words,
 * length, hash, the word that came next last time; the first stands for the beginning), then 2 n slots
 * of 4 bytes (number of the word + 1, 0 for free). As in dictionary.ts but for the hash.
 */

@inline
function wordsOf(d: usize): usize {
  return regionsAt + wordsFrom * 16 + ((d - dictionariesAt) >> 1);
}

@inline
function tableOf(d: usize): usize {
  return regionsAt + tablesFrom * 16 + ((d - dictionariesAt) >> 1);
}

@inline
function recordsOf(d: usize): usize {
  return load<u32>(tableOf(d));
}

@inline
function same(a: usize, b: usize, count: u32): bool {
  if (count <= 16) {
    const equal = i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b)));
    return ((equal ^ 0xffff) & ((1 << count) - 1)) == 0;
  }
  return sameLong(a, b, count);
}

function sameLong(a: usize, b: usize, count: u32): bool {
  const last = count - 16;
  for (let done: u32 = 0; done < last; done += 16) {
    if (!i8x16.all_true(i8x16.eq(v128.load(a + done), v128.load(b + done)))) return false;
  }
  return i8x16.all_true(i8x16.eq(v128.load(a + last), v128.load(b + last)));
}

function hashOf(p: usize, count: u32): u32 {
  let hash: u64 = count * 0x9e3779b97f4a7c15;
  if (count < 8) {
    const kept: u64 = count == 0 ? 0 : load<u64>(p) & (<u64>-1 >> (64 - (count << 3)));
    hash = (hash ^ kept) * 0x9fb21c651e98df25;
  } else {
    const last = count - 8;
    for (let done: u32 = 0; done < last; done += 8) {
      hash = (hash ^ load<u64>(p + done)) * 0x9fb21c651e98df25;
      hash ^= hash >> 29;
    }
    hash = (hash ^ load<u64>(p + last)) * 0x9fb21c651e98df25;
  }
  hash ^= hash >> 32;
  hash *= 0xd6e8feb86659fd93;
  return <u32>(hash >> 32);
}

@inline
export function idOf(d: usize, p: usize, count: u32): u32 {
  const records = recordsOf(d);
  const before = load<u32>(d, 12);
  const guess = load<u32>(before, 12);
  const record = records + ((guess + 1) << 4);
  if (
    guess < load<u32>(d, 0) &&
    load<u32>(record, 4) == count &&
    same(load<u32>(wordsOf(d)) + load<u32>(record), p, count)
  ) {
    store<u32>(d, record, 12);
    return guess;
  }
  return search(d, p, count);
}

function search(d: usize, p: usize, count: u32): u32 {
  const records = recordsOf(d);
  const hash = hashOf(p, count);
  const capacity = load<u32>(d, 8);
  const table = records + ((capacity + 1) << 4);
  const mask = capacity * 2 - 1;
  const words = load<u32>(wordsOf(d));
  let slot = hash & mask;
  let id: u32 = 0;
  for (let probes: u32 = 0; ; probes += 1) {
    if (probes == probesMax) stop();
    id = load<u32>(table + (slot << 2));
    if (id == 0) {
      id = add(d, p, count, hash, table + (slot << 2));
      break;
    }
    const record = records + (id << 4);
    id -= 1;
    if (
      load<u32>(record, 8) == hash &&
      load<u32>(record, 4) == count &&
      same(words + load<u32>(record), p, count)
    ) {
      break;
    }
    slot = (slot + 1) & mask;
  }
  store<u32>(load<u32>(d, 12), id, 12);
  store<u32>(d, records + ((id + 1) << 4), 12);
  return id;
}

function add(d: usize, p: usize, count: u32, hash: u32, slot: usize): u32 {
  const id = load<u32>(d, 0);
  if (id >= wordsMax) stop();
  if (id == load<u32>(d, 8)) {
    needs(tableOf(d), 0);
    unreachable();
  }
  const r = wordsOf(d);
  const to = writeLength(room(r, count + 5), count);
  copyText(to, p, count);
  store<u32>(r, to + count, 4);
  const record = recordsOf(d) + ((id + 1) << 4);
  store<u32>(record, to - load<u32>(r));
  store<u32>(record, count, 4);
  store<u32>(record, hash, 8);
  store<u32>(record, 0, 12);
  store<u32>(slot, id + 1);
  store<u32>(d, id + 1, 0);
  return id;
}

/** Makes a dictionary know the words that the other walker wrote, or forgets all. */
export function learn(index: u32, count: u32): void {
  const d = dictionariesAt + index * 32;
  const records = recordsOf(d);
  const capacity = load<u32>(d, 8);
  const table = records + ((capacity + 1) << 4);
  const mask = capacity * 2 - 1;
  const base = load<u32>(wordsOf(d));
  let id = load<u32>(d, 0);
  let p: usize = base;
  if (id > 0) p += load<u32>(records + (id << 4)) + load<u32>(records + (id << 4), 4);
  for (; id < count; id += 1) {
    const size = varint(p);
    const word = pos;
    p = word + size;
    const hash = hashOf(word, size);
    let slot = hash & mask;
    let probes: u32 = 0;
    while (load<u32>(table + (slot << 2)) != 0 && probes < probesMax) {
      slot = (slot + 1) & mask;
      probes += 1;
    }
    if (probes < probesMax) store<u32>(table + (slot << 2), id + 1);
    const record = records + ((id + 1) << 4);
    store<u32>(record, word - base);
    store<u32>(record, size, 4);
    store<u32>(record, hash, 8);
    store<u32>(record, 0, 12);
  }
  store<u32>(d, count, 0);
}

/** Forgets the newest words. */
export function forget(index: u32, count: u32): void {
  const d = dictionariesAt + index * 32;
  const records = recordsOf(d);
  const capacity = load<u32>(d, 8);
  const table = records + ((capacity + 1) << 4);
  const mask = capacity * 2 - 1;
  for (let id = load<u32>(d, 0); id > count; id -= 1) {
    let slot = load<u32>(records + (id << 4), 8) & mask;
    for (let probes: u32 = 0; probes < probesMax; probes += 1) {
      const found = load<u32>(table + (slot << 2));
      if (found == id) store<u32>(table + (slot << 2), 0);
      if (found == id || found == 0) break;
      slot = (slot + 1) & mask;
    }
  }
  store<u32>(d, count, 0);
  store<u32>(d, records, 12);
}

/** Begins anew in a table with room for `capacity` words. */
export function begin(index: u32, capacity: u32): void {
  const d = dictionariesAt + index * 32;
  const records = recordsOf(d);
  store<u32>(d, 0, 0);
  store<u32>(d, capacity, 8);
  store<u32>(d, records, 12);
  store<u32>(records, 0, 12);
  memory.fill(records + ((capacity + 1) << 4), 0, capacity * 8);
}

@inline
export function putWord(r: usize, d: usize, p: usize, count: u32): void {
  put16(r, idOf(d, p, count));
}
export function fill(r: usize, d: usize, p: usize, count: u32, rows: u32): void {
  putWord(r, d, p, count);
  repeat(r, 2, rows - 1);
}
