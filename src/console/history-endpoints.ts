import { z } from '../lib/document.ts';
import { Fault } from '../lib/fault.ts';
import { alertJson, iso } from './alert-endpoints.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import type { AlertChangeView, ConsolePorts, SentMessageView } from './ports.ts';
import { alert, alertChange, labels, message, time } from './shapes.ts';

const messagesMax = 200;

/** What was: of one alert, also when it is over, and who was told what. */
export const historyEndpoints = ({ alerts, messages }: ConsolePorts): readonly Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/api/v1/alerts/{id}',
    summary: 'One alert with its history, also when it is over',
    params: z.object({ id: z.string().max(200) }),
    answer: z.object({
      id: z.string(),
      labels,
      annotations: labels,
      state: z.enum(['inactive', 'pending', 'firing', 'resolved']),
      since: time,
      live: alert.nullable().meta({ description: 'Null when it is over.' }),
      changes: z.array(alertChange).meta({ description: 'Oldest first.' }),
      messages: z.array(message).meta({ description: 'Newest first.' }),
    }),
    refusals: { 404: 'Nothing is known of such an alert.' },
    handle: async ({ params: { id } }) => {
      const found = (await alerts.list()).find((it) => it.id === id);
      const live = found ? alertJson(found) : null;
      // What is live is shown even while its history cannot be read.
      const changes = await alerts.changes(id).catch(unless(live));
      const last = changes.at(-1);
      if (!live && !last) {
        throw new Fault('ERR_ALERT_UNKNOWN', `nothing is known of an alert ${id}`, {
          remedy: 'reject',
        });
      }
      const ended: 'inactive' | 'resolved' = last?.change === 'dropped' ? 'inactive' : 'resolved';
      return {
        id,
        labels: live?.labels ?? last?.labels ?? {},
        annotations: live?.annotations ?? last?.annotations ?? {},
        state: live?.state ?? ended,
        since: live?.since ?? iso(last?.atMs ?? 0),
        live,
        changes: changes.map(changeJson),
        messages: (await messages({ alertId: id, limit: messagesMax }).catch(unless(live))).map(
          messageJson,
        ),
      };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/messages',
    summary: 'What was sent to whom of late, newest first, and what held messages back',
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(messagesMax).default(20),
    }),
    answer: z.object({ messages: z.array(message) }),
    handle: async ({ query }) => ({ messages: (await messages(query)).map(messageJson) }),
  }),
];

const unless =
  (live: unknown) =>
  (error: unknown): readonly never[] => {
    if (live === null) throw error;
    return [];
  };

const changeJson = (it: AlertChangeView): z.input<typeof alertChange> => ({
  at: iso(it.atMs),
  change: it.change,
  reason: it.reason,
  severity: it.severity === '' ? null : it.severity,
});

const messageJson = (it: SentMessageView): z.input<typeof message> => ({
  at: iso(it.atMs),
  alert: it.alertId,
  alertname: it.alertName,
  kind: it.kind,
  reason: it.reason,
  receiver: it.receiver,
  channel: it.channel,
  destination: it.destination,
  outcome: it.outcome,
  answer: it.answer,
});
