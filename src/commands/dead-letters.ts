import type { Command } from 'commander';
import { deadLetter, setAsideItem } from '../console/dead-letter-endpoints.ts';
import { z } from '../lib/document.ts';
import { Fault } from '../lib/fault.ts';
import { callDaemon, type DaemonOptions, jsonOption, keyFileOption, urlOption } from './daemon.ts';
import { act, complain, family, type Io, say, sayJson, usageFault } from './io.ts';
import { labelsText, sayTable } from './table.ts';

interface Options extends DaemonOptions {
  readonly json?: boolean;
}

interface ChoiceOptions extends Options {
  readonly all?: boolean;
}

const listed = z.object({ dead_letters: z.array(deadLetter), set_aside: z.array(setAsideItem) });
const done = z.object({ id: z.string() });

/** A batch of telemetry is inserted before the answer comes. */
const changeTimeoutMs = 120_000;

/** `tocsin dead-letters list|retry|drop`: what could not be delivered or stored. */
export const registerDeadLetters = (program: Command, io: Io): void => {
  const letters = family(program, 'dead-letters', 'what could not be delivered or stored');

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
        else sayBoth(io, answer);
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
          const chosen = await chosenOf(io, ids, options, name === 'retry');
          const failed: Failure[] = [];
          for (const id of chosen) {
            const failure = await attempt(io, options, { ...work(id), id });
            if (failure) failed.push(failure);
            else if (!options.json) say(io, id);
          }
          const changed = chosen.filter((id) => failed.every((it) => it.id !== id));
          if (options.json) sayJson(io, { ids: changed, failed });
          else for (const it of failed) complain(io, it.message);
          return failed.length === 0 ? 0 : 1;
        }),
      );

  change('retry', 'try to deliver or to store again', (id) => ({
    method: 'POST',
    path: `dead-letters/${encodeURIComponent(id)}/retry`,
  }));
  change('drop', 'forget for good', (id) => ({
    method: 'DELETE',
    path: `dead-letters/${encodeURIComponent(id)}`,
  }));
};

interface Failure {
  readonly id: string;
  readonly code: string;
  readonly message: string;
}

/** With these, the next one would fail as well. */
const endsAll: ReadonlySet<string> = new Set([
  'ERR_USAGE',
  'ERR_HTTP_UNREACHABLE',
  'ERR_NOT_TOCSIN',
]);

/** One that fails does not keep the others from being tried. */
const attempt = async (
  io: Io,
  options: Options,
  { id, ...target }: Target & { readonly id: string },
): Promise<Failure | undefined> => {
  try {
    await callDaemon(io, options, { ...target, answer: done, timeoutMs: changeTimeoutMs });
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault) || endsAll.has(error.code)) throw error;
    return { id, code: error.code, message: error.message };
  }
};

interface Target {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
}

const chosenOf = async (
  io: Io,
  ids: readonly string[],
  options: ChoiceOptions,
  onlyRetryable: boolean,
): Promise<readonly string[]> => {
  if (ids.length > 0 === (options.all ?? false)) throw usageFault('give ids, or --all');
  if (!options.all) return ids;
  const call = { method: 'GET', path: 'dead-letters', answer: listed } as const;
  const { dead_letters, set_aside } = await callDaemon(io, options, call);
  const aside = set_aside.filter((it) => it.retryable || !onlyRetryable);
  return [...dead_letters, ...aside].map((it) => it.id);
};

/** A table each, that of telemetry only when there is any. */
const sayBoth = (io: Io, { dead_letters, set_aside }: z.output<typeof listed>): void => {
  if (dead_letters.length > 0 || set_aside.length === 0) {
    sayTable(io, header, dead_letters.map(rowOf));
  }
  if (set_aside.length > 0) sayTable(io, asideHeader, set_aside.map(asideRowOf));
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

const asideHeader = ['at', 'kind', 'signal', 'requests', 'items', 'bytes', 'reason', 'file', 'id'];

const asideRowOf = (it: z.output<typeof setAsideItem>): readonly string[] => [
  it.at,
  it.kind,
  it.signal ?? '',
  it.requests === null ? '' : String(it.requests),
  it.items === null ? '' : String(it.items),
  String(it.bytes),
  `${it.code} ${it.reason}`.trim(),
  it.file,
  it.id,
];
