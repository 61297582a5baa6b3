import { Writable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import type { Io } from '../../src/commands/io.ts';
import { registerTools } from '../../src/commands/register.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { httpRequest } from '../../src/lib/http-client.ts';

export interface Outcome {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

interface World {
  readonly environment?: Readonly<Record<string, string>>;
  readonly nowMs?: number;
  /** Whether standard output is a terminal. */
  readonly terminal?: boolean;
}

/** Runs one command line in this process, with streams that remember. */
export const runTool = async (argv: readonly string[], world: World = {}): Promise<Outcome> => {
  const stdout = remembering();
  const stderr = remembering();
  let code: number | undefined;
  const io: Io = {
    stdout: Object.assign(stdout.stream, { isTTY: world.terminal ?? false }),
    stderr: stderr.stream,
    environment: world.environment ?? {},
    clock: { ...systemClock, nowMs: () => world.nowMs ?? systemClock.nowMs() },
    http: httpRequest,
    finish: (exitCode) => {
      code = exitCode;
    },
  };
  const program = new Command('tocsin').exitOverride().configureOutput({
    writeOut: (text) => stdout.stream.write(text),
    writeErr: (text) => stderr.stream.write(text),
  });
  registerTools(program, io);
  for (const it of program.commands.flatMap((one) => [one, ...one.commands])) {
    it.copyInheritedSettings(program);
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    code = error.exitCode === 0 ? 0 : 2;
  }
  return { code, stdout: stdout.text(), stderr: stderr.text() };
};

const remembering = () => {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  return { stream, text: () => text };
};
