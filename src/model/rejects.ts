import type { Encoding, Signal } from './ingest.ts';

/** Telemetry that was refused for good: items of a request that succeeded, or a request whole. */
export interface Reject {
  readonly unit: 'item' | 'request';
  readonly count: number;
  readonly signal: Signal | 'none';
  readonly encoding: Encoding | 'none';
  readonly transport: string;
  /** Address of the sender, without its port. */
  readonly peer: string;
  /** Name of the ingest key that was shown; empty without one. */
  readonly key: string;
  /** Empty when the request did not say, or was not understood. */
  readonly serviceName: string;
  readonly code: string;
  readonly reason: string;
  /** What tells the first of them from others; empty for whole requests. */
  readonly sample: string;
  /** As sent; 0 when the request was refused unread. */
  readonly requestBytes: number;
}

/** Takes note of it; returns at once and never throws. */
export type ReportReject = (reject: Reject) => void;
