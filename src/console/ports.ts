import type { Alert } from '../model/alert.ts';
import type { Labels, Matcher } from '../model/matcher.ts';
import type { DeliveryOutcome } from '../model/notification.ts';
import type { SetAside } from '../model/set-aside.ts';
import type { SlaReport, SlaReportAsk } from '../model/sla-report.ts';
import type { Acknowledgement, Silence, Suppression } from '../model/suppression.ts';

/** An alert with what evaluation and notification know of it. */
export interface AlertView extends Alert {
  readonly suppressed: readonly Suppression[];
  readonly acknowledged?: Acknowledgement;
  /** The highest level told so far, 0 for none beyond the first notification. */
  readonly escalationLevel: number;
}

export interface AlertChangeView {
  readonly atMs: number;
  readonly change: string;
  readonly reason: string;
  readonly phase: string;
  readonly severity: string;
  readonly ruleId: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly activeAtMs: number;
}

export interface SentMessageView {
  readonly atMs: number;
  readonly alertId: string;
  readonly alertName: string;
  readonly kind: string;
  readonly reason: string;
  readonly receiver: string;
  readonly channel: string;
  readonly destination: string;
  /** `delivered`, `retry`, `refused`, `dead` or `skipped`. */
  readonly outcome: string;
  readonly answer: string;
}

export interface SilenceDraft {
  readonly matchers: readonly Matcher[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly by: string;
  readonly comment: string;
}

export interface DependencyState {
  readonly state: 'up' | 'down' | 'starting';
  /** What is wrong, for a person. */
  readonly detail?: string;
}

export type Dependencies = Readonly<Record<string, DependencyState>>;

export interface StatusView {
  readonly version: string;
  readonly instance: string;
  readonly roles: readonly string[];
  /** Key of `listen` to `host:port`, only what listens. */
  readonly listen: Readonly<Record<string, string>>;
  readonly startedAtMs: number;
}

export interface RuleView {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly health: 'ok' | 'error' | 'unknown';
  readonly lastEvaluatedAtMs?: number;
  readonly lastDurationMs?: number;
  readonly lastError?: string;
}

export type ReloadOutcome =
  | { readonly ok: true; readonly warnings: readonly string[] }
  /** Nothing was changed; each problem with its place. */
  | { readonly ok: false; readonly problems: readonly string[] };

export interface DeadLetterView {
  readonly id: string;
  readonly atMs: number;
  readonly receiver: string;
  readonly channel: string;
  readonly alertId: string;
  readonly labels: Labels;
  readonly reason: string;
  /** What the other side said last. */
  readonly answer: string;
  readonly attempts: number;
}

export interface ReceiverView {
  readonly name: string;
  readonly channels: readonly string[];
}

export interface TestDelivery {
  readonly channel: string;
  readonly channelIndex: number;
  readonly outcome: DeliveryOutcome;
}

/** What the console asks of the rest of the daemon. Each may reject with a Fault. */
export interface ConsolePorts {
  readonly status: () => StatusView;
  /** Must settle soon: probes wait for it. */
  readonly dependencies: () => Promise<Dependencies>;
  readonly metricsText: () => Promise<string>;
  readonly reload: () => Promise<ReloadOutcome>;
  readonly alerts: {
    readonly list: () => Promise<readonly AlertView[]>;
    /** What was written down of one alert, oldest first; empty when nothing was. */
    readonly changes: (alertId: string) => Promise<readonly AlertChangeView[]>;
    /** Undefined when there is no such alert. */
    readonly acknowledge: (alertId: string, by: string) => Promise<Acknowledgement | undefined>;
    readonly acknowledgements: () => Promise<readonly Acknowledgement[]>;
    /** Whether all of the matchers hold. */
    readonly match: (matchers: readonly Matcher[], labels: Labels) => boolean;
  };
  readonly silences: {
    readonly add: (draft: SilenceDraft) => Promise<Silence>;
    readonly list: () => Promise<readonly Silence[]>;
    /** False when there is no such silence; true also when it has ended already. */
    readonly expire: (id: string) => Promise<boolean>;
  };
  /** Newest first, of one alert or of all. */
  readonly messages: (filter: {
    readonly alertId?: string;
    readonly limit: number;
  }) => Promise<readonly SentMessageView[]>;
  readonly rules: () => Promise<readonly RuleView[]>;
  /** Undefined when nothing was written down; ERR_SLA_MONTH_OPEN before the month is over. */
  readonly slaReports: (ask: SlaReportAsk) => Promise<SlaReport | undefined>;
  readonly receivers: {
    readonly list: () => readonly ReceiverView[];
    /** Undefined when there is no such receiver. */
    readonly test: (name: string) => Promise<readonly TestDelivery[] | undefined>;
  };
  readonly deadLetters: {
    readonly list: () => Promise<readonly DeadLetterView[]>;
    /** False when there is no such letter. */
    readonly retry: (id: string) => Promise<boolean>;
    readonly drop: (id: string) => Promise<boolean>;
  };
  /** Telemetry that this daemon took over and could not store. */
  readonly setAside: SetAside;
}
