import type { FindSilence } from '../model/delivery.ts';
import { matchesAll } from './matcher.ts';

/**
 * Of several silences the one that ends last is named, so that what is shown lasts longest. A
 * silence without matchers holds nothing: nobody silences everything by accident.
 */
export const findSilence: FindSilence = (silences, labels, nowMs) =>
  silences
    .filter((it) => it.startsAtMs <= nowMs && nowMs < it.endsAtMs)
    .filter((it) => it.matchers.length > 0 && matchesAll(it.matchers, labels))
    .toSorted((a, b) => b.endsAtMs - a.endsAtMs || (a.id < b.id ? -1 : 1))[0];
