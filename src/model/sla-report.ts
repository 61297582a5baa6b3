export interface SlaReportAsk {
  readonly sla: string;
  /** `2026-10`, in UTC. */
  readonly month: string;
  /** Also of a month that is not over. */
  readonly soFar: boolean;
}

/** From, included, to, excluded: RFC 3339 in UTC. */
export interface Stretch {
  readonly from: string;
  readonly to: string;
  readonly minutes: number;
}

/** What an SLA came to in a month, out of what was written down; the same rows give the same report. */
export interface SlaReport {
  readonly sla: string;
  readonly service: string;
  readonly type: string;
  readonly month: string;
  readonly from: string;
  readonly to: string;
  /** Where the rows end, when the report was asked for before the month was over. */
  readonly until: string | null;
  readonly objectives: readonly ObjectiveReport[];
  readonly incidents: readonly Incident[];
  readonly evidence: Evidence;
}

export interface ObjectiveReport {
  /** Empty when the SLA makes only one promise. */
  readonly objective: string;
  readonly unit: 'ratio' | 'seconds' | 'per-second';
  /** What was promised at the end of the month. */
  readonly target: number;
  /** Over all minutes that count; null without requests. */
  readonly achieved: number | null;
  readonly met: boolean | null;
  readonly requests: number;
  readonly errors: number;
  readonly good: number;
  readonly total: number;
  /** Null where a rate is promised. */
  readonly budget: Budget | null;
  readonly minutes: {
    readonly month: number;
    readonly recorded: number;
    readonly excluded: number;
    readonly breached: number;
  };
  readonly breaches: readonly (Stretch & { readonly worst: number })[];
  readonly exclusions: readonly (Stretch & { readonly reason: string })[];
  /** Minutes that nothing was written down of. */
  readonly missing: readonly Stretch[];
  readonly definitions: readonly Definition[];
}

/** In requests; `share` and `left` are shares from 0 to 1, `left` less than 0 when it is overdrawn. */
interface Budget {
  readonly share: number;
  readonly total: number;
  readonly consumed: number;
  readonly remaining: number;
  readonly left: number | null;
}

/** What the rule file said, and what was counted, since the first minute it is written down for. */
interface Definition {
  readonly definition: string;
  readonly since: string;
  readonly target: number;
  readonly window: string;
  readonly source: string;
  readonly minutes: number;
}

/** An alert of the SLA, as far as it went within the month. */
interface Incident {
  readonly alert: string;
  readonly name: string;
  readonly objective: string;
  readonly severity: string;
  readonly fired: string;
  /** Null when it went on beyond the month. */
  readonly resolved: string | null;
}

interface Evidence {
  readonly rows: number;
  /** SHA-256 over all rows of the month, hexadecimal. */
  readonly sha256: string;
  /** Rows that were first written, or corrected, more than an hour after the month was over. */
  readonly later: number;
  /** When the last row was written. */
  readonly changed: string;
}
