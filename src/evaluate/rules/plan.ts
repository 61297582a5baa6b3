import type { Problem } from '../../lib/document.ts';
import type { Labels } from '../../model/matcher.ts';
import type { QueryParameter } from '../../model/query.ts';
import type { SlaObjective } from '../../model/sla.ts';
import type { StepPolicy } from '../../model/step.ts';

/** `warning`: the file is valid, but something in it is not done or can never happen. */
export interface RuleProblem extends Problem {
  readonly severity: 'error' | 'warning';
}

/** Groups hold only rules without errors; a caller that must be strict refuses any error. */
export interface LoadedRules {
  readonly groups: readonly RuleGroup[];
  /** What is written down of the SLAs minute by minute. */
  readonly objectives: readonly SlaObjective[];
  readonly problems: readonly RuleProblem[];
}

export interface RuleGroup {
  /** `<file>/<group>`, made safe for keys; unique. */
  readonly id: string;
  readonly file: string;
  readonly name: string;
  readonly intervalMs: number;
  /** Evaluate as of this long ago. */
  readonly queryOffsetMs: number;
  /** At most this many alerts from one rule; 0 means no limit of the file's own. */
  readonly limit: number;
  readonly rules: readonly CompiledRule[];
}

/** Signal name to its value in base units (seconds, bytes, ratio); null or absent when missing. */
export type SignalValues = Readonly<Record<string, number | null>>;

/** A rule that can run: what to ask, how to judge the answers, what to say about them. */
export interface CompiledRule {
  /** `<file>/<group>/<alert>`, `…/<alert>.2` for the second of that name in its group. */
  readonly id: string;
  readonly alertName: string;
  /** Line of the rule in its file, counted from 1. */
  readonly line: number;
  /** The condition as people wrote it, for messages and the console. */
  readonly condition: string;
  readonly signals: Readonly<Record<string, CompiledSignal>>;
  /** Of signals and of what `derive` adds; more than a signal's own where the condition tells more. */
  readonly units: ReadonlyMap<string, Unit>;
  /** Adds what is computed from the signals, such as an SLA's target and budget. For `instancesOf`. */
  readonly derive: (values: SignalValues) => SignalValues;
  readonly decide: Decide;
  readonly policy: StepPolicy;
  /**
   * The alert's labels: the instance's, then the rule's own, then `alertname`. Without the severity
   * that `decide` names, so that one alert keeps its identity when it gets worse.
   */
  readonly labels: (instance: Instance) => Labels;
  readonly annotations: (context: AnnotationContext) => Labels;
  /** Severities that `decide` may name, highest first; empty when `labels` has the severity, if any. */
  readonly severities: readonly string[];
  /** Name of an escalation policy; whether it exists is for the caller to check. */
  readonly escalation?: string;
}

export interface CompiledSignal {
  /** Answers rows of the label columns and `value`: see `SignalRow`. */
  readonly sql: string;
  /** Values of every placeholder in `sql` for an evaluation as of `atMs`. */
  readonly parameters: (atMs: number) => Readonly<Record<string, QueryParameter>>;
  readonly settings: Readonly<Record<string, string | number>>;
  /** Label columns; undefined for hand-written SQL: all columns but `value`. */
  readonly labelNames: readonly string[] | undefined;
  readonly unit: Unit;
  /** What a label set that is not in the answer stands for: a count of nothing is 0. */
  readonly absentValue: 0 | undefined;
}

/** The query's value is in this unit. `unknown`: what the sender's metric or attribute says. */
export type Unit = 'seconds' | 'bytes' | 'ratio' | 'per-second' | 'count' | 'unknown';

/** Label columns hold strings, `value` a number, a number as text, or null. */
export type SignalRow = Readonly<Record<string, unknown>>;

/** One thing that is watched: a set of labels and what every signal says about it. */
export interface Instance {
  readonly labels: Labels;
  readonly values: SignalValues;
}

/** What is known of an alert that is firing; its condition to end may differ from that to begin. */
export interface Held {
  readonly severity?: string;
}

export type Verdict =
  | { readonly holds: 'yes'; readonly severity?: string }
  | { readonly holds: 'no' }
  /** Too little is known to say: evidence of nothing. */
  | { readonly holds: 'unknown'; readonly missing: readonly string[] };

/** Pass `held` when, and only when, the alert is firing. */
export type Decide = (values: SignalValues, held?: Held) => Verdict;

export interface AnnotationContext {
  /** The alert's labels, severity included. */
  readonly labels: Labels;
  readonly values: SignalValues;
}
