import type { BackoffLimits } from '../lib/backoff.ts';
import type { DeliverLimits } from './deliver.ts';

export interface NotifierLimits extends DeliverLimits {
  readonly relayEveryMs: number;
  readonly reconcileEveryMs: number;
  /** Attempts of one message; with the pauses below about four minutes. */
  readonly attemptsMax: number;
  readonly backoff: BackoffLimits;
  /** Messages in flight for each type of channel and process. */
  readonly deliveriesAtOnce: number;
  /** How long a stopping process waits for messages in flight. */
  readonly graceMs: number;
  /** A dead process's messages are taken over after at most this and twice the interval. */
  readonly lockDurationMs: number;
  readonly stalledIntervalMs: number;
}

export const notifierLimits: NotifierLimits = {
  relayEveryMs: 500,
  reconcileEveryMs: 15_000,
  attemptsMax: 10,
  backoff: { firstMs: 1_000, maxMs: 60_000 },
  predecessorPollMs: 500,
  predecessorWaitMsMax: 30 * 60_000,
  attemptMsMax: 60_000,
  retryAfterMsMax: 10 * 60_000,
  postponeMs: 1_000,
  deliveriesAtOnce: 10,
  graceMs: 5_000,
  lockDurationMs: 20_000,
  stalledIntervalMs: 5_000,
};
