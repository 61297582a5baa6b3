import { z } from '../lib/document.ts';
import { Fault } from '../lib/fault.ts';
import { iso } from './alert-endpoints.ts';
import { deadLetterEndpoints } from './dead-letter-endpoints.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import type { ConsolePorts, RuleView, TestDelivery } from './ports.ts';
import { dependencies, time } from './shapes.ts';

const rule = z.object({
  id: z.string(),
  group: z.string(),
  name: z.string(),
  health: z.enum(['ok', 'error', 'unknown']),
  last_evaluated_at: time.nullable(),
  last_duration_ms: z.number().nullable(),
  last_error: z.string().nullable(),
});

export const testDelivery = z.object({
  channel: z.string(),
  index: z.int(),
  outcome: z.enum(['delivered', 'retry', 'refused']),
  reason: z.string().nullable(),
  answer: z.string(),
});

/** How the daemon is, and what somebody who runs it does with it. */
export const operationEndpoints = (ports: ConsolePorts): readonly Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/api/v1/status',
    summary: 'Version, roles, addresses and dependencies',
    answer: z.object({
      version: z.string(),
      instance: z.string(),
      roles: z.array(z.string()),
      listen: z.record(z.string(), z.string()),
      started_at: time,
      dependencies,
    }),
    handle: async () => {
      const { startedAtMs, roles, ...status } = ports.status();
      const states = await ports.dependencies();
      return { ...status, roles: [...roles], started_at: iso(startedAtMs), dependencies: states };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/rules',
    summary: 'Rules and how their last evaluation went',
    answer: z.object({ rules: z.array(rule) }),
    handle: async () => ({ rules: (await ports.rules()).map(ruleJson) }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/receivers',
    summary: 'Receivers and their channels',
    answer: z.object({
      receivers: z.array(z.object({ name: z.string(), channels: z.array(z.string()) })),
    }),
    handle: async () => ({
      receivers: ports.receivers
        .list()
        .map(({ name, channels }) => ({ name, channels: [...channels] })),
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/receivers/{name}/test',
    summary:
      'Send a test notification to every channel of a receiver, once, and say what became of it',
    params: z.object({ name: z.string() }),
    answer: z.object({ deliveries: z.array(testDelivery) }),
    refusals: { 404: 'There is no such receiver.' },
    handle: async ({ params }) => {
      const deliveries = await ports.receivers.test(params.name);
      if (!deliveries) throw unknownReceiver(params.name);
      return { deliveries: deliveries.map(testDeliveryJson) };
    },
  }),
  ...deadLetterEndpoints(ports),
];

const unknownReceiver = (name: string) =>
  new Fault('ERR_RECEIVER_UNKNOWN', `there is no receiver ${name}`, { remedy: 'reject' });

const ruleJson = (it: RuleView): z.input<typeof rule> => ({
  id: it.id,
  group: it.group,
  name: it.name,
  health: it.health,
  last_evaluated_at: it.lastEvaluatedAtMs === undefined ? null : iso(it.lastEvaluatedAtMs),
  last_duration_ms: it.lastDurationMs ?? null,
  last_error: it.lastError ?? null,
});

const testDeliveryJson = (it: TestDelivery): z.input<typeof testDelivery> => ({
  channel: it.channel,
  index: it.channelIndex,
  outcome: it.outcome.kind,
  reason: it.outcome.kind === 'delivered' ? null : it.outcome.reason,
  answer: it.outcome.answer,
});
