import type { SlaObjective, SlaQuery } from '../../model/sla.ts';
import { type SpanTierColumn, spanRowsSql } from '../../model/span-tiers.ts';
import type { Filter, ValueFunction } from '../rules/signal-plan.ts';
import { spanAttributes } from './attribute.ts';
import { createBinder } from './binder.ts';
import { filterSql } from './filter.ts';
import { summedValueSql, tierAttributes, unknownAttribute } from './span-tiers.ts';

export interface SlaCount {
  readonly where: readonly Filter[];
  /** What a minute reached, out of the columns of the tiers. */
  readonly actual: ValueFunction;
  /** The share of requests that kept the promise; undefined where all did. */
  readonly goodShare: ValueFunction | undefined;
}

type Counted = Pick<SlaObjective, 'minutes' | 'firstRequest' | 'source'>;

/** The queries of an objective: out of the tier of minutes, or of spans where that lacks an attribute. */
export const compileSlaMinutes = ({ where, actual, goodShare }: SlaCount): Counted => {
  const summed = unknownAttribute(where, []) === undefined;
  const minutes = (): SlaQuery => {
    const binder = createBinder();
    const conditions = summed
      ? filterSql(where, tierAttributes, binder)
      : filterSql(where, spanAttributes, binder, 'Duration / 1e9');
    const rows = summed ? tierRowsSql(conditions) : spanRowsSql(columns, conditions);
    const sketch = actual.kind === 'percentile' ? 'sumMap(Sketch)' : emptySketch;
    const good = goodShare ? summedValueSql(goodShare, binder.number) : '1';
    const sql = `SELECT Time AS minute, sum(Requests) AS requests, sum(Errors) AS errors,
  sum(Requests) * (${good}) AS good, ${summedValueSql(actual, binder.number)} AS value,
  min(DurationMin) AS durationMin, max(DurationMax) AS durationMax, ${sketch} AS sketch
FROM (
${rows}
)
GROUP BY Time`;
    return { sql, parameters: binder.bound() };
  };
  const firstRequest = (): SlaQuery => {
    const binder = createBinder();
    const sql = summed
      ? `SELECT min(FirstTime) FROM span_rollup_1d WHERE ${[...filterSql(where, tierAttributes, binder), 'Time < {to:DateTime}'].join(' AND ')}`
      : `SELECT toDateTime(min(Timestamp)) FROM otel_traces WHERE ${[...filterSql(where, spanAttributes, binder, 'Duration / 1e9'), 'Timestamp < toDateTime64({to:DateTime}, 9)'].join(' AND ')}`;
    return { sql, parameters: binder.bound() };
  };
  return {
    minutes: minutes(),
    firstRequest: firstRequest(),
    source: summed ? 'span_rollup_1m' : 'otel_traces',
  };
};

const columns: readonly SpanTierColumn[] = [
  'Time',
  'Requests',
  'Errors',
  'DurationMin',
  'DurationMax',
  'Sketch',
];

const tierRowsSql = (conditions: readonly string[]): string =>
  `SELECT ${columns.join(', ')}\nFROM span_rollup_1m\nWHERE ${['Time >= {from:DateTime}', 'Time < {to:DateTime}', ...conditions].join('\n  AND ')}`;

const emptySketch = `CAST(map(), 'Map(Int16, Float64)')`;
