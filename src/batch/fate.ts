import type { Remedy } from '../lib/fault.ts';

/** How often the insert of one batch failed. */
export interface Failures {
  /** By ClickHouse saying that the same can never be stored. */
  readonly refused: number;
  readonly failed: number;
  /** Batches of the same signal that were stored since the first of these failures. */
  readonly othersStored: number;
}

export interface FateLimits {
  /** Refusals of a batch while others pass: it is this batch that is wrong. */
  readonly refusalsMax: number;
  /** Refusals of everything: a wrong password or schema, which somebody may put right meanwhile. */
  readonly refusalsAloneMax: number;
  /** Failures of a batch while others pass, that claim to be temporary. */
  readonly failuresMax: number;
  /** How many others must have passed to count as such. */
  readonly othersStoredMin: number;
}

export const defaultFateLimits: FateLimits = {
  refusalsMax: 5,
  refusalsAloneMax: 2_000,
  failuresMax: 50,
  othersStoredMin: 3,
};

export type Fate = 'try-again' | 'refused' | 'refused-alone' | 'failed-alone';

/** Whether a batch that could not be stored is tried again; else why it is given up. */
export const fateOf = (failures: Failures, limits: FateLimits): Fate => {
  const { refused, failed, othersStored } = failures;
  const othersPass = othersStored >= limits.othersStoredMin;
  if (othersPass && refused >= limits.refusalsMax) return 'refused';
  if (refused >= limits.refusalsAloneMax) return 'refused-alone';
  if (othersPass && refused + failed >= limits.failuresMax) return 'failed-alone';
  return 'try-again';
};

export const noFailures: Failures = { refused: 0, failed: 0, othersStored: 0 };

export const withFailure = (failures: Failures, remedy: Remedy | 'unforeseen'): Failures =>
  remedy === 'reject'
    ? { ...failures, refused: failures.refused + 1 }
    : { ...failures, failed: failures.failed + 1 };
