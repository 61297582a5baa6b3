/** Raw rows and the tables that sum them up by time, finest first. */
const tiers = ['raw', '1m', '1h', '1d'] as const;
export type Tier = (typeof tiers)[number];

/** Length of a bucket; raw rows are told apart to the millisecond. */
const bucketMs: Readonly<Record<Tier, number>> = {
  raw: 1,
  '1m': 60_000,
  '1h': 3_600_000,
  '1d': 86_400_000,
};

/** How long each tier keeps its rows, milliseconds; Infinity where nobody said. */
export type TiersKeptMs = Readonly<Record<Tier, number>>;

export const keptForEver: TiersKeptMs = {
  raw: Infinity,
  '1m': Infinity,
  '1h': Infinity,
  '1d': Infinity,
};

/** From `fromMs`, without `toMs`. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Segment extends TimeRange {
  readonly tier: Tier;
}

/**
 * Where the answer is about another range than the one asked for. `widened`: `ms` of the time beside
 * it are read too, since only `tier` still has that time. `dropped`: `ms` of it are kept nowhere.
 */
export type Compromise =
  | {
      readonly kind: 'widened';
      readonly edge: 'start' | 'end';
      readonly ms: number;
      readonly tier: Tier;
    }
  | { readonly kind: 'dropped'; readonly ms: number };

export interface Cover {
  /** In order of time; no two overlap. */
  readonly segments: readonly Segment[];
  /** Empty: the segments are exactly the range. */
  readonly compromises: readonly Compromise[];
}

export interface CoverOptions {
  readonly nowMs: number;
  readonly keptMs: TiersKeptMs;
  /** `1m`: raw rows are never read, so the range is best given in whole minutes. */
  readonly finest: 'raw' | '1m';
}

/**
 * Which tier to read for which part of a range, so that each moment is read once: whole days from
 * days, what is left of them from hours, and so on, coarsest first because it is cheapest.
 */
export const coverRange = (range: TimeRange, options: CoverOptions): Cover => {
  if (!(range.fromMs < range.toMs)) return { segments: [], compromises: [] };
  const usable = tiers.slice(tiers.indexOf(options.finest)).map((tier): Level => {
    const unit = bucketMs[tier];
    return { tier, unit, sinceMs: ceilTo(options.nowMs - options.keptMs[tier], unit) };
  });
  const start = startOf(range, usable);
  const end = endOf({ fromMs: start.ms, toMs: range.toMs }, usable);
  const segments = fill({ fromMs: start.ms, toMs: end.ms }, usable.toReversed());
  return {
    segments,
    compromises: [
      ...widened('start', range.fromMs - start.ms, start.tier),
      ...widened('end', end.ms - range.toMs, end.tier),
      ...dropped({ fromMs: Math.min(range.fromMs, start.ms), toMs: end.ms }, segments),
    ],
  };
};

interface Level {
  readonly tier: Tier;
  readonly unit: number;
  /** Start of the first bucket that is whole. */
  readonly sinceMs: number;
}

interface Edge {
  readonly ms: number;
  readonly tier: Tier;
}

/** The start of the bucket that has `fromMs`, in the finest tier that still has that bucket. */
const startOf = ({ fromMs }: TimeRange, levels: readonly Level[]): Edge => {
  for (const { tier, unit, sinceMs } of levels) {
    const ms = floorTo(fromMs, unit);
    if (ms >= sinceMs) return { ms, tier };
  }
  return { ms: fromMs, tier: '1d' };
};

/** The end in the finest tier that, with the coarser ones before it, can be read up to there. */
const endOf = ({ fromMs, toMs }: TimeRange, levels: readonly Level[]): Edge => {
  for (const [index, { tier, unit }] of levels.entries()) {
    const ms = ceilTo(toMs, unit);
    if (isReadableTo(ms, fromMs, levels.slice(index))) return { ms, tier };
  }
  return { ms: toMs, tier: '1d' };
};

/** `level` has what follows the last end of a bucket of the next coarser tier, that tier the rest. */
const isReadableTo = (
  ms: number,
  fromMs: number,
  [level, ...coarser]: readonly Level[],
): boolean => {
  if (!level) return true;
  const next = coarser[0]?.unit;
  const takenOverMs = next === undefined ? ms - level.unit : floorTo(ms, next);
  if (takenOverMs < ms && Math.max(takenOverMs, fromMs) < level.sinceMs) return false;
  return takenOverMs <= fromMs || isReadableTo(takenOverMs, fromMs, coarser);
};

const fill = (
  { fromMs, toMs }: TimeRange,
  [level, ...finer]: readonly Level[],
): readonly Segment[] => {
  if (!level || fromMs >= toMs) return [];
  const first = Math.max(ceilTo(fromMs, level.unit), level.sinceMs);
  const last = floorTo(toMs, level.unit);
  if (first >= last) return fill({ fromMs, toMs }, finer);
  return [
    ...fill({ fromMs, toMs: first }, finer),
    { tier: level.tier, fromMs: first, toMs: last },
    ...fill({ fromMs: last, toMs }, finer),
  ];
};

const widened = (edge: 'start' | 'end', ms: number, tier: Tier): readonly Compromise[] =>
  ms > 0 ? [{ kind: 'widened', edge, ms, tier }] : [];

const dropped = (
  { fromMs, toMs }: TimeRange,
  segments: readonly Segment[],
): readonly Compromise[] => {
  const read = segments.reduce((sum, it) => sum + it.toMs - it.fromMs, 0);
  const ms = toMs - fromMs - read;
  return ms > 0 ? [{ kind: 'dropped', ms }] : [];
};

const floorTo = (ms: number, unit: number): number => Math.floor(ms / unit) * unit;
const ceilTo = (ms: number, unit: number): number => Math.ceil(ms / unit) * unit;
