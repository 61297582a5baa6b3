import type { MetricKind } from '../../model/metric-pieces.ts';
import type { QueryPlan } from '../rules/signal-plan.ts';
import type { Binder } from './binder.ts';
import { answerSql, groupAliases, groupBySql } from './grouped.ts';
import { interpolatedSql } from './histograms.ts';
import { type PieceSelection, piecesSql, selectPieces } from './metric-tiers.ts';

/**
 * The answers of `metricsSql` over windows that reach further back than points are kept: the same by
 * definition, but that percentiles of gauges are right to 0.9902 % where they come from tiers, and that what is
 * no finite number counts for nothing but points. Parameters are `metricTierWindow`'s.
 */
export const metricTiersSql = (plan: QueryPlan, metric: string, binder: Binder): string => {
  const { value } = plan;
  const selection = selectPieces(plan, metric, binder);
  if (value.kind === 'percentile') {
    const parts = [
      explicitBuckets(selection),
      exponentialBuckets(selection),
      gaugeBuckets(selection),
    ];
    return answerSql(plan.by, interpolatedSql(parts, value.level, plan.by));
  }
  const { aggregate, parts } = answerOf(plan, selection);
  const aliases = groupAliases(plan.by).map((it) => `${it}, `);
  const inner = `SELECT ${aliases.join('')}${aggregate} AS v\nFROM (\n${parts.join('\nUNION ALL\n')}\n)`;
  return answerSql(plan.by, `${inner}${groupBySql(plan.by)}`);
};

interface Answer {
  readonly aggregate: string;
  readonly parts: readonly string[];
}

const answerOf = ({ value }: QueryPlan, selection: PieceSelection): Answer => {
  switch (value.kind) {
    case 'increase':
    case 'rate':
      return {
        aggregate: value.kind === 'rate' ? 'sumOrNull(n) / {seconds:Float64}' : 'sumOrNull(n)',
        parts: [sumGains(selection), distributionGains(selection, `${countGain} AS n`)],
      };
    case 'count':
      return {
        aggregate: 'sumOrNull(n)',
        parts: [
          plainPieces(selection, 'toFloat64(Points + NotFinite) AS n'),
          distributionGains(selection, `${countGain} AS n`),
        ],
      };
    case 'sum':
      return {
        aggregate: 'sumOrNull(n)',
        parts: [
          sumGains(selection, `(IsMonotonic OR temporality = 'delta')`),
          distributionGains(selection, `${sumGain} AS n`),
          lastLevels(selection),
        ],
      };
    case 'avg':
      return {
        aggregate: 'sumOrNull(total) / nullIf(sumOrNull(n), 0)',
        parts: [
          distributionGains(selection, `${sumGain} AS total, ${countGain} AS n`),
          plainPieces(selection, 'Sum * factor AS total, toFloat64(Points) AS n', levelOnly),
        ],
      };
    case 'min':
    case 'max': {
      const own = value.kind === 'min' ? 'Min * factor AS n' : 'Max * factor AS n';
      return {
        aggregate: `${value.kind}OrNull(n)`,
        parts: [plainPieces(selection, own, levelOnly)],
      };
    }
    case 'last':
      return {
        aggregate: 'argMaxOrNull(n, at)',
        parts: [plainPieces(selection, 'Last * factor AS n, LastAt AS at', 'Points > 0')],
      };
    case 'uniq': {
      const names = selection.labels.map(({ name }) => name).join(', ');
      const pieces = piecesSql([...levelKinds, ...distributionKinds], selection, []);
      return {
        aggregate: `uniqIf(n, n != '')`,
        parts: [`SELECT ${names}\nFROM (\n${pieces}\n)\nWHERE inside`],
      };
    }
    case 'percentile':
    case 'errors':
    case 'error_rate':
    case 'hit_rate':
    case 'success_rate':
    case 'share_within':
    case 'rate_since_first':
      throw new Error(`metrics have no ${value.kind}`);
  }
};

const levelKinds = ['gauge', 'sum'] as const;
const distributionKinds = ['histogram', 'exponential_histogram', 'summary'] as const;

/** Gauges, and up-down counters whose value is a level, such as connections that are open. */
const levelOnly = `NOT IsMonotonic AND temporality != 'delta'`;

const namesOf = ({ labels }: PieceSelection): string => labels.map((it) => `${it.name}, `).join('');

const scalarColumns = [
  'IsMonotonic',
  'FirstAt',
  'FirstStart',
  'First',
  'LastStart',
  'Last',
  'Increase',
  'Points',
  'NotFinite',
  'Sum',
  'Min',
  'Max',
];

const plainPieces = (selection: PieceSelection, columns: string, also = '1'): string =>
  `SELECT ${namesOf(selection)}${columns}\nFROM (\n${piecesSql(levelKinds, selection, scalarColumns)}\n)\nWHERE inside AND ${also}`;

const lastLevels = (selection: PieceSelection): string => {
  const keys = [...selection.labels.map((it) => it.name), 'series', 'type'].join(', ');
  const pieces = piecesSql(levelKinds, selection, scalarColumns);
  return `SELECT ${namesOf(selection)}argMax(Last * factor, LastAt) AS n\nFROM (\n${pieces}\n)\nWHERE inside AND Points > 0 AND ${levelOnly}\nGROUP BY ${keys}`;
};

const noPieceBefore = 'BeforeAt = toDateTime64(0, 9)';
/** A series that begins counts wholly only when it began inside the window. */
const beganInside = '(FirstStart >= {from:DateTime64(9)} AND FirstStart < FirstAt)';
/** A start time that equals the point's own says nothing: the sender does not know it. */
const restarted = '(FirstStart > BeforeStart AND FirstStart >= BeforeAt AND FirstStart < FirstAt)';
/** Nothing is known of a single point of an old counter. */
const unknownGain = `temporality != 'delta' AND ${noPieceBefore} AND NOT ${beganInside} AND FirstAt = LastAt`;

/** What sums gained: within each piece, and between it and the one before. */
const sumGains = (selection: PieceSelection, also = '1'): string => {
  const gap = `multiIf(temporality = 'delta', 0, ${noPieceBefore}, if(${beganInside}, First, 0), ${restarted} OR (IsMonotonic AND First < Before), First, First - Before)`;
  return `SELECT ${namesOf(selection)}if(${unknownGain}, NULL, (Increase + ${gap}) * factor) AS n
FROM (
SELECT *, lagInFrame(LastAt) OVER w AS BeforeAt, lagInFrame(LastStart) OVER w AS BeforeStart, lagInFrame(Last) OVER w AS Before
FROM (
SELECT *
FROM (
${piecesSql(['sum'], selection, scalarColumns)}
)
WHERE Points > 0 AND ${also}
)
WINDOW w AS (PARTITION BY series, temporality, IsMonotonic ORDER BY FirstAt, LastAt ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE inside`;
};

const standing = ['Count', 'Sum', 'ZeroCount', 'Buckets', 'NegativeBuckets'] as const;
type Standing = (typeof standing)[number];

const distributionColumns = (standings: readonly Standing[]): readonly string[] => [
  'Layout',
  'FirstAt',
  'FirstStart',
  'LastStart',
  ...(standings.includes('Buckets') ? ['ExplicitBounds', 'ZeroThreshold'] : []),
  ...standings.flatMap((it) => [it, `First${it}`, `Last${it}`]),
];

/** A fallen bucket betrays a restart as well; it is looked for only where buckets are read. */
const fallenBucket = 'arrayExists(n -> n < 0, mapValues(mapSubtract(FirstBuckets, BeforeBuckets)))';

/**
 * Pieces of distributions with `How` the gap before each counts: rows of one bucket of time, which
 * differ in their buckets only, have counted what lies between them.
 */
const joinedPieces = (
  kinds: readonly MetricKind[],
  selection: PieceSelection,
  standings: readonly Standing[],
): string => {
  const before = standings.map((it) => `lagInFrame(Last${it}) OVER w AS Before${it}`).join(', ');
  const withBuckets = standings.includes('Buckets');
  const coarsened = (name: string): string =>
    `if(type = 'exponential_histogram' AND BeforeLayout > Layout, arrayReduce('sumMap', arrayMap((k, n) -> map(toInt64(floor(k / exp2(BeforeLayout - Layout))), n), mapKeys(${name}), mapValues(${name}))), ${name}) AS ${name}`;
  const pieces = `SELECT *, lagInFrame(LastAt) OVER w AS BeforeAt, lagInFrame(LastStart) OVER w AS BeforeStart, lagInFrame(Layout) OVER w AS BeforeLayout, lagInFrame(bucket) OVER w AS BeforeBucket, ${before}
FROM (
${piecesSql(kinds, selection, distributionColumns(standings))}
)
WINDOW w AS (PARTITION BY series, type, temporality ORDER BY FirstAt, LastAt ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)`;
  const comparable = withBuckets
    ? `SELECT * EXCEPT (BeforeBuckets, BeforeNegativeBuckets), ${coarsened('BeforeBuckets')}, ${coarsened('BeforeNegativeBuckets')}\nFROM (\n${pieces}\n)`
    : pieces;
  return `SELECT *, multiIf(
  temporality = 'delta' OR (BeforeBucket = bucket AND NOT ${noPieceBefore}), 'nothing',
  ${noPieceBefore}, if(${beganInside}, 'whole', 'nothing'),
  ${restarted} OR FirstCount < BeforeCount OR FirstZeroCount < BeforeZeroCount
    OR if(type = 'exponential_histogram', Layout > BeforeLayout, Layout != BeforeLayout)${withBuckets ? `\n    OR ${fallenBucket}` : ''}, 'whole',
  'difference') AS How
FROM (
${comparable}
)
WHERE inside`;
};

const gainOf = (name: Standing): string =>
  `${name} + multiIf(How = 'whole', First${name}, How = 'difference', First${name} - Before${name}, 0)`;
const countGain = `if(${unknownGain}, NULL, ${gainOf('Count')})`;
const sumGain = `if(${unknownGain}, NULL, (${gainOf('Sum')}) * factor)`;

const distributionGains = (selection: PieceSelection, columns: string): string => {
  const pieces = joinedPieces(distributionKinds, selection, ['Count', 'Sum', 'ZeroCount']);
  return `SELECT ${namesOf(selection)}${columns}\nFROM (\n${pieces}\n)`;
};

const gainedBuckets = (name: 'Buckets' | 'NegativeBuckets'): string =>
  `mapAdd(${name}, multiIf(How = 'whole', First${name}, How = 'difference', mapSubtract(First${name}, Before${name}), CAST(map(), 'Map(Int64, Float64)'))) AS ${name}Gained`;

const bucketRows = (selection: PieceSelection, source: string, bucket: string): string =>
  `SELECT ${namesOf(selection)}bucket.1 * factor AS lower, bucket.2 * factor AS upper, bucket.3 AS gained, bucket.4 AS curved
FROM (
SELECT ${namesOf(selection)}factor, arrayJoin(${bucket}) AS bucket
FROM (
${source}
)
)`;

const explicitBuckets = (selection: PieceSelection): string =>
  bucketRows(
    selection,
    `SELECT *, ${gainedBuckets('Buckets')}\nFROM (\n${joinedPieces(['histogram'], selection, standing)}\n)`,
    'arrayMap((k, n) -> (if(k = 1, -inf, ExplicitBounds[k - 1]), if(k > length(ExplicitBounds), inf, ExplicitBounds[k]), n, 0), mapKeys(BucketsGained), mapValues(BucketsGained))',
  );

/** All are brought to the coarsest scale of those that one answer is made of. */
const exponentialBuckets = (selection: PieceSelection): string => {
  const names = selection.labels.map((it) => it.name);
  const labelled = names.length === 0 ? '' : `PARTITION BY ${names.join(', ')}`;
  const edge = (more: 0 | 1): string =>
    `exp2((floor(k / exp2(Layout - coarsest)) + ${more}) * exp2(-coarsest))`;
  return bucketRows(
    selection,
    `SELECT *, ${gainedBuckets('Buckets')}, ${gainedBuckets('NegativeBuckets')}, ${gainOf('ZeroCount')} AS ZeroGained, toFloat64(min(Layout) OVER (${labelled})) AS coarsest, max(notEmpty(NegativeBucketsGained)) OVER (${labelled}) AS has_negative\nFROM (\n${joinedPieces(['exponential_histogram'], selection, standing)}\n)`,
    `arrayConcat(
  [(-ZeroThreshold * has_negative, ZeroThreshold, ZeroGained, 0)],
  arrayMap((k, n) -> (${edge(0)}, ${edge(1)}, n, 1), mapKeys(BucketsGained), mapValues(BucketsGained)),
  arrayMap((k, n) -> (-${edge(1)}, -${edge(0)}, n, 1), mapKeys(NegativeBucketsGained), mapValues(NegativeBucketsGained)))`,
  );
};

/** A point read as such is its own least and greatest value, so it stays exact. */
const gaugeBuckets = (selection: PieceSelection): string => {
  const middle =
    'least(assumeNotNull(Max), greatest(assumeNotNull(Min), sign(k) * exp2((abs(k) - 16380) / 35) * 0.990098221046997))';
  return bucketRows(
    selection,
    `SELECT *\nFROM (\n${piecesSql(['gauge'], selection, ['Points', 'Min', 'Max', 'Sketch'])}\n)\nWHERE inside AND Points > 0`,
    `arrayMap((k, n) -> (${middle} AS middle, middle, n, 0), mapKeys(Sketch), mapValues(Sketch))`,
  );
};
