import type { Clock } from '../lib/clock.ts';
import { createErrorReport } from '../lib/error-report.ts';
import type { Log } from '../lib/log.ts';

export interface LoopOptions {
  readonly name: string;
  /** Pause between two runs; a run may ask for a shorter one by returning it. */
  readonly everyMs: number;
  readonly run: () => Promise<number | void>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Loop {
  readonly start: () => void;
  /** Runs at once, or once more when it is running. */
  readonly poke: () => void;
  /** Resolves when the running turn has ended. Safe without start and twice. */
  readonly stop: () => Promise<void>;
}

/** Runs again and again, never twice at once. What a run throws is reported, and the next comes. */
export const createLoop = ({ name, everyMs, run, clock, log }: LoopOptions): Loop => {
  const report = createErrorReport(log, clock, `${name}_failed`);
  let wake = new AbortController();
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  const turns = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      wake = new AbortController();
      let pauseMs = everyMs;
      try {
        pauseMs = Math.min(everyMs, Math.max(0, (await run()) ?? everyMs));
      } catch (error) {
        report(error, {});
      }
      await clock.sleep(pauseMs, wake.signal);
    }
  };

  return {
    start: () => {
      running ??= turns();
    },
    poke: () => wake.abort(),
    stop: async () => {
      stopping.abort();
      wake.abort();
      await running;
    },
  };
};
