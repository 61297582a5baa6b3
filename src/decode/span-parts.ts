import type { Arena } from './arena.ts';
import type { Attributes } from './attributes.ts';
import type { TraceColumns } from './trace-columns.ts';
import { bytesField, fixed64Field, type Wire } from './wire.ts';

/** Walks what a span has several of: events and links. */
export class SpanParts {
  readonly #to: TraceColumns;
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #attributes: Attributes;

  constructor(to: TraceColumns, arena: Arena, wire: Wire, attributes: Attributes) {
    this.#to = to;
    this.#arena = arena;
    this.#wire = wire;
    this.#attributes = attributes;
  }

  event(position: number, end: number): void {
    const to = this.#to;
    const wire = this.#wire;
    let timeAt = -1;
    let nameAt = position;
    let nameLength = 0;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      switch (tag) {
        case fixed64Field(1):
          timeAt = p;
          p += 8;
          break;
        case bytesField(2):
          nameLength = wire.length(p, end);
          nameAt = wire.pos;
          p = nameAt + nameLength;
          break;
        case bytesField(3): {
          const length = wire.length(p, end);
          p = wire.pos + length;
          this.#attributes.put(to.eventAttributes, p - length, p);
          break;
        }
        default:
          p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
    this.#arena.putFixed64(to.eventTime.region, timeAt);
    to.eventName.put(nameAt, nameLength);
    to.eventAttributes.endRow();
  }

  link(position: number, end: number): void {
    const to = this.#to;
    const wire = this.#wire;
    let traceAt = position;
    let traceLength = 0;
    let spanAt = position;
    let spanLength = 0;
    let stateAt = position;
    let stateLength = 0;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      switch (tag) {
        case bytesField(1):
          traceLength = wire.length(p, end);
          traceAt = wire.pos;
          p = traceAt + traceLength;
          break;
        case bytesField(2):
          spanLength = wire.length(p, end);
          spanAt = wire.pos;
          p = spanAt + spanLength;
          break;
        case bytesField(3):
          stateLength = wire.length(p, end);
          stateAt = wire.pos;
          p = stateAt + stateLength;
          break;
        case bytesField(4): {
          const length = wire.length(p, end);
          p = wire.pos + length;
          this.#attributes.put(to.linkAttributes, p - length, p);
          break;
        }
        default:
          p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
    to.linkTraceId.putHex(traceAt, traceLength);
    to.linkSpanId.putHex(spanAt, spanLength);
    to.linkTraceState.put(stateAt, stateLength);
    to.linkAttributes.endRow();
  }
}
