import { formatDuration } from '../../lib/duration.ts';
import type { Labels } from '../../model/matcher.ts';
import type { StepPolicy } from '../../model/step.ts';
import { compileCondition } from '../compile/condition.ts';
import { formatValue } from '../humanize.ts';
import type { RuleDraft } from './assemble.ts';
import { type BurnRate, burnFactor } from './burn-rates.ts';
import { createDecide } from './decide.ts';
import type { SignalValues, Unit } from './plan.ts';
import type { Objective, SlaPlan } from './read-sla.ts';
import type { QueryPlan, ValueFunction, Window } from './signal-plan.ts';

export interface SlaPlace {
  /** Id of the group that the rule lies in. */
  readonly groupId: string;
  readonly line: number;
}

/** No data is no breach and no proof of recovery; an SLA waits for nothing. */
const policy: StepPolicy = { forMs: 0, keepFiringForMs: 0, noData: 'keep', onError: 'keep' };

/** One `SlaBreached` rule per objective: the window as a whole misses the target. */
export const breachRules = (plan: SlaPlan, place: SlaPlace): readonly RuleDraft[] =>
  plan.objectives.map((objective) => breachRule(plan, objective, place));

const breachRule = (plan: SlaPlan, objective: Objective, place: SlaPlace): RuleDraft => {
  const { input } = plan;
  const unit = unitOf(objective);
  const suffix = objective.name === '' ? '' : `-${objective.name}`;
  const sign = objective.breachedWhen === 'below' ? '<' : '>';
  const target = formatValue(objective.target, unit);
  const what =
    objective.name === '' ? input.type.replace('_', ' ') : `${objective.name} response time`;
  return {
    id: `${place.groupId}/SlaBreached${suffix}`,
    line: place.line,
    alertName: 'SlaBreached',
    condition: `actual ${sign} ${target} over ${windowText(plan.window)}`,
    plans: {
      actual: queryOf(plan, objective.actual, plan.window),
      ...(objective.good ? { good: queryOf(plan, objective.good, plan.window) } : {}),
    },
    units: new Map<string, Unit>([
      ['actual', unit],
      ['target', unit],
      ...(objective.good ? [['good', 'ratio'] as const] : []),
      ...(objective.budget === undefined ? [] : [['budget_remaining', 'ratio'] as const]),
    ]),
    derive: (values) => withBudget(values, objective),
    decide: ({ actual }) => {
      if (actual === undefined || actual === null) return { holds: 'unknown', missing: ['actual'] };
      const breached =
        objective.breachedWhen === 'below' ? actual < objective.target : actual > objective.target;
      return { holds: breached ? 'yes' : 'no' };
    },
    severities: [],
    policy,
    labels: {
      ...labelsOf(plan, 'critical'),
      ...(objective.name === '' ? {} : { objective: objective.name }),
    },
    annotations: {
      summary: `SLA ${escaped(input.name)}: ${what} is {{ $values.actual }}, promised {{ $values.target }} over ${windowText(plan.window)}`,
      ...(objective.budget === undefined
        ? {}
        : { description: 'Error budget that is left: {{ $values.budget_remaining }}' }),
      ...input.annotations,
    },
    escalation: input.escalation,
  };
};

/** One `SlaBurnRate` rule per severity: any of its pairs of windows burns too fast. */
export const burnRules = (plan: SlaPlan, place: SlaPlace): readonly RuleDraft[] =>
  [...new Set(plan.burnRates.map((it) => it.severity))].map((severity) =>
    burnRule(
      plan,
      severity,
      plan.burnRates.filter((it) => it.severity === severity),
      place,
    ),
  );

const burnRule = (
  plan: SlaPlan,
  severity: string,
  rates: readonly BurnRate[],
  place: SlaPlace,
): RuleDraft => {
  const { input } = plan;
  const budget = plan.objectives[0]?.budget ?? 0;
  const windows = new Map(
    rates
      .flatMap((it) => [it.longMs, it.shortMs])
      .map((ms) => [`errors_${formatDuration(ms)}`, ms]),
  );
  const units = new Map([...windows.keys()].map((name): [string, Unit] => [name, 'ratio']));
  const text = rates
    .map((rate) => {
      const threshold = Number((100 * burnFactor(rate, plan.periodMs) * budget).toPrecision(10));
      const [long, short] = [rate.longMs, rate.shortMs].map((ms) => `errors_${formatDuration(ms)}`);
      return `(${long} > ${threshold} percent and ${short} > ${threshold} percent)`;
    })
    .join(' or ');
  const reading = compileCondition(text, units);
  if (!reading.ok) throw new Error(`condition of burn rates: ${reading.messages.join('; ')}`);
  const [shown] = windows.keys();
  return {
    id: `${place.groupId}/SlaBurnRate-${safe(severity)}`,
    line: place.line,
    alertName: 'SlaBurnRate',
    condition: text,
    plans: Object.fromEntries(
      [...windows].map(([name, overMs]) => {
        const window: Window = { kind: 'rolling', overMs, offsetMs: 0 };
        return [name, queryOf(plan, { kind: 'error_rate' }, window)];
      }),
    ),
    units,
    decide: createDecide({ levels: [{ condition: reading.condition }] }),
    severities: [],
    policy,
    labels: labelsOf(plan, severity),
    annotations: {
      summary: `SLA ${escaped(input.name)}: errors burn its budget too fast, {{ $values.${shown} }} fail`,
      description: [...windows.keys()]
        .map((it) => `${it.replace('errors_', 'last ')}: {{ $values.${it} }}`)
        .join(', '),
      ...input.annotations,
    },
    escalation: input.escalation,
  };
};

const queryOf = (plan: SlaPlan, value: ValueFunction, window: Window): QueryPlan => ({
  kind: 'query',
  from: { name: 'spans' },
  value,
  where: plan.where,
  by: [],
  window,
  ...(plan.counted && { counted: plan.counted }),
});

const labelsOf = ({ input }: SlaPlan, severity: string): Labels => ({
  sla: escaped(input.name),
  service: escaped(input.service),
  service_name: escaped(input.service),
  type: input.type,
  severity,
  ...input.labels,
});

/** 1 is an untouched budget, 0 a spent one, less than 0 an overdrawn one. */
const withBudget = (values: SignalValues, objective: Objective): SignalValues => {
  const all = { ...values, target: objective.target };
  if (objective.budget === undefined) return all;
  const bad = badShare(values, objective);
  return { ...all, budget_remaining: bad === null ? null : 1 - bad / objective.budget };
};

const badShare = (values: SignalValues, objective: Objective): number | null => {
  const measured = objective.good ? values['good'] : values['actual'];
  if (measured === null || measured === undefined) return null;
  return objective.actual.kind === 'error_rate' ? measured : 1 - measured;
};

const unitOf = ({ actual }: Objective): Unit => {
  if (actual.kind === 'percentile') return 'seconds';
  return actual.kind === 'rate_since_first' ? 'per-second' : 'ratio';
};

const windowText = (window: Window): string =>
  window.kind === 'calendar' ? `this ${window.period}` : formatDuration(window.overMs);

/** Names are text of the file, not templates. */
const escaped = (text: string): string => text.replaceAll('{{', '{{ "{{" }}');

const safe = (text: string): string => text.replaceAll(/[^A-Za-z0-9_.-]/g, '~');
