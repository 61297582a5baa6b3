import type { Signal } from '../../src/model/ingest.ts';

/**
 * What is known of one request:
 * `acknowledged` at its only attempt with an answer, so it must be stored exactly once;
 * `repeated`: acknowledged after an attempt without an answer, which may have been taken too;
 * `unknown`: given up without ever having been answered; `refused`: said not to be stored;
 * `partial`: acknowledged except some items, whose ids the answer does not tell; `unsent`.
 */
export type Fate = 'acknowledged' | 'repeated' | 'unknown' | 'refused' | 'partial' | 'unsent';

/** Everything that the verifier must know about a run; plain JSON. */
export interface LoadRecord {
  readonly run: string;
  readonly signal: Signal;
  readonly seed: number;
  readonly stride: number;
  /** Request n carries as many items as entry n modulo length says. */
  readonly itemsByTemplate: readonly number[];
  /** One letter per request, in order: see `letterOf`. */
  readonly fates: string;
  /** When each request was acknowledged, ms of the wall clock; 0 if it was not. */
  readonly acknowledgedAtMs: readonly number[];
}

const letters: Readonly<Record<Fate, string>> = {
  acknowledged: 'a',
  repeated: 'A',
  unknown: 'u',
  refused: 'r',
  partial: 'p',
  unsent: '.',
};

const fates = new Map(Object.entries(letters).map(([fate, letter]) => [letter, fate as Fate]));

export const letterOf = (fate: Fate): string => letters[fate];

export const fateOf = (record: LoadRecord, request: number): Fate =>
  fates.get(record.fates[request] ?? '.') ?? 'unsent';
