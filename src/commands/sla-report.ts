import { type Command, Option } from 'commander';
import { slaReport } from '../console/sla-shapes.ts';
import { callDaemon, type DaemonOptions, jsonOption, keyFileOption, urlOption } from './daemon.ts';
import { act, family, type Io, sayJson } from './io.ts';
import { slaReportMarkdown } from './sla-report-markdown.ts';

interface Options extends DaemonOptions {
  readonly sla: string;
  readonly month: string;
  readonly soFar?: boolean;
  readonly format: 'md' | 'json';
  readonly json?: boolean;
}

/** A month of minutes is read and hashed. */
const timeoutMs = 60_000;

/** `tocsin sla report`: evidence of what an SLA came to, the same bytes each time. */
export const registerSlaReport = (program: Command, io: Io): void => {
  family(program, 'sla', 'what was promised and what it came to')
    .command('report')
    .description('what an SLA came to in a month, from what was written down minute by minute')
    .requiredOption('--sla <name>', 'as in the rule file')
    .requiredOption('--month <month>', 'such as 2026-10, in UTC')
    .option('--so-far', 'also of a month that is not over')
    .addOption(
      new Option('--format <format>', 'how to print it').choices(['md', 'json']).default('md'),
    )
    .addOption(urlOption())
    .addOption(keyFileOption())
    .addOption(jsonOption())
    .action((options: Options) =>
      act(io, async () => {
        const [sla, month] = [options.sla, options.month].map(encodeURIComponent);
        const report = await callDaemon(io, options, {
          method: 'GET',
          path: `slas/${sla}/reports/${month}${options.soFar ? '?so_far=true' : ''}`,
          answer: slaReport,
          timeoutMs,
        });
        if (options.json || options.format === 'json') sayJson(io, report);
        else io.stdout.write(slaReportMarkdown(report));
        return 0;
      }),
    );
};
