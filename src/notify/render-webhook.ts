import type { Alert } from '../model/alert.ts';
import type { Labels } from '../model/matcher.ts';
import type { Notification } from '../model/notification.ts';
import type { Link } from './message.ts';

/** Go's zero time, which Alertmanager sends as the end of what has not ended. */
const noTime = '0001-01-01T00:00:00Z';

/**
 * Alertmanager's webhook body, version 4 (semantics 4.2), for one alert grouped by all its labels,
 * plus `tocsin`. `escalated`, `acknowledged` and `test` are `firing` to those who know only that.
 */
export const renderWebhook = (
  notification: Notification,
  externalUrl: string,
  links: readonly Link[],
): string => {
  const { alert, receiver } = notification;
  const status = notification.kind === 'resolved' ? 'resolved' : 'firing';
  return JSON.stringify({
    receiver,
    status,
    alerts: [alertOf(alert, status)],
    groupLabels: alert.labels,
    commonLabels: alert.labels,
    commonAnnotations: alert.annotations,
    routeLabels: {},
    externalURL: externalUrl,
    version: '4',
    groupKey: `{}:${groupOf(alert.labels)}`,
    truncatedAlerts: 0,
    notification_reason: notification.reason,
    tocsin: {
      id: notification.id,
      alert_id: alert.id,
      kind: notification.kind,
      rule: alert.ruleId,
      escalation_level: notification.escalationLevel,
      acknowledged_by: notification.acknowledgedBy ?? null,
      since: timeOf(alert.activeAtMs),
      values: alert.values,
      units: alert.units ?? {},
      links: links.map((it) => ({ text: it.text, url: it.url })),
    },
  });
};

const alertOf = (alert: Alert, status: 'firing' | 'resolved') => ({
  status,
  labels: alert.labels,
  annotations: alert.annotations,
  startsAt: timeOf(alert.firedAtMs ?? alert.activeAtMs),
  endsAt: status === 'resolved' ? timeOf(alert.resolvedAtMs ?? alert.activeAtMs) : noTime,
  generatorURL: alert.generatorUrl ?? '',
  fingerprint: alert.fingerprint,
});

const timeOf = (atMs: number): string => new Date(atMs).toISOString();

/** As Go prints a label set: `{alertname="X", severity="critical"}`, sorted by name. */
const groupOf = (labels: Labels): string =>
  `{${Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ')}}`;
