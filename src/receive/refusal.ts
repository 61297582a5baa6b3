import { Fault, messageOf, remedyOf } from '../lib/fault.ts';
import { clip } from './clip.ts';

/** google.rpc.Code, as far as a receiver uses it. */
export const grpcCodes = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Why a request was not taken, in the terms of both transports. */
export interface Refusal {
  /** The Fault's code, or ERR_INTERNAL; for logs and metrics. */
  readonly code: string;
  readonly httpStatus: number;
  readonly grpcCode: number;
  /** English, for the developer on the other side. */
  readonly message: string;
  /** Set exactly when the sender is asked to come back: Retry-After, RetryInfo. */
  readonly retryAfterMs: number | undefined;
  /** Whether the sender's bytes are at fault: then a BadRequest goes along. */
  readonly badRequest: boolean;
}

/** Percent-encoded and in base64 besides, it must fit the 8 KiB of headers that clients accept. */
const messageBytesMax = 1024;

/** Codes that do not follow from the remedy alone. */
const particular: Readonly<Record<string, readonly [httpStatus: number, grpcCode: number]>> = {
  ERR_OTLP_TOO_LARGE: [413, grpcCodes.resourceExhausted],
  ERR_OTLP_PATH: [404, grpcCodes.unimplemented],
  ERR_OTLP_METHOD: [405, grpcCodes.unimplemented],
  ERR_OTLP_TYPE: [415, grpcCodes.unimplemented],
  ERR_OTLP_CODING: [415, grpcCodes.unimplemented],
  // doc/statuscodes.md of grpc: one message a call; a compressed flag needs a grpc-encoding.
  ERR_OTLP_CARDINALITY: [400, grpcCodes.unimplemented],
  ERR_OTLP_FRAMING: [400, grpcCodes.internal],
  // 408 would be the word, but OTLP senders drop what got it and retry what got 503.
  ERR_RECEIVE_SLOW: [503, grpcCodes.deadlineExceeded],
  ERR_RECEIVE_DEADLINE: [503, grpcCodes.deadlineExceeded],
};

/**
 * What to tell the sender about a failure. A fault to `reject` is never worth retrying, one to
 * `retry` always is; anything else is our own mistake, named only by the request id in our log.
 */
export const refusalOf = (error: unknown, requestId: string, retryAfterMs: number): Refusal => {
  const remedy = remedyOf(error);
  if (!(error instanceof Fault) || remedy === 'unforeseen') {
    return {
      code: 'ERR_INTERNAL',
      httpStatus: 500,
      grpcCode: grpcCodes.internal,
      message: `internal error; the log has more under request_id ${requestId}`,
      retryAfterMs: undefined,
      badRequest: false,
    };
  }
  const byRemedy =
    remedy === 'retry'
      ? ([503, grpcCodes.unavailable] as const)
      : ([400, grpcCodes.invalidArgument] as const);
  const [httpStatus, grpcCode] = particular[error.code] ?? byRemedy;
  return {
    code: error.code,
    httpStatus,
    grpcCode,
    message: clip(messageOf(error), messageBytesMax),
    retryAfterMs: remedy === 'retry' ? (error.retryAfterMs ?? retryAfterMs) : undefined,
    badRequest: httpStatus === 400,
  };
};
