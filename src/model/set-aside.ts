import type { Signal } from './ingest.ts';

/** With which each id begins, and no other dead letter's. */
export const setAsidePrefix = 'aside-';

/** Telemetry that was taken over and could not be stored: kept on disk until a person decides. */
export interface SetAsideItem {
  /** The same as long as it is kept. */
  readonly id: string;
  /** Of requests that were to be stored together, one that no decoder reads, a damaged journal file. */
  readonly kind: 'batch' | 'request' | 'damage';
  /** When it was set aside, milliseconds since 1970. */
  readonly atMs: number;
  /** Undefined for damage, which may be of any. */
  readonly signal: Signal | undefined;
  /** Undefined when nobody can tell. */
  readonly requests: number | undefined;
  /** Spans, data points and log records; undefined when nobody can tell. */
  readonly items: number | undefined;
  /** On disk. */
  readonly bytes: number;
  /** `ERR_…`, or empty for what was not foreseen. */
  readonly code: string;
  readonly reason: string;
  /** False when there is nothing in it to be stored: it can be looked at, and dropped. */
  readonly retryable: boolean;
  /** Below the data directory. */
  readonly file: string;
}

export interface SetAside {
  /** Newest first. */
  readonly list: () => Promise<readonly SetAsideItem[]>;
  /**
   * Stores it under the name it had, so that what was stored of it already is not stored again, and
   * only then removes it. False when there is no such item. Faults: ERR_SET_ASIDE_UNREADABLE and
   * ERR_SET_ASIDE_REFUSED (`reject`), ERR_SET_ASIDE_NOT_STORED (`retry`); it is kept then.
   */
  readonly retry: (id: string) => Promise<boolean>;
  /** Removes it for good. False when there is no such item. */
  readonly drop: (id: string) => Promise<boolean>;
}
