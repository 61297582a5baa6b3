import type { CacheConventions } from '../../model/cache-conventions.ts';
import type { Field, QueryPlan, ValueFunction } from '../rules/signal-plan.ts';
import { attributeSql, spanAttributes } from './attribute.ts';
import type { Binder } from './binder.ts';
import { cacheSpanRows } from './cache-rows.ts';
import { countedSinceSql, inPartsSql } from './counted-parts.ts';
import { filterSql } from './filter.ts';
import { answerSql, groupBySql } from './grouped.ts';

const durationSeconds = 'Duration / 1e9';

/** A sampled span stands for `AdjustedCount` spans. */
const weight = 'AdjustedCount';

/** Quantile weights must be whole; this keeps sampling ratios such as 1 in 3.3 apart. */
const weightScale = 100;

/** Up to this window percentiles are exact; beyond it durations are read to 0.05 %. */
const exactWindowMsMax = 3_600_000;

export const spansSql = (
  plan: QueryPlan,
  binder: Binder,
  conventions: CacheConventions,
): string => {
  const filters = filterSql(plan.where, spanAttributes, binder, durationSeconds);
  const [from, to] = ['{from:DateTime64(9)}', '{to:DateTime64(9)}'];
  const parts = plan.counted ? [inPartsSql('Timestamp')] : [];
  const where = [`Timestamp >= ${from}`, `Timestamp < ${to}`, ...parts, ...filters];
  const labels = plan.by.map(
    ({ attribute }, index) => `${attributeSql(spanAttributes, attribute, binder)} AS l${index}, `,
  );
  const exact = plan.window.kind === 'rolling' && plan.window.overMs <= exactWindowMsMax;
  const table =
    plan.value.kind === 'hit_rate'
      ? `(${cacheSpanRows(conventions, [[from, to]], true).sql})`
      : 'otel_traces';
  return answerSql(
    plan.by,
    `SELECT ${labels.join('')}${plan.counted && plan.value.kind === 'rate_since_first' ? countedRate : valueSql(plan.value, binder, exact)} AS v\nFROM ${table}\nWHERE ${where.join(
      '\n  AND ',
    )}${groupBySql(plan.by)}`,
  );
};

const countedRate = `if(count() = 0, NULL, sum(${weight}) / ${countedSinceSql('toUnixTimestamp64Milli(min(Timestamp))')})`;

const isError = `StatusCode = 'Error'`;

const valueSql = (value: ValueFunction, binder: Binder, exact: boolean): string => {
  switch (value.kind) {
    case 'count':
    case 'increase':
      return `sum(${weight})`;
    case 'rate':
      return `sum(${weight}) / {seconds:Float64}`;
    case 'rate_since_first':
      // Whole window, or as much of it as there has been anything to count.
      return `if(count() = 0, NULL, sum(${weight}) / least({seconds:Float64}, toFloat64({to:DateTime64(9)}) - toFloat64(min(Timestamp))))`;
    case 'errors':
      return `sumIf(${weight}, ${isError})`;
    case 'error_rate':
      return `sumIf(${weight}, ${isError}) / nullIf(sum(${weight}), 0)`;
    case 'success_rate':
      return `sumIf(${weight}, NOT ${isError}) / nullIf(sum(${weight}), 0)`;
    case 'share_within':
      return `sumIf(${weight}, ${durationSeconds} <= ${binder.number(value.seconds)}) / nullIf(sum(${weight}), 0)`;
    case 'hit_rate':
      return `sumIf(${weight}, Result = 'hit') / nullIf(sumIf(${weight}, Result != ''), 0)`;
    case 'uniq':
      return `uniqIf(${attributeSql(spanAttributes, value.attribute, binder)} AS attribute, attribute != '')`;
    case 'percentile':
      return percentileSql(value.level, value.field, binder, exact);
    case 'last':
      return `argMaxOrNullIf(${present(value.field, binder)})`;
    case 'sum':
      return `sum(ifNull(${fieldSql(value.field, binder)}, 0) * ${weight})`;
    case 'avg': {
      const field = fieldSql(value.field, binder);
      return `sum(ifNull(${field}, 0) * ${weight}) / nullIf(sumIf(${weight}, isNotNull(${field})), 0)`;
    }
    case 'min':
    case 'max':
      return `${value.kind}OrNull(${fieldSql(value.field, binder)})`;
  }
};

const fieldSql = (field: Field, binder: Binder): string =>
  field.kind === 'attribute'
    ? `toFloat64OrNull(${attributeSql(spanAttributes, field.name, binder)})`
    : durationSeconds;

const present = (field: Field, binder: Binder): string => {
  const sql = fieldSql(field, binder);
  return `assumeNotNull(${sql}), Timestamp, isNotNull(${sql})`;
};

/**
 * The nearest rank: the smallest value that at least `level` of all requests do not exceed, each
 * span counted as often as it stands for.
 */
const percentileSql = (level: number, field: Field, binder: Binder, exact: boolean): string => {
  const weights = `toUInt64(round(${weight} * ${weightScale}))`;
  const raw = field.kind === 'attribute' ? fieldSql(field, binder) : 'toFloat64(Duration)';
  const read = exact ? raw : `sign(${raw}) * exp2(round(log2(abs(${raw})) * 1024) / 1024)`;
  const scale = field.kind === 'attribute' ? '' : ' / 1e9';
  return `quantileExactWeightedOrNullIf(${level})(assumeNotNull(${read}), ${weights}, isNotNull(${raw}))${scale}`;
};
