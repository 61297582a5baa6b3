import { Fault } from '../lib/fault.ts';
import type { Hold } from './budget.ts';

/** The size of the first buffer when the sender's word for the size is not to be trusted yet. */
const firstBytesMax = 256 * 1024;
const firstBytesMin = 1024;

/**
 * Joins chunks into one buffer of its own. It grows by doubling towards the announced size, so each
 * byte is copied about twice at most, a million one-byte chunks cost no more than their bytes, and
 * a sender who announces much but sends little holds little. Everything held is accounted.
 */
export class BodyBuffer {
  readonly #bytesMax: number;
  readonly #expectedBytes: number;
  readonly #hold: Hold;
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** `expectedBytes`: what the sender announced; 0 when it did not. */
  constructor(bytesMax: number, expectedBytes: number, hold: Hold) {
    this.#bytesMax = bytesMax;
    this.#expectedBytes = Math.min(expectedBytes, bytesMax);
    this.#hold = hold;
  }

  get length(): number {
    return this.#length;
  }

  /** Throws a Fault ERR_OTLP_TOO_LARGE or ERR_RECEIVE_OVERLOADED; the buffer is useless then. */
  append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#bytesMax) throw tooLarge('the request body', this.#bytesMax);
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(chunk, this.#length);
    this.#length = length;
  }

  /** All bytes, in a buffer that nobody else uses. Call once, last. */
  finish(): Uint8Array {
    return exact(this.#bytes, this.#length);
  }

  #grow(lengthMin: number): void {
    const first = Math.min(Math.max(this.#expectedBytes, firstBytesMin), firstBytesMax);
    const wanted = Math.max(lengthMin, this.#bytes.length * 2, first);
    const capacity =
      lengthMin <= this.#expectedBytes ? Math.min(wanted, this.#expectedBytes) : wanted;
    this.#hold.take(capacity - this.#bytes.length);
    const grown = Buffer.allocUnsafeSlow(capacity);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/**
 * The first `length` bytes in an ArrayBuffer that belongs to them alone and wastes little, so that
 * the taker may transfer it to another thread or keep it.
 */
const exact = (bytes: Uint8Array, length: number): Uint8Array => {
  const wastes = bytes.buffer.byteLength > length + length / 4 + 1024;
  const pooled = bytes.buffer.byteLength === Buffer.poolSize;
  if (!wastes && !pooled) return bytes.subarray(0, length);
  const copy = Buffer.allocUnsafeSlow(length);
  copy.set(bytes.subarray(0, length));
  return copy;
};

/** Sending less is the only cure, so it is never a matter of trying again. */
export const tooLarge = (what: string, bytesMax: number): Fault =>
  new Fault('ERR_OTLP_TOO_LARGE', `${what} is larger than the limit of ${bytesMax} bytes`, {
    remedy: 'reject',
  });
