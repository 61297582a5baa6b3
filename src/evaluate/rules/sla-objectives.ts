import { createHash } from 'node:crypto';
import type { SlaObjective } from '../../model/sla.ts';
import { compileSlaMinutes } from '../compile/sla-minutes.ts';
import { exclusionIn } from './read-exclude.ts';
import type { Objective, SlaPlan } from './read-sla.ts';
import type { ValueFunction } from './signal-plan.ts';

/** What is written down of an SLA minute by minute, one for each of its promises. */
export const slaObjectives = (plan: SlaPlan): readonly SlaObjective[] => {
  const { input, where, window, exclusions } = plan;
  return plan.objectives.map((objective): SlaObjective => {
    const told = {
      sla: input.name,
      objective: objective.name,
      type: input.type,
      service: input.service,
      target: objective.target,
      breachedWhen: objective.breachedWhen,
      budget: objective.budget,
      window:
        window.kind === 'rolling'
          ? { kind: window.kind, overMs: window.overMs }
          : { kind: window.kind, period: window.period },
    } as const;
    return {
      ...told,
      ...compileSlaMinutes({ where, ...countOf(objective) }),
      exclusionAt: exclusionIn(exclusions),
      definition: hashOf([told, where, exclusions]),
    };
  });
};

const countOf = ({
  actual,
  good,
}: Objective): {
  readonly actual: ValueFunction;
  readonly goodShare: ValueFunction | undefined;
} => {
  // A minute has no first request: what it reached is told by the job, which knows of silent ones too.
  if (actual.kind === 'rate_since_first')
    return { actual: { kind: 'count' }, goodShare: undefined };
  return { actual, goodShare: good ?? { kind: 'success_rate' } };
};

const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
