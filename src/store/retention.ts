import type { RetentionMs } from '../model/retention.ts';
import { alterLocal, localName, type Placement, quoteText } from './render.ts';
import { type Tier, ttlFor } from './ttl.ts';

/** A table as `system.tables` has it. */
export interface TableEngine {
  readonly table: string;
  /**
   * `engine_full`: the engine with its keys, TTL and settings, normalised by the engine. In a dry run
   * also the statement that would make the table.
   */
  readonly engine: string;
}

const service = 'ServiceName';
const metric = 'MetricName';

/** `span_rollup_1m` and the like: `Time` is when the minute, hour or day of a row begins. */
const spanTiers: readonly Tier[] = [
  ...(['1m', '1h', '1d'] as const).map(
    (tier): Tier => ({
      table: `span_rollup_${tier}`,
      time: 'Time',
      partition: tier === '1m' ? 'day' : 'month',
      keptMs: (it) => it.spans[tier],
      service,
    }),
  ),
  {
    table: 'service_durations_1d_filled',
    time: 'Time',
    partition: 'month',
    keptMs: (it) => it.spans['1d'],
    service,
  },
];

/** Series, their names, which last as long as any tier knows them by number, and bookkeeping. */
const metricTiers: readonly Tier[] = [
  ...(['1m', '1h', '1d'] as const).map(
    (tier): Tier => ({
      table: `metric_rollup_${tier}_computed`,
      time: 'Time',
      partition: tier === '1m' ? 'day' : 'month',
      keptMs: (it) => it.metrics[tier],
      service,
      metric,
    }),
  ),
  {
    table: 'metric_series',
    time: 'Month + toIntervalMonth(1)',
    partition: 'month',
    keptMs: (it) => it.metrics['1d'],
    longest: true,
  },
  {
    table: 'metric_arrivals',
    time: 'Time',
    partition: 'day',
    keptMs: (it) => it.metrics.raw,
    longest: true,
  },
];

/** The service map, kept as the requests are, its bookkeeping, summaries of traces, the inventory. */
const mapTiers: readonly Tier[] = [
  ...(['1m', '1h', '1d'] as const).map(
    (tier): Tier => ({
      table: `service_edges_${tier}_computed`,
      time: 'Time',
      partition: tier === '1m' ? 'day' : 'month',
      keptMs: (it) => it.spans[tier],
    }),
  ),
  {
    table: 'span_arrivals',
    time: 'Time',
    partition: 'day',
    keptMs: (it) => it.traces.raw,
    longest: true,
  },
  {
    table: 'trace_summaries_computed',
    time: 'toDateTime(Start)',
    partition: 'day',
    keptMs: (it) => it.traces.summaries,
    service: 'RootService',
  },
  { table: 'rollup_progress', time: 'Window', partition: 'day', keptMs: (it) => it.spans['1m'] },
  {
    table: 'service_instances',
    time: 'LastSeen',
    partition: 'month',
    keptMs: (it) => it.spans['1d'],
  },
];

/** What caches are told by, and what spans and counters tell of them. */
const cacheTiers: readonly Tier[] = [
  {
    table: 'cache_points',
    time: 'toDateTime(TimeUnix)',
    partition: 'day',
    keptMs: (it) => it.metrics.raw,
    service,
    metric,
  },
  {
    table: 'cache_spans',
    time: 'toDateTime(Timestamp)',
    partition: 'day',
    keptMs: (it) => it.traces.raw,
    service,
  },
  {
    table: 'cache_summaries_1m_computed',
    time: 'Time',
    partition: 'day',
    keptMs: (it) => it.spans['1m'],
    service,
  },
  ...(['1m', '1h', '1d'] as const).flatMap((tier) =>
    ['rollup', 'requests'].map(
      (of): Tier => ({
        table: `cache_${of}_${tier}_computed`,
        time: 'Time',
        partition: tier === '1m' ? 'day' : 'month',
        keptMs: (it) => it.spans[tier],
        service,
      }),
    ),
  ),
];

/** Every table whose rows end. */
const tiers: readonly Tier[] = [
  {
    table: 'otel_traces',
    time: 'toDateTime(Timestamp)',
    partition: 'day',
    keptMs: (it) => it.traces.raw,
    service,
  },
  {
    table: 'otel_traces_trace_id_ts',
    time: 'Start',
    partition: 'day',
    keptMs: (it) => it.traces.raw,
    longest: true,
  },
  ...['gauge', 'sum', 'summary', 'histogram', 'exponential_histogram'].map(
    (kind): Tier => ({
      table: `otel_metrics_${kind}`,
      time: 'toDateTime(TimeUnix)',
      partition: 'day',
      keptMs: (it) => it.metrics.raw,
      service,
      metric,
    }),
  ),
  ...spanTiers,
  ...metricTiers,
  ...mapTiers,
  ...cacheTiers,
  {
    table: 'otel_logs',
    time: 'TimestampTime',
    partition: 'day',
    keptMs: (it) => it.logs,
    service,
  },
  { table: 'otlp_rejects', time: 'toDateTime(At)', partition: 'day', keptMs: (it) => it.logs },
  { table: 'alert_events', time: 'toDateTime(At)', partition: 'month', keptMs: (it) => it.alerts },
  {
    table: 'notification_log',
    time: 'toDateTime(At)',
    partition: 'month',
    keptMs: (it) => it.alerts,
  },
  ...['sla_minutes_computed', 'sla_status_computed'].map(
    (table): Tier => ({ table, time: 'Time', partition: 'month', keptMs: (it) => it.alerts }),
  ),
  { table: 'audit_log', time: 'toDateTime(At)', partition: 'month', keptMs: (it) => it.audit },
];

/**
 * The statements that bring the tables there are to the retention, none when they have it. Parts are
 * dropped whole once their youngest row is too old, so rows live up to a partition longer, never shorter.
 */
export const retentionStatements = (
  tables: readonly TableEngine[],
  retention: RetentionMs,
  placement: Placement,
): readonly string[] => {
  const engines = new Map(tables.map((it) => [it.table, it.engine]));
  return tiers.flatMap((tier) => {
    const engine = engines.get(localName(tier.table, placement));
    if (engine === undefined) return [];
    return changesOf(engine, ttlFor(tier, retention), placement).map(
      (it) => `${alterLocal(tier.table, placement)} MODIFY ${it}`,
    );
  });
};

/** The policy first: a TTL may name a volume only when the table has it. */
const changesOf = (
  engine: string,
  { text, byRow }: ReturnType<typeof ttlFor>,
  { storagePolicy }: Placement,
): readonly string[] => {
  const settings = /\sSETTINGS (.+)$/s.exec(engine)?.[1] ?? '';
  const wanted = [
    ...(storagePolicy === undefined ? [] : [`storage_policy = ${quoteText(storagePolicy)}`]),
    `ttl_only_drop_parts = ${byRow ? 0 : 1}`,
  ].filter((it) => !settings.includes(it));
  const has = plain(engine).includes(plain(` TTL ${text} SETTINGS `));
  return [...wanted.map((it) => `SETTING ${it}`), ...(has ? [] : [`TTL ${text}`])];
};

/** Where the engine puts parentheses differs from version to version. */
const plain = (text: string): string => text.replaceAll(/[()]/g, '');
