import type { Command } from 'commander';
import type { Environment } from '../config/substitute.ts';
import type { Clock } from '../lib/clock.ts';
import { Fault, messageOf } from '../lib/fault.ts';
import type { HttpClient } from '../lib/http-client.ts';

/** 0: good. 1: what was checked is bad, or the work was refused. 2: wrong usage. */
export type ExitCode = 0 | 1 | 2;

/** The world of a command, so that a test may be one. */
export interface Io {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly http: HttpClient;
  /** Called once by the command that ran. */
  readonly finish: (exitCode: ExitCode) => void;
}

/** Runs a command's work; what was foreseen becomes one line, a bug passes with its stack. */
export const act = async (io: Io, work: () => Promise<ExitCode>): Promise<void> => {
  try {
    io.finish(await work());
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    complain(io, error.message);
    io.finish(error.code === 'ERR_USAGE' ? 2 : 1);
  }
};

/** For arguments that the command line's parser lets through. */
export const usageFault = (message: string): Fault =>
  new Fault('ERR_USAGE', message, { remedy: 'reject' });

export const say = (io: Io, line: string): void => {
  io.stdout.write(`${line}\n`);
};

export const sayJson = (io: Io, value: unknown): void => say(io, JSON.stringify(value, null, 2));

export const complain = (io: Io, line: string): void => {
  io.stderr.write(`tocsin: ${line}\n`);
};

/** The command that holds others, such as `rules` for `rules check`; made by whoever comes first. */
export const family = (program: Command, name: string, description: string): Command =>
  program.commands.find((it) => it.name() === name) ??
  program.command(name).description(description);

/** Reads a file that an argument names; a file that cannot be read is wrong usage. */
export const readArgument = (path: string, read: (path: string) => string): string => {
  try {
    return read(path);
  } catch (error) {
    throw usageFault(`cannot read ${path}: ${messageOf(error)}`);
  }
};
