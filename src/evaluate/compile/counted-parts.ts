import type { QueryParameter } from '../../model/query.ts';
import type { TimeRange } from '../../model/tier-cover.ts';

/** Condition that a DateTime64 lies in a part of the window that counts. */
export const inPartsSql = (time: string): string =>
  `arrayExists((begin, end) -> toUnixTimestamp64Milli(${time}) >= begin AND toUnixTimestamp64Milli(${time}) < end, {part_from:Array(Int64)}, {part_to:Array(Int64)})`;

/** Seconds that count since a time, given as SQL for milliseconds since 1970. */
export const countedSinceSql = (sinceMs: string): string =>
  `(arraySum((begin, end) -> greatest(0, end - greatest(begin, ${sinceMs})), {part_from:Array(Int64)}, {part_to:Array(Int64)}) / 1000)`;

/** For both. */
export const partParameters = (
  parts: readonly TimeRange[],
): Readonly<Record<string, QueryParameter>> => ({
  part_from: parts.map((it) => it.fromMs),
  part_to: parts.map((it) => it.toMs),
  seconds: parts.reduce((sum, it) => sum + it.toMs - it.fromMs, 0) / 1_000,
});
