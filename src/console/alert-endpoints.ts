import { z } from '../lib/document.ts';
import { Fault } from '../lib/fault.ts';
import type { Matcher } from '../model/matcher.ts';
import { parseMatcher } from '../model/matcher-syntax.ts';
import type { Acknowledgement } from '../model/suppression.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import type { AlertView, ConsolePorts } from './ports.ts';
import { acknowledgement, alert, matcher, person, several } from './shapes.ts';

const states = ['pending', 'firing', 'resolved'] as const;

/** Alerts and their acknowledgements. */
export const alertEndpoints = ({ alerts }: ConsolePorts): readonly Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/api/v1/alerts',
    summary: 'Alerts that are pending, firing or resolved of late, newest state first',
    query: z.strictObject({ state: several(z.enum(states)), matcher: several(matcher) }),
    answer: z.object({ alerts: z.array(alert) }),
    handle: async ({ query }) => {
      const matchers = parsed(query.matcher ?? []);
      const all = await alerts.list();
      const wanted = all
        .filter((it) => query.state === undefined || query.state.includes(it.phase))
        .filter((it) => alerts.match(matchers, it.labels))
        .toSorted((a, b) => sinceMs(b) - sinceMs(a) || (a.id < b.id ? -1 : 1));
      return { alerts: wanted.map(alertJson) };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/acknowledgements',
    summary: 'Who has taken which alert',
    answer: z.object({ acknowledgements: z.array(acknowledgement) }),
    handle: async () => ({
      acknowledgements: (await alerts.acknowledgements()).map(acknowledgementJson),
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/acknowledgements',
    summary: 'Take an alert: its escalation stops',
    body: z.strictObject({ alert: z.string().min(1).max(200), by: person }),
    answer: acknowledgement,
    refusals: { 404: 'There is no such alert.' },
    handle: async ({ body }) => {
      const taken = await alerts.acknowledge(body.alert, body.by);
      if (taken) return acknowledgementJson(taken);
      throw new Fault('ERR_ALERT_UNKNOWN', `there is no alert ${body.alert}`, { remedy: 'reject' });
    },
  }),
];

/** Of texts that the schema has checked, so that none is left out. */
export const parsed = (texts: readonly string[]): readonly Matcher[] =>
  texts.map(parseMatcher).filter((it) => it !== undefined);

export const iso = (atMs: number): string => new Date(atMs).toISOString();

const sinceMs = (it: AlertView): number => {
  switch (it.phase) {
    case 'pending':
      return it.activeAtMs;
    case 'firing':
      return it.firedAtMs ?? it.activeAtMs;
    case 'resolved':
      return it.resolvedAtMs ?? it.activeAtMs;
  }
};

export const alertJson = (it: AlertView): z.input<typeof alert> => ({
  id: it.id,
  fingerprint: it.fingerprint,
  rule: it.ruleId,
  labels: it.labels,
  annotations: it.annotations,
  state: it.phase,
  since: iso(sinceMs(it)),
  active_at: iso(it.activeAtMs),
  values: it.values,
  units: it.units ?? {},
  severity: it.labels['severity'] ?? null,
  suppressed: it.suppressed.map(({ kind, by }) => ({ kind, by })),
  acknowledged: it.acknowledged ? { by: it.acknowledged.by, at: iso(it.acknowledged.atMs) } : null,
  escalation: it.escalation ?? null,
  escalation_level: it.escalationLevel,
  generator_url: it.generatorUrl ?? null,
});

const acknowledgementJson = (it: Acknowledgement): z.input<typeof acknowledgement> => ({
  alert: it.alertId,
  by: it.by,
  at: iso(it.atMs),
});
