/** Runs at most `atOnceMax` actions at a time; the others wait in the order in which they came. */
export const createTurns = (atOnceMax: number): (<T>(action: () => Promise<T>) => Promise<T>) => {
  /** As long as the number of requests under way, which has its own limit. */
  const waiting: (() => void)[] = [];
  let running = 0;

  return async (action) => {
    if (running === atOnceMax) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await action();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
};
