import type { QueryParameter } from '../../model/query.ts';
import type { CalendarPeriod, Window } from '../rules/signal-plan.ts';

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

const dayMs = 86_400_000;

/** In UTC; weeks begin on Monday. */
const periodStartMs = (period: CalendarPeriod, atMs: number): number => {
  const at = new Date(atMs);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  switch (period) {
    case 'week': {
      const sinceMonday = (at.getUTCDay() + 6) % 7;
      return Date.UTC(year, month, at.getUTCDate()) - sinceMonday * dayMs;
    }
    case 'month':
      return Date.UTC(year, month, 1);
    case 'quarter':
      return Date.UTC(year, month - (month % 3), 1);
    case 'year':
      return Date.UTC(year, 0, 1);
  }
};

/** Unix seconds as text, which `DateTime64(9)` takes to the same moment in every time zone. */
export const timeParameter = (ms: number): QueryParameter => {
  const seconds = Math.floor(ms / 1_000);
  return `${seconds}.${String(Math.floor(ms - seconds * 1_000)).padStart(3, '0')}`;
};
