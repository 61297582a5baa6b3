import type { ObjectiveReport, SlaReport, Stretch } from '../model/sla-report.ts';

/** The report as a person files it; nothing in it depends on when or where it is written. */
export const slaReportMarkdown = (report: SlaReport): string => {
  const { sla, service, type, month, from, to, until, objectives, evidence } = report;
  return `${[
    `# SLA ${cell(sla)}, ${month}`,
    `${capital(type.replace('_', ' '))} of ${cell(service)} from ${from} up to ${to}.`,
    ...(until === null ? [] : [`**So far:** the month is not over, and the rows end at ${until}.`]),
    table(
      ['promise', 'promised', 'achieved', 'kept', 'requests', 'errors', 'bad', 'minutes in breach'],
      objectives.map((it) => [
        nameOf(it, type),
        `${it.unit === 'seconds' || type === 'error_rate' ? 'at most' : 'at least'} ${valueText(it.target, it)}`,
        it.achieved === null ? 'no requests' : valueText(it.achieved, it),
        it.met === null ? 'nothing to keep' : it.met ? 'yes' : '**no**',
        number(it.requests),
        number(it.errors),
        it.budget ? number(it.budget.consumed) : '',
        number(it.minutes.breached),
      ]),
    ),
    ...objectives.flatMap((it) => objectiveText(it, type)),
    '## Incidents',
    listOr(
      'No alert of this SLA fired.',
      ['alert', 'promise', 'severity', 'fired', 'resolved', 'id'],
      report.incidents.map((it) => [
        cell(it.name),
        cell(it.objective),
        cell(it.severity),
        it.fired,
        it.resolved ?? 'after the month',
        cell(it.alert),
      ]),
    ),
    '## How this was found',
    [
      `- Rows: ${evidence.rows} minutes of \`sla_minutes\` (times in UTC), incidents from \`alert_events\`.`,
      `- SHA-256 of the rows: \`${evidence.sha256}\`. A report with the same one says the same of them.`,
      `- Last row written at ${evidence.changed}; ${evidence.later} were written or corrected more than an hour after the month was over.`,
      '- Counts are requests before sampling: sums of the adjusted counts of spans. A request counts in the minute in which it started.',
      ...methods[type === 'response_time' || type === 'throughput' ? type : 'ratio'],
      '- Excluded minutes count neither as good nor as bad; a minute is excluded when any part of it is.',
    ].join('\n'),
  ].join('\n\n')}\n`;
};

const methods = {
  ratio: [
    '- A request is bad when its status is Error. A minute is in breach when its own share misses the promise.',
  ],
  response_time: [
    '- Percentiles are read from logarithmic buckets, 35 for each doubling, and are right to 0.9902 %. A request is bad when it took longer than promised; of the bucket that the limit lies in, those above are taken in proportion.',
    '- A minute is in breach when its own percentile misses the promise.',
  ],
  throughput: [
    '- The rate is that of all minutes after the one of the first request; silent minutes count as 0. A minute is in breach when its own rate misses the promise.',
  ],
} as const;

const objectiveText = (it: ObjectiveReport, type: string): readonly string[] => {
  const { minutes, budget } = it;
  const silent = it.missing.reduce((sum, { minutes: count }) => sum + count, 0);
  return [
    `## ${capital(nameOf(it, type))}`,
    `${number(minutes.month)} minutes in the month: ${number(minutes.recorded)} written down, ${number(silent)} missing, ${number(minutes.excluded)} excluded.`,
    ...(budget
      ? [
          `Error budget: ${number(budget.total)} requests (${percent(budget.share)} of ${number(it.total)}); ${number(budget.consumed)} were bad, ${number(budget.remaining)} are left${budget.left === null ? '' : ` (${percent(budget.left)})`}.`,
        ]
      : []),
    '### Minutes in breach',
    stretches('None.', it.breaches, 'worst', (found) => valueText(found.worst, it)),
    '### Excluded',
    stretches('None.', it.exclusions, 'reason', ({ reason }) => cell(reason)),
    '### Missing',
    stretches('None.', it.missing),
    '### Definitions',
    table(
      ['since', 'promised', 'window', 'table counted', 'minutes', 'definition'],
      it.definitions.map((found) => [
        found.since,
        valueText(found.target, it),
        cell(found.window),
        `\`${found.source}\``,
        number(found.minutes),
        `\`${found.definition}\``,
      ]),
    ),
  ];
};

const nameOf = ({ objective }: ObjectiveReport, type: string): string =>
  objective === '' ? type.replace('_', ' ') : `${cell(objective)} ${type.replace('_', ' ')}`;

const stretches = <T extends Stretch>(
  none: string,
  list: readonly T[],
  column?: string,
  also?: (stretch: T) => string,
): string =>
  listOr(
    none,
    ['from', 'to', 'minutes', ...(column === undefined ? [] : [column])],
    list.map((it) => [it.from, it.to, number(it.minutes), ...(also ? [also(it)] : [])]),
  );

const listOr = (
  none: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string => (rows.length === 0 ? none : table(header, rows));

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((it) => `| ${it.join(' | ')} |`).join('\n');

/** Names come from people and telemetry: they must not end a cell, nor a line. */
const cell = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, ' ').replaceAll(/[\\`*_[\]<>|]/g, (it) => `\\${it}`);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const valueText = (value: number, { unit }: ObjectiveReport): string => {
  if (unit === 'ratio') return percent(value);
  if (unit === 'seconds') return `${number(value * 1_000)} ms`;
  return `${number(value)} per second`;
};

/** Six digits after the point keep a few bad requests of a million in sight. */
const percent = (share: number): string => `${number(share * 100)} %`;

const number = (value: number): string => String(Number(value.toFixed(6)));
