import type { QueryParameter } from '../../model/query.ts';
import type { CompiledSignal, Unit } from '../rules/plan.ts';
import type { QueryPlan, SignalPlan, SqlPlan, ValueFunction } from '../rules/signal-plan.ts';
import { absenceSignal } from './absence.ts';
import { createBinder } from './binder.ts';
import { cacheTierWindow, reasonForRawCaches } from './cache-tiers.ts';
import { cachesSql } from './caches.ts';
import { partParameters } from './counted-parts.ts';
import { baseLookbackMs } from './counters.ts';
import { logsSql } from './logs.ts';
import { metricTiersSql } from './metric-tier-values.ts';
import { metricTierWindow, readsMetricTiers } from './metric-tiers.ts';
import { metricsSql } from './metrics.ts';
import { countedTierWindow, reasonForRaw, spanTiersQuerySql, tierWindow } from './span-tiers.ts';
import { spansSql } from './spans.ts';
import { allStored, type Stored } from './stored.ts';
import { rangeAt, timeParameter } from './window.ts';

/** Turns a plan into SQL whose every word from a rule is a parameter. */
export const compileSignal = (plan: SignalPlan, stored: Stored = allStored): CompiledSignal => {
  switch (plan.kind) {
    case 'query':
      return querySignal(plan, stored);
    case 'sql':
      return sqlSignal(plan);
    case 'absence':
      return absenceSignal(plan, stored);
  }
};

const querySignal = (plan: QueryPlan, stored: Stored): CompiledSignal => {
  const binder = createBinder();
  const sql = querySql(plan, binder, stored);
  const bound = binder.bound();
  return {
    sql,
    parameters: (atMs) => ({ ...bound, ...queryWindow(plan, atMs, stored) }),
    settings: {},
    labelNames: plan.by.map((it) => it.label),
    unit: unitOf(plan),
    absentValue: isCount(plan) ? 0 : undefined,
  };
};

const querySql = (
  plan: QueryPlan,
  binder: ReturnType<typeof createBinder>,
  { caches, metricsKeptMs }: Stored,
): string => {
  switch (plan.from.name) {
    case 'spans':
      return reasonForRaw(plan) === undefined
        ? spanTiersQuerySql(plan, binder)
        : spansSql(plan, binder, caches);
    case 'logs':
      return logsSql(plan, binder);
    case 'metrics':
      return readsMetricTiers(plan, metricsKeptMs)
        ? metricTiersSql(plan, plan.from.metric, binder)
        : metricsSql(plan, plan.from.metric, binder);
    case 'caches':
      return cachesSql(plan, binder, caches);
  }
};

const queryWindow = (
  plan: QueryPlan,
  atMs: number,
  { spansKeptMs, cachesKeptMs, metricsKeptMs }: Stored,
): Readonly<Record<string, QueryParameter>> => {
  const { from, window } = plan;
  if (from.name === 'spans' && reasonForRaw(plan) === undefined) {
    return plan.counted
      ? countedTierWindow(window, atMs, spansKeptMs, plan.counted)
      : tierWindow(window, atMs, spansKeptMs);
  }
  if (from.name === 'caches' && reasonForRawCaches(plan) === undefined) {
    return cacheTierWindow(window, atMs, cachesKeptMs);
  }
  return readsMetricTiers(plan, metricsKeptMs)
    ? metricTierWindow(window, atMs, metricsKeptMs)
    : windowParameters(plan, atMs);
};

const windowParameters = (
  plan: QueryPlan | SqlPlan,
  atMs: number,
): Readonly<Record<string, QueryParameter>> => {
  const { fromMs, toMs } = rangeAt(plan.window, atMs);
  const counted = plan.kind === 'query' ? plan.counted : undefined;
  return {
    from: timeParameter(fromMs),
    to: timeParameter(toMs),
    base: timeParameter(fromMs - baseLookbackMs),
    seconds: (toMs - fromMs) / 1_000,
    ...(counted && partParameters(counted({ fromMs, toMs }))),
  };
};

const sqlSignal = (plan: SqlPlan): CompiledSignal => ({
  sql: plan.sql,
  parameters: (atMs) => windowParameters(plan, atMs),
  settings: {},
  labelNames: undefined,
  unit: 'unknown',
  absentValue: undefined,
});

/** Counting no events gives 0, which is an answer; a counter that nobody sends is not. */
const isCount = ({ from, value }: QueryPlan): boolean => {
  if (from.name !== 'spans' && from.name !== 'logs') return false;
  const counting: readonly ValueFunction['kind'][] = [
    'count',
    'rate',
    'increase',
    'errors',
    'uniq',
  ];
  return counting.includes(value.kind);
};

const unitOf = ({ from, value }: QueryPlan): Unit => {
  switch (value.kind) {
    case 'count':
    case 'errors':
    case 'uniq':
      return 'count';
    case 'increase':
      return from.name === 'metrics' ? 'unknown' : 'count';
    case 'rate':
      return from.name === 'metrics' ? 'unknown' : 'per-second';
    case 'rate_since_first':
      return 'per-second';
    case 'error_rate':
    case 'hit_rate':
    case 'success_rate':
    case 'share_within':
      return 'ratio';
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
    case 'last':
    case 'percentile':
      if (from.name === 'caches') return 'count';
      return value.field.kind === 'duration' ? 'seconds' : 'unknown';
  }
};
