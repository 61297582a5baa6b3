import type {
  NoDataPolicy,
  Reading,
  Step,
  StepPolicy,
  StepResult,
  StepState,
} from '../model/step.ts';

/** A series that is not in this many answers in a row has ended (Grafana's default). */
const missedMax = 2;

/** What a reading proves under a policy. `gone` proves an end only when it repeats itself. */
type Evidence = 'holds' | 'ended' | 'gone' | 'nothing';

/**
 * The life of one alert instance: Prometheus' state machine (rules/alerting.go, semantics.md 4.1),
 * except that a series which is missing once is no proof that it ended. Pure: the same readings
 * always tell the same story. `reason` names the rule that decided.
 */
export const step: Step = (state, reading, nowMs, policy) => {
  const [evidence, reason] = evidenceOf(reading, policy);
  if (!state) return evidence === 'holds' ? whenBegun(reason, nowMs, policy) : stay(state, reason);
  switch (evidence) {
    case 'holds':
      return state.phase === 'pending'
        ? whenPending(state, reason, nowMs, policy)
        : whenFiring(state, reason, nowMs, policy);
    case 'ended':
      return whenEnded(seen(state), reason, nowMs, policy);
    case 'gone':
      return whenGone(state, reason, nowMs, policy);
    case 'nothing':
      return stay(state, reason);
  }
};

const evidenceOf = (reading: Reading, policy: StepPolicy): readonly [Evidence, string] => {
  switch (reading) {
    case 'breach':
      return ['holds', 'condition-holds'];
    case 'clear':
      return ['ended', 'cleared'];
    case 'missing':
      return ['gone', 'missing-series'];
    case 'no-data':
      return [silence[policy.noData], 'no-data'];
    case 'error':
      return [silence[policy.onError], 'error'];
  }
};

/** `alert` leaves what is known alone: the evaluator raises an alert of its own for it. */
const silence: Readonly<Record<NoDataPolicy, Evidence>> = {
  ok: 'gone',
  keep: 'nothing',
  fire: 'holds',
  alert: 'nothing',
};

const stay = (state: StepState | undefined, reason: string): StepResult => ({
  state,
  change: 'none',
  reason,
});

const whenBegun = (reason: string, nowMs: number, policy: StepPolicy): StepResult =>
  policy.forMs <= 0
    ? { state: firing(nowMs, nowMs), change: 'fired', reason }
    : { state: pending(nowMs), change: 'pending', reason };

const whenPending = (
  state: StepState,
  reason: string,
  nowMs: number,
  policy: StepPolicy,
): StepResult => {
  // After the clock was set back a wait that began in the future would last for as long again.
  const activeAtMs = Math.min(state.activeAtMs, nowMs);
  return nowMs - activeAtMs >= policy.forMs
    ? { state: firing(activeAtMs, nowMs), change: 'fired', reason: 'held-for' }
    : stay(pending(activeAtMs), reason);
};

const whenFiring = (
  state: StepState,
  reason: string,
  nowMs: number,
  policy: StepPolicy,
): StepResult => {
  const { activeAtMs, firedAtMs = activeAtMs } = state;
  const heldMs = nowMs - activeAtMs;
  // Compared with the time it fired too: a clock that was set back must not look like a raised `for`.
  if (firedAtMs - activeAtMs < policy.forMs && heldMs >= 0 && heldMs < policy.forMs) {
    // Who was told "firing" is told "resolved"; what may fire later is an episode with its own id.
    return { state: pending(activeAtMs + 1), change: 'resolved', reason: 'for-raised' };
  }
  return stay(firing(activeAtMs, firedAtMs), reason);
};

const whenGone = (
  state: StepState,
  reason: string,
  nowMs: number,
  policy: StepPolicy,
): StepResult => {
  const missed = (state.missed ?? 0) + 1;
  if (missed >= missedMax) return whenEnded({ ...state, missed: missedMax }, reason, nowMs, policy);
  return stay({ ...sinceClear(state, nowMs), missed }, reason);
};

const whenEnded = (
  state: StepState,
  reason: string,
  nowMs: number,
  policy: StepPolicy,
): StepResult => {
  if (state.phase === 'pending') return { state: undefined, change: 'dropped', reason };
  const held = sinceClear(state, nowMs);
  return nowMs - (held.clearSinceMs ?? nowMs) >= policy.keepFiringForMs
    ? { state: undefined, change: 'resolved', reason }
    : stay(held, 'keep-firing-for');
};

const seen = ({ missed: _missed, ...state }: StepState): StepState => state;

const sinceClear = (state: StepState, nowMs: number): StepState =>
  state.phase === 'pending'
    ? state
    : { ...state, clearSinceMs: Math.min(state.clearSinceMs ?? nowMs, nowMs) };

const pending = (activeAtMs: number): StepState => ({ phase: 'pending', activeAtMs });

const firing = (activeAtMs: number, firedAtMs: number): StepState => ({
  phase: 'firing',
  activeAtMs,
  firedAtMs,
});
