import { z } from '../../lib/document.ts';
import { parseDurationMs } from '../../lib/duration.ts';

const durationMax = '400d';
const durationMsMax = parseDurationMs(durationMax) ?? 0;

/** Prometheus' durations, read as milliseconds. */
const durationMs = z
  .union([z.string(), z.number()], { error: 'expected a duration such as 5m' })
  .transform((text, context) => {
    const ms = parseDurationMs(String(text));
    if (ms === undefined) {
      context.addIssue('expected a duration such as 30s, 5m or 1h30m');
      return z.NEVER;
    }
    if (ms <= durationMsMax) return ms;
    context.addIssue(`must not be longer than ${durationMax}`);
    return z.NEVER;
  });

const positiveDurationMs = durationMs.refine((ms) => ms > 0, { error: 'must be longer than 0' });

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'expected text, a number or true or false',
});
const text = scalar.transform(String);
const line = z.string('expected text');
const name = line.min(1, 'must not be empty').max(200, 'must not exceed 200 characters');
const texts = z.record(z.string(), text, { error: 'expected names with texts' });

const names = z.union([name.transform((it) => [it]), z.array(name)], {
  error: 'expected a list of attribute names',
});

const where = z.record(
  name,
  z.union([scalar, z.array(scalar).min(1, 'must not be empty')], {
    error: 'expected a value or a list of values',
  }),
  { error: 'expected attributes with values' },
);

const sourceName = z.enum(['spans', 'metrics', 'logs', 'caches'], {
  error: 'expected spans, metrics, logs or caches',
});

const selection = {
  from: sourceName.optional(),
  metric: name.optional(),
  where: where.default({}),
  by: names.default([]),
};

const signal = z.strictObject({
  ...selection,
  value: line.optional(),
  sql: line.max(100_000, 'must not exceed 100000 characters').optional(),
  over: positiveDurationMs.optional(),
  offset: durationMs.default(0),
});

const absent = z.strictObject({
  ...selection,
  over: positiveDurationMs,
  seen_within: positiveDurationMs.default(86_400_000),
});

const noDataPolicy = z.enum(['ok', 'keep', 'fire', 'alert'], {
  error: 'expected ok, keep, fire or alert',
});

const rule = z.strictObject({
  alert: name.optional(),
  record: name.optional(),
  expr: text.optional(),
  signals: z.record(z.string(), signal, { error: 'expected names with signals' }).optional(),
  when: line.optional(),
  severities: z.record(name, line, { error: 'expected names with conditions' }).optional(),
  recover_when: line.optional(),
  absent: absent.optional(),
  for: durationMs.optional(),
  at_least: line.optional(),
  keep_firing_for: durationMs.optional(),
  no_data: noDataPolicy.optional(),
  on_error: noDataPolicy.optional(),
  labels: texts.default({}),
  annotations: texts.default({}),
  escalation: name.optional(),
});

const group = z.strictObject({
  name,
  interval: positiveDurationMs.optional(),
  query_offset: z
    .union([z.literal('auto'), durationMs], { error: 'expected auto or a duration such as 30s' })
    .default('auto'),
  limit: z.int('expected a whole number').min(0, 'must not be negative').default(0),
  labels: texts.default({}),
  rules: z
    .array(rule, { error: 'expected a list of rules' })
    .max(1_000, 'must not exceed 1000 rules')
    .default([]),
});

const burnRate = z.strictObject({
  severity: name,
  long: positiveDurationMs,
  short: positiveDurationMs,
  /** Share of the error budget that may burn within `long`. */
  budget: text,
});

const someTexts = z.array(text).min(1, 'must not be empty').optional();

/** Alertmanager's words for a recurring time. */
const exclusion = z.strictObject({
  reason: name,
  start: text.optional(),
  end: text.optional(),
  time_interval: name.optional(),
  times: z
    .array(z.strictObject({ start_time: text, end_time: text }))
    .min(1, 'must not be empty')
    .optional(),
  weekdays: someTexts,
  days_of_month: someTexts,
  months: someTexts,
  years: someTexts,
  location: name.optional(),
});

const sla = z.strictObject({
  name,
  service: name,
  type: z.enum(['availability', 'response_time', 'throughput', 'error_rate'], {
    error: 'expected availability, response_time, throughput or error_rate',
  }),
  target: z.union([scalar, z.record(name, text)], { error: 'expected a target' }),
  window: positiveDurationMs.optional(),
  calendar: z
    .enum(['week', 'month', 'quarter', 'year'], { error: 'expected week, month, quarter or year' })
    .optional(),
  where: where.default({}),
  burn_rates: z
    .union([z.literal('default'), z.array(burnRate).min(1, 'must not be empty')], {
      error: 'expected default or a list of {severity, long, short, budget}',
    })
    .optional(),
  exclude: z
    .array(exclusion, { error: 'expected a list of times that do not count' })
    .max(1_000, 'must not exceed 1000 times')
    .default([]),
  labels: texts.default({}),
  annotations: texts.default({}),
  escalation: name.optional(),
});

/** One rule file, as contract section 6 has it; Prometheus' rule files are a subset. */
export const ruleFileSchema = z.strictObject({
  groups: z.array(group, { error: 'expected a list of groups' }).default([]),
  slas: z.array(sla, { error: 'expected a list of SLAs' }).default([]),
  tests: z.array(z.unknown(), { error: 'expected a list of tests' }).default([]),
});

export type RuleFile = z.output<typeof ruleFileSchema>;
export type GroupInput = RuleFile['groups'][number];
export type RuleInput = GroupInput['rules'][number];
export type SignalInput = NonNullable<RuleInput['signals']>[string];
export type AbsentInput = NonNullable<RuleInput['absent']>;
export type SlaInput = RuleFile['slas'][number];
export type ExclusionInput = SlaInput['exclude'][number];
export type WhereInput = SignalInput['where'];
