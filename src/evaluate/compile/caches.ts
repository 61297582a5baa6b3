import { knownCacheConventions } from '../../model/cache-conventions.ts';
import { cachePointsSql, cacheSpansSql } from '../../model/cache-sql.ts';
import type { QueryPlan, ValueFunction } from '../rules/signal-plan.ts';
import {
  type AttributeTable,
  attributeSql,
  metricAttributes,
  spanAttributes,
} from './attribute.ts';
import type { Binder } from './binder.ts';
import {
  byConvention,
  cacheNameSql,
  counterConventions,
  spanConvention,
} from './cache-conventions.ts';
import { type Column, increaseSql, pointsSql } from './counters.ts';
import { filterSql } from './filter.ts';
import { answerSql, groupAliases, groupBySql } from './grouped.ts';

/**
 * Hits and misses of caches, from counters and spans of any known convention. Where a cache of a
 * service tells both ways, its counters count and its spans do not, so nothing counts twice.
 */
export const cachesSql = (plan: QueryPlan, binder: Binder): string => {
  const labels = groupAliases(plan.by).map((it) => `${it}, `);
  const sources = isAboutKept(plan)
    ? [fromKeptPoints(plan, binder), fromKeptSpans(plan, binder)]
    : [fromCounters(plan, binder), fromSpans(plan, binder)];
  const perCache = `SELECT ${labels.join('')}if(counter_n > 0, counter_hits, span_hits) AS hits, if(counter_n > 0, counter_n - counter_hits, span_n - span_hits) AS misses
FROM (
SELECT ${labels.join('')}sumIf(assumeNotNull(n), counter) AS counter_n, sumIf(assumeNotNull(n), counter AND hit) AS counter_hits, sumIf(assumeNotNull(n), NOT counter) AS span_n, sumIf(assumeNotNull(n), NOT counter AND hit) AS span_hits
FROM (
${sources.join('\nUNION ALL\n')}
)
WHERE isNotNull(n)${groupBySql(plan.by, ['service', 'cache'])}
HAVING max(certain) OR (max(hit) AND NOT min(hit))
)`;
  return answerSql(
    plan.by,
    `SELECT ${labels.join('')}${valueSql(plan.value)} AS v\nFROM (\n${perCache}\n)${groupBySql(plan.by)}`,
  );
};

const valueSql = (value: ValueFunction): string => {
  switch (value.kind) {
    case 'hit_rate':
      return 'sum(hits) / nullIf(sum(hits + misses), 0)';
    case 'rate':
      return 'sumOrNull(hits + misses) / {seconds:Float64}';
    case 'sum':
      return value.field.kind === 'attribute' && value.field.name === 'misses'
        ? 'sumOrNull(misses)'
        : 'sumOrNull(hits)';
    case 'count':
    case 'increase':
      return 'sumOrNull(hits + misses)';
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

/** What is known of each point and span that is kept because it may tell of a cache. */
const keptAttributes: AttributeTable = {
  columns: {
    'service.name': 'ServiceName',
    'cache.name': 'CacheName',
    'cache.system': 'CacheSystem',
  },
  maps: [],
};

/** Other attributes are only in the raw tables, of which all rows must be looked through. */
const isAboutKept = ({ where, by }: QueryPlan): boolean =>
  [...where, ...by].every((it) => Object.hasOwn(keptAttributes.columns, it.attribute));

const fromKeptPoints = (plan: QueryPlan, binder: Binder): string => {
  const columns = columnsOf(plan, keptAttributes, binder);
  const within =
    'TimeUnix >= {base:DateTime64(9)} AND TimeUnix < {to:DateTime64(9)} AND toStartOfHour(TimeUnix) >= toStartOfHour({base:DateTime64(9)})';
  const told = cachePointsSql(knownCacheConventions, within);
  const points = pointsSql({
    table: `(SELECT *, 0 AS Flags, if(IsDelta, 1, 2) AS AggregationTemporality FROM (${told}))`,
    carried: [
      ...columns,
      { name: 'hit', sql: `Fact = 'hit'` },
      { name: 'certain', sql: 'toBool(Certain)' },
    ],
    counted: [{ name: 'counted', sql: 'Value' }],
    where: [`Fact IN ('hit', 'miss')`, ...filterSql(plan.where, keptAttributes, binder)],
    temporality: 'sent',
  });
  return `SELECT ${namesOf(columns)}true AS counter, toBool(hit) AS hit, certain, ${increaseSql('counted', 'counted < previous_counted')} AS n\nFROM (\n${points}\n)`;
};

const fromKeptSpans = (plan: QueryPlan, binder: Binder): string => {
  const columns = columnsOf(plan, keptAttributes, binder);
  const within =
    'Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} AND toStartOfHour(Timestamp) >= toStartOfHour({from:DateTime64(9)})';
  const where = [`Result != ''`, ...filterSql(plan.where, keptAttributes, binder)];
  return `SELECT ${columns.map(({ name, sql }) => `${sql} AS ${name}, `).join('')}false AS counter, toBool(Result = 'hit') AS hit, true AS certain, toNullable(AdjustedCount) AS n
FROM (${cacheSpansSql(knownCacheConventions, within)})
WHERE ${where.join('\n  AND ')}`;
};

const counterAttributes: AttributeTable = {
  ...metricAttributes,
  columns: {
    ...metricAttributes.columns,
    'cache.name': cacheNameSql('Attributes', byConvention(counterConventions, 'cacheName')),
  },
};

const cacheSpanAttributes: AttributeTable = {
  ...spanAttributes,
  columns: {
    ...spanAttributes.columns,
    'cache.name': cacheNameSql('SpanAttributes', spanConvention.cacheName),
  },
};

const columnsOf = (plan: QueryPlan, table: AttributeTable, binder: Binder): readonly Column[] => [
  ...plan.by.map(({ attribute }, index) => ({
    name: `l${index}`,
    sql: `toString(${attributeSql(table, attribute, binder)})`,
  })),
  { name: 'service', sql: 'toString(ServiceName)' },
  { name: 'cache', sql: table.columns['cache.name'] ?? `''` },
];

const namesOf = (columns: readonly Column[]): string =>
  columns.map((it) => `${it.name}, `).join('');

const fromCounters = (plan: QueryPlan, binder: Binder): string => {
  const columns = columnsOf(plan, counterAttributes, binder);
  const points = pointsSql({
    table: 'otel_metrics_sum',
    carried: [
      ...columns,
      { name: 'hit', sql: `toBool(${byConvention(counterConventions, 'hit')})` },
      { name: 'certain', sql: `toBool(${byConvention(counterConventions, 'certain')})` },
    ],
    counted: [{ name: 'counted', sql: 'Value' }],
    where: [
      `(${counterConventions.map((it) => it.where).join(' OR ')})`,
      ...filterSql(plan.where, counterAttributes, binder),
    ],
    temporality: 'sent',
  });
  return `SELECT ${namesOf(columns)}true AS counter, hit, certain, ${increaseSql('counted', 'counted < previous_counted')} AS n\nFROM (\n${points}\n)`;
};

const fromSpans = (plan: QueryPlan, binder: Binder): string => {
  const columns = columnsOf(plan, cacheSpanAttributes, binder);
  const where = [
    'Timestamp >= {from:DateTime64(9)}',
    'Timestamp < {to:DateTime64(9)}',
    spanConvention.where,
    ...filterSql(plan.where, cacheSpanAttributes, binder),
  ];
  return `SELECT ${columns.map(({ name, sql }) => `${sql} AS ${name}, `).join('')}false AS counter, toBool(${spanConvention.hit}) AS hit, true AS certain, toNullable(AdjustedCount) AS n
FROM otel_traces
WHERE ${where.join('\n  AND ')}`;
};
