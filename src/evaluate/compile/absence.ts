import type { QueryParameter } from '../../model/query.ts';
import { spanTierParameters, spanTiersSql } from '../../model/span-tiers.ts';
import { coverRange } from '../../model/tier-cover.ts';
import type { CompiledSignal } from '../rules/plan.ts';
import type { AbsencePlan } from '../rules/signal-plan.ts';
import {
  type AttributeTable,
  attributeSql,
  logAttributes,
  metricAttributes,
  spanAttributes,
} from './attribute.ts';
import { type Binder, createBinder } from './binder.ts';
import { cachePointRows, cacheSpanRows, rawCacheAttribute } from './cache-rows.ts';
import { cacheRangesSql } from './cache-tiers.ts';
import { filterSql } from './filter.ts';
import { answerSql, groupBySql } from './grouped.ts';
import { floorMinute, longWindowMs, tierAttributes, unknownAttribute } from './span-tiers.ts';
import type { Stored } from './stored.ts';
import { timeParameter } from './window.ts';

/** Answers, for each label set seen within the longer window, how many seconds ago that was. */
export const absenceSignal = (plan: AbsencePlan, stored: Stored): CompiledSignal => {
  const binder = createBinder();
  const summed = readsTiers(plan);
  const seen = summed ? [seenInTiers(plan, binder)] : seenInRows(plan, binder, stored);
  const aliases = plan.by.map((_, index) => `l${index}, `).join('');
  const sql = answerSql(
    plan.by,
    `SELECT ${aliases}toFloat64({to:DateTime64(9)}) - toFloat64(max(seen)) AS v\nFROM (\n${seen.join('\nUNION ALL\n')}\n)${groupBySql(plan.by)}\nHAVING max(seen) >= {from:DateTime64(9)}`,
  );
  const bound = binder.bound();
  return {
    sql,
    parameters: (atMs) => ({
      ...bound,
      from: timeParameter(atMs - plan.seenWithinMs),
      to: timeParameter(atMs),
      ...(summed && tiersAt(plan, atMs, stored)),
    }),
    settings: {},
    labelNames: plan.by.map((it) => it.label),
    unit: 'seconds',
    absentValue: undefined,
  };
};

const seenInRows = (plan: AbsencePlan, binder: Binder, stored: Stored): readonly string[] =>
  tablesOf(plan, binder, stored).map(({ table, time, attributes, filters }) => {
    const where = [
      `${time} >= {from:DateTime64(9)}`,
      `${time} < {to:DateTime64(9)}`,
      ...filters,
      ...filterSql(plan.where, attributes, binder),
    ];
    const labels = labelsSql(plan, attributes, binder);
    return `SELECT ${labels}max(${time}) AS seen\nFROM ${table}\nWHERE ${where.join('\n  AND ')}${groupBySql(plan.by)}`;
  });

const labelsSql = (plan: AbsencePlan, attributes: AttributeTable, binder: Binder): string =>
  plan.by
    .map(({ attribute }, index) => `${attributeSql(attributes, attribute, binder)} AS l${index}, `)
    .join('');

/** Whether silence is told by the tiers of spans. */
export const readsTiers = ({ from, where, by, seenWithinMs }: AbsencePlan): boolean =>
  from.name === 'spans' && seenWithinMs > longWindowMs && unknownAttribute(where, by) === undefined;

/**
 * Every minute knows its last span to the second. One that is seen after `to`, in the minute that
 * `to` lies in, counts as seen at `to`.
 */
const seenInTiers = (plan: AbsencePlan, binder: Binder): string => {
  const labels = labelsSql(plan, tierAttributes, binder);
  const rows = spanTiersSql({
    columns: ['ServiceName', 'SpanKind', 'SpanName', 'HttpRoute', 'StatusCode', 'LastTime'],
    where: filterSql(plan.where, tierAttributes, binder),
    raw: false,
  });
  return `SELECT ${labels}least(toDateTime64(max(LastTime), 9), {to:DateTime64(9)}) AS seen\nFROM (\n${rows}\n)${groupBySql(plan.by)}`;
};

const tiersAt = (
  plan: AbsencePlan,
  atMs: number,
  { spansKeptMs }: Stored,
): Readonly<Record<string, QueryParameter>> => {
  const range = { fromMs: floorMinute(atMs - plan.seenWithinMs), toMs: -floorMinute(-atMs) };
  return spanTierParameters(coverRange(range, { nowMs: atMs, keptMs: spansKeptMs, finest: '1m' }));
};

interface SeenTable {
  readonly table: string;
  readonly time: string;
  readonly attributes: AttributeTable;
  readonly filters: readonly string[];
}

const metricTables = ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'];

const tablesOf = (plan: AbsencePlan, binder: Binder, stored: Stored): readonly SeenTable[] => {
  const { from } = plan;
  switch (from.name) {
    case 'caches':
      return cacheTables(plan, stored);
    case 'spans':
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

/** Whatever tells of a cache: it is there while its counters report, whether or not it is asked. */
const cacheTables = ({ where, by }: AbsencePlan, { caches }: Stored): readonly SeenTable[] => {
  const raw = rawCacheAttribute(where, by) !== undefined;
  const ranges = cacheRangesSql(false);
  return [cachePointRows(caches, ranges, raw), cacheSpanRows(caches, ranges, raw)].map(
    ({ sql, at, attributes }) => ({
      table: `(${sql})`,
      time: at,
      attributes,
      filters: at === 'TimeUnix' ? ['Certain'] : [],
    }),
  );
};
