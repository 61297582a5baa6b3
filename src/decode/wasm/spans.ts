import { put32, put64, put8, writtenIn } from './columns.ts';
import { stop, warn } from './host.ts';
import { putHex16, putHex8 } from './identifiers.ts';
import {
  adjustedCount,
  droppedAttributesColumn,
  droppedEventsColumn,
  droppedLinksColumn,
  duration,
  ends,
  eventEnds,
  eventTime,
  flagsColumn,
  keys,
  linkEnds,
  linkMapEnds,
  parentSpanId,
  spanId,
  spanKind,
  spanName,
  spanNames,
  time,
  traceId,
  traceState,
} from './layout.ts';
import { event, link, putStatus } from './span-parts.ts';
import { putText } from './text.ts';
import { weigh } from './tracestate.ts';
import { putSpanAttribute } from './values.ts';
import { landed, length, pos, skip, varint } from './wire.ts';
import { putWord } from './words.ts';

/** The upper half of the latest time that is not worth a warning. */
let futureHigh: u32 = 0;
/** The upper half of the latest time that can be stored. */
const latestHigh: u32 = 0x7fffffff;

export function expectTimesUpTo(high: u32): void {
  futureHigh = high;
}

/** Fields may come in any order and more than once: the last counts, as proto3 says. */
export function span(position: usize, end: usize): void {
  let traceAt: usize = 0;
  let spanAt: usize = 0;
  let stateAt = position;
  let stateLength: u32 = 0;
  let parentAt = position;
  let parentLength: u32 = 0;
  let nameAt = position;
  let nameLength: u32 = 0;
  let kind: u32 = 0;
  let start: u64 = 0;
  let stopped: u64 = 0;
  let droppedAttributes: u32 = 0;
  let droppedEvents: u32 = 0;
  let droppedLinks: u32 = 0;
  let statusAt = position;
  let statusEnd = position;
  let flags: u32 = 0;
  let p = position;
  const isUsual = position + 28 <= end && load<u16>(p) == 0x100a && load<u16>(p + 18) == 0x0812;
  if (isUsual) {
    traceAt = p + 2;
    spanAt = p + 20;
    p += 28;
  }
  while (p < end) {
    const tag = varint(p);
    p = pos;
    if ((tag & 7) == 2 && tag > 7) {
      const size = length(p, end);
      const from = pos;
      p = from + size;
      switch (tag >> 3) {
        case 1:
          if (!isUsual) traceAt = size == 16 ? from : 0;
          break;
        case 2:
          if (!isUsual) spanAt = size == 8 ? from : 0;
          break;
        case 3:
          stateAt = from;
          stateLength = size;
          break;
        case 4:
          parentAt = from;
          parentLength = size;
          break;
        case 5:
          nameAt = from;
          nameLength = size;
          break;
        case 9:
          putSpanAttribute(from, p);
          break;
        case 11:
          event(from, p);
          break;
        case 13:
          link(from, p);
          break;
        case 15:
          statusAt = from;
          statusEnd = p;
          break;
      }
      continue;
    }
    switch (tag) {
      case 48:
        kind = varint(p);
        p = pos;
        break;
      case 57:
        start = load<u64>(p);
        p += 8;
        break;
      case 65:
        stopped = load<u64>(p);
        p += 8;
        break;
      case 80:
        droppedAttributes = varint(p);
        p = pos;
        break;
      case 96:
        droppedEvents = varint(p);
        p = pos;
        break;
      case 112:
        droppedLinks = varint(p);
        p = pos;
        break;
      case 133:
        flags = load<u32>(p);
        p += 4;
        break;
      default:
        p = skip(tag, p, end);
    }
  }
  landed(p, end);
  if (traceAt == 0 || spanAt == 0) stop();
  if ((load<u64>(traceAt) | load<u64>(traceAt + 8)) == 0 || load<u64>(spanAt) == 0) stop();
  const startHigh = <u32>(start >> 32);
  if (startHigh > futureHigh) {
    if (startHigh > latestHigh) stop();
    warn(1);
  } else if (start == 0) warn(0);

  put64(time, start);
  put64(duration, stopped < start ? 0 : stopped - start);
  putHex16(traceId, traceAt);
  putHex8(spanId, spanAt);
  if (parentLength != 0 && parentLength != 8) warn(2);
  if (parentLength != 8 || load<u64>(parentAt) == 0) put8(parentSpanId, 0);
  else putHex8(parentSpanId, parentAt);
  putText(traceState, stateAt, stateLength);
  putWord(spanName, spanNames, nameAt, nameLength);
  put8(spanKind, kind < 6 ? kind : 0);
  put64(ends, writtenIn(keys) >> 1);
  putStatus(statusAt, statusEnd);
  put64(eventEnds, writtenIn(eventTime) >> 3);
  put64(linkEnds, writtenIn(linkMapEnds) >> 3);
  put32(flagsColumn, flags);
  put32(droppedAttributesColumn, droppedAttributes);
  put32(droppedEventsColumn, droppedEvents);
  put32(droppedLinksColumn, droppedLinks);
  put64(adjustedCount, reinterpret<u64>(stateLength == 0 ? 1 : weigh(stateAt, stateLength)));
}
