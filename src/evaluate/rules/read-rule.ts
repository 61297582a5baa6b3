import type { Path } from '../../lib/document.ts';
import { formatDuration } from '../../lib/duration.ts';
import { type Condition, compileCondition } from '../compile/condition.ts';
import { compileSignal } from '../compile/signal.ts';
import type { Report, RuleDraft } from './assemble.ts';
import { createDecide, orderSeverities } from './decide.ts';
import type { CompiledSignal, Unit } from './plan.ts';
import { readPolicy } from './read-policy.ts';
import { readAbsence, readSignal } from './read-signal.ts';
import type { AbsentInput, RuleInput } from './schema.ts';
import type { SignalPlan } from './signal-plan.ts';

export interface RulePlace {
  readonly id: string;
  readonly line: number;
  readonly path: Path;
}

const signalsMax = 16;

/** Reads one rule; undefined when it has mistakes, which are reported, or cannot run yet. */
export const readRule = (
  input: RuleInput,
  place: RulePlace,
  report: Report,
): RuleDraft | undefined => {
  const { path } = place;
  const conditions = (['expr', 'signals', 'absent'] as const).filter(
    (it) => input[it] !== undefined,
  );
  if (input.record !== undefined) return readRecording(input, path, report);
  if (input.alert === undefined) {
    report(path, 'needs alert, the name of the alert');
    return undefined;
  }
  if (conditions.length !== 1) {
    report(
      path,
      conditions.length === 0
        ? 'needs signals, absent or expr'
        : `has ${conditions.join(' and ')}; one is possible`,
    );
    return undefined;
  }
  if (input.expr !== undefined) {
    report([...path, 'expr'], 'PromQL is not evaluated yet: this rule never fires', 'warning');
    return undefined;
  }
  return input.absent
    ? readAbsentRule(input, input.absent, place, report)
    : readSignalRule(input, place, report);
};

const readRecording = (input: RuleInput, path: Path, report: Report): undefined => {
  if (input.alert !== undefined) report([...path, 'alert'], 'does not go with record');
  else if (input.expr === undefined) report(path, 'a record needs expr');
  else report([...path, 'record'], 'recording rules are not evaluated yet', 'warning');
  return undefined;
};

const readSignalRule = (
  input: RuleInput,
  place: RulePlace,
  report: Report,
): RuleDraft | undefined => {
  const { path } = place;
  const entries = Object.entries(input.signals ?? {});
  if (entries.length === 0 || entries.length > signalsMax) {
    report([...path, 'signals'], `needs 1 to ${signalsMax} signals`);
  }
  const plans: Record<string, SignalPlan> = {};
  for (const [name, signal] of entries) {
    const at = [...path, 'signals', name];
    const plan = readSignal(signal, at, report);
    if (plan) plans[name] = plan;
    if (!isName(name)) {
      report(at, 'is not a name that a condition can use: letters, digits and _, no and, or, not');
    }
  }
  const compiled = Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [name, compileSignal(plan)]),
  );
  checkLabels(compiled, path, report);
  const units = new Map(
    entries.map(([name]) => [name, compiled[name]?.unit ?? 'unknown'] as const),
  );
  const conditions = readConditions(input, units, path, report);
  if (!conditions || Object.keys(plans).length < entries.length) return undefined;
  return {
    ...common(input, place, Object.values(compiled), report),
    condition: conditions.levels
      .map((it) => `${it.severity ? `${it.severity}: ` : ''}${it.condition.text}`)
      .join('; '),
    plans,
    units: displayUnits(
      units,
      conditions.levels.map((it) => it.condition),
    ),
    decide: createDecide(conditions),
    severities: conditions.levels.flatMap((it) => it.severity ?? []),
  };
};

const isName = (name: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) &&
  !['and', 'or', 'not', 'xor', 'mod', 'to', 'in', 'per', 'percent', 'true', 'false'].includes(
    name,
  ) &&
  !['null', 'undefined', 'NaN', 'Infinity', 'end', '__proto__', 'constructor'].includes(name);

/** Signals can be joined when one has all the labels of the others. */
const checkLabels = (
  signals: Readonly<Record<string, CompiledSignal>>,
  path: Path,
  report: Report,
): void => {
  const labelled = Object.entries(signals).flatMap(([name, { labelNames }]) =>
    labelNames ? [{ name, labelNames }] : [],
  );
  const [widest] = labelled.toSorted((a, b) => b.labelNames.length - a.labelNames.length);
  for (const { name, labelNames } of labelled) {
    const foreign = labelNames.filter((it) => !widest?.labelNames.includes(it));
    if (foreign.length === 0) continue;
    const message = `cannot be joined: ${widest?.name} is not grouped by ${foreign.join(', ')}`;
    report([...path, 'signals', name], message);
  }
};

const readConditions = (
  input: RuleInput,
  units: ReadonlyMap<string, Unit>,
  path: Path,
  report: Report,
) => {
  const read = (text: string, key: readonly string[]): Condition | undefined => {
    const reading = compileCondition(text, units);
    if (reading.ok) return reading.condition;
    for (const message of reading.messages) report([...path, ...key], message);
    return undefined;
  };
  const recoverWhen =
    input.recover_when === undefined ? undefined : read(input.recover_when, ['recover_when']);
  const severities = Object.entries(input.severities ?? {});
  if (input.when === undefined && severities.length === 0) {
    report(path, 'needs when or severities');
    return undefined;
  }
  if (input.when !== undefined && severities.length > 0) {
    read(input.when, ['when']);
    report([...path, 'when'], 'is not used: severities are there instead', 'warning');
  }
  if (severities.length > 0 && input.labels['severity'] !== undefined) {
    report([...path, 'labels', 'severity'], 'does not go with severities');
  }
  const texts = new Map<string | undefined, string>(
    severities.length > 0 ? severities : [[undefined, input.when ?? '']],
  );
  const order =
    severities.length > 0 ? orderSeverities(severities.map(([name]) => name)) : [undefined];
  const levels = order.map((severity) => {
    const key = severity === undefined ? ['when'] : ['severities', severity];
    const condition = read(texts.get(severity) ?? '', key);
    return condition && { ...(severity === undefined ? {} : { severity }), condition };
  });
  const whole = levels.filter((it) => it !== undefined);
  if (whole.length < levels.length) return undefined;
  if (input.recover_when !== undefined && !recoverWhen) return undefined;
  return { levels: whole, ...(recoverWhen ? { recoverWhen } : {}) };
};

/** The first signal that the condition mentions is what `$value` stands for. */
const displayUnits = (
  units: ReadonlyMap<string, Unit>,
  conditions: readonly Condition[],
): ReadonlyMap<string, Unit> => {
  const inferred = new Map(conditions.flatMap((it) => [...it.inferred]));
  const first = conditions.flatMap((it) => it.signals);
  const names = [...new Set([...first, ...units.keys()])];
  return new Map(names.map((name) => [name, inferred.get(name) ?? units.get(name) ?? 'unknown']));
};

const readAbsentRule = (
  input: RuleInput,
  absent: AbsentInput,
  place: RulePlace,
  report: Report,
): RuleDraft | undefined => {
  const { path } = place;
  for (const key of ['when', 'severities', 'recover_when'] as const) {
    if (input[key] !== undefined) report([...path, key], 'does not go with absent');
  }
  const plan = readAbsence(absent, [...path, 'absent'], report);
  if (!plan) return undefined;
  const overSeconds = absent.over / 1_000;
  return {
    ...common(input, place, [compileSignal(plan)], report),
    condition: `nothing for ${formatDuration(absent.over)}, seen within ${formatDuration(absent.seen_within)}`,
    plans: { silence: plan },
    units: new Map([['silence', 'seconds']]),
    decide: ({ silence }) => {
      if (silence === undefined || silence === null)
        return { holds: 'unknown', missing: ['silence'] };
      return { holds: silence >= overSeconds ? 'yes' : 'no' };
    },
    severities: [],
  };
};

const common = (
  input: RuleInput,
  place: RulePlace,
  signals: readonly CompiledSignal[],
  report: Report,
) => ({
  id: place.id,
  line: place.line,
  alertName: input.alert ?? '',
  policy: readPolicy(input, signals, place.path, report),
  labels: input.labels,
  annotations: input.annotations,
  escalation: input.escalation,
});
