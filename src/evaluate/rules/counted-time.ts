import type { TimeRange } from '../../model/tier-cover.ts';
import { isWithin, localTimeIn, type TimeInterval } from '../../model/time-interval.ts';
import type { Exclusion } from './read-exclude.ts';

/** What of a range counts, in order; inside it, parts begin and end with whole minutes. */
export type CountedTime = (range: TimeRange) => readonly TimeRange[];

const minuteMs = 60_000;
/** Clocks of all time zones are apart by a multiple of it. */
const quarterMs = 15 * minuteMs;
/** Two years of quarters of an hour. */
const rememberedMax = 70_080;
/** Each is named to ClickHouse; of more, the oldest are left out. Hourly maintenance for half a year. */
const partsMax = 5_000;

/** A minute that only begins or ends in planned maintenance is excluded wholly, as in `sla_minutes`. */
export const countedTimeOf = (exclusions: readonly Exclusion[]): CountedTime => {
  const tests = exclusions.map((it) =>
    it.kind === 'once' ? onceIn(it) : recurringIn(it.intervals),
  );
  return (range) => {
    const excluded = tests.flatMap((it) => it(range)).toSorted((a, b) => a.fromMs - b.fromMs);
    const parts: TimeRange[] = [];
    let { fromMs } = range;
    for (const it of excluded) {
      if (it.fromMs > fromMs) parts.push({ fromMs, toMs: it.fromMs });
      fromMs = Math.max(fromMs, it.toMs);
    }
    if (fromMs < range.toMs) parts.push({ fromMs, toMs: range.toMs });
    return parts.slice(-partsMax);
  };
};

const onceIn =
  (exclusion: TimeRange): CountedTime =>
  (range) => {
    const fromMs = Math.max(range.fromMs, Math.floor(exclusion.fromMs / minuteMs) * minuteMs);
    const toMs = Math.min(range.toMs, Math.ceil(exclusion.toMs / minuteMs) * minuteMs);
    return fromMs < toMs ? [{ fromMs, toMs }] : [];
  };

/** Remembers each quarter of an hour: to ask for the time of a zone is dear, and windows are long. */
const recurringIn = (intervals: readonly TimeInterval[]): CountedTime => {
  const tests = intervals.map((interval) => ({
    interval,
    localTime: localTimeIn(interval.location),
  }));
  const remembered = new Map<number, readonly TimeRange[]>();
  const inQuarter = (startMs: number): readonly TimeRange[] => {
    const zones = tests.map(({ interval, localTime }) => ({ interval, at: localTime(startMs) }));
    const found: TimeRange[] = [];
    for (let minute = 0; minute < quarterMs / minuteMs; minute += 1) {
      const excluded = zones.some(({ interval, at }) =>
        isWithin(interval, { ...at, minuteOfDay: at.minuteOfDay + minute }),
      );
      const fromMs = startMs + minute * minuteMs;
      if (excluded) found.push({ fromMs, toMs: fromMs + minuteMs });
    }
    return joined(found);
  };
  return ({ fromMs, toMs }) => {
    if (remembered.size > rememberedMax) remembered.clear();
    const found: TimeRange[] = [];
    for (let at = Math.floor(fromMs / quarterMs) * quarterMs; at < toMs; at += quarterMs) {
      const known = remembered.get(at) ?? inQuarter(at);
      remembered.set(at, known);
      found.push(...known);
    }
    return joined(found).flatMap((it) => {
      const part = { fromMs: Math.max(fromMs, it.fromMs), toMs: Math.min(toMs, it.toMs) };
      return part.fromMs < part.toMs ? [part] : [];
    });
  };
};

const joined = (ranges: readonly TimeRange[]): readonly TimeRange[] => {
  const all: TimeRange[] = [];
  for (const it of ranges) {
    const last = all.at(-1);
    if (last?.toMs === it.fromMs) all[all.length - 1] = { fromMs: last.fromMs, toMs: it.toMs };
    else all.push(it);
  }
  return all;
};
