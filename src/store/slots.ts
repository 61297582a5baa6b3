import { Fault } from '../lib/fault.ts';

export interface SlotLimits {
  readonly inFlightMax: number;
  /** Waiting for a slot; beyond it a caller is refused at once. */
  readonly waitingMax: number;
}

export interface Slots {
  /**
   * Runs the task when a slot is free, first come first served. Rejects with ERR_STORE_BUSY (`retry`)
   * when too many wait, and with the signal's reason when it aborts while waiting.
   */
  readonly run: <T>(signal: AbortSignal, task: () => Promise<T>) => Promise<T>;
  readonly inFlight: () => number;
  readonly waiting: () => number;
}

/** A bounded number of tasks at a time and a bounded queue in front of them. */
export const createSlots = (limits: SlotLimits): Slots => {
  const queue = new Set<() => void>();
  let inFlight = 0;

  const take = async (signal: AbortSignal): Promise<void> => {
    if (inFlight < limits.inFlightMax) {
      inFlight += 1;
      return;
    }
    if (queue.size >= limits.waitingMax) {
      throw new Fault('ERR_STORE_BUSY', `${queue.size} operations wait for ClickHouse already`, {
        remedy: 'retry',
      });
    }
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        queue.delete(enter);
        reject(signal.reason);
      };
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      queue.add(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  };

  /** The slot passes straight on, so that a newcomer cannot overtake those who wait. */
  const release = (): void => {
    const [next] = queue;
    if (next === undefined) {
      inFlight -= 1;
      return;
    }
    queue.delete(next);
    next();
  };

  return {
    run: async (signal, task) => {
      signal.throwIfAborted();
      await take(signal);
      try {
        return await task();
      } finally {
        release();
      }
    },
    inFlight: () => inFlight,
    waiting: () => queue.size,
  };
};
