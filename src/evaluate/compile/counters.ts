/** How far before a window the point is sought from which a cumulative counter is counted on. */
export const baseLookbackMs = 300_000;

export interface PointsQuery {
  readonly table: string;
  /** Columns to carry through, as `name` from `sql`; such as labels and the metric's unit. */
  readonly carried: readonly Column[];
  /** Columns that count, for which `previous_<name>` is wanted as well. */
  readonly counted: readonly Column[];
  readonly where: readonly string[];
  /** Summaries have no temporality of their own: they are cumulative. */
  readonly temporality: 'sent' | 'cumulative';
}

export interface Column {
  readonly name: string;
  readonly sql: string;
}

/**
 * Points of a window, each beside the one before it in its series, which may lie before the window.
 * Yields the carried and counted columns and `at`, `start`, `previous_at`, `previous_start`, `delta`.
 */
export const pointsSql = (query: PointsQuery): string => {
  const columns = [
    { name: 'at', sql: 'TimeUnix' },
    { name: 'start', sql: 'StartTimeUnix' },
    {
      name: 'delta',
      sql: query.temporality === 'sent' ? 'AggregationTemporality = 1' : '0',
    },
    { name: 'series', sql: 'SeriesId' },
    ...query.carried,
    ...query.counted,
  ];
  const previous = ['at', 'start', ...query.counted.map((it) => it.name)];
  const where = [
    'TimeUnix >= {base:DateTime64(9)}',
    'TimeUnix < {to:DateTime64(9)}',
    'bitAnd(Flags, 1) = 0',
    ...query.where,
  ];
  return `SELECT *
FROM (
SELECT *, ${previous.map((it) => `lagInFrame(${it}) OVER w AS previous_${it}`).join(', ')}
FROM (
SELECT ${columns.map(({ name, sql }) => `${sql} AS ${name}`).join(', ')}
FROM ${query.table}
WHERE ${where.join('\n  AND ')}
)
WINDOW w AS (PARTITION BY series ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE at >= {from:DateTime64(9)}`;
};

const first = 'previous_at = toDateTime64(0, 9)';

/** A start time that equals the point's own says nothing: the sender does not know it. */
const restarted = '(start > previous_start AND start >= previous_at AND start < at)';

/**
 * What a point adds to the window: `'whole'` of it, its `'difference'` to the point before, or
 * `'nothing'` where that is not known. A series that begins counts wholly only when it began inside
 * the window; `reset` is SQL for what besides a new start time betrays a restart.
 */
export const contributionSql = (reset: string): string =>
  `multiIf(delta, 'whole', ${first}, if(start >= {from:DateTime64(9)} AND start < at, 'whole', 'nothing'), ${restarted} OR ${reset}, 'whole', 'difference')`;

/** The increase that a point stands for, null where it is not known. */
export const increaseSql = (column: string, reset: string): string => {
  const contribution = contributionSql(reset);
  return `multiIf(${contribution} = 'whole', ${column}, ${contribution} = 'difference', ${column} - previous_${column}, NULL)`;
};

const factors: readonly (readonly [string, number])[] = [
  ['ns', 1e-9],
  ['us', 1e-6],
  ['µs', 1e-6],
  ['ms', 1e-3],
  ['min', 60],
  ['h', 3_600],
  ['d', 86_400],
  ['%', 0.01],
  ['bit', 0.125],
  ['KiBy', 2 ** 10],
  ['MiBy', 2 ** 20],
  ['GiBy', 2 ** 30],
  ['TiBy', 2 ** 40],
  ['kBy', 1e3],
  ['KBy', 1e3],
  ['MBy', 1e6],
  ['GBy', 1e9],
  ['TBy', 1e12],
];

/** What a value is multiplied with to be in base units, by the unit that its sender named. */
export const unitFactorSql = `transform(toString(MetricUnit), [${factors
  .map(([unit]) => `'${unit}'`)
  .join(
    ', ',
  )}], [${factors.map(([, factor]) => factor.toExponential()).join(', ')}], toFloat64(1))`;
