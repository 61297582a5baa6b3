import type { EscalationPolicy } from '../model/alerting.ts';
import type { EscalationState } from '../model/delivery.ts';

/** A whole policy is not run again sooner, should all its levels come at once. */
const roundPauseMsMin = 60_000;

export interface EscalationStep {
  /** 0 is told together with the routed receivers. */
  readonly level: number;
  readonly afterMs: number;
  readonly notify: readonly string[];
}

/**
 * A policy's levels as steps. A first level without `after` is level 0; else level 0 is only what
 * routing reaches, and the first level of the policy is level 1.
 */
const stepsOf = (policy: EscalationPolicy): readonly EscalationStep[] => {
  const immediate = policy.levels[0]?.afterMs === 0;
  return policy.levels.map((it, index) => ({
    level: immediate ? index : index + 1,
    afterMs: it.afterMs,
    notify: it.notify,
  }));
};

/** Receivers that level 0 adds to the routed ones. */
export const firstNotify = (policy: EscalationPolicy): readonly string[] =>
  stepsOf(policy).find((it) => it.level === 0)?.notify ?? [];

/** What comes after a level was told: the next level, the next round, or giving up. */
export const escalationAfter = (
  policy: EscalationPolicy,
  told: { readonly round: number; readonly level: number },
  nowMs: number,
): EscalationState => {
  const steps = stepsOf(policy);
  const next = steps.find((it) => it.level === told.level + 1);
  const waiting = (round: number, level: number, afterMs: number): EscalationState => ({
    kind: 'waiting',
    policy: policy.name,
    round,
    level,
    dueAtMs: nowMs + afterMs,
  });
  if (next) return waiting(told.round, next.level, next.afterMs);
  const first = steps[0];
  if (!first) return { kind: 'over', reason: 'given-up' };
  // The round after the last is where a policy gives up: the last level had its time to act too.
  const pauseMs = first.afterMs || steps.at(-1)?.afterMs || roundPauseMsMin;
  return waiting(told.round + 1, first.level, pauseMs);
};

/** What is due at this time, if anything. A policy that lost the awaited level has given up. */
export const dueStep = (
  policy: EscalationPolicy,
  state: EscalationState,
  nowMs: number,
): EscalationStep | 'given-up' | undefined => {
  if (state.kind === 'over' || nowMs < state.dueAtMs) return undefined;
  if (state.round > policy.repeat) return 'given-up';
  return stepsOf(policy).find((it) => it.level === state.level) ?? 'given-up';
};
