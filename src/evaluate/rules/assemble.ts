import type { Path } from '../../lib/document.ts';
import type { Labels } from '../../model/matcher.ts';
import type { StepPolicy } from '../../model/step.ts';
import { shortOfData } from '../compile/reach.ts';
import { compileSignal } from '../compile/signal.ts';
import type { Stored } from '../compile/stored.ts';
import { compileTemplate, type Template, type TemplateScope } from '../template.ts';
import type { CompiledRule, CompiledSignal, Decide, SignalValues, Unit } from './plan.ts';
import type { SignalPlan } from './signal-plan.ts';

/** A rule whose words are understood; what is left is to compile its queries and texts. */
export interface RuleDraft {
  readonly id: string;
  readonly line: number;
  readonly alertName: string;
  readonly condition: string;
  readonly plans: Readonly<Record<string, SignalPlan>>;
  /** Units of signals and derived values, the one that `$value` means first. */
  readonly units: ReadonlyMap<string, Unit>;
  readonly derive?: (values: SignalValues) => SignalValues;
  readonly decide: Decide;
  readonly severities: readonly string[];
  readonly policy: StepPolicy;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly escalation: string | undefined;
}

/** Notes a mistake at a path of the document. */
export type Report = (path: Path, message: string, severity?: 'error' | 'warning') => void;

/** Compiles a draft; mistakes in its templates are reported at `path`. */
export const assembleRule = (
  draft: RuleDraft,
  path: Path,
  report: Report,
  stored: Stored,
): CompiledRule => {
  const signals = mapValues(draft.plans, (it) => compileSignal(it, stored));
  for (const message of reachesOf(draft, stored)) report(path, message, 'warning');
  const instanceLabels = instanceLabelNames(Object.values(signals));
  const ownLabels = compileTexts(
    draft.labels,
    { labelNames: instanceLabels, units: draft.units },
    [...path, 'labels'],
    report,
  );
  for (const { name, usesValues } of ownLabels) {
    if (!usesValues) continue;
    const message = 'has a value in it: each new value makes a new alert; use an annotation';
    report([...path, 'labels', name], message, 'warning');
  }
  const alertLabels = instanceLabels && [
    ...instanceLabels,
    ...ownLabels.map((it) => it.name),
    'alertname',
    'severity',
  ];
  const annotations = compileTexts(
    draft.annotations,
    { labelNames: alertLabels, units: draft.units },
    [...path, 'annotations'],
    report,
  );
  return {
    id: draft.id,
    alertName: draft.alertName,
    line: draft.line,
    condition: draft.condition,
    signals,
    units: draft.units,
    derive: draft.derive ?? ((values) => values),
    decide: draft.decide,
    policy: draft.policy,
    labels: (instance) =>
      withoutEmpty({
        ...instance.labels,
        ...rendered(ownLabels, instance),
        alertname: draft.alertName,
      }),
    annotations: (context) => rendered(annotations, context),
    severities: draft.severities,
    ...(draft.escalation === undefined ? {} : { escalation: draft.escalation }),
  };
};

/** Reports mistakes in the texts of a rule that has mistakes elsewhere, as far as they can be told. */
export const checkTexts = (
  rule: { readonly labels: Labels; readonly annotations: Labels },
  signalNames: readonly string[],
  path: Path,
  report: Report,
): void => {
  const units = new Map(signalNames.map((it): [string, Unit] => [it, 'unknown']));
  const scope = { labelNames: undefined, units };
  for (const key of ['labels', 'annotations'] as const) {
    compileTexts(rule[key], scope, [...path, key], report);
  }
};

/** Signals of one rule that look back equally far are one warning. */
const reachesOf = ({ plans }: RuleDraft, stored: Stored): ReadonlySet<string> =>
  new Set(Object.values(plans).flatMap((it) => shortOfData(it, stored) ?? []));

const mapValues = <From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Readonly<Record<string, To>> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));

/** The labels of the signal that has the most; undefined when only the answer will tell. */
const instanceLabelNames = (signals: readonly CompiledSignal[]): readonly string[] | undefined => {
  let widest: readonly string[] = [];
  for (const { labelNames } of signals) {
    if (labelNames === undefined) return undefined;
    if (labelNames.length > widest.length) widest = labelNames;
  }
  return widest;
};

interface CompiledText {
  readonly name: string;
  readonly template: Template;
  readonly usesValues: boolean;
}

const compileTexts = (
  texts: Labels,
  scope: TemplateScope,
  path: Path,
  report: Report,
): readonly CompiledText[] =>
  Object.entries(texts).flatMap(([name, text]) => {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
      report([...path, name], 'a name has letters, digits and _ only, and no digit first');
    }
    const reading = compileTemplate(text, scope);
    if (reading.ok) return [{ name, template: reading.template, usesValues: reading.usesValues }];
    for (const message of reading.messages) report([...path, name], message);
    return [];
  });

const rendered = (texts: readonly CompiledText[], context: Parameters<Template>[0]): Labels =>
  Object.fromEntries(texts.map(({ name, template }) => [name, template(context)]));

/** An empty label is the same as none, as in Prometheus. */
const withoutEmpty = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
