import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { OtlpRequest } from '../model/ingest.ts';

export interface BlameLimits {
  /** A body at whose decoding so many watched threads died is not taken any more. */
  readonly bodyDeathsMax: number;
  /** After a death by decoding, bodies are hashed for this long: exporters give up after 5 minutes. */
  readonly watchMs: number;
  /** Bodies remembered; the one that is remembered longest is forgotten first. */
  readonly bodiesMax: number;
}

export const defaultBlameLimits: BlameLimits = {
  bodyDeathsMax: 2,
  watchMs: 900_000,
  bodiesMax: 64,
};

export interface Blame {
  /** Undefined while nobody is watching: hashing every body would cost more than moving it. */
  readonly hashOf: (request: OtlpRequest) => string | undefined;
  readonly isRefused: (hash: string | undefined) => boolean;
  /** A thread died while it decoded a request of this hash. The first one had none. */
  readonly died: (hash: string | undefined) => void;
}

/**
 * Finds requests that kill whoever decodes them, so that a sender who repeats one for ever does not
 * keep everybody else's threads dying. The first death only starts the watch.
 */
export const createBlame = (clock: Pick<Clock, 'monotonicMs'>, limits: BlameLimits): Blame => {
  const deaths = new Map<string, number>();
  let watchedUntilMs = Number.NEGATIVE_INFINITY;

  const watching = (): boolean => {
    if (clock.monotonicMs() < watchedUntilMs) return true;
    deaths.clear();
    return false;
  };

  return {
    hashOf: ({ signal, encoding, body }) =>
      watching()
        ? createHash('sha256').update(`${signal} ${encoding} `).update(body).digest('base64')
        : undefined,
    isRefused: (hash) => hash !== undefined && (deaths.get(hash) ?? 0) >= limits.bodyDeathsMax,
    died: (hash) => {
      watchedUntilMs = clock.monotonicMs() + limits.watchMs;
      if (hash === undefined) return;
      deaths.set(hash, (deaths.get(hash) ?? 0) + 1);
      const [oldest] = deaths.keys();
      if (deaths.size > limits.bodiesMax && oldest !== undefined) deaths.delete(oldest);
    },
  };
};
