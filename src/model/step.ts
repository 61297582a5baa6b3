/**
 * What one evaluation saw of one alert instance. `missing`: the query answered but this series was
 * not in it. `no-data`: the query answered nothing at all. `error`: it failed, which proves nothing.
 */
export type Reading = 'breach' | 'clear' | 'missing' | 'no-data' | 'error';

export type NoDataPolicy = 'ok' | 'keep' | 'fire' | 'alert';

export interface StepPolicy {
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly noData: NoDataPolicy;
  readonly onError: NoDataPolicy;
  /** Instead of `forMs`: fires once this many of the last `of` evaluations breached. */
  readonly atLeast?: { readonly breaches: number; readonly of: number };
}

/** Persisted per instance; absence means inactive. */
export interface StepState {
  readonly phase: 'pending' | 'firing';
  readonly activeAtMs: number;
  readonly firedAtMs?: number;
  /** When a firing alert first read clear. */
  readonly clearSinceMs?: number;
  /** Evaluations in a row that had nothing to say of it; absent while it is seen. */
  readonly missed?: number;
}

export type StepChange = 'none' | 'pending' | 'fired' | 'resolved' | 'dropped';

export interface StepResult {
  /** Undefined: inactive. */
  readonly state: StepState | undefined;
  readonly change: StepChange;
  readonly reason: string;
}

export type Step = (
  state: StepState | undefined,
  reading: Reading,
  nowMs: number,
  policy: StepPolicy,
) => StepResult;
