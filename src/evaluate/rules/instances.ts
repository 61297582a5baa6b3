import type { Labels } from '../../model/matcher.ts';
import { joinSignals } from './join.ts';
import type { CompiledRule, Instance, SignalRow } from './plan.ts';

/**
 * What a rule watches, from the rows of its queries by signal name. `known` are labels of alerts
 * of this rule that live already. See `joinSignals` for the rules and for what is thrown.
 */
export const instancesOf = (
  rule: CompiledRule,
  rows: Readonly<Record<string, readonly SignalRow[]>>,
  known: readonly Labels[] = [],
): readonly Instance[] => {
  const answers = Object.entries(rule.signals).map(([name, { labelNames, absentValue }]) => {
    return [name, { rows: rows[name] ?? [], labelNames, absentValue }] as const;
  });
  return joinSignals(Object.fromEntries(answers), known).map(({ labels, values }) => ({
    labels,
    values: rule.derive(values),
  }));
};
