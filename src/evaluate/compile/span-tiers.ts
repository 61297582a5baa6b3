import type { QueryParameter } from '../../model/query.ts';
import {
  manySegmentParameters,
  type SpanTierColumn,
  spanTierParameters,
  spanTiersSql,
} from '../../model/span-tiers.ts';
import { coverRange, type TiersKeptMs } from '../../model/tier-cover.ts';
import type { CountedTime } from '../rules/counted-time.ts';
import type { Filter, GroupKey, QueryPlan, ValueFunction, Window } from '../rules/signal-plan.ts';
import { type AttributeTable, attributeSql } from './attribute.ts';
import type { Binder } from './binder.ts';
import { countedSinceSql, partParameters } from './counted-parts.ts';
import { filterSql } from './filter.ts';
import { answerSql, groupBySql } from './grouped.ts';
import { rangeAt, timeParameter } from './window.ts';

/** What the tiers of spans have of each span's attributes. */
export const tierAttributes: AttributeTable = {
  columns: {
    'service.name': 'ServiceName',
    name: 'SpanName',
    kind: 'lower(SpanKind)',
    status: 'lower(StatusCode)',
    'http.route': 'HttpRoute',
  },
  maps: [],
};

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Longer windows are read from the tiers, and their ends only from the spans. */
export const longWindowMs = 10 * minuteMs;

/** Up to here percentiles are worth reading every span: the tiers know them to 0.99 %. */
const exactPercentileMsMax = 60 * minuteMs;

/** Why a signal must read the spans themselves; undefined where the tiers answer as well. */
export const reasonForRaw = ({ value, where, by, window }: QueryPlan): string | undefined => {
  const shortMs = isOfSketch(value) ? exactPercentileMsMax : longWindowMs;
  if (window.kind === 'rolling' && window.overMs <= shortMs) return 'its window is short';
  const wanted =
    unknownAttribute(where, by) ?? (value.kind === 'uniq' ? unknown(value.attribute) : undefined);
  if (wanted !== undefined) return `of ${wanted}`;
  return summedValueSql(value, () => '') === undefined ? 'of what it computes' : undefined;
};

/** An attribute that the tiers do not have. */
export const unknownAttribute = (
  where: readonly Filter[],
  by: readonly GroupKey[],
): string | undefined =>
  [...where, ...by].map((it) => unknown(it.attribute)).find((it) => it !== undefined);

const unknown = (attribute: string): string | undefined =>
  Object.hasOwn(tierAttributes.columns, attribute) ? undefined : attribute;

const isOfSketch = ({ kind }: ValueFunction): boolean =>
  kind === 'percentile' || kind === 'share_within';

/** SQL for a plan that has no `reasonForRaw`; its parameters are `tierWindow`'s. */
export const spanTiersQuerySql = (plan: QueryPlan, binder: Binder): string => {
  const where = filterSql(plan.where, tierAttributes, binder);
  const labels = plan.by.map(
    ({ attribute }, index) => `${attributeSql(tierAttributes, attribute, binder)} AS l${index}, `,
  );
  const columns = [...wordColumns, ...sumColumns];
  const segments = plan.counted ? 'many' : 'two';
  const rows = spanTiersSql({ columns, where, raw: true, segments });
  const value =
    plan.counted && plan.value.kind === 'rate_since_first'
      ? `if(count() = 0, NULL, sum(Requests) / ${countedSinceSql('toUnixTimestamp(min(FirstTime)) * 1000')})`
      : (summedValueSql(plan.value, binder.number) ?? '');
  return answerSql(
    plan.by,
    `SELECT ${labels.join('')}${value} AS v\nFROM (\n${rows}\n)${groupBySql(plan.by)}`,
  );
};

/** Columns that the query around does not name are not read. */
const wordColumns: readonly SpanTierColumn[] = [
  'ServiceName',
  'SpanKind',
  'SpanName',
  'HttpRoute',
  'StatusCode',
];
const sumColumns: readonly SpanTierColumn[] = [
  'Requests',
  'Errors',
  'DurationSum',
  'DurationMin',
  'DurationMax',
  'Sketch',
  'FirstTime',
];

/**
 * Ends where it is asked to end, with the spans of the minute that is not full. Over more than a day it
 * begins with a whole minute: what is old may lie on slow disks, and a minute matters little then.
 * Where that minute is gone it begins with the hour, or the day, that is left; `seconds` are read.
 */
export const tierWindow = (
  window: Window,
  atMs: number,
  keptMs: TiersKeptMs,
): Readonly<Record<string, QueryParameter>> => {
  const asked = rangeAt(window, atMs);
  const wholeMinutes = asked.toMs - asked.fromMs > dayMs;
  const range = wholeMinutes ? { ...asked, fromMs: floorMinute(asked.fromMs) } : asked;
  const cover = coverRange(range, { nowMs: atMs, keptMs, finest: 'raw' });
  return {
    ...spanTierParameters(cover),
    from: timeParameter(range.fromMs),
    to: timeParameter(range.toMs),
    seconds: cover.segments.reduce((sum, it) => sum + it.toMs - it.fromMs, 0) / 1_000,
  };
};

/**
 * The same over the parts of a window that count. It always begins with a whole minute, so that spans
 * are read at its end only, and a part of a finer tier that is gone is left out.
 */
export const countedTierWindow = (
  window: Window,
  atMs: number,
  keptMs: TiersKeptMs,
  counted: CountedTime,
): Readonly<Record<string, QueryParameter>> => {
  const asked = rangeAt(window, atMs);
  const fromMs = floorMinute(asked.fromMs);
  const segments = counted({ fromMs, toMs: asked.toMs }).flatMap((it) =>
    coverRange(it, { nowMs: atMs, keptMs, finest: 'raw' }).segments.filter(
      (segment) => segment.fromMs >= it.fromMs && segment.toMs <= it.toMs,
    ),
  );
  return {
    ...manySegmentParameters(segments),
    ...partParameters(segments),
    from: timeParameter(fromMs),
    to: timeParameter(asked.toMs),
  };
};

export const floorMinute = (ms: number): number => Math.floor(ms / minuteMs) * minuteMs;

/** How far into the past a window reaches; of a calendar period, when it ends. */
export const reachMs = (window: Window): number =>
  (window.kind === 'rolling' ? window.overMs : periodMs[window.period]) + window.offsetMs;

const periodMs = { week: 7 * dayMs, month: 31 * dayMs, quarter: 92 * dayMs, year: 366 * dayMs };

/** A value over rows of the tiers; undefined for what those cannot tell. */
export const summedValueSql = (
  value: ValueFunction,
  number: Binder['number'],
): string | undefined => {
  switch (value.kind) {
    case 'count':
    case 'increase':
      return 'sum(Requests)';
    case 'rate':
      return 'sum(Requests) / {seconds:Float64}';
    case 'rate_since_first':
      return 'if(count() = 0, NULL, sum(Requests) / least({seconds:Float64}, toFloat64({to:DateTime64(9)}) - toFloat64(min(FirstTime))))';
    case 'errors':
      return 'sum(Errors)';
    case 'error_rate':
      return 'sum(Errors) / nullIf(sum(Requests), 0)';
    case 'success_rate':
      return '(sum(Requests) - sum(Errors)) / nullIf(sum(Requests), 0)';
    case 'share_within':
      return shareWithinSql(value.seconds, number);
    case 'uniq':
      return `uniqIf(${tierAttributes.columns[value.attribute] ?? `''`} AS attribute, attribute != '')`;
    case 'percentile':
      return value.field.kind === 'duration' ? percentileSql(value.level) : undefined;
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
      return value.field.kind === 'duration' ? durationSql[value.kind] : undefined;
    case 'hit_rate':
    case 'last':
      return undefined;
  }
};

const durationSql = {
  sum: 'sum(DurationSum) / 1e9',
  avg: 'sum(DurationSum) / nullIf(sum(Requests), 0) / 1e9',
  min: 'minOrNull(DurationMin) / 1e9',
  max: 'maxOrNull(DurationMax) / 1e9',
} as const;

/** Where a duration lies among the buckets: those of bucket k lie above k - 1, up to k (README of rollup). */
const positionOf = (nanoseconds: number): number => 16_380 + Math.log2(nanoseconds) * 35;

/** Of the bucket with the limit in it the part below, as if its requests lay evenly: it is 2 % wide. */
const shareWithinSql = (seconds: number, number: Binder['number']): string => {
  const limit = number(seconds);
  const position = number(positionOf(seconds * 1e9));
  const within = `arraySum((bucket, n) -> n * greatest(0, least(1, ${position} - (bucket - 1))), mapKeys(sumMap(Sketch) AS sketch), mapValues(sketch))`;
  return (
    `multiIf(sum(Requests) = 0, NULL, max(DurationMax) / 1e9 <= ${limit}, 1, ` +
    `min(DurationMin) / 1e9 > ${limit}, 0, ${within} / sum(Requests))`
  );
};

/** The nearest rank, right to 0.9902 %: the README of rollup says why. */
const percentileSql = (level: number): string => {
  const below = 'arrayCumSum(mapValues(sumMap(Sketch) AS sketch)) AS below';
  const bucket = `mapKeys(sketch)[arrayFirstIndex(n -> n >= ${level} * below[-1], ${below})] AS bucket`;
  const middle = `sign(bucket) * exp2((abs(${bucket}) - 16380) / 35) * 0.990098221046997`;
  return (
    `if(sum(Requests) = 0, NULL, least(toFloat64(max(DurationMax)), ` +
    `greatest(toFloat64(min(DurationMin)), ${middle})) / 1e9)`
  );
};
