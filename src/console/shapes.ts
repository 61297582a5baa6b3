import { z } from '../lib/document.ts';
import { parseDurationMs } from '../lib/duration.ts';
import { parseMatcher } from '../model/matcher-syntax.ts';

/** The API's values as they travel; `meta` is what the OpenAPI description says about them. */

export const time = z.iso.datetime({ offset: true }).meta({ description: 'RFC 3339.' });

export const labels = z.record(z.string(), z.string());

export const dependencies = z
  .record(
    z.string(),
    z.object({ state: z.enum(['up', 'down', 'starting']), detail: z.string().optional() }),
  )
  .meta({ description: 'What the daemon needs, by name.' });

export const acknowledgement = z.object({ alert: z.string(), by: z.string(), at: time });

export const alert = z.object({
  id: z.string().meta({ description: 'Names this episode of the alert.' }),
  fingerprint: z.string().meta({ description: 'The same in every episode.' }),
  rule: z.string(),
  labels,
  annotations: labels,
  state: z.enum(['pending', 'firing', 'resolved']),
  since: time.meta({ description: 'When this state began.' }),
  active_at: time.meta({ description: 'When the condition first held.' }),
  values: z.record(z.string(), z.number()).meta({ description: 'By signal, in base units.' }),
  units: labels.meta({
    description: 'By signal, UCUM: s, By, 1 (a ratio), /s; absent for a count.',
  }),
  severity: z.string().nullable(),
  suppressed: z.array(
    z.object({
      kind: z.enum(['silenced', 'inhibited', 'muted', 'flapping', 'upstream']),
      by: z.string(),
    }),
  ),
  acknowledged: z.object({ by: z.string(), at: time }).nullable(),
  escalation: z.string().nullable().meta({ description: 'Name of the escalation policy.' }),
  escalation_level: z.int(),
  generator_url: z.string().nullable(),
});

export const alertChange = z.object({
  at: time,
  change: z.string().meta({ description: 'pending, fired, changed, resolved or dropped.' }),
  reason: z.string(),
  severity: z.string().nullable(),
});

export const message = z.object({
  at: time,
  alert: z.string(),
  alertname: z.string(),
  kind: z.string().meta({ description: 'firing, resolved, escalated, acknowledged or test.' }),
  reason: z.string(),
  receiver: z.string(),
  channel: z.string(),
  destination: z.string(),
  outcome: z.string().meta({ description: 'delivered, retry, refused, dead or skipped.' }),
  answer: z.string().meta({ description: 'What the other side said, or what went wrong.' }),
});

export const silence = z.object({
  id: z.string(),
  matchers: z.array(z.string()),
  starts_at: time,
  ends_at: time,
  by: z.string(),
  comment: z.string(),
  state: z.enum(['pending', 'active', 'expired']),
  updated_at: time,
});

export const person = z.string().trim().min(1).max(200);

export const matcher = z
  .string()
  .max(1_000)
  .refine((text) => parseMatcher(text) !== undefined, {
    error: 'expected a matcher such as service_name=checkout or severity=~"warning|critical"',
  })
  .meta({ description: "Alertmanager's syntax.", examples: ['service_name=checkout'] });

export const duration = z
  .string()
  .refine((text) => (parseDurationMs(text) ?? 0) > 0, {
    error: 'expected a duration such as 30m, 2h or 1d',
  })
  .meta({ examples: ['1h'] });

/** A query parameter that may be given once or several times. */
export const several = <T extends z.ZodType>(one: T) =>
  z.preprocess(
    (value) => (value === undefined ? undefined : [value].flat()),
    z.array(one).max(50).optional(),
  );

export const failure = z.object({
  error: z.object({
    code: z.string().meta({ description: 'Stable; starts with ERR_.' }),
    message: z.string(),
    details: z.array(z.object({ at: z.string(), message: z.string() })),
  }),
});
