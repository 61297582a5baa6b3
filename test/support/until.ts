import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for a condition instead of for time. Fails after `limitMs`. */
export const until = async (
  holds: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> => {
  const endMs = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > endMs)
      throw new Error(`did not hold within ${limitMs} ms: ${holds.toString()}`);
    await sleep(10);
  }
};
