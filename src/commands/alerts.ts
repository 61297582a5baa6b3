import { type Command, Option } from 'commander';
import { alert } from '../console/shapes.ts';
import { z } from '../lib/document.ts';
import { formatDuration } from '../lib/duration.ts';
import { callDaemon, type DaemonOptions, jsonOption, keyFileOption, urlOption } from './daemon.ts';
import { act, type Io, sayJson } from './io.ts';
import { labelsText, sayTable } from './table.ts';

const states = ['pending', 'firing', 'resolved'] as const;

interface Options extends DaemonOptions {
  readonly json?: boolean;
  readonly state: readonly string[];
}

/** `tocsin alerts`: what is pending or firing now. */
export const registerAlerts = (program: Command, io: Io): void => {
  program
    .command('alerts')
    .description('show alerts that match all matchers')
    .argument('[matcher...]', 'such as service_name=checkout or severity=~"warning|critical"')
    .addOption(
      new Option('--state <state...>', 'only these').choices(states).default(['pending', 'firing']),
    )
    .addOption(urlOption())
    .addOption(keyFileOption())
    .addOption(jsonOption())
    .action((matchers: string[], options: Options) =>
      act(io, async () => {
        const query = new URLSearchParams([
          ...options.state.map((it): [string, string] => ['state', it]),
          ...matchers.map((it): [string, string] => ['matcher', it]),
        ]).toString();
        const answer = await callDaemon(io, options, {
          method: 'GET',
          path: `alerts?${query}`,
          answer: z.object({ alerts: z.array(alert) }),
        });
        if (options.json) sayJson(io, answer);
        else
          sayTable(
            io,
            header,
            answer.alerts.map((it) => rowOf(it, io.clock.nowMs())),
          );
        return 0;
      }),
    );
};

const header = ['state', 'severity', 'alert', 'for', 'labels', 'values', 'told', 'id'];

const rowOf = (it: z.output<typeof alert>, nowMs: number): readonly string[] => [
  it.state,
  it.severity ?? '',
  it.labels['alertname'] ?? it.rule,
  age(nowMs - Date.parse(it.since)),
  labelsText(it.labels),
  Object.entries(it.values)
    .map(([name, value]) => `${name}=${Number(value.toPrecision(4))}`)
    .join(' '),
  toldText(it),
  it.id,
];

const age = (elapsedMs: number): string =>
  formatDuration(Math.max(0, Math.floor(elapsedMs / 1_000) * 1_000));

const toldText = (it: z.output<typeof alert>): string =>
  [
    ...it.suppressed.map(({ kind, by }) => `${kind} by ${by}`),
    ...(it.acknowledged ? [`taken by ${it.acknowledged.by}`] : []),
    ...(it.escalation_level > 0 ? [`level ${it.escalation_level}`] : []),
  ].join(', ');
