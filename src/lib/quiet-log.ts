import type { Clock } from './clock.ts';
import type { Log, LogFields } from './log.ts';

/**
 * Passes the first event of each kind at once and then one per `everyMs`, with the count of those
 * left out, so that a sender gone wrong cannot fill the disk with our log.
 */
export const createQuietLog = (clock: Clock, log: Log, everyMs: number) => {
  /** By event and code, which are few; never by anything a sender chooses. */
  const kinds = new Map<string, { sinceMs: number; suppressed: number }>();

  return {
    warn: (event: string, code: string, fields: LogFields): void => {
      const key = `${event} ${code}`;
      const nowMs = clock.monotonicMs();
      const seen = kinds.get(key);
      if (seen && nowMs - seen.sinceMs < everyMs) {
        seen.suppressed += 1;
        return;
      }
      kinds.set(key, { sinceMs: nowMs, suppressed: 0 });
      const suppressed = seen?.suppressed ?? 0;
      log.warn(event, { ...fields, code, ...(suppressed > 0 && { suppressed }) });
    },
  };
};
