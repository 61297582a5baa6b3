import type { Alert } from './alert.ts';

export type NotificationKind = 'firing' | 'resolved' | 'escalated' | 'acknowledged' | 'test';

/** One message to one channel of one receiver: what a channel is given to render and send. */
export interface Notification {
  /** Deterministic, the same on every attempt: job id, `webhook-id`, Message-ID. */
  readonly id: string;
  readonly kind: NotificationKind;
  /** Alertmanager's reason, such as `first notification`, plus `escalation level 2`. */
  readonly reason: string;
  readonly receiver: string;
  /** Index of the channel among the receiver's channels. */
  readonly channelIndex: number;
  readonly alert: Alert;
  /** 0 for the first notification, then the level of the policy, counted from 1. */
  readonly escalationLevel: number;
  readonly acknowledgedBy?: string;
  readonly createdAtMs: number;
  /** Set on every message but the first about this alert to this channel. */
  readonly thread?: {
    /** Id of that first message. */
    readonly id: string;
    /** What the channel answered to it (`DeliveryOutcome.reference`), where it did. */
    readonly reference?: string;
  };
}

/** Known outcomes of one attempt. Which remedy applies is decided where the answer was seen. */
export type DeliveryOutcome =
  | { readonly kind: 'delivered'; readonly answer: string; readonly reference?: string }
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly answer: string;
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'refused'; readonly reason: string; readonly answer: string };

/** Sends once. Never throws for foreseen failures: they are outcomes. */
export type SendNotification = (
  notification: Notification,
  signal: AbortSignal,
) => Promise<DeliveryOutcome>;
