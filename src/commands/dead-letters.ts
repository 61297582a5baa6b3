import type { Command } from 'commander';
import { deadLetter } from '../console/operation-endpoints.ts';
import { z } from '../lib/document.ts';
import { callDaemon, type DaemonOptions, jsonOption, keyFileOption, urlOption } from './daemon.ts';
import { act, family, type Io, say, sayJson, usageFault } from './io.ts';
import { labelsText, sayTable } from './table.ts';

interface Options extends DaemonOptions {
  readonly json?: boolean;
}

interface ChoiceOptions extends Options {
  readonly all?: boolean;
}

const listed = z.object({ dead_letters: z.array(deadLetter) });
const done = z.object({ id: z.string() });

/** `tocsin dead-letters list|retry|drop`: what could not be delivered. */
export const registerDeadLetters = (program: Command, io: Io): void => {
  const letters = family(program, 'dead-letters', 'what could not be delivered');

  letters
    .command('list')
    .description('show them, newest first')
    .addOption(urlOption())
    .addOption(keyFileOption())
    .addOption(jsonOption())
    .action((options: Options) =>
      act(io, async () => {
        const answer = await callDaemon(io, options, {
          method: 'GET',
          path: 'dead-letters',
          answer: listed,
        });
        if (options.json) sayJson(io, answer);
        else sayTable(io, header, answer.dead_letters.map(rowOf));
        return 0;
      }),
    );

  const change = (name: string, what: string, work: (id: string) => Target) =>
    letters
      .command(name)
      .description(what)
      .argument('[id...]', 'ids as dead-letters list shows them')
      .option('--all', 'every one')
      .addOption(urlOption())
      .addOption(keyFileOption())
      .addOption(jsonOption())
      .action((ids: string[], options: ChoiceOptions) =>
        act(io, async () => {
          const chosen = await chosenOf(io, ids, options);
          for (const id of chosen) {
            await callDaemon(io, options, { ...work(id), answer: done });
            if (!options.json) say(io, id);
          }
          if (options.json) sayJson(io, { ids: chosen });
          return 0;
        }),
      );

  change('retry', 'try to deliver again', (id) => ({
    method: 'POST',
    path: `dead-letters/${encodeURIComponent(id)}/retry`,
  }));
  change('drop', 'forget for good', (id) => ({
    method: 'DELETE',
    path: `dead-letters/${encodeURIComponent(id)}`,
  }));
};

interface Target {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
}

const chosenOf = async (
  io: Io,
  ids: readonly string[],
  options: ChoiceOptions,
): Promise<readonly string[]> => {
  if (ids.length > 0 === (options.all ?? false)) throw usageFault('give ids, or --all');
  if (!options.all) return ids;
  const call = { method: 'GET', path: 'dead-letters', answer: listed } as const;
  return (await callDaemon(io, options, call)).dead_letters.map((it) => it.id);
};

const header = ['at', 'receiver', 'channel', 'alert', 'reason', 'attempts', 'answer', 'id'];

const rowOf = (it: z.output<typeof deadLetter>): readonly string[] => [
  it.at,
  it.receiver,
  it.channel,
  `${it.labels['alertname'] ?? it.alert} ${labelsText(it.labels)}`.trim(),
  it.reason,
  String(it.attempts),
  it.answer,
  it.id,
];
