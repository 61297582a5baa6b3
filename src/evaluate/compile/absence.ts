import type { CompiledSignal } from '../rules/plan.ts';
import type { AbsencePlan, Source } from '../rules/signal-plan.ts';
import {
  type AttributeTable,
  attributeSql,
  logAttributes,
  metricAttributes,
  spanAttributes,
} from './attribute.ts';
import { type Binder, createBinder } from './binder.ts';
import { filterSql } from './filter.ts';
import { answerSql, groupBySql } from './grouped.ts';
import { timeParameter } from './window.ts';

/** Answers, for each label set seen within the longer window, how many seconds ago that was. */
export const absenceSignal = (plan: AbsencePlan): CompiledSignal => {
  const binder = createBinder();
  const labels = plan.by.map((it) => it.attribute);
  const seen = tablesOf(plan.from, binder).map(({ table, time, attributes, filters }) => {
    const where = [
      `${time} >= {from:DateTime64(9)}`,
      `${time} < {to:DateTime64(9)}`,
      ...filters,
      ...filterSql(plan.where, attributes, binder),
    ];
    const columns = labels.map(
      (it, index) => `${attributeSql(attributes, it, binder)} AS l${index}, `,
    );
    return `SELECT ${columns.join('')}max(${time}) AS seen\nFROM ${table}\nWHERE ${where.join('\n  AND ')}${groupBySql(plan.by)}`;
  });
  const aliases = labels.map((_, index) => `l${index}, `).join('');
  const having = labels.length === 0 ? '\nHAVING max(seen) > toDateTime64(0, 9)' : '';
  const sql = answerSql(
    plan.by,
    `SELECT ${aliases}toFloat64({to:DateTime64(9)}) - toFloat64(max(seen)) AS v\nFROM (\n${seen.join('\nUNION ALL\n')}\n)${groupBySql(plan.by)}${having}`,
  );
  const bound = binder.bound();
  return {
    sql,
    parameters: (atMs) => ({
      ...bound,
      from: timeParameter(atMs - plan.seenWithinMs),
      to: timeParameter(atMs),
    }),
    settings: {},
    labelNames: plan.by.map((it) => it.label),
    unit: 'seconds',
    absentValue: undefined,
  };
};

interface SeenTable {
  readonly table: string;
  readonly time: string;
  readonly attributes: AttributeTable;
  readonly filters: readonly string[];
}

const metricTables = ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'];

const tablesOf = (from: Source, binder: Binder): readonly SeenTable[] => {
  switch (from.name) {
    case 'spans':
    case 'caches':
      return [{ table: 'otel_traces', time: 'Timestamp', attributes: spanAttributes, filters: [] }];
    case 'logs':
      return [{ table: 'otel_logs', time: 'Timestamp', attributes: logAttributes, filters: [] }];
    case 'metrics': {
      const filters = [`MetricName = ${binder.text(from.metric)}`, 'bitAnd(Flags, 1) = 0'];
      return metricTables.map((it) => ({
        table: `otel_metrics_${it}`,
        time: 'TimeUnix',
        attributes: metricAttributes,
        filters,
      }));
    }
  }
};
