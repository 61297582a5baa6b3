import { type Path, type Problem, type ProblemAt, readDocument } from '../../lib/document.ts';
import { allStored, type Stored } from '../compile/stored.ts';
import { assembleRule, checkTexts, type Report, type RuleDraft } from './assemble.ts';
import type { CompiledRule, LoadedRules, RuleGroup, RuleProblem } from './plan.ts';
import type { NamedIntervals } from './read-exclude.ts';
import { readRule } from './read-rule.ts';
import { readSla, type SlaPlan } from './read-sla.ts';
import { readsSpans } from './reads-spans.ts';
import { type GroupInput, type RuleFile, type RuleInput, ruleFileSchema } from './schema.ts';
import { slaObjectives } from './sla-objectives.ts';
import { breachRules, burnRules, type SlaPlace } from './sla-rules.ts';

export interface RuleText {
  /** As it is shown to people and as it enters ids. */
  readonly file: string;
  readonly text: string;
}

export interface RuleDefaults {
  readonly intervalMs: number;
  /** For groups that do not say, and for `auto`. */
  readonly queryOffsetMs: number;
  /** Added to it for groups that look at spans, which may be stored so much later than the rest. */
  readonly spanDelayMs?: number;
  /** How far back can be read, and what tells of caches; for ever, and as everybody's, unless given. */
  readonly stored?: Partial<Stored>;
  /** Of the alerting file; without it, names of time intervals cannot be checked. */
  readonly timeIntervals?: NamedIntervals;
}

const fileCharsMax = 2_000_000;

/** The longer a window, the slower what it says changes, and the dearer it is to look. */
const breachIntervalMsMax = 300_000;
const burnIntervalMsMax = 60_000;

/**
 * Reads rule files into rules that can run (contract section 6). Every problem of every file is
 * reported at once. What is valid but does not run yet, such as PromQL, is a warning.
 */
export const loadRules = (files: readonly RuleText[], defaults: RuleDefaults): LoadedRules => {
  const loaded = files.map((it) => loadFile(it, defaults));
  return {
    groups: loaded.flatMap((it) => it.groups),
    objectives: loaded.flatMap((it) => it.objectives),
    problems: [...loaded.flatMap((it) => it.problems.toSorted(byPlace)), ...repeatedSlas(loaded)],
  };
};

const byPlace = (a: Problem, b: Problem): number => a.line - b.line || a.column - b.column;

interface LoadedFile extends LoadedRules {
  readonly slas: readonly { readonly name: string; readonly problem: Problem }[];
}

const loadFile = ({ file, text }: RuleText, defaults: RuleDefaults): LoadedFile => {
  const nothing = { groups: [], objectives: [], slas: [] };
  if (text.length > fileCharsMax) {
    const message = `longer than ${fileCharsMax} characters`;
    const problem = { file, line: 1, column: 1, key: '', message, severity: 'error' } as const;
    return { ...nothing, problems: [problem] };
  }
  const reading = readDocument(file, text, ruleFileSchema);
  if (!reading.ok) return { ...nothing, problems: reading.problems.map(asError) };
  const { value, problemAt } = reading;
  const problems: RuleProblem[] = [];
  const report: Report = (path, message, severity = 'error') => {
    problems.push({ ...problemAt(path, message), severity });
  };
  const tools = { file, defaults, problemAt, report };
  const plans = readSlas(value, tools);
  const groups = [
    ...loadGroups(value, tools),
    ...plans.flatMap(({ plan, path }) => loadSla(plan, path, tools)),
  ];
  if (value.tests.length > 0) report(['tests'], 'tests of rules are not run yet', 'warning');
  const slas = value.slas.map(({ name }, index) => ({
    name,
    problem: problemAt(['slas', index, 'name'], `${name} is the name of another SLA`),
  }));
  const objectives = plans.flatMap(({ plan }) => slaObjectives(plan));
  return { groups, objectives, problems, slas };
};

const asError = (problem: Problem): RuleProblem => ({ ...problem, severity: 'error' });

interface Tools {
  readonly file: string;
  readonly defaults: RuleDefaults;
  readonly problemAt: ProblemAt;
  readonly report: Report;
}

const loadGroups = (value: RuleFile, tools: Tools): readonly RuleGroup[] =>
  value.groups.map((group, index) => {
    if (value.groups.findIndex((it) => it.name === group.name) < index) {
      tools.report(['groups', index, 'name'], `${group.name} is the name of another group`);
    }
    if (value.slas.some((it) => slaGroupNames(it.name).includes(group.name))) {
      tools.report(['groups', index, 'name'], `${group.name} is the group of an SLA of this file`);
    }
    return loadGroup(group, index, tools);
  });

const loadGroup = (group: GroupInput, groupIndex: number, tools: Tools): RuleGroup => {
  const { file, defaults, problemAt, report } = tools;
  const id = `${safe(file)}/${safe(group.name)}`;
  const counts = new Map<string, number>();
  const rules = group.rules.flatMap((rule, index): readonly CompiledRule[] => {
    const path = ['groups', groupIndex, 'rules', index];
    const name = rule.alert ?? rule.record ?? '';
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const ruleId = `${id}/${safe(name)}${count === 1 ? '' : `.${count}`}`;
    const place = { id: ruleId, line: problemAt(path, '').line, path };
    const own = withGroupLabels(rule, group);
    const draft = readRule(own, place, report);
    if (!draft && rule.expr === undefined) {
      checkTexts(own, Object.keys(rule.signals ?? { silence: rule.absent }), path, report);
    }
    return assembled(draft, path, tools);
  });
  return {
    id,
    file,
    name: group.name,
    intervalMs: group.interval ?? defaults.intervalMs,
    queryOffsetMs:
      group.query_offset === 'auto' ? autoOffsetMs(rules, defaults) : group.query_offset,
    limit: group.limit,
    rules,
  };
};

/** One instant for the whole group, so that its rules speak of the same one. */
const autoOffsetMs = (
  rules: readonly CompiledRule[],
  { queryOffsetMs, spanDelayMs = 0 }: RuleDefaults,
): number => queryOffsetMs + (rules.some(readsSpans) ? spanDelayMs : 0);

/** A rule's own severities win over a severity that its group gives. */
const withGroupLabels = (rule: RuleInput, { labels }: GroupInput): RuleInput => {
  const { severity: _severity, ...others } = labels;
  return { ...rule, labels: { ...(rule.severities ? others : labels), ...rule.labels } };
};

/** A rule with mistakes in its texts is left out, like one with mistakes elsewhere. */
const assembled = (
  draft: RuleDraft | undefined,
  path: Path,
  { report, defaults }: Tools,
): readonly CompiledRule[] => {
  if (!draft) return [];
  let mistaken = false;
  const noted: Report = (at, message, severity = 'error') => {
    if (severity === 'error') mistaken = true;
    report(at, message, severity);
  };
  const rule = assembleRule(draft, path, noted, { ...allStored, ...defaults.stored });
  return mistaken ? [] : [rule];
};

const readSlas = (
  value: RuleFile,
  { report, defaults }: Tools,
): readonly { readonly plan: SlaPlan; readonly path: Path }[] =>
  value.slas.flatMap((sla, index) => {
    const path = ['slas', index];
    const plan = readSla(sla, path, report, defaults.timeIntervals);
    return plan ? [{ plan, path }] : [];
  });

const slaGroupNames = (name: string): readonly [string, string] => [
  `slas/${name}`,
  `slas-burn-rates/${name}`,
];

/** An SLA makes two groups of its own: its breach, and its burn rates, which hurry more. */
const loadSla = (plan: SlaPlan, path: Path, tools: Tools): readonly RuleGroup[] => {
  const { file, defaults, problemAt } = tools;
  const { line } = problemAt(path, '');
  const shortestMs = Math.min(...plan.burnRates.map((it) => it.shortMs));
  const [breachName, burnName] = slaGroupNames(plan.input.name);
  const groupOf = (
    name: string,
    wantedIntervalMs: number,
    rulesIn: (plan: SlaPlan, place: SlaPlace) => readonly RuleDraft[],
  ): RuleGroup => {
    const id = `${safe(file)}/${safe(name)}`;
    const rules = rulesIn(plan, { groupId: id, line }).flatMap((it) => assembled(it, path, tools));
    return {
      id,
      file,
      name,
      intervalMs: Math.max(defaults.intervalMs, wantedIntervalMs),
      queryOffsetMs: autoOffsetMs(rules, defaults),
      limit: 0,
      rules,
    };
  };
  return [
    groupOf(breachName, Math.min(breachIntervalMsMax, plan.periodMs / 100), breachRules),
    groupOf(burnName, Math.min(burnIntervalMsMax, shortestMs / 5), burnRules),
  ].filter((it) => it.rules.length > 0);
};

/** An SLA's name is a label, so it must be alone in all files. */
const repeatedSlas = (loaded: readonly LoadedFile[]): readonly RuleProblem[] => {
  const all = loaded.flatMap((it) => it.slas);
  return all
    .filter(({ name }, index) => all.findIndex((it) => it.name === name) < index)
    .map(({ problem }) => asError(problem));
};

/** Ids enter Redis keys, job ids and URLs: no colon, no space. Different texts stay different. */
const safe = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9_./-]/gu, (it) => `~${(it.codePointAt(0) ?? 0).toString(16)}~`);
