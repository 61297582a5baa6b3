import type { Path } from '../../lib/document.ts';
import {
  isWithin,
  localTimeIn,
  type TimeInterval,
  type TimeIntervalInput,
} from '../../model/time-interval.ts';
import type { Report } from './assemble.ts';
import { readTimeInterval } from './read-time-interval.ts';
import type { ExclusionInput } from './schema.ts';

/** Planned maintenance: time that an SLA does not count. */
export type Exclusion =
  | {
      readonly kind: 'once';
      readonly reason: string;
      readonly fromMs: number;
      readonly toMs: number;
    }
  | {
      readonly kind: 'recurring';
      readonly reason: string;
      readonly intervals: readonly TimeInterval[];
    };

/** `time_intervals` of the alerting file by name; undefined where that file is not known. */
export type NamedIntervals = ReadonlyMap<string, readonly TimeIntervalInput[]>;

/** Reads `exclude`; undefined after its mistakes have been reported. */
export const readExclude = (
  list: readonly ExclusionInput[],
  path: Path,
  report: Report,
  named: NamedIntervals | undefined,
): readonly Exclusion[] | undefined => {
  const read = list.map((it, index) => readOne(it, [...path, index], report, named));
  const found = read.filter((it) => it !== undefined);
  return found.length === list.length ? found : undefined;
};

const kinds =
  'expected start and end, or time_interval, or a recurring time by times, weekdays, days_of_month, months or years';

const readOne = (
  input: ExclusionInput,
  path: Path,
  report: Report,
  named: NamedIntervals | undefined,
): Exclusion | undefined => {
  const { reason, start, end, time_interval: name, ...interval } = input;
  const once = start !== undefined || end !== undefined;
  const recurring = Object.keys(interval).some((it) => it !== 'location');
  if ([once, recurring, name !== undefined].filter(Boolean).length !== 1) {
    report(path, kinds);
    return undefined;
  }
  if (once) return readOnce(input, path, report);
  if (name !== undefined) return readNamed(reason, name, path, report, named);
  const reading = readTimeInterval(interval);
  for (const it of reading.mistakes) report([...path, ...it.path], it.message);
  if (reading.mistakes.length > 0) return undefined;
  return { kind: 'recurring', reason, intervals: [reading.interval] };
};

const readOnce = (input: ExclusionInput, path: Path, report: Report): Exclusion | undefined => {
  const [fromMs, toMs] = (['start', 'end'] as const).map((key) => {
    const text = input[key] ?? '';
    if (rfc3339.test(text) && !Number.isNaN(Date.parse(text))) return Date.parse(text);
    report([...path, key], 'expected a time with its zone such as 2026-10-03T22:00:00Z');
    return undefined;
  });
  if (fromMs === undefined || toMs === undefined) return undefined;
  if (fromMs < toMs) return { kind: 'once', reason: input.reason, fromMs, toMs };
  report([...path, 'end'], 'must be after start');
  return undefined;
};

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/;

const readNamed = (
  reason: string,
  name: string,
  path: Path,
  report: Report,
  named: NamedIntervals | undefined,
): Exclusion | undefined => {
  const at = [...path, 'time_interval'];
  if (!named) {
    report(at, `whether there is ${name} is only known with the alerting file`, 'warning');
    return { kind: 'recurring', reason, intervals: [] };
  }
  const inputs = named.get(name);
  if (!inputs) {
    report(at, `${name} is none of time_intervals in the alerting file`);
    return undefined;
  }
  const readings = inputs.map(readTimeInterval);
  const mistakes = readings.flatMap((it) => it.mistakes);
  for (const it of mistakes) report(at, `${name}: ${placeOf(it.path)} ${it.message}`);
  if (mistakes.length > 0) return undefined;
  return { kind: 'recurring', reason, intervals: readings.map((it) => it.interval) };
};

const placeOf = ([key = '', index]: Path): string =>
  index === undefined ? String(key) : `${key}[${index}]`;

const minuteMs = 60_000;

/** Why a minute is excluded, by the first that says so. One that only begins or ends in it has all of it. */
export const exclusionIn = (
  exclusions: readonly Exclusion[],
): ((minuteMs: number) => string | undefined) => {
  const tests = exclusions.map((it) => ({ reason: it.reason, covers: coversOf(it) }));
  return (atMs) => tests.find((it) => it.covers(atMs))?.reason;
};

const coversOf = (exclusion: Exclusion): ((atMs: number) => boolean) => {
  if (exclusion.kind === 'once') {
    return (atMs) => atMs < exclusion.toMs && atMs + minuteMs > exclusion.fromMs;
  }
  const tests = exclusion.intervals.map((interval) => {
    const localTime = localTimeIn(interval.location);
    return (atMs: number): boolean => isWithin(interval, localTime(atMs));
  });
  return (atMs) => tests.some((it) => it(atMs));
};
