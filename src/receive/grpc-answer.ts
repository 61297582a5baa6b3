import { constants, type ServerHttp2Stream } from 'node:http2';
import { codings } from './coding.ts';
import { grpcCodes, type Refusal } from './refusal.ts';
import { statusBody } from './status.ts';

const commonHeaders = {
  'content-type': 'application/grpc',
  'grpc-accept-encoding': codings.join(','),
} as const;

/** One uncompressed message and status OK. */
export const sendMessage = (stream: ServerHttp2Stream, message: Uint8Array): void => {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  stream.respond({ ':status': 200, ...commonHeaders }, { waitForTrailers: true });
  stream.once('wantTrailers', () => {
    stream.sendTrailers({ 'grpc-status': String(grpcCodes.OK) });
  });
  stream.end(frame);
};

/**
 * Headers that are trailers at once ("Trailers-Only"). A caller that is still sending is told to
 * stop by a reset without error, as RFC 9113 section 8.1 has it for an early complete answer.
 */
export const sendRefusal = (
  stream: ServerHttp2Stream,
  refusal: Refusal,
  httpStatus: 200 | 405 | 415,
): void => {
  stream.respond(
    {
      ':status': httpStatus,
      ...commonHeaders,
      ...(httpStatus === 405 && { allow: 'POST' }),
      'grpc-status': String(grpcCodes[refusal.grpcCode]),
      'grpc-message': percentEncode(refusal.message),
      'grpc-status-details-bin': statusBody(refusal, 'protobuf').toString('base64'),
    },
    { endStream: true },
  );
  if (!stream.readableEnded) {
    stream.resume();
    stream.close(constants.NGHTTP2_NO_ERROR);
  }
};

/** PROTOCOL-HTTP2.md of grpc: printable ASCII except `%` stays, each other byte of UTF-8 is %XX. */
export const percentEncode = (text: string): string =>
  text.replaceAll(/[^ -$&-~]+/g, (odd) =>
    Buffer.from(odd).toString('hex').toUpperCase().replaceAll(/../g, '%$&'),
  );
