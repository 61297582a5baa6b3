import { put16, put32, repeat, room, writtenIn } from './columns.ts';
import {
  resourceEnds,
  resourceKeyWords,
  resourceKeys,
  resourceSchemaUrl,
  resourceSchemaUrls,
  resourceValueWords,
  resourceValues,
  scopeDropped,
  scopeEnds,
  scopeKeys,
  scopeName,
  scopeNames,
  scopeSchemaUrl,
  scopeSchemaUrls,
  scopeValues,
  scopeVersion,
  scopeVersions,
  serviceName,
  serviceNames,
  time,
} from './layout.ts';
import { expectTimesUpTo, span } from './spans.ts';
import {
  expectRenderedAt,
  keyAt,
  keyLength,
  putScopeAttribute,
  putValueWord,
  split,
  valueAt,
  valueEnd,
} from './values.ts';
import { found, foundEnd, landed, length, next, pos, skip, varint } from './wire.ts';
import { begin, fill, forget, idOf, learn, putWord } from './words.ts';

export { begin, forget, learn };

/** Fills a column with the last string in field `wanted`, or with empty ones. */
function fillString(r: usize, d: usize, rows: u32, position: usize, end: usize, wanted: u32): void {
  let from = position;
  let size: u32 = 0;
  for (next(position, end, wanted); found != 0; next(foundEnd, end, wanted)) {
    from = found;
    size = <u32>(foundEnd - found);
  }
  fill(r, d, from, size, rows);
}

/** As in map-column.ts. */
function endRows(k: usize, v: usize, e: usize, rows: u32, keysFrom: u32, valuesFrom: u32): void {
  const before = keysFrom >> 1;
  const entries = (writtenIn(k) >> 1) - before;
  repeat(k, writtenIn(k) - keysFrom, rows - 1);
  repeat(v, writtenIn(v) - valuesFrom, rows - 1);
  let to = room(e, rows * 8);
  let ended: u64 = before;
  for (let row: u32 = 0; row < rows; row += 1) {
    ended += entries;
    store<u64>(to, ended);
    to += 8;
  }
  store<u32>(e, to, 4);
}

/** A ScopeSpans. Its own columns come after its spans, as in envelope.ts. */
function scope(position: usize, end: usize): void {
  let p = position;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    if (tag == 18) {
      const size = length(p, end);
      p = pos + size;
      span(p - size, p);
    } else {
      p = skip(tag, p, end);
    }
  }
  landed(p, end);
  const rows = (writtenIn(time) >> 3) - (writtenIn(scopeName) >> 1);
  if (rows == 0) return;
  const keysFrom = writtenIn(scopeKeys);
  const valuesFrom = writtenIn(scopeValues);
  let scopeAt = position;
  let scopeEnd = position;
  let dropped: u32 = 0;
  for (next(position, end, 10); found != 0; next(scopeEnd, end, 10)) {
    scopeAt = found;
    scopeEnd = foundEnd;
    for (next(scopeAt, scopeEnd, 26); found != 0; ) {
      const behind = foundEnd;
      putScopeAttribute(found, foundEnd);
      next(behind, scopeEnd, 26);
    }
    dropped = 0;
    let q = scopeAt;
    while (q < scopeEnd) {
      const tag = varint(q);
      const content = pos;
      q = skip(tag, content, scopeEnd);
      if (tag == 32) dropped = varint(content);
    }
  }
  endRows(scopeKeys, scopeValues, scopeEnds, rows, keysFrom, valuesFrom);
  fillString(scopeName, scopeNames, rows, scopeAt, scopeEnd, 10);
  fillString(scopeVersion, scopeVersions, rows, scopeAt, scopeEnd, 18);
  fillString(scopeSchemaUrl, scopeSchemaUrls, rows, position, end, 26);
  put32(scopeDropped, dropped);
  repeat(scopeDropped, 4, rows - 1);
}

/** Whether the key at hand is `service.name`: those bytes as a number of 8 and one of 4. */
@inline
function isServiceName(): bool {
  return (
    keyLength == 12 &&
    load<u64>(keyAt) == 0x2e65636976726573 &&
    load<u32>(keyAt + 8) == 0x656d616e
  );
}

/** A ResourceSpans. */
function resource(position: usize, end: usize): void {
  let p = position;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    if (tag == 18) {
      const size = length(p, end);
      p = pos + size;
      scope(p - size, p);
    } else {
      p = skip(tag, p, end);
    }
  }
  landed(p, end);
  const rows = (writtenIn(time) >> 3) - (writtenIn(serviceName) >> 1);
  if (rows == 0) return;
  const keysFrom = writtenIn(resourceKeys);
  const valuesFrom = writtenIn(resourceValues);
  let isNamed = false;
  for (next(position, end, 10); found != 0; ) {
    const till = foundEnd;
    for (next(found, till, 10); found != 0; ) {
      const behind = foundEnd;
      split(found, behind);
      put16(resourceKeys, idOf(resourceKeyWords, keyAt, keyLength));
      putValueWord(resourceValues, resourceValueWords, valueAt, valueEnd);
      if (!isNamed && isServiceName()) {
        putValueWord(serviceName, serviceNames, valueAt, valueEnd);
        isNamed = true;
      }
      next(behind, till, 10);
    }
    next(till, end, 10);
  }
  endRows(resourceKeys, resourceValues, resourceEnds, rows, keysFrom, valuesFrom);
  if (!isNamed) putWord(serviceName, serviceNames, position, 0);
  repeat(serviceName, 2, rows - 1);
  fillString(resourceSchemaUrl, resourceSchemaUrls, rows, position, end, 26);
}

/**
 * Walks a request at `[position, end)` and leaves the cursors behind its rows, or stops: then cursors and
 * dictionaries are worth nothing, and the host has both as they were.
 */
export function walk(position: usize, end: usize, futureHigh: u32): void {
  expectTimesUpTo(futureHigh);
  expectRenderedAt(end);
  let p = position;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    if (tag == 10) {
      const size = length(p, end);
      p = pos + size;
      resource(p - size, p);
    } else {
      p = skip(tag, p, end);
    }
  }
  landed(p, end);
}
