import type { QueryPlan } from '../rules/signal-plan.ts';
import type { Binder } from './binder.ts';

export const metricsSql = (_plan: QueryPlan, _metric: string, _binder: Binder): string => '';
