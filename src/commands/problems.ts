import { formatProblem, type Problem } from '../lib/document.ts';
import { type ExitCode, type Io, say, sayJson } from './io.ts';

interface Findings {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** What is said when nothing is wrong. */
  readonly good: string;
}

/** Prints what a check found, one line each as editors and CI understand it, and how it ends. */
export const report = (io: Io, { problems, warnings, good }: Findings, json: boolean): ExitCode => {
  if (json) {
    sayJson(io, { ok: problems.length === 0, problems, warnings });
  } else {
    for (const it of problems) say(io, formatProblem(it));
    for (const it of warnings) say(io, formatProblem({ ...it, message: `warning: ${it.message}` }));
    if (problems.length === 0) say(io, good);
  }
  return problems.length === 0 ? 0 : 1;
};

/** `1 rule`, `3 rules`. */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`;
