import { localName, onCluster, type Placement, quoteName } from './render.ts';

/** How long rows are kept, milliseconds. The part of the configuration that the tables here have. */
export interface RetentionMs {
  readonly traces: { readonly raw: number };
  readonly metrics: { readonly raw: number };
  readonly logs: number;
  readonly alerts: number;
  readonly audit: number;
}

/** A table as `system.tables` has it. */
export interface TableEngine {
  readonly table: string;
  /** `engine_full`: the engine with its keys, TTL and settings, normalised by the engine. */
  readonly engine: string;
}

interface Tier {
  readonly table: string;
  /** A DateTime that says how old a row is. */
  readonly time: string;
  readonly keptMs: (retention: RetentionMs) => number;
}

const tiers: readonly Tier[] = [
  { table: 'otel_traces', time: 'toDateTime(Timestamp)', keptMs: (it) => it.traces.raw },
  { table: 'otel_traces_trace_id_ts', time: 'Start', keptMs: (it) => it.traces.raw },
  ...['gauge', 'sum', 'summary', 'histogram', 'exponential_histogram'].map((kind) => ({
    table: `otel_metrics_${kind}`,
    time: 'toDateTime(TimeUnix)',
    keptMs: (it: RetentionMs) => it.metrics.raw,
  })),
  { table: 'otel_logs', time: 'TimestampTime', keptMs: (it) => it.logs },
  { table: 'otlp_rejects', time: 'toDateTime(At)', keptMs: (it) => it.logs },
  { table: 'alert_events', time: 'toDateTime(At)', keptMs: (it) => it.alerts },
  { table: 'notification_log', time: 'toDateTime(At)', keptMs: (it) => it.alerts },
  { table: 'audit_log', time: 'toDateTime(At)', keptMs: (it) => it.audit },
];

/**
 * The statements that bring the tables to the retention, none when they have it. Parts are dropped
 * whole once their youngest row is too old, so rows live up to a partition longer, never shorter.
 */
export const retentionStatements = (
  tables: readonly TableEngine[],
  retention: RetentionMs,
  placement: Placement,
): readonly string[] => {
  const engines = new Map(tables.map((it) => [it.table, it.engine]));
  return tiers.flatMap(({ table, time, keptMs }) => {
    const local = localName(table, placement);
    const engine = engines.get(local);
    const wanted = `${time} + ${interval(keptMs(retention))}`;
    if (engine !== undefined && ttlOf(engine) === wanted) return [];
    const name = `${quoteName(placement.database)}.${quoteName(local)}`;
    const target = [name, onCluster(placement)].filter((it) => it !== '').join(' ');
    return [`ALTER TABLE ${target} MODIFY TTL ${wanted}`];
  });
};

/** A DateTime ends in 2106; one that passes it starts again in 1970, and its rows would be dropped. */
const keptMsMax = 50 * 365 * 86_400_000;

/** Written the way the engine writes it back, so that equal means equal text. */
const interval = (keptMs: number): string => {
  const seconds = Math.max(1, Math.ceil(Math.min(keptMs, keptMsMax) / 1000));
  return seconds % 86_400 === 0
    ? `toIntervalDay(${seconds / 86_400})`
    : `toIntervalSecond(${seconds})`;
};

/** Our TTLs have no quotes and never the word SETTINGS, which follows them. */
const ttlOf = (engine: string): string | undefined =>
  / TTL (.+?)(?: SETTINGS |$)/s.exec(engine)?.[1];
