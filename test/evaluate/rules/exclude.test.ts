import t from 'tap';
import { countedTimeOf } from '../../../src/evaluate/rules/counted-time.ts';
import { loadRules } from '../../../src/evaluate/rules/load.ts';
import { type Exclusion, exclusionIn } from '../../../src/evaluate/rules/read-exclude.ts';
import { readTimeInterval } from '../../../src/evaluate/rules/read-time-interval.ts';
import { formatProblem } from '../../../src/lib/document.ts';
import type { TimeIntervalInput } from '../../../src/model/time-interval.ts';

const named = new Map<string, readonly TimeIntervalInput[]>([
  ['nights', [{ times: [{ start_time: '22:00', end_time: '24:00' }] }, { weekdays: ['sunday'] }]],
  ['broken', [{ months: ['smarch'] }]],
]);

const load = (exclude: readonly object[], timeIntervals: typeof named | null = named) => {
  const sla = { name: 's', service: 'shop', type: 'availability', target: '99 percent', exclude };
  const { objectives, problems } = loadRules(
    [{ file: 'a.yaml', text: JSON.stringify({ slas: [sla] }, null, 1) }],
    { intervalMs: 30_000, queryOffsetMs: 0, ...(timeIntervals && { timeIntervals }) },
  );
  return {
    objective: objectives[0],
    problems: problems.map((it) => `${it.severity} ${formatProblem(it).replace(/^\S+ /, '')}`),
  };
};

t.test('a minute is excluded when any of it lies in planned maintenance', (t) => {
  const once = {
    reason: 'upgrade',
    start: '2026-10-03T22:00:30+02:00',
    end: '2026-10-03 21:10:00Z',
  };
  const sundays = {
    reason: 'weekly',
    weekdays: ['sunday'],
    times: [{ start_time: '02:00', end_time: '04:00' }],
    location: 'Europe/Berlin',
  };
  // biome-ignore format: one case per line
  const table: readonly (readonly [string, object, string, string | undefined])[] = [
    ['the minute before', once, '2026-10-03T19:59:00Z', undefined],
    ['the minute that it begins in', once, '2026-10-03T20:00:00Z', 'upgrade'],
    ['the last minute', once, '2026-10-03T21:09:00Z', 'upgrade'],
    ['the minute after', once, '2026-10-03T21:10:00Z', undefined],
    ['two in the night in summer', sundays, '2026-10-04T00:00:00Z', 'weekly'],
    ['before two in summer', sundays, '2026-10-03T23:59:00Z', undefined],
    ['four in the night in summer', sundays, '2026-10-04T02:00:00Z', undefined],
    ['two in the night in winter', sundays, '2026-11-01T01:00:00Z', 'weekly'],
    ['before two in winter', sundays, '2026-11-01T00:59:00Z', undefined],
    ['the hour that comes twice', sundays, '2026-10-25T01:30:00Z', 'weekly'],
    ['another day', sundays, '2026-10-05T00:00:00Z', undefined],
    ['the last day of a month', { reason: 'r', days_of_month: ['-1'] }, '2028-02-29T12:00:00Z', 'r'],
    ['the last but one', { reason: 'r', days_of_month: ['-1'] }, '2028-02-28T12:00:00Z', undefined],
    ['from the 30th on, in February', { reason: 'r', days_of_month: ['30:-1'] }, '2027-02-28T12:00:00Z', undefined],
    ['months by name', { reason: 'r', months: ['november:december'] }, '2026-12-31T23:59:00Z', 'r'],
    ['months by number', { reason: 'r', months: [1, '3:4'] }, '2026-02-01T00:00:00Z', undefined],
    ['years', { reason: 'r', years: ['2026:2027'] }, '2027-06-01T00:00:00Z', 'r'],
    ['a range of days', { reason: 'r', weekdays: ['Monday:friday'] }, '2026-10-02T23:59:00Z', 'r'],
    ['every part must fit', { reason: 'r', weekdays: ['friday'], days_of_month: [3] }, '2026-10-02T00:00:00Z', undefined],
    ['a name of the alerting file', { reason: 'r', time_interval: 'nights' }, '2026-10-05T23:59:00Z', 'r'],
    ['any interval of that name', { reason: 'r', time_interval: 'nights' }, '2026-10-04T12:00:00Z', 'r'],
    ['neither', { reason: 'r', time_interval: 'nights' }, '2026-10-05T00:00:00Z', undefined],
  ];
  for (const [title, exclusion, at, expected] of table) {
    const { objective, problems } = load([exclusion]);
    t.strictSame(problems, [], title);
    t.equal(objective?.exclusionAt(Date.parse(at)), expected, title);
  }
  const both = load([{ reason: 'r', months: [10] }, once]).objective;
  t.equal(both?.exclusionAt(Date.parse('2026-10-03T20:00:00Z')), 'r', 'the first that says so');
  t.end();
});

t.test('mistakes in maintenance are told at their place', (t) => {
  // biome-ignore format: one case per line
  const table: readonly (readonly [object, readonly string[]])[] = [
    [{ start: '2026-10-03T22:00:00Z', end: '2026-10-03T23:00:00Z' }, ['error slas[0].exclude[0].reason: expected text']],
    [{ reason: 'r' }, ['error slas[0].exclude[0]: expected start and end, or time_interval, or a recurring time by times, weekdays, days_of_month, months or years']],
    [{ reason: 'r', start: '2026-10-03T22:00:00Z' }, ['error slas[0].exclude[0].end: expected a time with its zone such as 2026-10-03T22:00:00Z']],
    [{ reason: 'r', start: '2026-10-03 22:00', end: '2026-13-03T22:00:00Z' }, [
      'error slas[0].exclude[0].start: expected a time with its zone such as 2026-10-03T22:00:00Z',
      'error slas[0].exclude[0].end: expected a time with its zone such as 2026-10-03T22:00:00Z',
    ]],
    [{ reason: 'r', start: '2026-10-03T22:00:00Z', end: '2026-10-03T22:00:00Z' }, ['error slas[0].exclude[0].end: must be after start']],
    [{ reason: 'r', weekdays: ['sunday', 'sonntag', 'friday:monday'] }, [
      'error slas[0].exclude[0].weekdays[1]: expected a day such as saturday or monday:friday',
      'error slas[0].exclude[0].weekdays[2]: expected a day such as saturday or monday:friday',
    ]],
    [{ reason: 'r', times: [{ start_time: '04:00', end_time: '2:00' }] }, ['error slas[0].exclude[0].times[0]: expected times of a day, start_time before end_time, such as 02:00 and 04:30']],
    [{ reason: 'r', days_of_month: [0, 32], months: [13], years: ['soon'] }, [
      'error slas[0].exclude[0].days_of_month[0]: expected a day from 1 to 31, from -1 (the last) to -31, or a range such as 1:7',
      'error slas[0].exclude[0].days_of_month[1]: expected a day from 1 to 31, from -1 (the last) to -31, or a range such as 1:7',
      'error slas[0].exclude[0].months[0]: expected a month such as december, 12 or 11:12',
      'error slas[0].exclude[0].years[0]: expected a year such as 2026 or 2026:2028',
    ]],
    [{ reason: 'r', weekdays: ['sunday'], location: 'Berlin' }, ['error slas[0].exclude[0].location: unknown time zone Berlin; expected a name such as Europe/Berlin']],
    [{ reason: 'r', time_interval: 'days' }, ['error slas[0].exclude[0].time_interval: days is none of time_intervals in the alerting file']],
    [{ reason: 'r', time_interval: 'broken' }, ['error slas[0].exclude[0].time_interval: broken: months[0] expected a month such as december, 12 or 11:12']],
    [{ reason: 'r', weekday: ['sunday'] }, ['error slas[0].exclude[0].weekday: unknown key; did you mean weekdays?']],
  ];
  for (const [exclusion, expected] of table) {
    const { problems, objective } = load([exclusion]);
    t.strictSame(problems, expected);
    t.equal(objective, undefined);
  }
  const { problems } = load([{ reason: 'r', time_interval: 'nights' }], null);
  t.strictSame(problems, [
    'warning slas[0].exclude[0].time_interval: whether there is nights is only known with the alerting file',
  ]);
  t.end();
});

t.test('another exclusion, target or filter is another definition', (t) => {
  const once = { reason: 'r', start: '2026-10-03T22:00:00Z', end: '2026-10-03T23:00:00Z' };
  t.equal(load([once]).objective?.definition, load([once]).objective?.definition);
  t.not(load([once]).objective?.definition, load([]).objective?.definition);
  t.not(load([once]).objective?.definition, load([{ ...once, reason: 's' }]).objective?.definition);
  t.end();
});

t.test('what of a window counts is what no minute is excluded from', (t) => {
  const exclusions: readonly Exclusion[] = [
    {
      kind: 'once',
      reason: 'upgrade',
      fromMs: Date.parse('2026-10-24T21:10:30Z'),
      toMs: Date.parse('2026-10-24T23:40:10Z'),
    },
    // Over the end of summer time in Berlin, and in a zone that is 45 minutes beside the hour.
    ...['Europe/Berlin', 'Asia/Kathmandu'].map((location): Exclusion => {
      const times = [{ start_time: '01:50', end_time: '03:07' }];
      return {
        kind: 'recurring',
        reason: location,
        intervals: [readTimeInterval({ times, location }).interval],
      };
    }),
  ];
  const counted = countedTimeOf(exclusions);
  const excluded = exclusionIn(exclusions);
  const [fromMs, toMs] = ['2026-10-23T12:00:20Z', '2026-10-26T12:00:40Z'].map(Date.parse);
  const range = { fromMs: fromMs ?? 0, toMs: toMs ?? 0 };
  const minutes = Array.from(
    { length: 72 * 60 + 1 },
    (_, index) => Date.parse('2026-10-23T12:00Z') + index * 60_000,
  );
  const expected = minutes.filter((it) => excluded(it) === undefined);
  t.ok(expected.length < minutes.length - 500);
  for (const _ of ['asked', 'remembered']) {
    const parts = counted(range);
    t.equal(parts[0]?.fromMs, range.fromMs);
    t.equal(parts.at(-1)?.toMs, range.toMs);
    const found = minutes.filter((minute) =>
      parts.some((it) => it.fromMs < minute + 60_000 && minute < it.toMs),
    );
    t.strictSame(found, expected);
  }
  t.strictSame(countedTimeOf([])(range), [range]);
  t.end();
});
