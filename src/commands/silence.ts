import type { Command } from 'commander';
import { silence } from '../console/shapes.ts';
import { z } from '../lib/document.ts';
import {
  byOf,
  byOption,
  callDaemon,
  type DaemonOptions,
  jsonOption,
  keyFileOption,
  urlOption,
} from './daemon.ts';
import { act, family, type Io, say, sayJson } from './io.ts';
import { sayTable } from './table.ts';

interface Options extends DaemonOptions {
  readonly json?: boolean;
}

interface AddOptions extends Options {
  readonly duration: string;
  readonly comment: string;
  readonly by?: string;
}

interface ListOptions extends Options {
  readonly all?: boolean;
}

const added = z.object({ id: z.string() });

/** `tocsin silence add|list|expire`. */
export const registerSilence = (program: Command, io: Io): void => {
  const silences = family(program, 'silence', 'keep alerts that match from telling anybody');

  silences
    .command('add')
    .description('silence alerts for which all matchers hold')
    .argument('<matcher...>', 'such as service_name=checkout or severity=~"warning|critical"')
    .option('-d, --duration <duration>', 'how long, such as 30m, 2h or 1d', '1h')
    .option('-c, --comment <text>', 'why', '')
    .addOption(byOption())
    .addOption(urlOption())
    .addOption(keyFileOption())
    .addOption(jsonOption())
    .action((matchers: string[], options: AddOptions) =>
      act(io, async () => {
        const { duration, comment } = options;
        const body = { matchers, duration, comment, by: byOf(io, options.by) };
        const call = { method: 'POST', path: 'silences', body, answer: added } as const;
        const answer = await callDaemon(io, options, call);
        if (options.json) sayJson(io, answer);
        else say(io, answer.id);
        return 0;
      }),
    );

  silences
    .command('list')
    .description('show silences that are active or pending')
    .option('-a, --all', 'those that ended of late too')
    .addOption(urlOption())
    .addOption(keyFileOption())
    .addOption(jsonOption())
    .action((options: ListOptions) =>
      act(io, async () => {
        const answer = await callDaemon(io, options, {
          method: 'GET',
          path: 'silences',
          answer: z.object({ silences: z.array(silence) }),
        });
        const shown = answer.silences.filter((it) => options.all || it.state !== 'expired');
        if (options.json) sayJson(io, { silences: shown });
        else sayTable(io, ['state', 'ends', 'by', 'matchers', 'comment', 'id'], shown.map(rowOf));
        return 0;
      }),
    );

  silences
    .command('expire')
    .description('end silences now')
    .argument('<id...>', 'ids as silence list shows them')
    .addOption(urlOption())
    .addOption(keyFileOption())
    .addOption(jsonOption())
    .action((ids: string[], options: Options) =>
      act(io, async () => {
        for (const id of ids) {
          const path = `silences/${encodeURIComponent(id)}`;
          await callDaemon(io, options, { method: 'DELETE', path, answer: added });
        }
        if (options.json) sayJson(io, { expired: ids });
        return 0;
      }),
    );
};

const rowOf = (it: z.output<typeof silence>): readonly string[] => [
  it.state,
  it.ends_at,
  it.by,
  it.matchers.join(' '),
  it.comment,
  it.id,
];
