import { Fault } from '../lib/fault.ts';
import { BodyBuffer, tooLarge } from './body.ts';
import type { Hold } from './budget.ts';

/** One message of a call, still compressed if its flag says so. */
export interface GrpcMessage {
  readonly compressed: boolean;
  readonly bytes: Uint8Array;
}

const prefixBytes = 5;

/**
 * Puts the one message of a unary call together from DATA frames cut anywhere: a flag byte, four
 * bytes of length, the message. The length is judged as soon as it is known.
 */
export class GrpcMessageReader {
  readonly #bytesMax: number;
  readonly #hold: Hold;
  readonly #prefix = new Uint8Array(prefixBytes);
  #prefixLength = 0;
  #expected = 0;
  #body: BodyBuffer | undefined;

  constructor(bytesMax: number, hold: Hold) {
    this.#bytesMax = bytesMax;
    this.#hold = hold;
  }

  /** Throws a Fault when the call cannot succeed any more; the reader is useless then. */
  append(frame: Uint8Array): void {
    let at = 0;
    while (this.#prefixLength < prefixBytes && at < frame.length) {
      this.#prefix[this.#prefixLength] = frame[at] ?? 0;
      this.#prefixLength += 1;
      at += 1;
    }
    if (this.#prefixLength < prefixBytes) return;
    const body = (this.#body ??= this.#open());
    const rest = frame.subarray(at);
    if (body.length + rest.length > this.#expected) {
      throw cardinality('more than one message in a unary call');
    }
    body.append(rest);
  }

  /** Call once, after the last frame. */
  finish(): GrpcMessage {
    if (this.#prefixLength === 0) throw cardinality('no message in a unary call');
    if (!this.#body || this.#body.length < this.#expected) {
      throw framing('the call ended in the middle of its message');
    }
    return { compressed: this.#prefix[0] === 1, bytes: this.#body.finish() };
  }

  #open(): BodyBuffer {
    const [flag = 0] = this.#prefix;
    if (flag > 1) throw framing(`the message starts with the flag ${flag}, which is not defined`);
    this.#expected = new DataView(this.#prefix.buffer).getUint32(1);
    if (this.#expected > this.#bytesMax) throw tooLarge('the message', this.#bytesMax);
    return new BodyBuffer(this.#bytesMax, this.#expected, this.#hold);
  }
}

export const framing = (message: string): Fault =>
  new Fault('ERR_OTLP_FRAMING', message, { remedy: 'reject' });

const cardinality = (message: string): Fault =>
  new Fault('ERR_OTLP_CARDINALITY', message, { remedy: 'reject' });
