import type { QueryPlan, ValueFunction } from '../rules/signal-plan.ts';
import { attributeSql, logAttributes } from './attribute.ts';
import type { Binder } from './binder.ts';
import { filterSql } from './filter.ts';
import { answerSql, groupBySql } from './grouped.ts';

export const logsSql = (plan: QueryPlan, binder: Binder): string => {
  const filters = filterSql(plan.where, logAttributes, binder);
  const where = ['Timestamp >= {from:DateTime64(9)}', 'Timestamp < {to:DateTime64(9)}', ...filters];
  const labels = plan.by.map(
    ({ attribute }, index) => `${attributeSql(logAttributes, attribute, binder)} AS l${index}, `,
  );
  return answerSql(
    plan.by,
    `SELECT ${labels.join('')}${valueSql(plan.value, binder)} AS v\nFROM otel_logs\nWHERE ${where.join(
      '\n  AND ',
    )}${groupBySql(plan.by)}`,
  );
};

/** OTLP's ERROR begins at severity number 17. */
const isError = 'SeverityNumber >= 17';

const valueSql = (value: ValueFunction, binder: Binder): string => {
  switch (value.kind) {
    case 'rate':
      return 'count() / {seconds:Float64}';
    case 'errors':
      return `countIf(${isError})`;
    case 'error_rate':
      return `countIf(${isError}) / nullIf(count(), 0)`;
    case 'uniq':
      return `uniqIf(${attributeSql(logAttributes, value.attribute, binder)} AS attribute, attribute != '')`;
    case 'count':
    case 'increase':
      return 'count()';
    case 'hit_rate':
    case 'success_rate':
    case 'share_within':
    case 'rate_since_first':
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
    case 'last':
    case 'percentile':
      throw new Error(`logs have no ${value.kind}`);
  }
};
