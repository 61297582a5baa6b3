import type { Command } from 'commander';
import { roles } from '../app.ts';
import { act } from './io.ts';
import { type DaemonIo, runDaemon } from './run-daemon.ts';

interface Options {
  readonly config?: string;
  readonly dataDir?: string;
  readonly demo?: boolean;
}

/** `tocsin up`: everything on this machine. */
export const registerUp = (program: Command, io: DaemonIo): void => {
  program
    .command('up')
    .description('run everything on this machine: ClickHouse, Redis and all roles')
    .option(
      '--config <file>',
      'tocsin.yaml; without one, every default',
      io.environment['TOCSIN_CONFIG'],
    )
    .option('--data-dir <dir>', 'where data is kept (data_dir, ./data)')
    .option('--demo', 'also send sample telemetry of a small shop with incidents in it')
    .action((options: Options) =>
      act(io, () =>
        runDaemon(io, {
          mode: 'up',
          configFile: options.config,
          dataDir: options.dataDir,
          roles: new Set(roles),
          demo: options.demo ?? false,
        }),
      ),
    );
};
