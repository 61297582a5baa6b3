import type { Arena } from './arena.ts';
import { malformed } from './faults.ts';

/** A field's number and wire type as they stand on the wire. */
export const varintField = (number: number): number => number * 8;
export const fixed64Field = (number: number): number => number * 8 + 1;
export const bytesField = (number: number): number => number * 8 + 2;
export const fixed32Field = (number: number): number => number * 8 + 5;

/**
 * Reads protobuf in place. Each method takes a position and leaves the position behind what it read
 * in `pos`. Reading a number may look past `end` by its own width (the arena has that slack):
 * a message's loop finds out when it does not land on its end exactly.
 */
export class Wire {
  pos = 0;
  /** The two halves of the last `varint64`. */
  low = 0;
  high = 0;
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** The length of a string, bytes or message field, known to fit before `end`. */
  length(position: number, end: number): number {
    const first = this.#arena.view.getUint8(position);
    let length = first;
    if (first < 128) this.pos = position + 1;
    else length = this.varint(position);
    if (length > end - this.pos) {
      throw malformed(
        position,
        `a length of ${length} where ${Math.max(0, end - this.pos)} bytes are left`,
      );
    }
    return length;
  }

  /** The low 32 bits, unsigned, of a varint of any width. */
  varint(position: number): number {
    const { view } = this.#arena;
    const first = view.getUint8(position);
    if (first < 128) {
      this.pos = position + 1;
      return first;
    }
    const second = view.getUint8(position + 1);
    if (second < 128) {
      this.pos = position + 2;
      return (first & 127) | (second << 7);
    }
    this.varint64(position);
    return this.low;
  }

  /** Leaves the value's halves in `low` and `high`, both unsigned. */
  varint64(position: number): void {
    const { view } = this.#arena;
    let at = position;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = view.getUint8(at);
      at += 1;
      const bits = byte & 127;
      if (shift < 32) low |= bits << shift;
      if (shift > 28) high |= bits << (shift - 32);
      else if (shift === 28) high |= bits >>> 4;
      if (byte < 128) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        this.pos = at;
        return;
      }
    }
    throw malformed(position, 'a number of more than 10 bytes');
  }

  /** Steps over a field that nobody here knows. Returns the position behind it. */
  skip(tag: number, position: number, end: number): number {
    if (tag < 8) throw malformed(position, 'field number 0');
    let next: number;
    switch (tag & 7) {
      case 0:
        this.varint64(position);
        next = this.pos;
        break;
      case 1:
        next = position + 8;
        break;
      case 2:
        next = this.length(position, end);
        next += this.pos;
        break;
      case 5:
        next = position + 4;
        break;
      default:
        throw malformed(position, `wire type ${tag & 7}, which OTLP does not use`);
    }
    if (next > end) throw malformed(position, 'a field that ends behind its message');
    return next;
  }

  /** Calls `visit` for each message in field `wanted` and steps over the rest. */
  each(
    position: number,
    end: number,
    wanted: number,
    visit: (position: number, end: number) => void,
  ): void {
    let p = position;
    while (p < end) {
      const tag = this.varint(p);
      p = this.pos;
      if (tag === wanted) {
        const length = this.length(p, end);
        p = this.pos + length;
        visit(p - length, p);
      } else {
        p = this.skip(tag, p, end);
      }
    }
    this.landed(p, end);
  }

  /** Called behind the last field of a message. */
  landed(position: number, end: number): void {
    if (position !== end) throw malformed(end, 'a field that ends behind its message');
  }
}
