import type { Cancel, Clock } from '../../src/lib/clock.ts';

export interface ManualClock extends Clock {
  /** Moves time on, running what falls due in order. Timers set meanwhile run too if they fall due. */
  readonly advance: (byMs: number) => Promise<void>;
}

/** Time that stands still until told to move. */
export const manualClock = (startMs = 0): ManualClock => {
  let nowMs = startMs;
  const timers = new Set<{ readonly atMs: number; readonly action: () => void }>();

  const after = (delayMs: number, action: () => void): Cancel => {
    const timer = { atMs: nowMs + delayMs, action };
    timers.add(timer);
    return () => {
      timers.delete(timer);
    };
  };

  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after,
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const cancel = after(delayMs, resolve);
        signal?.addEventListener('abort', () => (cancel(), resolve()), { once: true });
      }),
    advance: async (byMs) => {
      const endMs = nowMs + byMs;
      for (;;) {
        await settle();
        const [next] = [...timers]
          .filter((it) => it.atMs <= endMs)
          .toSorted((a, b) => a.atMs - b.atMs);
        if (!next) break;
        timers.delete(next);
        nowMs = Math.max(nowMs, next.atMs);
        next.action();
      }
      nowMs = endMs;
      await settle();
    },
  };
};
