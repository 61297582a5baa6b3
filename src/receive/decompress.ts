import {
  constants,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  gunzipSync,
  inflateRawSync,
  inflateSync,
} from 'node:zlib';
import { Fault, messageOf } from '../lib/fault.ts';
import { exact, tooLarge } from './body.ts';
import type { Hold } from './budget.ts';
import { createTurns } from './turns.ts';

export type Coding = 'identity' | 'gzip' | 'deflate' | 'zstd';

/** What may stand in Accept-Encoding and grpc-accept-encoding, best first. */
export const codings: readonly Coding[] = ['zstd', 'gzip', 'deflate', 'identity'];

/** The coding meant by a Content-Encoding or grpc-encoding header; undefined when unknown. */
export const parseCoding = (header: string | undefined): Coding | undefined => {
  switch (header?.trim().toLowerCase() ?? '') {
    case '':
    case 'none':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
      return 'deflate';
    case 'zstd':
      return 'zstd';
    default:
      return undefined;
  }
};

/**
 * Below these, one call on this thread (6–15 µs) is cheaper than handing the work to libuv's pool
 * and back (12–20 µs here and as much again there); above, this thread is better kept free.
 */
const syncWireBytesMax = 4 * 1024;
const syncBytesMax = 64 * 1024;

const chunkBytesMax = 512 * 1024;
const chunkBytesMin = 4 * 1024;

/** zstd allows any number of frames in one body; each costs an engine, so they are limited. */
const zstdFramesMax = 256;

/** RFC 9659 allows no larger window in HTTP; libzstd would take 128 MiB on the word of a header. */
const zstdWindowLogMax = 23;

/** Engines at work at once, each with a window of up to 8 MiB; libuv's pool has four threads. */
const enginesMax = 8;

/**
 * Undoes the coding into a buffer of its own, stopping as soon as the output is past `bytesMax` or
 * the budget. Output is accounted in `hold`. Faults: ERR_OTLP_TOO_LARGE, ERR_OTLP_MALFORMED
 * (`reject`), ERR_RECEIVE_OVERLOADED (`retry`).
 */
export type Decompress = (
  coding: Exclude<Coding, 'identity'>,
  wire: Uint8Array,
  bytesMax: number,
  hold: Hold,
) => Promise<Uint8Array>;

/** Small bodies are undone at once, larger ones wait for one of a few engines on libuv's pool. */
export const createDecompress = (): Decompress => {
  const turns = createTurns(enginesMax);
  return async (coding, wire, bytesMax, hold) => {
    const small = decompressSmall(coding, wire, bytesMax);
    if (small) {
      hold.take(small.length);
      return exact(small, small.length);
    }
    return turns(() => decompressLarge(coding, wire, new Output(coding, bytesMax, hold)));
  };
};

const decompressLarge = async (
  coding: Exclude<Coding, 'identity'>,
  wire: Uint8Array,
  output: Output,
): Promise<Uint8Array> => {
  let rest = wire;
  for (let frames = 0; rest.length > 0; frames += 1) {
    if (frames === zstdFramesMax) throw malformed(coding, `more than ${zstdFramesMax} frames`);
    const consumed = await run(coding, rest, output);
    // Only zstd stops after its first frame and says nothing of the rest.
    rest = rest.subarray(coding === 'zstd' ? consumed : rest.length);
  }
  return output.finish();
};

/** Undefined when the body turns out not to be small after all. */
const decompressSmall = (
  coding: Exclude<Coding, 'identity'>,
  wire: Uint8Array,
  bytesMax: number,
): Buffer | undefined => {
  if (wire.length > syncWireBytesMax || coding === 'zstd') return undefined;
  const options = { maxOutputLength: Math.min(syncBytesMax, bytesMax) };
  try {
    if (coding === 'gzip') return gunzipSync(wire, options);
    return isZlib(wire) ? inflateSync(wire, options) : inflateRawSync(wire, options);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw malformed(coding, messageOf(error));
  }
};

/** Collects chunks and refuses the one that goes too far. */
class Output {
  readonly #coding: Coding;
  readonly #bytesMax: number;
  readonly #hold: Hold;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(coding: Coding, bytesMax: number, hold: Hold) {
    this.#coding = coding;
    this.#bytesMax = bytesMax;
    this.#hold = hold;
  }

  append(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length > this.#bytesMax) {
      throw tooLarge(`the request body after ${this.#coding} decompression`, this.#bytesMax);
    }
    this.#hold.take(chunk.length);
    this.#chunks.push(chunk);
  }

  finish(): Uint8Array {
    const [only] = this.#chunks;
    if (only && this.#chunks.length === 1) return exact(only, only.length);
    const joined = Buffer.allocUnsafeSlow(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    return joined;
  }
}

/** Runs one engine to its end on libuv's pool; resolves with the bytes of `wire` it used. */
const run = (
  coding: Exclude<Coding, 'identity'>,
  wire: Uint8Array,
  output: Output,
): Promise<number> =>
  new Promise((resolve, reject) => {
    const engine = engineFor(coding, wire);
    engine.on('data', (chunk: Buffer) => {
      try {
        output.append(chunk);
      } catch (error) {
        engine.destroy();
        reject(error);
      }
    });
    engine.on('end', () => resolve(engine.bytesWritten));
    engine.on('error', (error) => reject(malformed(coding, error.message)));
    engine.end(wire);
  });

const engineFor = (coding: Exclude<Coding, 'identity'>, wire: Uint8Array) => {
  const options = { chunkSize: chunkBytes(coding, wire) };
  switch (coding) {
    case 'gzip':
      return createGunzip(options);
    case 'deflate':
      return isZlib(wire) ? createInflate(options) : createInflateRaw(options);
    case 'zstd':
      return createZstdDecompress({
        ...options,
        params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax },
      });
  }
};

/** One chunk that fits all saves turns through the pool; gzip's last four bytes tell its size. */
const chunkBytes = (coding: Coding, wire: Uint8Array): number => {
  const last = wire.length - 4;
  const told =
    coding === 'gzip' && last > 0
      ? new DataView(wire.buffer, wire.byteOffset + last, 4).getUint32(0, true) + 64
      : wire.length * 8;
  return Math.min(Math.max(told, chunkBytesMin), chunkBytesMax);
};

/** RFC 9110's "deflate" is a zlib stream (RFC 1950), but some senders leave the wrapper out. */
const isZlib = (wire: Uint8Array): boolean => {
  const [method = 0, flags = 0] = wire;
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
};

const malformed = (coding: Coding, why: string): Fault =>
  new Fault('ERR_OTLP_MALFORMED', `the request body is not valid ${coding}: ${why}`, {
    remedy: 'reject',
  });
