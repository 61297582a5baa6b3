import { constants, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { Fault, messageOf } from '../lib/fault.ts';
import type { Coding } from '../model/ingest.ts';

const chunkBytesMin = 4 * 1024;
const chunkBytesMax = 4 * 1024 * 1024;

/** zstd allows any number of frames in one body; each costs an engine, so they are limited. */
const zstdFramesMax = 256;

/** RFC 9659 allows no larger window in HTTP; libzstd would take 128 MiB on the word of a header. */
const zstdWindowLogMax = 23;

/**
 * Undoes the coding of a body, stopping as soon as the output is past `bytesMax`. In this thread,
 * which is the one that decodes: a turn through libuv's pool costs more than it frees (two wakings of
 * sleeping threads; measured per 40 kB body, 180 µs here against 280 µs there). Throws a Fault,
 * `reject`: ERR_OTLP_TOO_LARGE, ERR_OTLP_MALFORMED.
 */
export const decompress = (coding: Coding, wire: Uint8Array, bytesMax: number): Uint8Array => {
  try {
    return undo(coding, wire, bytesMax);
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (error instanceof RangeError) throw tooLarge(coding, bytesMax);
    throw malformed(coding, messageOf(error));
  }
};

const undo = (coding: Coding, wire: Uint8Array, bytesMax: number): Uint8Array => {
  switch (coding) {
    case 'identity':
      return wire;
    case 'gzip':
      return gunzipSync(wire, optionsFor(coding, wire, bytesMax));
    case 'deflate':
      return isZlib(wire)
        ? inflateSync(wire, optionsFor(coding, wire, bytesMax))
        : inflateRawSync(wire, optionsFor(coding, wire, bytesMax));
    case 'zstd':
      return zstdFrames(wire, bytesMax);
  }
};

/** libzstd stops after the first frame and says nothing of the rest. */
const zstdFrames = (wire: Uint8Array, bytesMax: number): Uint8Array => {
  const frames: Uint8Array[] = [];
  let bytesLeft = bytesMax;
  for (let rest = wire; rest.length > 0; ) {
    if (frames.length === zstdFramesMax) {
      throw malformed('zstd', `more than ${zstdFramesMax} frames`);
    }
    const frame = zstdDecompressSync(rest, {
      ...optionsFor('zstd', rest, Math.max(bytesLeft, 1)),
      params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax },
      info: true,
    });
    // The types do not know what `info` does.
    const { buffer, engine } = frame as unknown as FrameWithEngine;
    if (buffer.length > bytesLeft) throw tooLarge('zstd', bytesMax);
    frames.push(buffer);
    bytesLeft -= buffer.length;
    rest = rest.subarray(engine.bytesWritten);
  }
  const [only] = frames;
  return only && frames.length === 1 ? only : Buffer.concat(frames);
};

interface FrameWithEngine {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

const optionsFor = (coding: Coding, wire: Uint8Array, bytesMax: number) => ({
  chunkSize: chunkBytes(coding, wire),
  maxOutputLength: bytesMax,
});

/** One chunk that fits all saves joining; gzip's last four bytes tell its size, if they are true. */
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

const tooLarge = (coding: Coding, bytesMax: number): Fault =>
  new Fault(
    'ERR_OTLP_TOO_LARGE',
    `the request body after ${coding} decompression is larger than the limit of ${bytesMax} bytes`,
    { remedy: 'reject' },
  );

const malformed = (coding: Coding, why: string): Fault =>
  new Fault('ERR_OTLP_MALFORMED', `the request body is not valid ${coding}: ${why}`, {
    remedy: 'reject',
  });
