/** Every bound of the two doors. What happens at each is written beside the key. */
export interface ReceiveLimits {
  /** One request body, as sent and decompressed, each: 413, RESOURCE_EXHAUSTED without RetryInfo. */
  readonly bodyBytesMax: number;
  /**
   * All bodies held, from their first byte until they are stored: 503, UNAVAILABLE. From three
   * quarters on, a sender who holds more than an equal share: 429, RESOURCE_EXHAUSTED.
   */
  readonly heldBytesMax: number;
  /** Requests under way over all connections of one door: as with `heldBytesMax`. */
  readonly requestsMax: number;
  /** Connections of one door; for one more, the address with the most of them loses its youngest. */
  readonly connectionsMax: number;
  /** Calls under way on one gRPC connection; told to the peer, which queues the others. */
  readonly streamsMax: number;
  /** Request line and headers together: 431; for gRPC told to the peer. */
  readonly headerBytesMax: number;
  /** For sending all headers: 408 and the connection closes. */
  readonly headersMsMax: number;
  /** For sending the whole body: 503, DEADLINE_EXCEEDED; both may be retried. For taking a gRPC answer: a reset. */
  readonly bodyMsMax: number;
  /** Connections without a request are closed after it. */
  readonly idleMsMax: number;
  /** What a refused sender still sends is read and dropped for this long, so that it sees why. */
  readonly lingerMsMax: number;
  /** Requests under way at stop may end within it; then their connections are cut. */
  readonly drainMsMax: number;
  /** The delay asked of a sender when the failing part named none. */
  readonly retryAfterMs: number;
}

const mebibyte = 1024 * 1024;

/** 64 MiB is what the OTLP specification recommends; the rest fits one process of 600 MiB. */
export const defaultReceiveLimits: ReceiveLimits = {
  bodyBytesMax: 64 * mebibyte,
  heldBytesMax: 256 * mebibyte,
  requestsMax: 4096,
  connectionsMax: 8192,
  streamsMax: 256,
  headerBytesMax: 16 * 1024,
  headersMsMax: 10_000,
  bodyMsMax: 60_000,
  idleMsMax: 300_000,
  lingerMsMax: 2_000,
  drainMsMax: 10_000,
  retryAfterMs: 1_000,
};
