import {
  localTimeIn,
  type Span,
  type TimeInterval,
  type TimeIntervalInput,
} from '../../model/time-interval.ts';

export interface IntervalMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface IntervalReading {
  readonly interval: TimeInterval;
  /** Of the parts that could not be read; the interval then lacks them. */
  readonly mistakes: readonly IntervalMistake[];
}

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const months = [
  ...['january', 'february', 'march', 'april', 'may', 'june', 'july'],
  ...['august', 'september', 'october', 'november', 'december'],
];

/** Reads Alertmanager's words for a recurring time, with every mistake in them. */
export const readTimeInterval = (input: TimeIntervalInput): IntervalReading => {
  const mistakes: IntervalMistake[] = [];
  const listOf = <T>(
    key: keyof TimeIntervalInput,
    list: readonly T[] | undefined,
    read: (item: T) => Span | undefined,
    expected: string,
  ): readonly Span[] | undefined =>
    list?.flatMap((item, index) => {
      const span = read(item);
      if (!span) mistakes.push({ path: [key, index], message: `expected ${expected}` });
      return span ?? [];
    });
  const interval: TimeInterval = {
    times: listOf(
      'times',
      input.times,
      readTimes,
      'times of a day, start_time before end_time, such as 02:00 and 04:30',
    ),
    weekdays: listOf(
      'weekdays',
      input.weekdays,
      rangeOf(named(weekdays, 0)),
      'a day such as saturday or monday:friday',
    ),
    daysOfMonth: listOf(
      'days_of_month',
      input.days_of_month,
      rangeOf(dayOf),
      'a day from 1 to 31, from -1 (the last) to -31, or a range such as 1:7',
    ),
    months: listOf(
      'months',
      input.months,
      rangeOf(named(months, 1)),
      'a month such as december, 12 or 11:12',
    ),
    years: listOf(
      'years',
      input.years,
      rangeOf(whole(1970, 9999)),
      'a year such as 2026 or 2026:2028',
    ),
    location: input.location ?? 'UTC',
  };
  try {
    localTimeIn(interval.location);
  } catch {
    const message = `unknown time zone ${interval.location}; expected a name such as Europe/Berlin`;
    mistakes.push({ path: ['location'], message });
  }
  return { interval, mistakes };
};

const readTimes = (it: { readonly start_time: string; readonly end_time: string }) => {
  const [from, to] = [minuteOfDay(it.start_time), minuteOfDay(it.end_time)];
  return from !== undefined && to !== undefined && from < to ? { from, to } : undefined;
};

const minuteOfDay = (text: string): number | undefined => {
  const [, hour = '', minute = ''] = /^(\d\d):(\d\d)$/.exec(text) ?? [];
  const minutes = Number(hour) * 60 + Number(minute);
  return hour !== '' && Number(minute) < 60 && minutes <= 1_440 ? minutes : undefined;
};

type ReadOne = (text: string) => number | undefined;

/** `a` or `a:b`; a range must not run backwards, nor from the start of a month to before it. */
const rangeOf =
  (read: ReadOne) =>
  (item: string | number): Span | undefined => {
    const [first = '', last = first, ...more] = String(item).trim().split(':');
    const [from, to] = [read(first), read(last)];
    if (more.length > 0 || from === undefined || to === undefined) return undefined;
    return from > to && Math.sign(from) === Math.sign(to) ? undefined : { from, to };
  };

const whole =
  (min: number, max: number): ReadOne =>
  (text) => {
    const value = Number(text);
    return /^-?\d+$/.test(text) && value >= min && value <= max ? value : undefined;
  };

const dayOf: ReadOne = (text) => {
  const day = whole(-31, 31)(text);
  return day === 0 ? undefined : day;
};

const named =
  (names: readonly string[], first: number): ReadOne =>
  (text) => {
    const index = names.indexOf(text.toLowerCase());
    if (index >= 0) return index + first;
    return first === 0 ? undefined : whole(first, names.length)(text);
  };
