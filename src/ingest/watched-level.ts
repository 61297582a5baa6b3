import type { Meter } from '../lib/meter.ts';

export interface WatchedLevel {
  /** Passes everything on. */
  readonly meter: Meter;
  /** The level as it was reported last, added up over all that report it. */
  readonly level: () => number;
}

/** Reads one gauge on its way to the meter: from worker threads it comes in no other way. */
export const watchLevel = (meter: Meter, watched: string): WatchedLevel => {
  const observers: (() => number)[] = [];
  return {
    meter: {
      ...meter,
      gauge: (name, options, observe) => {
        if (name === watched) observers.push(() => sumOf(observe()));
        meter.gauge(name, options, observe);
      },
    },
    level: () => observers.reduce((sum, observe) => sum + observe(), 0),
  };
};

const sumOf = (seen: ReturnType<Parameters<Meter['gauge']>[2]>): number =>
  typeof seen === 'number' ? seen : seen.reduce((sum, { value }) => sum + value, 0);
