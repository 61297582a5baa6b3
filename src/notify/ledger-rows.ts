import type { Alert, AlertTransition } from '../model/alert.ts';
import type { HeldBack } from '../model/delivery.ts';
import type { Notification } from '../model/notification.ts';

export type LedgerTable = 'alert_events' | 'notification_log';

export type LedgerRow = Readonly<Record<string, unknown>>;

export interface LedgerAttempt {
  readonly atMs: number;
  readonly channel: string;
  readonly destination: string;
  /** 0 for a decision. */
  readonly attempt: number;
  readonly outcome: 'decided' | 'delivered' | 'retry' | 'refused' | 'dead' | 'skipped';
  readonly answer?: string;
  readonly error?: string;
  readonly durationMs?: number;
  readonly reference?: string;
}

/** A row of `alert_events`. */
export const alertEventRow = ({ id, kind, reason, atMs, alert }: AlertTransition): LedgerRow => ({
  At: timeOf(atMs),
  AlertId: alert.id,
  Fingerprint: alert.fingerprint,
  RuleId: alert.ruleId,
  AlertName: alert.labels['alertname'] ?? '',
  Change: kind,
  Reason: reason,
  Phase: alert.phase,
  Severity: alert.labels['severity'] ?? '',
  ServiceName: alert.labels['service_name'] ?? '',
  Labels: alert.labels,
  Annotations: alert.annotations,
  Values: valuesOf(alert),
  ActiveAt: timeOf(alert.activeAtMs),
  FiredAt: alert.firedAtMs === undefined ? null : timeOf(alert.firedAtMs),
  ResolvedAt: alert.resolvedAtMs === undefined ? null : timeOf(alert.resolvedAtMs),
  TransitionId: id,
});

/** A row of `notification_log` for one message. */
export const notificationRow = (notification: Notification, it: LedgerAttempt): LedgerRow => ({
  At: timeOf(it.atMs),
  NotificationId: notification.id,
  AlertId: notification.alert.id,
  AlertName: notification.alert.labels['alertname'] ?? '',
  Labels: notification.alert.labels,
  Kind: notification.kind,
  Reason: notification.reason,
  Receiver: notification.receiver,
  ChannelType: it.channel,
  ChannelIndex: notification.channelIndex,
  Destination: it.destination,
  EscalationLevel: notification.escalationLevel,
  Attempt: it.attempt,
  Outcome: it.outcome,
  Answer: it.answer ?? '',
  Error: it.error ?? '',
  DurationMs: Math.round(it.durationMs ?? 0),
  Reference: it.reference ?? '',
});

/** A row of `notification_log` for a message that was not made, and what kept it from being made. */
export const skippedRow = (
  alert: Alert,
  kind: string,
  held: HeldBack,
  atMs: number,
): LedgerRow => ({
  At: timeOf(atMs),
  NotificationId: '',
  AlertId: alert.id,
  AlertName: alert.labels['alertname'] ?? '',
  Labels: alert.labels,
  Kind: kind,
  Reason: held.reason,
  Receiver: held.receiver,
  Outcome: 'skipped',
  Answer: held.by,
});

/** Seconds with a fraction: the one form whose meaning depends on no time zone. */
const timeOf = (atMs: number): string => (atMs / 1_000).toFixed(3);

/** ClickHouse's Float64 knows no null, which is what JSON makes of NaN. */
const valuesOf = (alert: Alert): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(alert.values).filter(([, it]) => Number.isFinite(it)));
