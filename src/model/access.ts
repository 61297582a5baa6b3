/** What a key opens: sending telemetry, or the API and the console. */
export const scopes = ['ingest', 'api'] as const;
export type Scope = (typeof scopes)[number];

/** One key that somebody outside holds. Only its hash is here. */
export interface AccessKey {
  /** In logs and metrics; every key has its own. */
  readonly name: string;
  /** SHA-256 of the key, in lower-case hexadecimal. */
  readonly hash: string;
  /** The first millisecond in which it opens nothing. */
  readonly expiresAtMs?: number;
  readonly scopes: readonly Scope[];
  readonly limits: KeyLimits;
  /** Put on every resource that comes in with this key, in place of what the sender says. */
  readonly attributes: ResourceAttributes;
}

export type ResourceAttributes = Readonly<Record<string, string>>;

/** Over a few seconds on average; each daemon counts for itself. */
export interface KeyLimits {
  readonly requestsPerSecond?: number;
  /** Of bodies after decompression. */
  readonly bytesPerSecond?: number;
  /** Spans, data points and log records. */
  readonly itemsPerSecond?: number;
}

/** Leave to make one request. */
export interface Grant {
  /** The name of the key; undefined where nobody has to show one. */
  readonly key: string | undefined;
  readonly attributes: ResourceAttributes;
  /** Both are counted when they are known, and held against the requests that follow. */
  readonly bytesTaken: (bytes: number) => void;
  readonly itemsTaken: (items: number) => void;
}

/**
 * Judges an Authorization header. Throws a Fault: ERR_KEY_MISSING, ERR_KEY_UNKNOWN, ERR_KEY_EXPIRED,
 * ERR_KEY_SCOPE (`reject`), ERR_KEY_LIMIT (`retry`, with the time until there is room).
 */
export type Admit = (authorization: string | undefined) => Grant;

/** The status of each of those faults, in both protocols. */
export const keyFaultStatus = {
  ERR_KEY_MISSING: [401, 'UNAUTHENTICATED'],
  ERR_KEY_UNKNOWN: [401, 'UNAUTHENTICATED'],
  ERR_KEY_EXPIRED: [401, 'UNAUTHENTICATED'],
  ERR_KEY_SCOPE: [403, 'PERMISSION_DENIED'],
  ERR_KEY_LIMIT: [429, 'RESOURCE_EXHAUSTED'],
} as const;
