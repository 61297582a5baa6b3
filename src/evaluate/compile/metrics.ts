import type { QueryPlan } from '../rules/signal-plan.ts';
import { attributeSql, metricAttributes } from './attribute.ts';
import type { Binder } from './binder.ts';
import { type Column, increaseSql, pointsSql, unitFactorSql } from './counters.ts';
import { filterSql } from './filter.ts';
import { answerSql, groupAliases, groupBySql } from './grouped.ts';
import { percentileSql } from './histograms.ts';
import { labelColumns } from './metric-tiers.ts';

/** What all metric queries of one signal share. */
export interface MetricSelection {
  readonly labels: readonly Column[];
  /** Conditions on name and attributes, without time. */
  readonly where: readonly string[];
}

/**
 * A metric's kind is known to its sender only, so every table that can answer is asked; the name
 * lies in one of them. What each function means for each kind stands at the functions below.
 */
export const metricsSql = (plan: QueryPlan, metric: string, binder: Binder): string => {
  const selection: MetricSelection = {
    labels: labelColumns(plan, binder),
    where: [
      `MetricName = ${binder.text(metric)}`,
      ...filterSql(plan.where, metricAttributes, binder),
    ],
  };
  if (plan.value.kind === 'percentile') {
    return answerSql(plan.by, percentileSql(selection, plan.value.level, plan.by));
  }
  const { value, parts } = answerOf(plan, selection, binder);
  const labels = groupAliases(plan.by).map((it) => `${it}, `);
  const inner = `SELECT ${labels.join('')}${value} AS v\nFROM (\n${parts.join('\nUNION ALL\n')}\n)`;
  return answerSql(plan.by, `${inner}${groupBySql(plan.by)}`);
};

interface MetricAnswer {
  /** Aggregate over the columns that the parts yield. */
  readonly value: string;
  readonly parts: readonly string[];
}

const answerOf = (plan: QueryPlan, selection: MetricSelection, binder: Binder): MetricAnswer => {
  const { value } = plan;
  switch (value.kind) {
    case 'increase':
    case 'rate':
      // Sums: by how much; histograms and summaries: how many values were measured.
      return {
        value: value.kind === 'rate' ? 'sumOrNull(n) / {seconds:Float64}' : 'sumOrNull(n)',
        parts: [sumIncreases(selection, 'n'), ...countIncreases(selection, 'n')],
      };
    case 'count':
      // Histograms and summaries: values that were measured; gauges and sums: points received.
      return {
        value: 'sumOrNull(n)',
        parts: [
          ...['gauge', 'sum'].map((it) => plainPoints(it, selection, 'toFloat64(1) AS n')),
          ...countIncreases(selection, 'n'),
        ],
      };
    case 'sum':
      // Counters: by how much; gauges and the like: the last values of all series together.
      return {
        value: 'sumOrNull(n)',
        parts: [
          sumIncreases(selection, 'n', '(IsMonotonic OR AggregationTemporality = 1)'),
          ...sumIncreasesOfHistograms(selection, 'n'),
          lastValues('gauge', selection),
          lastValues('sum', selection, levelOnly),
        ],
      };
    case 'avg':
      return {
        value: 'sumOrNull(total) / nullIf(sumOrNull(n), 0)',
        parts: [
          ...averageParts(selection),
          plainPoints('gauge', selection, `${scaledValue} AS total, toFloat64(1) AS n`),
          plainPoints('sum', selection, `${scaledValue} AS total, toFloat64(1) AS n`, levelOnly),
        ],
      };
    case 'min':
    case 'max':
      return {
        value: `${value.kind}OrNull(n)`,
        parts: [
          plainPoints('gauge', selection, `${scaledValue} AS n`),
          plainPoints('sum', selection, `${scaledValue} AS n`, levelOnly),
        ],
      };
    case 'last':
      return {
        value: 'argMaxOrNull(n, at)',
        parts: ['gauge', 'sum'].map((it) =>
          plainPoints(it, selection, `${scaledValue} AS n, TimeUnix AS at`),
        ),
      };
    case 'uniq': {
      const attribute = attributeSql(metricAttributes, value.attribute, binder);
      const tables = ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'];
      return {
        value: `uniqIf(n, n != '')`,
        parts: tables.map((it) => plainPoints(it, selection, `toString(${attribute}) AS n`)),
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

const scaledValue = `Value * ${unitFactorSql}`;

/** An up-down counter whose value is a level, such as connections that are open. */
const levelOnly = 'NOT IsMonotonic AND AggregationTemporality != 1';

const labelsOf = ({ labels }: MetricSelection): string =>
  labels.map(({ name, sql }) => `${sql} AS ${name}, `).join('');

const plainPoints = (
  table: string,
  selection: MetricSelection,
  columns: string,
  also?: string,
): string =>
  `SELECT ${labelsOf(selection)}${columns}
FROM otel_metrics_${table}
WHERE ${[
    'TimeUnix >= {from:DateTime64(9)}',
    'TimeUnix < {to:DateTime64(9)}',
    'bitAnd(Flags, 1) = 0',
    ...selection.where,
    ...(also === undefined ? [] : [also]),
  ].join('\n  AND ')}`;

const lastValues = (table: string, selection: MetricSelection, also?: string): string => {
  const names = selection.labels.map((it) => it.name);
  const points = plainPoints(
    table,
    selection,
    `${scaledValue} AS value_now, TimeUnix AS at, SeriesId AS series`,
    also,
  );
  return `SELECT ${names.map((it) => `${it}, `).join('')}argMax(value_now, at) AS n\nFROM (\n${points}\n)\nGROUP BY ${[...names, 'series'].join(', ')}`;
};

const sumIncreases = (selection: MetricSelection, name: string, also?: string): string => {
  const points = pointsSql({
    table: 'otel_metrics_sum',
    carried: [...selection.labels, { name: 'monotonic', sql: 'IsMonotonic' }],
    counted: [{ name: 'counted', sql: scaledValue }],
    where: also === undefined ? selection.where : [...selection.where, also],
    temporality: 'sent',
  });
  return `SELECT ${namesOf(selection)}${increaseSql('counted', '(monotonic AND counted < previous_counted)')} AS ${name}\nFROM (\n${points}\n)`;
};

const namesOf = ({ labels }: MetricSelection): string =>
  labels.map((it) => `${it.name}, `).join('');

const distributions = [
  { table: 'otel_metrics_histogram', temporality: 'sent' },
  { table: 'otel_metrics_exponential_histogram', temporality: 'sent' },
  { table: 'otel_metrics_summary', temporality: 'cumulative' },
] as const;

/** A falling count is the only sure sign of a restart: a sum may fall by itself. */
const countFell = 'measured < previous_measured';

const distributionIncreases = (selection: MetricSelection, columns: string): readonly string[] =>
  distributions.map(({ table, temporality }) => {
    const points = pointsSql({
      table,
      carried: selection.labels,
      counted: [
        { name: 'measured', sql: 'toFloat64(Count)' },
        { name: 'total_now', sql: `Sum * ${unitFactorSql}` },
      ],
      where: selection.where,
      temporality,
    });
    return `SELECT ${namesOf(selection)}${columns}\nFROM (\n${points}\n)`;
  });

const countIncreases = (selection: MetricSelection, name: string): readonly string[] =>
  distributionIncreases(selection, `${increaseSql('measured', countFell)} AS ${name}`);

const sumIncreasesOfHistograms = (selection: MetricSelection, name: string): readonly string[] =>
  distributionIncreases(selection, `${increaseSql('total_now', countFell)} AS ${name}`);

const averageParts = (selection: MetricSelection): readonly string[] =>
  distributionIncreases(
    selection,
    `${increaseSql('total_now', countFell)} AS total, ${increaseSql('measured', countFell)} AS n`,
  );
