import { put64, put8, writtenIn } from './columns.ts';
import { putHex } from './identifiers.ts';
import {
  eventKeys,
  eventMapEnds,
  eventName,
  eventNames,
  eventTime,
  linkKeys,
  linkMapEnds,
  linkSpanId,
  linkTraceId,
  linkTraceState,
  statusCode,
  statusMessage,
} from './layout.ts';
import { putText } from './text.ts';
import { putEventAttribute, putLinkAttribute } from './values.ts';
import { landed, length, pos, skip, varint } from './wire.ts';
import { putWord } from './words.ts';

export function putStatus(position: usize, end: usize): void {
  let code: u32 = 0;
  let messageAt = position;
  let messageLength: u32 = 0;
  let p = position;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    if (tag == 24) {
      code = varint(p);
      p = pos;
    } else if (tag == 18) {
      messageLength = length(p, end);
      messageAt = pos;
      p = messageAt + messageLength;
    } else {
      p = skip(tag, p, end);
    }
  }
  landed(p, end);
  put8(statusCode, code < 3 ? code : 0);
  putText(statusMessage, messageAt, messageLength);
}

export function event(position: usize, end: usize): void {
  let timeAt: u64 = 0;
  let nameAt = position;
  let nameLength: u32 = 0;
  let p = position;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    switch (tag) {
      case 9:
        timeAt = load<u64>(p);
        p += 8;
        break;
      case 18:
        nameLength = length(p, end);
        nameAt = pos;
        p = nameAt + nameLength;
        break;
      case 26: {
        const size = length(p, end);
        p = pos + size;
        putEventAttribute(p - size, p);
        break;
      }
      default:
        p = skip(tag, p, end);
    }
  }
  landed(p, end);
  put64(eventTime, timeAt);
  putWord(eventName, eventNames, nameAt, nameLength);
  put64(eventMapEnds, writtenIn(eventKeys) >> 1);
}

export function link(position: usize, end: usize): void {
  let traceAt = position;
  let traceLength: u32 = 0;
  let spanAt = position;
  let spanLength: u32 = 0;
  let stateAt = position;
  let stateLength: u32 = 0;
  let p = position;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    switch (tag) {
      case 10:
        traceLength = length(p, end);
        traceAt = pos;
        p = traceAt + traceLength;
        break;
      case 18:
        spanLength = length(p, end);
        spanAt = pos;
        p = spanAt + spanLength;
        break;
      case 26:
        stateLength = length(p, end);
        stateAt = pos;
        p = stateAt + stateLength;
        break;
      case 34: {
        const size = length(p, end);
        p = pos + size;
        putLinkAttribute(p - size, p);
        break;
      }
      default:
        p = skip(tag, p, end);
    }
  }
  landed(p, end);
  putHex(linkTraceId, traceAt, traceLength);
  putHex(linkSpanId, spanAt, spanLength);
  putText(linkTraceState, stateAt, stateLength);
  put64(linkMapEnds, writtenIn(linkKeys) >> 1);
}
