import type { Alert, Grade } from '../../model/alert.ts';
import type { Labels } from '../../model/matcher.ts';
import type { StepState } from '../../model/step.ts';
import type { CompiledRule, SignalValues, Unit } from '../rules/plan.ts';

/** What Redis keeps of one instance between evaluations: enough to go on after any restart. */
export interface Remembered {
  /** Labels as the signals answered them; they find the instance again. */
  readonly source: Labels;
  /** The alert's labels without a computed severity: its identity. */
  readonly labels: Labels;
  readonly severity?: string;
  readonly grade?: Grade;
  readonly annotations: Labels;
  readonly values: Readonly<Record<string, number>>;
  readonly units?: Readonly<Record<string, string>>;
  readonly escalation?: string;
  readonly generatorUrl?: string;
  /** Absent while it is inactive and only its `breaches` matter. */
  readonly step?: StepState;
  /** For `at_least`: `1` for each of the last evaluations that held, `0` for one that did not. */
  readonly breaches?: string;
  /** An alert about the rule itself, raised by `no_data: alert` or `on_error: alert`. */
  readonly about?: 'no-data' | 'error';
  readonly writtenAtMs: number;
}

/** Undefined for text that is not ours, which is as good as forgotten. */
export const parseRemembered = (text: string): Remembered | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    const known = typeof value === 'object' && value !== null && 'labels' in value;
    return known ? (value as Remembered) : undefined;
  } catch {
    return undefined;
  }
};

/** The alert as people see it, in the state it has or, when it ends, had last. */
export const alertOf = (
  ruleId: string,
  fingerprint: string,
  it: Remembered,
  state: StepState,
  resolvedAtMs?: number,
): Alert => ({
  id: `${fingerprint}-${state.activeAtMs.toString(36)}`,
  fingerprint,
  ruleId,
  labels: it.severity === undefined ? it.labels : { ...it.labels, severity: it.severity },
  annotations: it.annotations,
  phase: resolvedAtMs === undefined ? state.phase : 'resolved',
  activeAtMs: state.activeAtMs,
  ...(state.firedAtMs !== undefined && { firedAtMs: state.firedAtMs }),
  ...(resolvedAtMs !== undefined && { resolvedAtMs }),
  values: it.values,
  ...(it.units && { units: it.units }),
  ...(it.grade && { grade: it.grade }),
  ...(it.escalation !== undefined && { escalation: it.escalation }),
  ...(it.generatorUrl !== undefined && { generatorUrl: it.generatorUrl }),
});

/** Without what is not known, which JSON could not carry either. */
export const knownValues = (values: SignalValues): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(values).filter((it): it is [string, number] => Number.isFinite(it[1])),
  );

export const unitsOf = (rule: CompiledRule): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...rule.units]
      .map(([name, unit]) => [name, ucum[unit]] as const)
      .filter((it): it is readonly [string, string] => it[1] !== undefined),
  );

const ucum: Readonly<Record<Unit, string | undefined>> = {
  seconds: 's',
  bytes: 'By',
  ratio: '1',
  'per-second': '/s',
  count: undefined,
  unknown: undefined,
};
