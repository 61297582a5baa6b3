import { nearest } from '../lib/nearest.ts';
import type { Labels } from '../model/matcher.ts';
import { formatValue } from './humanize.ts';
import type { SignalValues, Unit } from './rules/plan.ts';
import { type TemplateValue, templateFunctions } from './template-functions.ts';
import { type Command, type Operand, type Part, parseTemplate } from './template-syntax.ts';

export interface TemplateScope {
  /** Undefined: not known before the query answers. */
  readonly labelNames: readonly string[] | undefined;
  /** Signal names with their units; the first is what `$value` stands for. */
  readonly units: ReadonlyMap<string, Unit>;
}

export interface TemplateContext {
  readonly labels: Labels;
  readonly values: SignalValues;
}

/** Renders, and never throws: a failure becomes text, as in Prometheus. */
export type Template = (context: TemplateContext) => string;

export type TemplateReading =
  | { readonly ok: true; readonly template: Template; readonly usesValues: boolean }
  | { readonly ok: false; readonly messages: readonly string[] };

/** Label values come from senders; no message grows beyond this because of them. */
const renderedCharsMax = 8_192;

/**
 * Compiles the part of Go's templates that alert texts use: `{{ $labels.x }}`, `{{ $value }}`,
 * `{{ $values.p99 | humanizeDuration }}`, `{{ printf "%.2f" $value }}`, and `.Labels`, `.Value`.
 * A value that is printed as it is gets its unit: `812 ms`.
 */
export const compileTemplate = (text: string, scope: TemplateScope): TemplateReading => {
  const reading = parseTemplate(text);
  if (!reading.ok) return { ok: false, messages: [reading.message] };
  const actions = reading.parts.flatMap((it) => (it.kind === 'action' ? [it.pipeline] : []));
  const operands = actions.flatMap(operandsIn);
  const messages = [
    ...operands.flatMap((it) => mistakeIn(it, scope)),
    ...actions.flatMap(commandsIn).flatMap(unknownFunction),
  ];
  if (messages.length > 0) return { ok: false, messages: [...new Set(messages)] };
  return {
    ok: true,
    template: (context) => render(reading.parts, context, scope),
    usesValues: operands.some((it) => it.kind === 'value'),
  };
};

const commandsIn = (pipeline: readonly Command[]): readonly Command[] =>
  pipeline.flatMap((command) => [
    command,
    ...command.operands.flatMap((it) => (it.kind === 'pipeline' ? commandsIn(it.pipeline) : [])),
  ]);

const operandsIn = (pipeline: readonly Command[]): readonly Operand[] =>
  commandsIn(pipeline).flatMap((it) =>
    it.operands.filter((operand) => operand.kind !== 'pipeline'),
  );

const unknownFunction = ({ name }: Command): readonly string[] => {
  if (name === undefined || Object.hasOwn(templateFunctions, name)) return [];
  return [`unknown function ${name}; ${suggestion(name, Object.keys(templateFunctions))}`];
};

const mistakeIn = (operand: Operand, { labelNames, units }: TemplateScope): readonly string[] => {
  if (operand.kind === 'label') {
    if (labelNames === undefined || labelNames.includes(operand.name)) return [];
    return [`no label ${operand.name} in this alert; ${suggestion(operand.name, labelNames)}`];
  }
  if (operand.kind !== 'value' || operand.name === undefined || units.has(operand.name)) return [];
  return [`no signal ${operand.name} in this rule; ${suggestion(operand.name, [...units.keys()])}`];
};

const suggestion = (name: string, known: readonly string[]): string => {
  const close = nearest(name, known);
  return close ? `did you mean ${close}?` : `there are ${known.join(', ') || 'none'}`;
};

const render = (parts: readonly Part[], context: TemplateContext, scope: TemplateScope): string => {
  try {
    const text = parts
      .map((it) => (it.kind === 'text' ? it.text : textOf(run(it.pipeline, context, scope))))
      .join('');
    return text.length <= renderedCharsMax ? text : `${text.slice(0, renderedCharsMax)}…`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `<error expanding template: ${reason}>`;
  }
};

const textOf = (value: TemplateValue): string =>
  value.kind === 'number' ? formatValue(value.value, value.unit) : value.text;

const run = (
  pipeline: readonly Command[],
  context: TemplateContext,
  scope: TemplateScope,
): TemplateValue => {
  let piped: readonly TemplateValue[] = [];
  for (const { name, operands } of pipeline) {
    const values = operands.map((it) => valueOf(it, context, scope)).concat(piped);
    const apply = name === undefined ? undefined : templateFunctions[name];
    const [first] = values;
    if (!first) throw new Error(`${name ?? 'an action'} lacks a value`);
    piped = [apply ? apply(values) : first];
  }
  return piped[0] ?? { kind: 'text', text: '' };
};

const valueOf = (
  operand: Operand,
  context: TemplateContext,
  scope: TemplateScope,
): TemplateValue => {
  switch (operand.kind) {
    case 'label':
      return { kind: 'text', text: context.labels[operand.name] ?? '' };
    case 'value': {
      const name = operand.name ?? scope.units.keys().next().value ?? '';
      const value = context.values[name];
      if (value === null || value === undefined) return { kind: 'text', text: 'no data' };
      return { kind: 'number', value, unit: scope.units.get(name) ?? 'unknown' };
    }
    case 'text':
      return { kind: 'text', text: operand.text };
    case 'number':
      return { kind: 'number', value: operand.value, unit: 'unknown' };
    case 'pipeline':
      return run(operand.pipeline, context, scope);
  }
};
