import { type MetricKind, piecesOfPoints } from '../../model/metric-pieces.ts';
import type { QueryParameter } from '../../model/query.ts';
import { segmentsSql, spanTierParameters, summedTiers } from '../../model/span-tiers.ts';
import { coverRange, type Tier, type TiersKeptMs, type TimeRange } from '../../model/tier-cover.ts';
import type { QueryPlan, Window } from '../rules/signal-plan.ts';
import { attributeSql, metricAttributes } from './attribute.ts';
import type { Binder } from './binder.ts';
import { baseLookbackMs, type Column, unitFactorSql } from './counters.ts';
import { filterSql } from './filter.ts';
import { floorMinute, reachMs } from './span-tiers.ts';
import { rangeAt, timeParameter } from './window.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * What is newer is read from points. The day's row is made anew every hour, so jobs may be hours
 * behind before anything is missed; rules do not run where jobs do not.
 */
const settledMs = 6 * hourMs;

/** What names a series in `metric_series` does not have. */
const unknownToTiers = ['scope.version'];

/**
 * Whether a signal reads the tiers of metrics: only where points are gone. They are known by jobs, so
 * some time later, and to ask all of them takes the engine 0.2 to 0.4 s of processor time, whatever
 * there is.
 */
export const readsMetricTiers = (plan: QueryPlan, keptMs: TiersKeptMs): boolean =>
  plan.from.name === 'metrics' &&
  reasonForPoints(plan) === undefined &&
  reachMs(plan.window) > keptMs.raw;

/** Why a metric's points themselves must be read; undefined where the tiers answer as well. */
export const reasonForPoints = ({ where, by, value }: QueryPlan): string | undefined => {
  const asked = [...where, ...by].map((it) => it.attribute);
  const all = value.kind === 'uniq' ? [...asked, value.attribute] : asked;
  const found = all.find((it) => unknownToTiers.includes(it));
  return found === undefined ? undefined : `of ${found}`;
};

/** Of one signal: what its rows are told apart by, and which of them it is about. */
export interface PieceSelection {
  /** SQL over the attributes of points; `metric_series` has the same columns. */
  readonly labels: readonly Column[];
  readonly where: readonly string[];
  /** Those of the conditions that rows of tiers can answer too. */
  readonly whereInTiers: readonly string[];
  /** Whether rows of tiers, which know series by number, need their names for the rest. */
  readonly named: boolean;
}

export const selectPieces = (plan: QueryPlan, metric: string, binder: Binder): PieceSelection => {
  const name = `MetricName = ${binder.text(metric)}`;
  const ofServices = plan.where.filter(isOfService);
  const { value } = plan;
  const counted =
    value.kind === 'uniq'
      ? [{ name: 'n', sql: attributeSql(metricAttributes, value.attribute, binder) }]
      : [];
  return {
    labels: [...labelColumns(plan, binder), ...counted],
    where: [name, ...filterSql(plan.where, metricAttributes, binder)],
    whereInTiers: [name, ...filterSql(ofServices, metricAttributes, binder)],
    named: value.kind === 'uniq' || ![...plan.where, ...plan.by].every(isOfService),
  };
};

const isOfService = ({ attribute }: { readonly attribute: string }): boolean =>
  attribute === 'service.name';

export const labelColumns = (plan: QueryPlan, binder: Binder): readonly Column[] =>
  plan.by.map(({ attribute }, index) => ({
    name: `l${index}`,
    sql: attributeSql(metricAttributes, attribute, binder),
  }));

/**
 * Points and rows of tiers as one kind of rows, which say what became of a series in a piece of time:
 * labels, `series`, `type`, `temporality`, `factor` to base units, `bucket`, `inside` and the columns
 * asked for. Rows that are not inside come before the window, and only say where a counter stood.
 */
export const piecesSql = (
  kinds: readonly MetricKind[],
  selection: PieceSelection,
  columns: readonly string[],
): string => {
  const named = [...selection.labels.map((it) => it.name), 'series', ...own, ...columns].join(', ');
  const parts = [
    ...kinds.map((it) => `SELECT ${named}\nFROM (\n${pointPieces(it, selection, columns)}\n)`),
    `SELECT ${named}\nFROM (\n${tierPieces(kinds, selection, columns)}\n)`,
  ];
  return `SELECT *, bucket >= {from:DateTime64(9)} AS inside
FROM (
${parts.join('\nUNION ALL\n')}
)
WHERE bucket >= {from:DateTime64(9)} OR LastAt >= {base:DateTime64(9)}`;
};

/** Of every piece, besides labels and `series`. */
const own = ['type', 'temporality', 'factor', 'bucket', 'LastAt'];

const labelsOf = ({ labels }: PieceSelection): string =>
  labels.map(({ name, sql }) => `${sql} AS ${name}, `).join('');

const ownColumns = (time: string): string =>
  `SeriesId AS series, toString(MetricType) AS type, toString(Temporality) AS temporality, ${unitFactorSql} AS factor, toDateTime64(${time}, 9, 'UTC') AS bucket, LastAt`;

/** Columns that labels and filters may be about, besides the service. */
const namesOfSeries = ['Attributes', 'ResourceAttributes', 'ScopeName'];

const pointPieces = (
  kind: MetricKind,
  selection: PieceSelection,
  columns: readonly string[],
): string => {
  const where = [withinSegments('raw'), ...selection.where].join('\n  AND ');
  return `SELECT ${labelsOf(selection)}${[ownColumns('Bucket'), ...columns].join(', ')}\nFROM (\n${piecesOfPoints(kind, where, namesOfSeries)}\n)`;
};

const tierPieces = (
  kinds: readonly MetricKind[],
  selection: PieceSelection,
  columns: readonly string[],
): string => {
  const types = `MetricType IN (${kinds.map((it) => `'${it}'`).join(', ')})`;
  const labels = labelsOf(selection);
  const listed = [ownColumns('Time'), ...columns].join(', ');
  const rows = summedTiers.map((tier) => {
    const where = [withinSegments(tier), types, ...selection.whereInTiers].join('\n  AND ');
    return `SELECT ${selection.named ? '' : labels}${listed}\nFROM metric_rollup_${tier}\nWHERE ${where}`;
  });
  const pieces = rows.join('\nUNION ALL\n');
  if (!selection.named) return pieces;
  // Semi: a series has a name for each month.
  return `SELECT * FROM (
${pieces}
) AS pieces
GLOBAL SEMI LEFT JOIN (
SELECT ${labels}SeriesId AS series
FROM metric_series
WHERE ${selection.where.join('\n  AND ')}
) AS named USING series`;
};

/** In the segments of a tier, or where counters stood before the first of them. */
const withinSegments = (tier: Tier): string => {
  const [time, type] = tier === 'raw' ? ['p.TimeUnix', 'DateTime64(9)'] : ['Time', 'DateTime'];
  const before = `${time} >= {base_from_${tier}:${type}} AND ${time} < {base_to_${tier}:${type}}`;
  return `(${segmentsSql(tier, time, type)} OR ${before})`;
};

/**
 * Begins with a whole minute, or with the hour or day that is left where minutes are gone, and ends
 * where it is asked to end. `seconds` are read.
 */
export const metricTierWindow = (
  window: Window,
  atMs: number,
  keptMs: TiersKeptMs,
): Readonly<Record<string, QueryParameter>> => {
  const asked = rangeAt(window, atMs);
  const range = { fromMs: floorMinute(asked.fromMs), toMs: asked.toMs };
  const segments = segmentsOf(range, atMs, keptMs);
  const [first] = segments;
  const fromMs = first?.fromMs ?? range.fromMs;
  return {
    ...spanTierParameters({ segments }),
    ...baseParameters(first?.tier ?? 'raw', fromMs),
    from: timeParameter(fromMs),
    to: timeParameter(range.toMs),
    base: timeParameter(fromMs - baseLookbackMs),
    seconds: segments.reduce((sum, it) => sum + it.toMs - it.fromMs, 0) / 1_000,
  };
};

const segmentsOf = ({ fromMs, toMs }: TimeRange, atMs: number, keptMs: TiersKeptMs) => {
  // Points must still be there while the tiers are not sure: half of what is kept leaves room.
  const sureMs = atMs - Math.min(settledMs, keptMs.raw / 2);
  const sureToMs = Math.min(toMs, Math.floor(sureMs / hourMs) * hourMs);
  const old = coverRange({ fromMs, toMs: sureToMs }, { nowMs: atMs, keptMs, finest: 'raw' });
  const newFromMs = Math.max(fromMs, sureToMs);
  const rest = { tier: 'raw', fromMs: newFromMs, toMs } as const;
  return newFromMs < toMs ? [...old.segments, rest] : old.segments;
};

const tierMs: Readonly<Record<Tier, number>> = {
  raw: baseLookbackMs,
  '1m': baseLookbackMs,
  '1h': hourMs,
  '1d': dayMs,
};

/** The piece before the window, in the tier that the window begins with. */
const baseParameters = (first: Tier, fromMs: number): Readonly<Record<string, QueryParameter>> =>
  Object.fromEntries(
    (['raw', ...summedTiers] as const).flatMap((tier) => {
      const found = tier === first;
      const text = (ms: number): string =>
        tier === 'raw' ? (ms / 1_000).toFixed(3) : String(ms / 1_000).padStart(10, '0');
      return [
        [`base_from_${tier}`, text(found ? fromMs - tierMs[tier] : 0)],
        [`base_to_${tier}`, text(found ? fromMs : 0)],
      ];
    }),
  );
