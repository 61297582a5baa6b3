import type { Acceptance, Encoding, Signal } from '../model/ingest.ts';
import { clip } from './clip.ts';
import { lengthField, textField, varintField } from './protobuf.ts';

/** Far below the 4 MiB that clients accept, far above what a person reads. */
const messageBytesMax = 8 * 1024;

const rejectedKeys: Readonly<Record<Signal, string>> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
};

/**
 * The Export…ServiceResponse: `partial_success` is set when items were rejected or there is a
 * warning, and otherwise absent, which makes the protobuf body empty.
 */
export const exportResponse = (
  signal: Signal,
  encoding: Encoding,
  { rejected, message }: Acceptance,
): Uint8Array => {
  const text = clip(message, messageBytesMax);
  const full = rejected === 0 && text === '';
  if (encoding === 'json') {
    const partialSuccess = {
      // 64-bit integers are strings in proto3's JSON.
      ...(rejected > 0 && { [rejectedKeys[signal]]: String(rejected) }),
      ...(text !== '' && { errorMessage: text }),
    };
    return Buffer.from(JSON.stringify(full ? {} : { partialSuccess }));
  }
  if (full) return new Uint8Array(0);
  return lengthField(1, Buffer.concat([varintField(1, rejected), textField(2, text)]));
};
