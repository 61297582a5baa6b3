import { landed, length, pos, skip, varint } from './wire.ts';

export const stringKind: u32 = 10;
export const boolKind: u32 = 16;
export const intKind: u32 = 24;
export const doubleKind: u32 = 33;
export const arrayKind: u32 = 42;
export const mapKind: u32 = 50;

/** The tag of the value at hand, 0 for none, and its content. */
export let kind: u32 = 0;
export let contentAt: usize = 0;
export let contentEnd: usize = 0;

/** Finds out what an AnyValue is: of several members the last counts. */
export function locate(position: usize, end: usize): void {
  kind = 0;
  let p = position;
  while (p < end) {
    const tag = varint(p);
    p = pos;
    switch (tag) {
      case 10:
      case 42:
      case 50:
      case 58: {
        const size = length(p, end);
        kind = tag;
        contentAt = pos;
        p = pos + size;
        contentEnd = p;
        break;
      }
      case 16:
      case 24:
      case 33:
        kind = tag;
        contentAt = p;
        p = skip(tag, p, end);
        contentEnd = p;
        break;
      default:
        p = skip(tag, p, end);
    }
  }
  landed(p, end);
}
