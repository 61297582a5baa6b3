import type { QueryPlan } from '../rules/signal-plan.ts';
import type { Binder } from './binder.ts';

export const cachesSql = (_plan: QueryPlan, _binder: Binder): string => '';
