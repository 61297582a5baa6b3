import { periodStartMs } from '../../lib/calendar.ts';
import type { QueryParameter } from '../../model/query.ts';
import type { Window } from '../rules/signal-plan.ts';

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a window means for an evaluation as of `atMs`. */
export const rangeAt = (window: Window, atMs: number): Range => {
  const toMs = atMs - window.offsetMs;
  const fromMs =
    window.kind === 'rolling' ? toMs - window.overMs : periodStartMs(window.period, toMs);
  return { fromMs, toMs };
};

/** Unix seconds as text, which `DateTime64(9)` takes to the same moment in every time zone. */
export const timeParameter = (ms: number): QueryParameter => {
  const seconds = Math.floor(ms / 1_000);
  return `${seconds}.${String(Math.floor(ms - seconds * 1_000)).padStart(3, '0')}`;
};
