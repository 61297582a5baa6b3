import type { ResourceAttributes } from './access.ts';

export type Signal = 'traces' | 'metrics' | 'logs';

export type Encoding = 'protobuf' | 'json';

/** One Export…ServiceRequest as received. The receiver of this owns `body`. */
export interface OtlpRequest {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly body: Uint8Array;
  /** How the body is compressed; left out when it is not. */
  readonly coding?: Coding;
  /** Who takes turns with others when requests have to wait: a key or an address. */
  readonly sender?: string;
  /** To be put on every resource of the body, in place of what the sender says there. */
  readonly resourceAttributes?: ResourceAttributes;
}

/** What became of the items (spans, data points, log records) of one request. */
export interface Acceptance {
  readonly accepted: number;
  readonly rejected: number;
  /** How many of those accepted are not stored, because rules say so. Left out when none is. */
  readonly sampledOut?: number;
  /** Of the body without its coding. Left out when that is what came, or when it was a repetition. */
  readonly plainBytes?: number;
  /** Empty, or English for the sender: why items were rejected, or a warning when none was. */
  readonly message: string;
  /**
   * Which items were left out for what else had come until then, for whoever decodes the request
   * again. Left out when none was, or the list is too long: then all of them are stored.
   */
  readonly leftOut?: string;
  /** The same for our own books; the counts add up to `rejected`. Left out when nothing was. */
  readonly rejections?: readonly Rejection[];
}

/** Items of one service that were left out for one reason. */
export interface Rejection {
  /** `ERR_…`, of a small fixed set. */
  readonly code: string;
  /** English; completes "2 spans with …". */
  readonly reason: string;
  readonly count: number;
  /** What tells the first of them from others: name and ids, cut to a readable length. */
  readonly sample: string;
  readonly serviceName: string;
}

/**
 * Resolves when every accepted item is somebody else's responsibility (stored, or on disk).
 * Rejects with a Fault: `reject` for a request that can never be accepted (malformed, too large),
 * `retry` (with `retryAfterMs`) when the same bytes may be accepted later.
 */
export type Ingest = (request: OtlpRequest) => Promise<Acceptance>;

/** How a body was compressed on its way: the Content-Encoding or grpc-encoding. */
export type Coding = 'identity' | 'gzip' | 'deflate' | 'zstd';

/** A body as it came over the wire, before decompression. */
export interface WireBody {
  readonly coding: Coding;
  readonly bytes: Uint8Array;
}
