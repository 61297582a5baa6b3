import type { QueryParameter } from '../../model/query.ts';
import { segmentEndsSql, segmentsSql, spanTierParameters } from '../../model/span-tiers.ts';
import { coverRange, type Segment, type TiersKeptMs } from '../../model/tier-cover.ts';
import type { QueryPlan, Window } from '../rules/signal-plan.ts';
import { type RangesSql, rawCacheAttribute } from './cache-rows.ts';
import { floorMinute } from './span-tiers.ts';
import { type Range, rangeAt, timeParameter } from './window.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * How long after their end rows of a tier are relied on. Jobs compute them: a minute half a minute
 * after its end, an hour with the next five minutes, a day with the next hour.
 */
const settledMs = { '1m': 10 * minuteMs, '1h': 20 * minuteMs, '1d': 2 * hourMs } as const;

/** Why a signal must read what tells of caches itself; undefined where the tiers answer as well. */
export const reasonForRawCaches = ({ where, by, window }: QueryPlan): string | undefined => {
  if (window.kind === 'rolling' && window.overMs <= settledMs['1m']) return 'its window is short';
  const wanted = rawCacheAttribute(where, by);
  return wanted === undefined ? undefined : `of ${wanted}`;
};

/** The rows of a window that no tier answers for. */
export const cacheRangesSql = (tiers: boolean): RangesSql =>
  tiers ? segmentEndsSql('raw', 'DateTime64(9)') : [['{from:DateTime64(9)}', '{to:DateTime64(9)}']];

/** Rows of all tiers that are within the segments of a cover and fit all conditions. */
export const cacheTierRows = (
  columns: readonly string[],
  where: readonly string[],
): readonly string[] =>
  (['1d', '1h', '1m'] as const).map((tier) => {
    const conditions = [segmentsSql(tier, 'Time', 'DateTime'), ...where].join('\n  AND ');
    return `SELECT ${columns.join(', ')}\nFROM cache_rollup_${tier}\nWHERE ${conditions}`;
  });

/** As with spans, a window of more than a day begins with a whole minute, and with what is left. */
export const cacheTierWindow = (
  window: Window,
  atMs: number,
  keptMs: TiersKeptMs,
): Readonly<Record<string, QueryParameter>> => {
  const asked = rangeAt(window, atMs);
  const wholeMinutes = asked.toMs - asked.fromMs > dayMs;
  const range = wholeMinutes ? { ...asked, fromMs: floorMinute(asked.fromMs) } : asked;
  const segments = settledSegments(range, atMs, keptMs);
  return {
    ...spanTierParameters({ segments }),
    from: timeParameter(range.fromMs),
    to: timeParameter(range.toMs),
    seconds: segments.reduce((sum, it) => sum + it.toMs - it.fromMs, 0) / 1_000,
  };
};

/** What ended long ago out of all tiers, and the nearer to now, the finer. */
const settledSegments = (range: Range, atMs: number, keptMs: TiersKeptMs): readonly Segment[] => {
  const floor = (ms: number, unit: number): number => Math.floor(ms / unit) * unit;
  const parts: readonly (readonly [number, TiersKeptMs])[] = [
    [floor(atMs - settledMs['1d'], dayMs), keptMs],
    [floor(atMs - settledMs['1h'], hourMs), { ...keptMs, '1d': 0 }],
    [floor(atMs - settledMs['1m'], minuteMs), { ...keptMs, '1d': 0, '1h': 0 }],
    [range.toMs, { ...keptMs, '1d': 0, '1h': 0, '1m': 0 }],
  ];
  let fromMs = range.fromMs;
  return parts.flatMap(([untilMs, kept]) => {
    const part = { fromMs, toMs: Math.min(untilMs, range.toMs) };
    fromMs = Math.max(fromMs, part.toMs);
    return coverRange(part, { nowMs: atMs, keptMs: kept, finest: 'raw' }).segments;
  });
};
