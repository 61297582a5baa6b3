import type { Command } from 'commander';
import { acknowledgement } from '../console/shapes.ts';
import type { z } from '../lib/document.ts';
import {
  byOf,
  byOption,
  callDaemon,
  type DaemonOptions,
  jsonOption,
  keyFileOption,
  urlOption,
} from './daemon.ts';
import { act, type Io, say, sayJson } from './io.ts';

interface Options extends DaemonOptions {
  readonly json?: boolean;
  readonly by?: string;
}

/** `tocsin ack`: take alerts, so that they escalate no further. */
export const registerAck = (program: Command, io: Io): void => {
  program
    .command('ack')
    .description('take alerts: their escalation stops, and whoever was told hears of it')
    .argument('<alert...>', 'ids as tocsin alerts shows them')
    .addOption(byOption())
    .addOption(urlOption())
    .addOption(keyFileOption())
    .addOption(jsonOption())
    .action((alerts: string[], options: Options) =>
      act(io, async () => {
        const by = byOf(io, options.by);
        const taken: z.output<typeof acknowledgement>[] = [];
        for (const alert of alerts) {
          const call = { method: 'POST', path: 'acknowledgements' } as const;
          const body = { alert, by };
          taken.push(await callDaemon(io, options, { ...call, body, answer: acknowledgement }));
          if (!options.json) say(io, `${alert} is ${by}'s`);
        }
        if (options.json) sayJson(io, { acknowledgements: taken });
        return 0;
      }),
    );
};
