import { Fault, messageOf, remedyOf } from '../lib/fault.ts';
import { keyFaultStatus } from '../model/access.ts';
import { clip } from './clip.ts';

/** google.rpc.Code, as far as a receiver uses it. */
export const grpcCodes = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcCode = keyof typeof grpcCodes;

/** Why a request was not taken, in the terms of both transports. */
export interface Refusal {
  /** The Fault's code, or ERR_INTERNAL; for logs and metrics. */
  readonly code: string;
  readonly httpStatus: number;
  readonly grpcCode: GrpcCode;
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
const particular: Readonly<Record<string, readonly [httpStatus: number, grpcCode: GrpcCode]>> = {
  ...keyFaultStatus,
  ERR_OTLP_TOO_LARGE: [413, 'RESOURCE_EXHAUSTED'],
  ERR_OTLP_PATH: [404, 'UNIMPLEMENTED'],
  ERR_OTLP_METHOD: [405, 'UNIMPLEMENTED'],
  ERR_OTLP_TYPE: [415, 'UNIMPLEMENTED'],
  ERR_OTLP_CODING: [415, 'UNIMPLEMENTED'],
  // doc/statuscodes.md of grpc: one message a call; a compressed flag needs a grpc-encoding.
  ERR_OTLP_CARDINALITY: [400, 'UNIMPLEMENTED'],
  ERR_OTLP_FRAMING: [400, 'INTERNAL'],
  // There is room, but not for more of this sender.
  ERR_RECEIVE_SHARE: [429, 'RESOURCE_EXHAUSTED'],
  // 408 would be the word, but OTLP senders drop what got it and retry what got 503.
  ERR_RECEIVE_SLOW: [503, 'DEADLINE_EXCEEDED'],
  ERR_RECEIVE_DEADLINE: [503, 'DEADLINE_EXCEEDED'],
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
      grpcCode: 'INTERNAL',
      message: `internal error; the log has more under request_id ${requestId}`,
      retryAfterMs: undefined,
      badRequest: false,
    };
  }
  const byRemedy =
    remedy === 'retry' ? ([503, 'UNAVAILABLE'] as const) : ([400, 'INVALID_ARGUMENT'] as const);
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
