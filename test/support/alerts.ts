import type { Alert } from '../../src/model/alert.ts';
import type { Alerting, Channel, Receiver } from '../../src/model/alerting.ts';

/** A firing alert with an id; everything else is plausible unless given. */
export const firingAlert = (id: string, changes: Partial<Alert> = {}): Alert => ({
  id,
  fingerprint: '00000000000000aa',
  ruleId: 'rules-shop/checkout/CheckoutSlow',
  labels: {
    alertname: 'CheckoutSlow',
    severity: 'critical',
    service_name: 'checkout',
    http_route: '/pay',
  },
  annotations: {
    summary: 'p99 is 812 ms on /pay',
    runbook_url: 'https://runbooks.example.com/checkout-slow',
  },
  phase: 'firing',
  activeAtMs: Date.UTC(2026, 0, 5, 9, 0, 0),
  firedAtMs: Date.UTC(2026, 0, 5, 9, 2, 0),
  values: { p99: 0.812, rps: 12.5 },
  units: { p99: 's' },
  ...changes,
});

export const resolvedAlert = (alert: Alert): Alert => ({
  ...alert,
  phase: 'resolved',
  resolvedAtMs: alert.activeAtMs + 600_000,
});

export const logChannel: Channel = { type: 'log', sendResolved: true, sendAcknowledged: true };

/** A receiver that only writes to the log, once. */
export const logReceiver = (name: string, channel: Channel = logChannel): Receiver => ({
  name,
  channels: [channel],
});

/** Everything goes to `team` unless told. */
export const alertingWith = (changes: Partial<Alerting> = {}): Alerting => ({
  route: { receiver: 'team', matchers: [], continue: false, routes: [] },
  receivers: [logReceiver('team'), logReceiver('pager'), logReceiver('fallback')],
  escalationPolicies: [],
  externalUrl: 'http://tocsin.example:9900',
  ...changes,
});
