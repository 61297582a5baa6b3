import type { Command } from 'commander';
import { testDelivery } from '../console/operation-endpoints.ts';
import { z } from '../lib/document.ts';
import { callDaemon, type DaemonOptions, jsonOption, keyFileOption, urlOption } from './daemon.ts';
import { act, type Io, sayJson } from './io.ts';
import { sayTable } from './table.ts';

/** Channels answer one after the other, each within its own limit. */
const timeoutMs = 120_000;

interface Options extends DaemonOptions {
  readonly json?: boolean;
}

/** `tocsin send-test RECEIVER`: sends for real, once, and shows what the other side said. */
export const registerSendTest = (program: Command, io: Io): void => {
  program
    .command('send-test')
    .description('send a test notification to every channel of a receiver')
    .argument('<receiver>', 'its name in the alerting file')
    .addOption(urlOption())
    .addOption(keyFileOption())
    .addOption(jsonOption())
    .action((receiver: string, options: Options) =>
      act(io, async () => {
        const answer = await callDaemon(io, options, {
          method: 'POST',
          path: `receivers/${encodeURIComponent(receiver)}/test`,
          answer: z.object({ deliveries: z.array(testDelivery) }),
          timeoutMs,
        });
        const rows = answer.deliveries.map((it) => [
          it.channel,
          it.outcome,
          it.reason ?? '',
          it.answer,
        ]);
        if (options.json) sayJson(io, answer);
        else sayTable(io, ['channel', 'outcome', 'reason', 'answer'], rows);
        return answer.deliveries.every((it) => it.outcome === 'delivered') ? 0 : 1;
      }),
    );
};
