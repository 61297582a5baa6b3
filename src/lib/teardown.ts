import type { Clock } from './clock.ts';
import { Fault, messageOf } from './fault.ts';
import type { Log } from './log.ts';

export interface Teardown {
  /** Registers how a part ends. The part registered last ends first. */
  readonly add: (name: string, end: () => Promise<void> | void) => void;
  /** Ends everything once; later calls return the first call's promise. Rejects with all failures. */
  readonly run: () => Promise<void>;
}

/**
 * A stack of endings. Build sinks before sources and intake stops before what it feeds.
 * Each ending has `limitMs`; one that hangs is named in the log and left behind.
 */
export const createTeardown = (clock: Clock, log: Log, limitMs: number): Teardown => {
  const endings: { name: string; end: () => Promise<void> | void }[] = [];
  let running: Promise<void> | undefined;

  const endOne = async (end: () => Promise<void> | void): Promise<void> => {
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(limitMs, () =>
        reject(
          new Fault('ERR_STOP_TIMEOUT', `not ended after ${limitMs} ms`, { remedy: 'reject' }),
        ),
      );
    });
    try {
      await Promise.race([Promise.resolve(end()), late]);
    } finally {
      cancel();
    }
  };

  const runAll = async (): Promise<void> => {
    const failures: string[] = [];
    for (let next = endings.pop(); next; next = endings.pop()) {
      try {
        await endOne(next.end);
        log.debug('part_stopped', { part: next.name });
      } catch (error) {
        log.error('part_stop_failed', { part: next.name, error });
        failures.push(`${next.name}: ${messageOf(error)}`);
      }
    }
    if (failures.length > 0) {
      throw new Fault('ERR_STOP_FAILED', `could not stop ${failures.join('; ')}`, {
        remedy: 'reject',
      });
    }
  };

  return {
    add: (name, end) => {
      endings.push({ name, end });
    },
    run: () => (running ??= runAll()),
  };
};
