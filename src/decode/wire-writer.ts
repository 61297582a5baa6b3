import { tooLarge } from './faults.ts';

/** Where a message's length is reserved: as many bytes as any length below 2^35 needs. */
const lengthBytes = 5;
const bytesFirst = 64 * 1024;

/** Writes protobuf into one growing buffer. */
export class WireWriter {
  readonly #bytesMax: number;
  #bytes = Buffer.alloc(0);
  #at = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Begins anew. What `written` gave before is overwritten. */
  clear(): void {
    this.#at = 0;
    if (this.#bytes.length > bytesFirst * 64) this.#bytes = Buffer.alloc(0);
  }

  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Reserves the length of a message; `endMessage` wants what this returns. */
  beginMessage(): number {
    this.#room(lengthBytes);
    this.#at += lengthBytes;
    return this.#at;
  }

  /** Short messages move up to a one-byte length; long ones keep a padded one, which is as valid. */
  endMessage(from: number): void {
    const length = this.#at - from;
    if (length < 128) {
      this.#bytes[from - lengthBytes] = length;
      this.#bytes.copyWithin(from - lengthBytes + 1, from, this.#at);
      this.#at -= lengthBytes - 1;
      return;
    }
    let rest = length;
    for (let index = 0; index < lengthBytes - 1; index += 1) {
      this.#bytes[from - lengthBytes + index] = (rest & 127) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[from - 1] = rest;
  }

  varint(value: number): void {
    this.#room(lengthBytes);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#at] = (rest & 127) | 128;
      this.#at += 1;
      rest >>>= 7;
    }
    this.#bytes[this.#at] = rest;
    this.#at += 1;
  }

  /** Negative values take ten bytes, as protobuf wants them. */
  varint64(value: bigint): void {
    this.#room(10);
    let rest = BigInt.asUintN(64, value);
    while (rest > 127n) {
      this.#bytes[this.#at] = Number(rest & 127n) | 128;
      this.#at += 1;
      rest >>= 7n;
    }
    this.#bytes[this.#at] = Number(rest);
    this.#at += 1;
  }

  fixed32(value: number): void {
    this.#room(4);
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  fixed64(value: bigint): void {
    this.#room(8);
    this.#at = this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.#at);
  }

  double(value: number): void {
    this.#room(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  /** As they are, without their length. */
  bytes(source: Uint8Array): void {
    this.#room(source.length);
    this.#bytes.set(source, this.#at);
    this.#at += source.length;
  }

  /** UTF-8 with its length before it. */
  string(text: string): void {
    const { length } = text;
    if (length < 64) {
      this.#room(length + 1);
      const bytes = this.#bytes;
      const from = this.#at + 1;
      let index = 0;
      for (; index < length; index += 1) {
        const code = text.charCodeAt(index);
        if (code > 127) break;
        bytes[from + index] = code;
      }
      if (index === length) {
        bytes[this.#at] = length;
        this.#at = from + length;
        return;
      }
    }
    this.text(text, 'utf8');
  }

  /** What the text stands for, with its length before it. */
  text(text: string, encoding: 'utf8' | 'hex' | 'base64'): void {
    const length = Buffer.byteLength(text, encoding);
    this.varint(length);
    this.#room(length);
    this.#at += this.#bytes.write(text, this.#at, length, encoding);
  }

  #room(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    if (needed > this.#bytesMax) {
      throw tooLarge(`its values need more than ${this.#bytesMax} bytes`);
    }
    const bytes = Buffer.alloc(Math.max(needed, bytesFirst, this.#bytes.length * 2));
    this.#bytes.copy(bytes, 0, 0, this.#at);
    this.#bytes = bytes;
  }
}
