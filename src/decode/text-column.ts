import type { Arena, Region } from './arena.ts';
import type { Column, Sink } from './columns.ts';
import { writeInteger, writeShortDouble } from './digits.ts';

export class TextColumn implements Column {
  readonly type = 'String';
  readonly region: Region;
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.region = arena.region();
  }

  put(position: number, length: number): void {
    if (length < 128) this.#arena.putByte(this.region, length);
    else this.#arena.putVarint(this.region, length);
    const isAscii = this.#arena.copyText(this.region, position, length);
    if (!isAscii) this.#repair(position, length);
  }

  /**
   * Replaces the text that was put last when it is not UTF-8. ClickHouse would keep it, but the JSON
   * in which people's queries answer could not be read.
   */
  #repair(position: number, length: number): void {
    const arena = this.#arena;
    if (arena.isUtf8(position, length)) return;
    this.region.at -= length + varintBytes(length);
    this.put(arena.staged, arena.stageRepaired(position, length));
  }

  putEmpty(): void {
    this.#arena.putByte(this.region, 0);
  }

  /** A safe integer that is not negative. */
  putInteger(value: number): void {
    const { region } = this;
    this.#arena.room(region, numberBytesMax);
    const { view } = this.#arena;
    const end = writeInteger(view, region.at + 1, value);
    view.setUint8(region.at, end - region.at - 1);
    region.at = end;
  }

  /** False, and nothing written, when the double at the position has no short text. */
  putShortDouble(position: number): boolean {
    const { region } = this;
    this.#arena.room(region, numberBytesMax);
    const { view } = this.#arena;
    const end = writeShortDouble(view, region.at + 1, position);
    if (end < 0) return false;
    view.setUint8(region.at, end - region.at - 1);
    region.at = end;
    return true;
  }

  putBool(value: boolean): void {
    if (value) {
      this.#arena.putByte(this.region, 4);
      this.#arena.putUint32(this.region, 0x65757274); // "true"
    } else {
      this.#arena.putByte(this.region, 5);
      this.#arena.putUint32(this.region, 0x736c6166); // "fals"
      this.#arena.putByte(this.region, 0x65);
    }
  }

  /** Bytes as lower-case hex digits; all-zero identifiers are absent ones, so empty. */
  putHex(position: number, length: number): void {
    const { region } = this;
    const arena = this.#arena;
    if (isZero(arena.view, position, length)) return this.putEmpty();
    arena.putVarint(region, length * 2);
    arena.room(region, length * 2);
    const { view } = arena;
    let to = region.at;
    const end = position + length;
    for (let from = position; from < end; from += 1) {
      view.setUint16(to, hexDigits[view.getUint8(from)] ?? 0, true);
      to += 2;
    }
    region.at = to;
  }

  putText(text: string): void {
    const length = this.#arena.stage(text);
    this.put(this.#arena.staged, length);
  }

  prefix = (): void => {};

  body = (sink: Sink): void => sink(this.#arena.written(this.region));
}

const varintBytes = (value: number): number => Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7));

export const isZero = (view: DataView, position: number, length: number): boolean => {
  const end = position + length;
  let at = position;
  for (; at + 4 <= end; at += 4) if (view.getInt32(at, true) !== 0) return false;
  for (; at < end; at += 1) if (view.getUint8(at) !== 0) return false;
  return true;
};

/** A length, a sign, 16 digits, a point and what two-digit writes may need. */
const numberBytesMax = 24;

const hexDigits = Uint16Array.from({ length: 256 }, (_, byte) => {
  const [high = '', low = ''] = byte.toString(16).padStart(2, '0');
  return high.charCodeAt(0) | (low.charCodeAt(0) << 8);
});
