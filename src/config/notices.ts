import type { Path, Problem, ProblemAt } from '../lib/document.ts';

/** Collects what is wrong and what is only worth saying while a document becomes what it means. */
export interface Notices {
  readonly refuse: (path: Path, message: string) => void;
  readonly warn: (path: Path, message: string) => void;
  readonly problems: () => readonly Problem[];
  readonly warnings: () => readonly Problem[];
}

export const createNotices = (problemAt: ProblemAt): Notices => {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  return {
    refuse: (path, message) => {
      problems.push(problemAt(path, message));
    },
    warn: (path, message) => {
      warnings.push(problemAt(path, message));
    },
    problems: () => problems,
    warnings: () => warnings,
  };
};

/** In the order in which somebody reads the file. */
export const byPlace = (a: Problem, b: Problem): number => a.line - b.line || a.column - b.column;
