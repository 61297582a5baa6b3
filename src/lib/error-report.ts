import type { Clock } from './clock.ts';
import type { Log, LogFields } from './log.ts';

export type ErrorReport = (error: unknown, fields?: LogFields) => void;

/**
 * A log line for an error that may come thousands of times a second (a lost connection, a full
 * Redis): the first at once, then at most one line each `everyMs` with how many it stands for.
 */
export const createErrorReport = (
  log: Log,
  clock: Pick<Clock, 'monotonicMs'>,
  event: string,
  everyMs = 10_000,
): ErrorReport => {
  let lastMs = Number.NEGATIVE_INFINITY;
  let held = 0;
  return (error, fields = {}) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lastMs < everyMs) {
      held += 1;
      return;
    }
    log.error(event, { ...fields, error, ...(held > 0 && { also: held }) });
    lastMs = nowMs;
    held = 0;
  };
};
