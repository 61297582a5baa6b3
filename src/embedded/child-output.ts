import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

export interface ChildOutput {
  /** The last lines, for the message of a failed start. */
  readonly tail: () => string;
}

const tailLinesMax = 20;
const lineCharsMax = 2_000;
/** More lines than this in one window are counted, not logged: a child in trouble repeats itself. */
const linesPerWindowMax = 50;
const windowMs = 10_000;

/** Makes what the child prints part of our log, one event a line, bounded. */
export const followOutput = (
  child: ChildProcess,
  clock: Clock,
  log: Log,
  isStopping: () => boolean,
): ChildOutput => {
  const tail: string[] = [];
  let windowStartMs = clock.monotonicMs();
  let lines = 0;
  const admit = (): boolean => {
    const nowMs = clock.monotonicMs();
    if (nowMs - windowStartMs > windowMs) {
      if (lines > linesPerWindowMax) {
        log.warn('embedded_output_dropped', { lines: lines - linesPerWindowMax });
      }
      windowStartMs = nowMs;
      lines = 0;
    }
    lines += 1;
    return lines <= linesPerWindowMax;
  };
  const take = (line: string): void => {
    const text = line.trim().slice(0, lineCharsMax);
    if (text === '' || isStackFrame(text)) return;
    tail.push(text);
    if (tail.length > tailLinesMax) tail.shift();
    if (!admit()) return;
    // What it says about its ending is no news when we have asked for it.
    if (isStopping() || isOrdinary(text)) log.debug('embedded_output', { text });
    else log.warn('embedded_output', { text });
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', take);
  }
  return { tail: () => tail.join('\n') };
};

/**
 * What Redis and Valkey say at every start, and ClickHouse whenever its background tasks have nothing
 * to do. That memory may not be overcommitted can only postpone a rewrite of Redis' file, which goes
 * on growing meanwhile; writes go on (`stop-writes-on-bgsave-error no`).
 */
const ordinary: readonly RegExp[] = [
  /^\d+:C .* # oO0OoO0OoO0Oo (Redis|Valkey) is starting oO0OoO0OoO0Oo$/,
  /^\d+:C .* # (Redis|Valkey) version=.*, just started$/,
  /^\d+:C .* # Configuration loaded$/,
  /^\d+:M .* # Server initialized$/,
  /^\d+:[CM] .* # WARNING Memory overcommit must be enabled!/,
  /<Warning> BackgroundSchedulePool\/\S+: Temporarily pause scheduling of tasks with id \d+/,
];

const isOrdinary = (text: string): boolean => ordinary.some((it) => it.test(text));

/** ClickHouse prints `12. ? @ 0x…` for each frame of a library without symbols, which says nothing. */
const isStackFrame = (text: string): boolean => /\b\d+\. \S+ @ 0x[0-9a-f]+$/.test(text);
