import type { Condition } from '../compile/condition.ts';
import type { Decide, SignalValues, Verdict } from './plan.ts';

export interface Conditions {
  /** Highest first; a rule without severities has one condition without a name. */
  readonly levels: readonly { readonly severity?: string; readonly condition: Condition }[];
  /** What must hold before a firing alert counts as clear. */
  readonly recoverWhen?: Condition;
}

/**
 * The highest severity whose condition holds wins. When none holds but one may, nothing is known.
 * With `recover_when` a firing alert goes on until that holds: between both it keeps its severity.
 */
export const createDecide = ({ levels, recoverWhen }: Conditions): Decide => {
  const mentioned = [...levels.map((it) => it.condition), ...(recoverWhen ? [recoverWhen] : [])];
  const names = [...new Set(mentioned.flatMap((it) => it.signals))];
  const unknown = (values: SignalValues): Verdict => ({
    holds: 'unknown',
    missing: names.filter((it) => values[it] === undefined || values[it] === null),
  });
  return (values, held) => {
    const truths = levels.map((it) => it.condition.holds(values));
    const level = levels[truths.indexOf('yes')];
    if (level) return { holds: 'yes', ...named(level.severity) };
    if (held && recoverWhen) {
      const recovered = recoverWhen.holds(values);
      if (recovered === 'unknown') return unknown(values);
      return recovered === 'yes' ? { holds: 'no' } : { holds: 'yes', ...named(held.severity) };
    }
    return truths.includes('unknown') ? unknown(values) : { holds: 'no' };
  };
};

const named = (severity: string | undefined): { readonly severity?: string } =>
  severity === undefined ? {} : { severity };

const ranks: readonly (readonly string[])[] = [
  ['none', 'info', 'information', 'notice', 'low'],
  ['warning', 'warn', 'ticket', 'medium', 'moderate'],
  ['error', 'major', 'high'],
  ['critical', 'page', 'fatal'],
  ['emergency', 'disaster'],
];

/**
 * Highest first. Well-known names have their usual order whatever the file says; with any other
 * name in the list the file's order counts, from low to high.
 */
export const orderSeverities = (names: readonly string[]): readonly string[] => {
  const rankOf = (name: string) => ranks.findIndex((it) => it.includes(name.toLowerCase()));
  const highestFirst = names.toReversed();
  if (names.some((it) => rankOf(it) < 0)) return highestFirst;
  return highestFirst.toSorted((a, b) => rankOf(b) - rankOf(a));
};
