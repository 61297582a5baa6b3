import type { Command } from 'commander';
import { type Role, roles } from '../app.ts';
import { act, usageFault } from './io.ts';
import { type DaemonIo, runDaemon } from './run-daemon.ts';

interface Options {
  readonly config?: string;
  readonly roles: string;
}

/** `tocsin serve`: the daemon beside a ClickHouse and a Redis that exist; as many copies as wanted. */
export const registerServe = (program: Command, io: DaemonIo): void => {
  program
    .command('serve')
    .description('run the daemon against a ClickHouse and a Redis that exist')
    .option('--config <file>', 'tocsin.yaml', io.environment['TOCSIN_CONFIG'])
    .option('--roles <roles>', 'what this copy does, comma-separated', roles.join(','))
    .action((options: Options) =>
      act(io, () =>
        runDaemon(io, {
          mode: 'serve',
          configFile: options.config,
          dataDir: undefined,
          roles: rolesOf(options.roles),
          demo: false,
        }),
      ),
    );
};

const rolesOf = (text: string): ReadonlySet<Role> => {
  const names = text.split(',').map((it) => it.trim());
  return new Set(
    names.map((name) => {
      const role = roles.find((it) => it === name);
      if (!role) throw usageFault(`there is no role ${name}, only ${roles.join(', ')}`);
      return role;
    }),
  );
};
