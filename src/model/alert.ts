import type { Labels } from './matcher.ts';

export type AlertPhase = 'inactive' | 'pending' | 'firing' | 'resolved';

/** One alert instance in one episode, from its first breach until it is resolved. */
export interface Alert {
  /** `<fingerprint>-<activeAtMs in base 36>`: names the episode; safe in job ids and URLs. */
  readonly id: string;
  /** 16 hex digits over the labels, the same in every episode. */
  readonly fingerprint: string;
  /** `<file>/<group>/<rule>` as it stands in the rule files, made safe for keys. */
  readonly ruleId: string;
  /** Includes `alertname` and, where known, `severity`. */
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly phase: Exclude<AlertPhase, 'inactive'>;
  /** When the condition first held in this episode. */
  readonly activeAtMs: number;
  readonly firedAtMs?: number;
  readonly resolvedAtMs?: number;
  /** Signal name to its latest value, in base units (seconds, bytes, ratio). */
  readonly values: Readonly<Record<string, number>>;
  /** Signal name to the UCUM unit of its value: `s`, `By`, `1` (a ratio). Absent: a plain number. */
  readonly units?: Readonly<Record<string, string>>;
  /** Only of a rule that names several severities. */
  readonly grade?: Grade;
  /** Name of an escalation policy in alerting.yaml. */
  readonly escalation?: string;
  readonly generatorUrl?: string;
}

/** Where the label `severity` stands among those of its rule, and which of its changes this is. */
export interface Grade {
  /** 0 for the lowest severity of the rule. */
  readonly rank: number;
  /** How often the severity changed since the alert fired: of two snapshots, which is the newer. */
  readonly changes: number;
}

export type TransitionKind = 'pending' | 'fired' | 'resolved' | 'dropped' | 'changed';

/**
 * One step of an alert, committed together with the state that caused it. `dropped`: pending ended
 * without firing. `changed`: a firing alert is the same alert with another severity.
 */
export interface AlertTransition {
  /** Deterministic: the same step always has the same id. No colon. */
  readonly id: string;
  readonly kind: TransitionKind;
  /** Named reason of the decision, such as `held-for`, `cleared`, `rule-removed`. */
  readonly reason: string;
  readonly atMs: number;
  readonly alert: Alert;
}

/** What lies in the outbox stream, as JSON in the field `record`. */
export type OutboxRecord = { readonly kind: 'transition'; readonly transition: AlertTransition };
