import type { CacheConventions } from '../../model/cache-conventions.ts';
import { cacheGainsSql } from '../../model/cache-gains-sql.ts';
import type { QueryPlan, ValueFunction } from '../rules/signal-plan.ts';
import { type AttributeTable, attributeSql } from './attribute.ts';
import type { Binder } from './binder.ts';
import {
  cachePointRows,
  cacheSpanRows,
  keptCacheAttributes,
  type RangesSql,
  rawCacheAttribute,
} from './cache-rows.ts';
import { cacheRangesSql, cacheTierRows, reasonForRawCaches } from './cache-tiers.ts';
import { filterSql } from './filter.ts';
import { answerSql, groupAliases, groupBySql } from './grouped.ts';

/**
 * Hits and misses of caches, from counters and spans of any convention, and over long windows from
 * the tiers. Where a cache of a service tells both ways, its counters count and its spans do not, so
 * nothing counts twice.
 */
export const cachesSql = (
  plan: QueryPlan,
  binder: Binder,
  conventions: CacheConventions,
): string => {
  const tiers = reasonForRawCaches(plan) === undefined;
  const asked: Asked = {
    plan,
    binder,
    conventions,
    ranges: cacheRangesSql(tiers),
    raw: rawCacheAttribute(plan.where, plan.by) !== undefined,
  };
  const rows = [...(tiers ? fromTiers(asked) : []), fromPoints(asked), fromSpans(asked)];
  const labels = groupAliases(plan.by)
    .map((it) => `${it}, `)
    .join('');
  const chosen = (column: string): string =>
    `if(sumIf(hits + misses, counter) > 0, sumIf(${column}, counter), sumIf(${column}, NOT counter))`;
  const perCache = `SELECT ${labels}${chosen('hits')} AS found, ${chosen('misses')} AS missed
FROM (
${rows.join('\nUNION ALL\n')}
)${groupBySql(plan.by, ['service', 'cache'])}
HAVING max(inside) AND (max(certain) OR (max(tells = 'hit') AND max(tells = 'miss')))`;
  return answerSql(
    plan.by,
    `SELECT ${labels}${valueSql(plan.value)} AS v\nFROM (\n${perCache}\n)${groupBySql(plan.by)}`,
  );
};

const valueSql = (value: ValueFunction): string => {
  switch (value.kind) {
    case 'hit_rate':
      return 'sum(found) / nullIf(sum(found + missed), 0)';
    case 'rate':
      return 'sumOrNull(found + missed) / {seconds:Float64}';
    case 'sum':
      return value.field.kind === 'attribute' && value.field.name === 'misses'
        ? 'sumOrNull(missed)'
        : 'sumOrNull(found)';
    case 'count':
    case 'increase':
      return 'sumOrNull(found + missed)';
    case 'errors':
    case 'error_rate':
    case 'success_rate':
    case 'share_within':
    case 'rate_since_first':
    case 'avg':
    case 'min':
    case 'max':
    case 'last':
    case 'percentile':
    case 'uniq':
      throw new Error(`caches have no ${value.kind}`);
  }
};

interface Asked {
  readonly plan: QueryPlan;
  readonly binder: Binder;
  readonly conventions: CacheConventions;
  readonly ranges: RangesSql;
  /** Whether the raw tables must be looked through, for an attribute that is not kept beside caches. */
  readonly raw: boolean;
}

const keysOf = ({ plan, binder }: Asked, table: AttributeTable): readonly string[] => [
  ...plan.by.map(
    ({ attribute }, index) => `toString(${attributeSql(table, attribute, binder)}) AS l${index}`,
  ),
  'toString(ServiceName) AS service',
  'toString(CacheName) AS cache',
];

const insideSql = (time: string, ranges: RangesSql): string =>
  `(${ranges.map(([from, to]) => `(${time} >= ${from} AND ${time} < ${to})`).join(' OR ')})`;

/** Points before the window prove a cache too, but add nothing. */
const fromPoints = (asked: Asked): string => {
  const { sql, at, attributes } = cachePointRows(asked.conventions, asked.ranges, asked.raw);
  const where = [
    `Fact IN ('hit', 'miss')`,
    ...filterSql(asked.plan.where, attributes, asked.binder),
  ];
  const told = `SELECT * FROM (${sql})\nWHERE ${where.join('\n  AND ')}`;
  const inside = insideSql(at, asked.ranges);
  const gained = (fact: string): string => `if(${inside} AND Fact = '${fact}', Gained, 0)`;
  return `SELECT ${keysOf(asked, attributes).join(', ')}, true AS counter, ${gained('hit')} AS hits, ${gained('miss')} AS misses, ${inside} AS inside, toBool(Certain) AS certain, Fact AS tells
FROM (${cacheGainsSql(told)})`;
};

const fromSpans = (asked: Asked): string => {
  const { sql, attributes } = cacheSpanRows(asked.conventions, asked.ranges, asked.raw);
  const where = [`Result != ''`, ...filterSql(asked.plan.where, attributes, asked.binder)];
  return `SELECT ${keysOf(asked, attributes).join(', ')}, false AS counter, if(Result = 'hit', AdjustedCount, 0) AS hits, if(Result = 'miss', AdjustedCount, 0) AS misses, true AS inside, true AS certain, Result AS tells
FROM (${sql})
WHERE ${where.join('\n  AND ')}`;
};

const fromTiers = (asked: Asked): readonly string[] =>
  cacheTierRows(
    [
      ...keysOf(asked, keptCacheAttributes),
      `Source = 'counters' AS counter`,
      ...['Hits AS hits', 'Misses AS misses', 'true AS inside', 'true AS certain', `'' AS tells`],
    ],
    ['Hits + Misses > 0', ...filterSql(asked.plan.where, keptCacheAttributes, asked.binder)],
  );
