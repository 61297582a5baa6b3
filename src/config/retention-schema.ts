import { z } from '../lib/document.ts';
import { positiveDurationMs, share } from './fields.ts';

const kept = (usual: string) => positiveDurationMs.prefault(usual);
const other = positiveDurationMs.optional();

const tiers = (raw: string) =>
  z.strictObject({ raw: kept(raw), '1m': kept('30d'), '1h': kept('1y'), '1d': kept('5y') });

/** Exact, or with `*` for any characters and `?` for one. Control characters are in no name. */
const name = z
  .string()
  .regex(/^\P{Cc}+$/u, 'expected a name, or a pattern with * and ?')
  .max(500);
const names = z.union([name.transform((it) => [it]), z.array(name).min(1).max(1_000)]);

const override = z
  .strictObject({
    service: names.optional(),
    metric: names.optional(),
    traces: z.strictObject({ raw: other }).prefault({}),
    metrics: z.strictObject({ raw: other, '1m': other, '1h': other, '1d': other }).prefault({}),
    spans: z.strictObject({ '1m': other, '1h': other, '1d': other }).prefault({}),
    logs: other,
  })
  .refine((it) => it.service !== undefined || it.metric !== undefined, {
    error: 'expected service or metric: which rows this is about',
  })
  .refine(
    (it) =>
      it.metric === undefined ||
      [it.traces.raw, it.logs, ...Object.values(it.spans)].every((kept) => kept === undefined),
    {
      path: ['metric'],
      error: 'only metrics have a name of a metric: traces, spans and logs do not',
    },
  )
  .refine(
    (it) =>
      [it.traces.raw, it.logs, ...Object.values(it.spans), ...Object.values(it.metrics)].some(
        (kept) => kept !== undefined,
      ),
    { error: 'says nothing: expected traces, metrics, spans or logs' },
  );

export type RetentionOverrideDocument = z.output<typeof override>;

/** Named limit: each costs a few nanoseconds per row inserted, and one rewrite of a day's rows. */
const overridesMax = 50;

const disk = z
  .strictObject({
    warn: share.prefault('80 percent'),
    shorten_at: share.prefault('90 percent'),
    /** Nobody's data goes earlier than they wrote unless they wrote this, too. */
    allow_shorten: z.boolean().default(false),
  })
  .refine((it) => it.warn > 0 && it.warn <= it.shorten_at, {
    path: ['warn'],
    error: 'expected more than 0 and not more than shorten_at',
  });

export const retention = z.strictObject({
  traces: z.strictObject({ raw: kept('14d'), summaries: kept('90d') }).prefault({}),
  metrics: tiers('7d').prefault({}),
  spans: z.strictObject({ '1m': kept('30d'), '1h': kept('1y'), '1d': kept('5y') }).prefault({}),
  logs: kept('30d'),
  alerts: kept('1y'),
  audit: kept('1y'),
  /** The first that fits a row and says something about its tier decides. */
  overrides: z.array(override).max(overridesMax).default([]),
  /** Where day partitions older than this go. */
  cold: z.strictObject({ after: positiveDurationMs, volume: z.string().min(1) }).optional(),
  /** What to do when the disk under ClickHouse fills up before anything is due. */
  disk: disk.prefault({}),
});
