import type { Alert } from './alert.ts';
import type { Alerting, Channel } from './alerting.ts';
import type { Notification } from './notification.ts';
import type { Acknowledgement, Silence, Suppression } from './suppression.ts';

/** One message that somebody is owed. */
export interface Delivery {
  readonly notification: Notification;
  readonly channel: Channel['type'];
  /** Id of the message to the same destination that this one must not overtake. */
  readonly after?: string;
}

/** One channel of one receiver that was told about an alert. */
export interface ToldDestination {
  readonly receiver: string;
  readonly channelIndex: number;
  readonly channel: Channel['type'];
  readonly firstId: string;
  readonly lastId: string;
  /** What was decided for it so far: `firing`, `raised-2`, `escalated-0-1` (round, level), … */
  readonly messages: readonly string[];
}

export type EscalationState =
  | {
      readonly kind: 'waiting';
      readonly policy: string;
      /** How often the whole policy has run before. */
      readonly round: number;
      /** The level that comes next; see `Notification.escalationLevel`. */
      readonly level: number;
      readonly dueAtMs: number;
    }
  | { readonly kind: 'over'; readonly reason: 'acknowledged' | 'resolved' | 'given-up' };

/** What is known about telling people of one alert; lives in Redis under the alert's id. */
export interface Told {
  /** As last seen; its phase only ever moves on. */
  readonly alert: Alert;
  readonly destinations: readonly ToldDestination[];
  /** When the first notification was decided; absent while all was held back. */
  readonly firstToldAtMs?: number;
  /** The severity that people have been told, or a lower one since: what is above is news. */
  readonly announced?: { readonly severity: string; readonly rank: number };
  /** What holds the alert back just now. */
  readonly heldBy?: Suppression;
  /** The highest level told so far. */
  readonly escalationLevel: number;
  readonly escalation?: EscalationState;
  readonly acknowledgement?: Acknowledgement;
  /** Decided, but not yet known to stand in a queue: queued again until it is. */
  readonly owed: readonly Delivery[];
  readonly resolvedAtMs?: number;
}

export interface HeldBack {
  readonly receiver: string;
  readonly reason: string;
  /** Names the silence that holds it. */
  readonly by: string;
}

/** What an operator ought to hear about a decision. */
export interface DecisionNote {
  readonly code: 'unknown-receiver' | 'unknown-policy' | 'nobody-to-tell' | 'escalation-given-up';
  readonly detail: string;
}

export interface DeliveriesInput {
  readonly told: Told | undefined;
  /** The newest known; an older phase than the one in `told` changes nothing. */
  readonly alert: Alert;
  readonly alerting: Alerting;
  readonly silences: readonly Silence[];
  readonly acknowledgement?: Acknowledgement;
  /** A message given up just now, for which the fallback receiver must stand in. */
  readonly dead?: Notification;
  readonly nowMs: number;
}

export interface DeliveriesDecision {
  /** Undefined: nothing to remember. The same object as before: nothing changed. */
  readonly told: Told | undefined;
  readonly deliveries: readonly Delivery[];
  /** Only what was not yet held back by the same cause. */
  readonly held: readonly HeldBack[];
  readonly notes: readonly DecisionNote[];
}

/** Pure and idempotent: deciding again with the decided state yields nothing more. */
export type DecideDeliveries = (input: DeliveriesInput) => DeliveriesDecision;

/** The silence that holds an alert with these labels back at that time, if any. */
export type FindSilence = (
  silences: readonly Silence[],
  labels: Alert['labels'],
  nowMs: number,
) => Silence | undefined;
