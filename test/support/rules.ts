import { loadRules } from '../../src/evaluate/rules/load.ts';
import type { RuleGroup, SignalRow } from '../../src/evaluate/rules/plan.ts';
import { formatProblem } from '../../src/lib/document.ts';
import type { Query } from '../../src/model/query.ts';

/** Compiled groups of one rule file; a mistake in it fails the test. */
export const rulesOf = (text: string, file = 'shop.yaml'): readonly RuleGroup[] => {
  const { groups, problems } = loadRules([{ file, text }], { intervalMs: 1_000, queryOffsetMs: 0 });
  const errors = problems.filter((it) => it.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map(formatProblem).join('\n'));
  return groups;
};

export interface Answers {
  readonly query: Query;
  /** What a query whose text contains `part` answers from now on. */
  readonly set: (part: string, rows: readonly SignalRow[] | Error) => void;
  /** What queries whose text contains `part` wait for before they answer. */
  readonly hold: (part: string, until: Promise<unknown> | undefined) => void;
  readonly asked: () => number;
}

/** A database as small as can be: answers are told to it. It must know every query. */
export const createAnswers = (): Answers => {
  const answers = new Map<string, readonly SignalRow[] | Error>();
  const held = new Map<string, Promise<unknown>>();
  let asked = 0;
  const query: Query = async <Row>(sql: string): Promise<readonly Row[]> => {
    asked += 1;
    for (const [part, until] of held) if (sql.includes(part)) await until;
    const answer = [...answers].find(([part]) => sql.includes(part))?.[1];
    if (!answer) throw new Error(`nobody told what to answer to: ${sql}`);
    if (answer instanceof Error) throw answer;
    return answer as readonly Row[];
  };
  return {
    query,
    set: (part, rows) => void answers.set(part, rows),
    hold: (part, until) => void (until ? held.set(part, until) : held.delete(part)),
    asked: () => asked,
  };
};
