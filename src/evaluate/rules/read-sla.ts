import type { Path } from '../../lib/document.ts';
import { compileQuantity } from '../compile/quantity.ts';
import type { Report } from './assemble.ts';
import { type BurnRate, burnFactor, defaultBurnRates } from './burn-rates.ts';
import { type CountedTime, countedTimeOf } from './counted-time.ts';
import { type Exclusion, type NamedIntervals, readExclude } from './read-exclude.ts';
import { readValue } from './read-value.ts';
import { readWhere } from './read-where.ts';
import type { SlaInput } from './schema.ts';
import type { Filter, ValueFunction, Window } from './signal-plan.ts';

/** An SLA whose words are understood. */
export interface SlaPlan {
  readonly input: SlaInput;
  readonly where: readonly Filter[];
  readonly window: Window;
  /** Length of the window; of a calendar period, about. */
  readonly periodMs: number;
  readonly objectives: readonly Objective[];
  readonly burnRates: readonly BurnRate[];
  readonly exclusions: readonly Exclusion[];
  /** What of a window counts; undefined where all of it does. */
  readonly counted: CountedTime | undefined;
}

/** One promise of an SLA: `actual` must not be on the wrong side of `target`. */
export interface Objective {
  /** Empty, or what tells the objectives of one SLA apart, such as `p99`. */
  readonly name: string;
  readonly actual: ValueFunction;
  /** In base units: ratio, seconds, per second. */
  readonly target: number;
  readonly breachedWhen: 'below' | 'above';
  /** Share of requests that may be bad; undefined where nothing of the kind is promised. */
  readonly budget: number | undefined;
  /** Share of requests that were good; undefined where `actual` says it or nothing does. */
  readonly good: ValueFunction | undefined;
}

const dayMs = 86_400_000;
const periodMs = { week: 7 * dayMs, month: 30 * dayMs, quarter: 91 * dayMs, year: 365 * dayMs };
const defaultWindowMs = 30 * dayMs;

/** Reads one entry of `slas`; undefined after its mistakes have been reported. */
export const readSla = (
  input: SlaInput,
  path: Path,
  report: Report,
  named?: NamedIntervals,
): SlaPlan | undefined => {
  if (input.window !== undefined && input.calendar !== undefined) {
    report([...path, 'calendar'], 'does not go with window');
    return undefined;
  }
  const { filters, mistakes } = readWhere(input.where);
  for (const mistake of mistakes) report([...path, 'where', ...mistake.path], mistake.message);
  const objectives = readObjectives(input, [...path, 'target'], report);
  const period = input.calendar ? periodMs[input.calendar] : (input.window ?? defaultWindowMs);
  const budget = objectives?.[0]?.budget;
  const burnRates = readBurnRates(input, budget, period, path, report);
  const exclusions = readExclude(input.exclude, [...path, 'exclude'], report, named);
  if (!objectives || !burnRates || !exclusions || mistakes.length > 0) return undefined;
  return {
    input,
    where: [
      { attribute: 'service.name', test: { kind: 'equals', text: input.service } },
      ...filters,
    ],
    window: input.calendar
      ? { kind: 'calendar', period: input.calendar, offsetMs: 0 }
      : { kind: 'rolling', overMs: period, offsetMs: 0 },
    periodMs: period,
    objectives,
    burnRates,
    exclusions,
    counted: exclusions.length === 0 ? undefined : countedTimeOf(exclusions),
  };
};

const readObjectives = (
  input: SlaInput,
  path: Path,
  report: Report,
): readonly Objective[] | undefined => {
  if (input.type === 'response_time') return readResponseTimes(input.target, path, report);
  const expected = {
    availability: 'a percentage such as 99.9 percent',
    error_rate: 'a percentage such as 0.5 percent',
    throughput: 'a rate such as 50 per second',
  }[input.type];
  const quantity =
    typeof input.target === 'object' ? undefined : compileQuantity(String(input.target));
  if (!quantity?.ok) {
    report(path, `expected ${expected}`);
    return undefined;
  }
  // 99.9 percent is 0.999, where 99.9 / 100 is a little more.
  const { value, unit } = quantity;
  const target = unit === 'ratio' ? Number(value.toPrecision(12)) : value;
  if (input.type === 'throughput') {
    if (target > 0 && (unit === 'per-second' || unit === 'unknown')) {
      const actual = { kind: 'rate_since_first' } as const;
      return [
        { name: '', actual, target, breachedWhen: 'below', budget: undefined, good: undefined },
      ];
    }
  } else if (target > 0 && target < 1 && (unit === 'ratio' || unit === 'unknown')) {
    const actual = { kind: 'error_rate' } as const;
    return input.type === 'error_rate'
      ? [{ name: '', actual, target, breachedWhen: 'above', budget: target, good: undefined }]
      : [
          {
            name: '',
            actual: { kind: 'success_rate' },
            target,
            breachedWhen: 'below',
            budget: 1 - target,
            good: undefined,
          },
        ];
  }
  report(path, `expected ${expected}`);
  return undefined;
};

/** `{p99: 300 ms, p50: 100 ms}`: each percentile is a promise of its own. */
const readResponseTimes = (
  target: SlaInput['target'],
  path: Path,
  report: Report,
): readonly Objective[] | undefined => {
  if (typeof target !== 'object' || Object.keys(target).length === 0) {
    report(path, 'expected percentiles with durations, such as {p99: 300 ms}');
    return undefined;
  }
  const objectives = Object.entries(target).flatMap(([name, text]): readonly Objective[] => {
    const actual = readValue(`${name}(duration)`, 'spans');
    if (!actual.ok || actual.value.kind !== 'percentile') {
      report([...path, name], 'expected a percentile from p50 to p99.9');
      return [];
    }
    const limit = compileQuantity(text);
    if (!limit.ok || limit.unit !== 'seconds' || limit.value <= 0) {
      report([...path, name], 'expected a duration such as 300 ms');
      return [];
    }
    return [
      {
        name,
        actual: actual.value,
        target: limit.value,
        breachedWhen: 'above',
        budget: 1 - actual.value.level,
        good: { kind: 'share_within', seconds: limit.value },
      },
    ];
  });
  return objectives.length === Object.keys(target).length ? objectives : undefined;
};

const readBurnRates = (
  input: SlaInput,
  budget: number | undefined,
  period: number,
  path: Path,
  report: Report,
): readonly BurnRate[] | undefined => {
  if (input.burn_rates === undefined) return [];
  const at = [...path, 'burn_rates'];
  if (input.type !== 'availability' && input.type !== 'error_rate') {
    report(at, 'only availability and error_rate have burn rates');
    return undefined;
  }
  // In a short period the slow ones of the default windows would reach beyond it.
  const rates =
    input.burn_rates === 'default'
      ? defaultBurnRates.filter((it) => it.longMs < period)
      : readList(input.burn_rates, at, report);
  if (!rates || budget === undefined) return undefined;
  for (const [index, rate] of rates.entries()) {
    const place = input.burn_rates === 'default' ? at : [...at, index];
    const threshold = burnFactor(rate, period) * budget;
    if (threshold < 1) continue;
    const factor = Number(burnFactor(rate, period).toPrecision(4));
    const message = `can never fire: ${factor} times a budget of ${Number((budget * 100).toPrecision(4))} % is not less than all requests`;
    report(place, message, 'warning');
  }
  return rates;
};

const readList = (
  list: Exclude<SlaInput['burn_rates'], 'default' | undefined>,
  path: Path,
  report: Report,
): readonly BurnRate[] | undefined => {
  const rates = list.flatMap(({ severity, long, short, budget }, index): readonly BurnRate[] => {
    const share = compileQuantity(budget);
    if (!share.ok || share.value <= 0 || share.value > 1) {
      report([...path, index, 'budget'], 'expected a share of the error budget such as 2 percent');
      return [];
    }
    if (short >= long) {
      report([...path, index, 'short'], 'must be shorter than long');
      return [];
    }
    return [{ severity, longMs: long, shortMs: short, share: share.value }];
  });
  return rates.length === list.length ? rates : undefined;
};
