import { z } from '../lib/document.ts';
import type { SlaReport } from '../model/sla-report.ts';
import { time } from './shapes.ts';

const span = { from: time, to: time, minutes: z.number() };

const objective = z.object({
  objective: z.string().meta({ description: 'Empty when the SLA makes only one promise.' }),
  unit: z.enum(['ratio', 'seconds', 'per-second']),
  target: z.number(),
  achieved: z.number().nullable().meta({ description: 'Null without requests.' }),
  met: z.boolean().nullable(),
  requests: z.number(),
  errors: z.number(),
  good: z.number(),
  total: z.number().meta({ description: 'For throughput the requests that were promised.' }),
  budget: z
    .object({
      share: z.number(),
      total: z.number(),
      consumed: z.number(),
      remaining: z.number(),
      left: z.number().nullable(),
    })
    .nullable()
    .meta({ description: 'In requests; share and left are shares. Null for throughput.' }),
  minutes: z.object({
    month: z.number(),
    recorded: z.number(),
    excluded: z.number(),
    breached: z.number(),
  }),
  breaches: z.array(z.object({ ...span, worst: z.number() })).readonly(),
  exclusions: z.array(z.object({ ...span, reason: z.string() })).readonly(),
  missing: z.array(z.object(span)).readonly(),
  definitions: z
    .array(
      z.object({
        definition: z.string(),
        since: time,
        target: z.number(),
        window: z.string(),
        source: z.string(),
        minutes: z.number(),
      }),
    )
    .readonly(),
});

/** A report as it travels, which is as it is printed. */
export const slaReport: z.ZodType<SlaReport, SlaReport> = z.object({
  sla: z.string(),
  service: z.string(),
  type: z.string(),
  month: z.string(),
  from: time,
  to: time,
  until: time.nullable().meta({ description: 'Where the rows end, of a month that is not over.' }),
  objectives: z.array(objective).readonly(),
  incidents: z
    .array(
      z.object({
        alert: z.string(),
        name: z.string(),
        objective: z.string(),
        severity: z.string(),
        fired: time,
        resolved: time.nullable(),
      }),
    )
    .readonly(),
  evidence: z.object({
    rows: z.number(),
    sha256: z.string(),
    later: z.number().meta({
      description: 'Rows written, or corrected, more than an hour after the month was over.',
    }),
    changed: time,
  }),
});
