import type { Path } from '../../lib/document.ts';
import type { NoDataPolicy, StepPolicy } from '../../model/step.ts';
import type { Report } from './assemble.ts';
import type { CompiledSignal } from './plan.ts';
import type { RuleInput } from './schema.ts';

/** How the state machine treats a rule: how long, how often, and what silence and errors mean. */
export const readPolicy = (
  input: RuleInput,
  signals: readonly CompiledSignal[],
  path: Path,
  report: Report,
): StepPolicy => {
  const atLeast = input.at_least === undefined ? undefined : readAtLeast(input.at_least);
  if (input.at_least !== undefined && !atLeast) {
    report(
      [...path, 'at_least'],
      'expected such as "3 of 5": at most 100 evaluations, and of these fewer',
    );
  }
  if (input.at_least !== undefined && input.for !== undefined) {
    report([...path, 'for'], 'is not used: at_least is there instead', 'warning');
  }
  return {
    forMs: atLeast ? 0 : (input.for ?? 0),
    keepFiringForMs: input.keep_firing_for ?? 0,
    noData: input.no_data ?? defaultNoData(signals),
    onError: input.on_error ?? 'keep',
    ...(atLeast ? { atLeast } : {}),
  };
};

/**
 * A count without rows is a count of 0, and hand-written SQL leaves out what is fine, as PromQL
 * does. For everything else silence proves nothing.
 */
const defaultNoData = (signals: readonly CompiledSignal[]): NoDataPolicy =>
  signals.every((it) => it.absentValue === 0 || it.labelNames === undefined) ? 'ok' : 'keep';

const readAtLeast = (text: string): StepPolicy['atLeast'] => {
  const [, breaches, of] = /^\s*(\d{1,3})\s+of\s+(\d{1,3})\s*$/.exec(text) ?? [];
  const [least, all] = [Number(breaches), Number(of)];
  return least >= 1 && least <= all && all <= 100 ? { breaches: least, of: all } : undefined;
};
