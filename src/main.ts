import { runProgram } from './commands/program.ts';
import type { DaemonIo } from './commands/run-daemon.ts';
import { systemClock } from './lib/clock.ts';
import { httpRequest } from './lib/http-client.ts';

/** A terminal's Ctrl-C reaches us twice under npm, from the terminal and from npm. */
const repeatedSignalMs = 1_000;

const stop = new AbortController();
let askedAtMs: number | undefined;
const askToStop = (): void => {
  const nowMs = systemClock.monotonicMs();
  if (askedAtMs !== undefined && nowMs - askedAtMs > repeatedSignalMs) process.exit(1);
  askedAtMs ??= nowMs;
  stop.abort();
};

const io: DaemonIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  clock: systemClock,
  http: httpRequest,
  random: Math.random,
  stop: stop.signal,
  onReload: (reload) => {
    process.on('SIGHUP', () => void reload());
  },
  // Pipes are written asynchronously: what was said must be out before the end.
  finish: (exitCode) =>
    process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode))),
};

process.on('SIGINT', askToStop).on('SIGTERM', askToStop);

await runProgram(process.argv.slice(2), io);
