/** A recurring time as Alertmanager's `time_intervals` have it: every part that is given must fit. */
export interface TimeInterval {
  /** Minutes since midnight; without the last. */
  readonly times: readonly Span[] | undefined;
  /** 0 is Sunday; both included, as in all that follow. */
  readonly weekdays: readonly Span[] | undefined;
  /** Negative ones count from the end of the month: -1 is its last day. */
  readonly daysOfMonth: readonly Span[] | undefined;
  /** 1 is January. */
  readonly months: readonly Span[] | undefined;
  readonly years: readonly Span[] | undefined;
  /** IANA name of the time zone. */
  readonly location: string;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** As rule files and Alertmanager's `time_intervals` write it. */
export interface TimeIntervalInput {
  readonly times?:
    | readonly { readonly start_time: string; readonly end_time: string }[]
    | undefined;
  readonly weekdays?: readonly string[] | undefined;
  readonly days_of_month?: readonly (string | number)[] | undefined;
  readonly months?: readonly (string | number)[] | undefined;
  readonly years?: readonly (string | number)[] | undefined;
  readonly location?: string | undefined;
}

/** The wall clock of a time zone. */
export interface LocalTime {
  readonly minuteOfDay: number;
  readonly weekday: number;
  readonly dayOfMonth: number;
  readonly daysInMonth: number;
  readonly month: number;
  readonly year: number;
}

const weekdayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Throws RangeError for a time zone that is not known. */
export const localTimeIn = (location: string): ((atMs: number) => LocalTime) => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: location,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map((it) => [it.type, it.value]));
    const number = (name: Intl.DateTimeFormatPartTypes): number => Number(parts.get(name));
    const [year, month] = [number('year'), number('month')];
    return {
      minuteOfDay: number('hour') * 60 + number('minute'),
      weekday: weekdayNames.indexOf(parts.get('weekday') ?? ''),
      dayOfMonth: number('day'),
      daysInMonth: new Date(Date.UTC(year, month, 0)).getUTCDate(),
      month,
      year,
    };
  };
};

/** Whether a time of the interval's own time zone lies in it. */
export const isWithin = (interval: TimeInterval, at: LocalTime): boolean => {
  const { times, weekdays, daysOfMonth, months, years } = interval;
  const fits = (spans: readonly Span[] | undefined, value: number): boolean =>
    spans === undefined || spans.some(({ from, to }) => from <= value && value <= to);
  const day = (value: number): number => (value < 0 ? at.daysInMonth + 1 + value : value);
  return (
    (times === undefined ||
      times.some(({ from, to }) => from <= at.minuteOfDay && at.minuteOfDay < to)) &&
    fits(weekdays, at.weekday) &&
    fits(
      daysOfMonth?.map(({ from, to }) => ({ from: day(from), to: day(to) })),
      at.dayOfMonth,
    ) &&
    fits(months, at.month) &&
    fits(years, at.year)
  );
};
