/** Ends a timer; harmless when it has run already. */
export type Cancel = () => void;

/** The only door to time, so that tests can walk through it at their own pace. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. It may step back. */
  readonly nowMs: () => number;
  /** Never steps back; only differences mean something. */
  readonly monotonicMs: () => number;
  readonly after: (delayMs: number, action: () => void) => Cancel;
  /** Resolves after the delay, or at once when `signal` is or becomes aborted. Never rejects. */
  readonly sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
  sleep: (delayMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      signal?.addEventListener('abort', done, { once: true });
    }),
};
