import { step } from '../../src/decide/step.ts';
import { createEvaluator, type EvaluatorOptions } from '../../src/evaluate/run/evaluator.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { noopTracer } from '../../src/lib/tracer.ts';
import { rulesOf } from './rules.ts';

/** One rule on the query `numbers_told`, which fires above 10. `more` are further keys of it. */
export const shopRules = ({ interval = '200ms', more = '', name = 'TooMany' } = {}) =>
  rulesOf(`
groups:
  - name: shop
    interval: ${interval}
    rules:
      - alert: ${name}
        signals: {n: {sql: "SELECT * FROM numbers_told", over: 1m}}
        when: n > 10
        labels: {team: shop}
        ${more}
`);

/** An evaluator in a hurry: short ticks and leases, so that tests need not wait. */
export const hastyEvaluator = (
  options: Partial<EvaluatorOptions> & Pick<EvaluatorOptions, 'query' | 'redisUrl'>,
) =>
  createEvaluator({
    groups: shopRules(),
    step,
    clock: systemClock,
    log: silentLog,
    meter: noopMeter,
    tracer: noopTracer,
    random: () => 0.5,
    evaluationTimeoutMs: 5_000,
    tickMs: 20,
    lease: { lockDurationMs: 1_000, stalledIntervalMs: 500 },
    ...options,
  });
