import type { Arena } from './arena.ts';
import { bytesField, fixed64Field, varintField, type Wire } from './wire.ts';

export const stringValue = bytesField(1);
export const boolValue = varintField(2);
export const intValue = varintField(3);
export const doubleValue = fixed64Field(4);
export const arrayValue = bytesField(5);
export const kvlistValue = bytesField(6);
export const bytesValue = bytesField(7);
export const none = 0;

/** Finds out what an AnyValue is. */
export class AnyValue {
  /** The member of the oneof that `locate` found, the last if there are several; `at` and `end` are its content. */
  kind = none;
  at = 0;
  end = 0;
  readonly #arena: Arena;
  readonly #wire: Wire;

  constructor(arena: Arena, wire: Wire) {
    this.#arena = arena;
    this.#wire = wire;
  }

  locate(position: number, end: number): void {
    const wire = this.#wire;
    const { view } = this.#arena;
    this.kind = none;
    let p = position;
    while (p < end) {
      let tag = view.getUint8(p);
      p += 1;
      if (tag > 127) {
        tag = wire.varint(p - 1);
        p = wire.pos;
      }
      switch (tag) {
        case stringValue:
        case arrayValue:
        case kvlistValue:
        case bytesValue: {
          const length = wire.length(p, end);
          this.kind = tag;
          this.at = wire.pos;
          p = wire.pos + length;
          this.end = p;
          break;
        }
        case boolValue:
        case intValue:
        case doubleValue:
          this.kind = tag;
          this.at = p;
          p = wire.skip(tag, p, end);
          this.end = p;
          break;
        default:
          p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
  }

  bool(): boolean {
    this.#wire.varint64(this.at);
    return this.#wire.low !== 0 || this.#wire.high !== 0;
  }

  double(): number {
    return this.#arena.view.getFloat64(this.at, true);
  }
}
