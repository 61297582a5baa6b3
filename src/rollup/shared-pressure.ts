import type { Clock } from '../lib/clock.ts';
import { createErrorReport } from '../lib/error-report.ts';
import type { Log } from '../lib/log.ts';
import type { Redis } from '../lib/redis.ts';
import { redisKeys } from '../model/keys.ts';

export interface SharedPressureOptions {
  readonly redis: Pick<Redis, 'set' | 'exists'>;
  /** Of this process; false where it takes no telemetry. */
  readonly isBehindHere: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** How often processes tell and ask; 5 s unless told. */
  readonly everyMs?: number;
}

export interface SharedPressure {
  /** Whether ingest of this process or, as was heard last, of any other does not keep up. */
  readonly isBehind: () => boolean;
  readonly start: () => void;
  readonly stop: () => void;
}

const everyMsDefault = 5_000;
/** One told late or lost is no reason to run; a process that ended stops counting soon. */
const timesLasting = 4;

/**
 * Roles may be split over processes, and jobs must make way for ingest wherever it runs: each that is
 * behind says so in one key of Redis, which ends by itself. Where Redis does not answer only this
 * process counts, and no job gets a turn anyway.
 */
export const createSharedPressure = (options: SharedPressureOptions): SharedPressure => {
  const { redis, isBehindHere, clock, log, everyMs = everyMsDefault } = options;
  const report = createErrorReport(log, clock, 'ingest_pressure_unknown');
  const stopping = new AbortController();
  let isBehindAnywhere = false;
  let isStarted = false;

  const tellAndAsk = async (): Promise<void> => {
    const key = redisKeys.ingestBehind;
    if (isBehindHere()) await redis.set(key, '1', 'PX', everyMs * timesLasting);
    isBehindAnywhere = (await redis.exists(key)) > 0;
  };
  const goOn = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await tellAndAsk();
      } catch (error) {
        isBehindAnywhere = false;
        if (!stopping.signal.aborted) report(error);
      }
      await clock.sleep(everyMs, stopping.signal);
    }
  };
  return {
    isBehind: () => isBehindHere() || isBehindAnywhere,
    start: () => {
      if (isStarted) return;
      isStarted = true;
      void goOn();
    },
    stop: () => stopping.abort(),
  };
};
