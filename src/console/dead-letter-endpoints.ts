import { z } from '../lib/document.ts';
import { Fault } from '../lib/fault.ts';
import { type SetAsideItem, setAsidePrefix } from '../model/set-aside.ts';
import { iso } from './alert-endpoints.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import type { ConsolePorts, DeadLetterView } from './ports.ts';
import { labels, time } from './shapes.ts';

export const deadLetter = z.object({
  id: z.string(),
  at: time,
  receiver: z.string(),
  channel: z.string(),
  alert: z.string(),
  labels,
  reason: z.string(),
  answer: z.string(),
  attempts: z.int(),
});

export const setAsideItem = z.object({
  id: z.string(),
  kind: z.enum(['batch', 'request', 'damage']).meta({
    description:
      'batch: requests that ClickHouse refuses; request: one that no decoder reads; damage: a file of the journal with parts that cannot be trusted.',
  }),
  at: time,
  signal: z.enum(['traces', 'metrics', 'logs']).nullable(),
  requests: z.int().nullable(),
  items: z.int().nullable().meta({ description: 'Spans, data points or log records.' }),
  bytes: z.int(),
  code: z.string(),
  reason: z.string(),
  retryable: z.boolean().meta({ description: 'Whether there is anything in it to be stored.' }),
  file: z.string().meta({ description: 'Below the data directory of this daemon.' }),
});

const id = z.object({ id: z.string() });

/** What could not be delivered, by any daemon, and what could not be stored by this one. */
export const deadLetterEndpoints = ({
  deadLetters,
  setAside,
}: ConsolePorts): readonly Endpoint[] => {
  const boxOf = (letter: string) => (letter.startsWith(setAsidePrefix) ? setAside : deadLetters);
  return [
    endpoint({
      method: 'GET',
      path: '/api/v1/dead-letters',
      summary:
        'Notifications that could not be delivered and telemetry that this daemon could not store, newest first',
      answer: z.object({ dead_letters: z.array(deadLetter), set_aside: z.array(setAsideItem) }),
      handle: async () => ({
        dead_letters: (await deadLetters.list()).map(deadLetterJson),
        set_aside: (await setAside.list()).map(setAsideJson),
      }),
    }),
    endpoint({
      method: 'POST',
      path: '/api/v1/dead-letters/{id}/retry',
      summary: 'Try to deliver a dead letter again, or to store what was set aside',
      params: id,
      answer: id,
      refusals: {
        404: 'There is no such dead letter.',
        409: 'It cannot be stored as it is; it is kept.',
      },
      handle: async ({ params }) => {
        const found = await boxOf(params.id).retry(params.id);
        if (!found) throw unknownLetter(params.id);
        return { id: params.id };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/api/v1/dead-letters/{id}',
      summary: 'Drop a dead letter, or what was set aside, for good',
      params: id,
      answer: id,
      refusals: { 404: 'There is no such dead letter.' },
      handle: async ({ params }) => {
        const found = await boxOf(params.id).drop(params.id);
        if (!found) throw unknownLetter(params.id);
        return { id: params.id };
      },
    }),
  ];
};

const unknownLetter = (letter: string): Fault =>
  new Fault('ERR_DEAD_LETTER_UNKNOWN', `there is no dead letter ${letter}`, { remedy: 'reject' });

const deadLetterJson = (it: DeadLetterView): z.input<typeof deadLetter> => ({
  id: it.id,
  at: iso(it.atMs),
  receiver: it.receiver,
  channel: it.channel,
  alert: it.alertId,
  labels: it.labels,
  reason: it.reason,
  answer: it.answer,
  attempts: it.attempts,
});

const setAsideJson = ({ atMs, ...it }: SetAsideItem): z.input<typeof setAsideItem> => ({
  ...it,
  at: iso(atMs),
  signal: it.signal ?? null,
  requests: it.requests ?? null,
  items: it.items ?? null,
});
