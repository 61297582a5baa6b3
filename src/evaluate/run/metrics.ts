import { type Meter, secondsBounds } from '../../lib/meter.ts';
import type { AlertTransition } from '../../model/alert.ts';

export type EvaluationEnding = 'committed' | 'failed' | 'stale' | 'lost' | 'full' | 'removed';

export interface EvaluateMetrics {
  readonly lag: (lagMs: number) => void;
  readonly groupTook: (durationMs: number) => void;
  readonly ended: (ending: EvaluationEnding) => void;
  readonly skipped: (slots: number) => void;
  readonly dropped: (instances: number) => void;
  readonly transitions: (transitions: readonly AlertTransition[]) => void;
  readonly tickFailed: () => void;
}

/** `phases` is asked at each collection. */
export const createEvaluateMetrics = (
  meter: Meter,
  phases: () => { readonly pending: number; readonly firing: number },
): EvaluateMetrics => {
  const lag = meter.histogram('tocsin_evaluate_lag', {
    description: 'From the moment a group was due to the moment a worker began with it.',
    unit: 's',
    bounds: secondsBounds,
  });
  const duration = meter.histogram('tocsin_evaluate_duration', {
    description: 'Time the evaluation of a group took.',
    unit: 's',
    bounds: secondsBounds,
  });
  const rules = meter.counter('tocsin_evaluate_rules_evaluated', {
    description: 'Evaluations of rules, by how they ended.',
    unit: '{evaluation}',
  });
  const skipped = meter.counter('tocsin_evaluate_slots_skipped', {
    description: 'Times a group was due and nobody evaluated it.',
    unit: '{slot}',
  });
  const dropped = meter.counter('tocsin_evaluate_instances_dropped', {
    description: 'New alert instances that found no place within the limit of their rule.',
    unit: '{instance}',
  });
  const transitions = meter.counter('tocsin_evaluate_transitions_committed', {
    description: 'Changes of alerts put into the outbox.',
    unit: '{transition}',
  });
  const ticks = meter.counter('tocsin_evaluate_ticks_failed', {
    description: 'Times due groups could not be queued; they are queued at the next tick.',
    unit: '{tick}',
  });
  meter.gauge(
    'tocsin_evaluate_instances',
    {
      description: 'Pending and firing alerts of the rules this process evaluated last.',
      unit: '{instance}',
    },
    () => Object.entries(phases()).map(([phase, value]) => ({ value, attributes: { phase } })),
  );
  return {
    lag: (lagMs) => lag(Math.max(0, lagMs) / 1_000),
    groupTook: (durationMs) => duration(durationMs / 1_000),
    ended: (ending) => rules(1, { ending }),
    skipped: (slots) => {
      if (slots > 0) skipped(slots);
    },
    dropped: (instances) => {
      if (instances > 0) dropped(instances);
    },
    transitions: (all) => {
      for (const { kind } of all) transitions(1, { kind });
    },
    tickFailed: () => ticks(1),
  };
};
