import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { registerMigrate } from './migrate.ts';
import { registerTools } from './register.ts';
import type { DaemonIo } from './run-daemon.ts';
import { registerServe } from './serve.ts';
import { registerUp } from './up.ts';

/** Runs one `tocsin` command line; the exit code goes to `io.finish`. Only bugs reject. */
export const runProgram = async (argv: readonly string[], io: DaemonIo): Promise<void> => {
  const program = new Command('tocsin')
    .description('OTLP in, ClickHouse underneath, rules on BullMQ, the right person woken up')
    .version(packageJson.version)
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    })
    .exitOverride();
  registerUp(program, io);
  registerServe(program, io);
  registerMigrate(program, io);
  registerTools(program, io);
  for (const command of everyCommand(program)) command.exitOverride();
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    io.finish(error.exitCode === 0 ? 0 : 2);
  }
};

const everyCommand = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(everyCommand),
];
