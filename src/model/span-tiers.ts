import type { QueryParameter } from './query.ts';
import { durationSketchSql } from './sketch-sql.ts';
import type { Cover, Segment, Tier } from './tier-cover.ts';

/** Columns of `span_rollup_*`, with what one span of `otel_traces` adds to each. */
const ofOneSpan = {
  Time: `toStartOfMinute(toDateTime(Timestamp, 'UTC'))`,
  ServiceName: 'ServiceName',
  SpanKind: 'SpanKind',
  SpanName: 'SpanName',
  HttpRoute: `toLowCardinality(SpanAttributes['http.route'])`,
  StatusCode: 'StatusCode',
  Requests: 'AdjustedCount',
  Errors: `if(StatusCode = 'Error', AdjustedCount, 0)`,
  DurationSum: 'Duration * AdjustedCount',
  DurationMin: 'Duration',
  DurationMax: 'Duration',
  Sketch: durationSketchSql('AdjustedCount'),
  Spans: 'toUInt64(1)',
  FirstTime: `toDateTime(Timestamp, 'UTC')`,
  LastTime: `toDateTime(Timestamp, 'UTC')`,
} as const;

export type SpanTierColumn = keyof typeof ofOneSpan;

export interface SpanTiersOptions {
  /** Those that the query around it needs. */
  readonly columns: readonly SpanTierColumn[];
  /** Conditions over the columns that hold words. */
  readonly where: readonly string[];
  /** Whether the covers that it is given may have raw segments. */
  readonly raw: boolean;
  /** `two` of each tier, as covers have them, or `many`, which come as `manySegmentParameters`. */
  readonly segments?: 'two' | 'many';
}

/**
 * A query over all tiers, whichever segments a cover has: those come as `spanTierParameters`, so one
 * text serves every range. Its rows must be added up: one key may have several.
 */
export const spanTiersSql = ({
  columns,
  where,
  raw,
  segments = 'two',
}: SpanTiersOptions): string => {
  const inSegments = segments === 'two' ? segmentsSql : manySegmentsSql;
  const sums = summedTiers.map((tier) => {
    const conditions = [inSegments(tier, 'Time', 'DateTime'), ...where].join('\n  AND ');
    return `SELECT ${columns.join(', ')}\nFROM span_rollup_${tier}\nWHERE ${conditions}`;
  });
  if (!raw) return sums.join('\nUNION ALL\n');
  const spans = Object.entries(ofOneSpan).map(([name, sql]) => `${sql} AS ${name}`);
  const within = inSegments('raw', 'Timestamp', 'DateTime64(9)');
  const filters = where.length === 0 ? '' : `\nWHERE ${where.join('\n  AND ')}`;
  const rows = `SELECT ${columns.join(', ')}\nFROM (\nSELECT ${spans.join(', ')}\nFROM otel_traces\nWHERE ${within}\n)${filters}`;
  return [...sums, rows].join('\nUNION ALL\n');
};

/**
 * The same columns out of spans between `{from:DateTime}` and `{to:DateTime}`, a row for each. The
 * conditions are over columns of `otel_traces`. By `<` with a DateTime, ClickHouse (26.7) would leave
 * out parts whose first span starts in the last second.
 */
export const spanRowsSql = (
  columns: readonly SpanTierColumn[],
  where: readonly string[],
): string => {
  const found = columns.map((it) => `${ofOneSpan[it]} AS ${it}`).join(', ');
  const within = [
    'Timestamp >= {from:DateTime}',
    'Timestamp < toDateTime64({to:DateTime}, 9)',
    ...where,
  ];
  return `SELECT ${found}\nFROM otel_traces\nWHERE ${within.join('\n  AND ')}`;
};

export const summedTiers = ['1d', '1h', '1m'] as const;

/** A tier is read before and after the part that a coarser one answers for. */
const segmentsMax = 2;

/** Whether a row is in one of the segments that a cover, by its parameters, has of a tier. */
export const segmentsSql = (tier: Tier, time: string, type: string): string => {
  const segments = segmentEndsSql(tier, type).map(
    ([from, to]) => `${time} >= ${from} AND ${time} < ${to}`,
  );
  return `(${segments.join(' OR ')})`;
};

/** SQL for both ends of each. */
export const segmentEndsSql = (tier: Tier, type: string): readonly (readonly [string, string])[] =>
  Array.from({ length: segmentsMax }, (_, index) => {
    const [from, to] = namesOf(tier, index);
    return [`{${from}:${type}}`, `{${to}:${type}}`] as const;
  });

const namesOf = (tier: Tier, index: number): readonly [string, string] => [
  `from_${tier}_${index}`,
  `to_${tier}_${index}`,
];

/** For `spanTiersSql`. Segments that are not there are empty ones, which cost nothing. */
export const spanTierParameters = ({
  segments,
}: Pick<Cover, 'segments'>): Readonly<Record<string, QueryParameter>> => {
  const bounds = ([...summedTiers, 'raw'] as const).flatMap((tier) => {
    const own = segments.filter((it) => it.tier === tier);
    return Array.from({ length: segmentsMax }, (_, index) => boundsOf(tier, index, own[index]));
  });
  return Object.fromEntries(bounds.flat());
};

const boundsOf = (
  tier: Tier,
  index: number,
  segment: Segment | undefined,
): readonly (readonly [string, string])[] => {
  const [from, to] = namesOf(tier, index);
  return [
    [from, secondsOf(tier, segment?.fromMs ?? 0)],
    [to, secondsOf(tier, segment?.toMs ?? 0)],
  ];
};

/** As `segmentsSql`, for any number of segments: between the first and the last, only theirs count. */
const manySegmentsSql = (tier: Tier, time: string, type: string): string => {
  const unix = tier === 'raw' ? `toUnixTimestamp64Milli(${time})` : `toUnixTimestamp(${time})`;
  const lists = `{froms_${tier}:Array(Int64)}, {tos_${tier}:Array(Int64)}`;
  return `${time} >= {from_${tier}:${type}} AND ${time} < {to_${tier}:${type}} AND arrayExists((begin, end) -> ${unix} >= begin AND ${unix} < end, ${lists})`;
};

export const manySegmentParameters = (
  segments: readonly Segment[],
): Readonly<Record<string, QueryParameter>> =>
  Object.fromEntries(
    ([...summedTiers, 'raw'] as const).flatMap((tier): readonly [string, QueryParameter][] => {
      const own = segments.filter((it) => it.tier === tier);
      const unit = tier === 'raw' ? 1 : 1_000;
      return [
        [`from_${tier}`, secondsOf(tier, own[0]?.fromMs ?? 0)],
        [`to_${tier}`, secondsOf(tier, own.at(-1)?.toMs ?? 0)],
        [`froms_${tier}`, own.map((it) => it.fromMs / unit)],
        [`tos_${tier}`, own.map((it) => it.toMs / unit)],
      ];
    }),
  );

/** ClickHouse takes ten digits for Unix seconds, and fewer for something else. */
const secondsOf = (tier: Tier, ms: number): string =>
  tier === 'raw' ? (ms / 1_000).toFixed(3) : String(ms / 1_000).padStart(10, '0');
