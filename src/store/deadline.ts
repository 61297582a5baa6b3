import type { Clock } from '../lib/clock.ts';

export interface Deadline {
  /** Aborts when time is up or the caller's signal does; its reason is an Error that says which. */
  readonly signal: AbortSignal;
  /** Settles with the task, or rejects with the signal's reason as soon as it aborts. */
  readonly race: <T>(task: Promise<T>) => Promise<T>;
  readonly end: () => void;
}

/** Bounds one operation in time, also against a task that does not heed its signal. */
export const startDeadline = (clock: Clock, timeoutMs: number, outer?: AbortSignal): Deadline => {
  const controller = new AbortController();
  const { signal } = controller;
  const cancelled = () => controller.abort(new Error('cancelled by the caller'));
  const stopTimer = clock.after(timeoutMs, () =>
    controller.abort(new Error(`not answered within ${timeoutMs} ms`)),
  );
  if (outer?.aborted) cancelled();
  outer?.addEventListener('abort', cancelled, { once: true });
  return {
    signal,
    race: (task) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        task.then(resolve, reject);
      }),
    end: () => {
      stopTimer();
      outer?.removeEventListener('abort', cancelled);
    },
  };
};
