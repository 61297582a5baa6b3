import type { Test } from 'tap';
import { allStored } from '../../../src/evaluate/compile/stored.ts';
import { loadRules } from '../../../src/evaluate/rules/load.ts';
import type { CompiledRule, CompiledSignal, SignalRow } from '../../../src/evaluate/rules/plan.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { formatProblem } from '../../../src/lib/document.ts';
import type { Store } from '../../../src/store/client.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { openStore, retention } from '../../store/open-store.ts';
import { startClickHouse } from '../../support/clickhouse.ts';

/** The moment that every test of this folder evaluates at: 2026-11-20 12:00:00 UTC. */
export const nowMs = Date.UTC(2026, 10, 20, 12);

/** Seconds before that moment, as ClickHouse reads it. */
export const ago = (seconds: number): string =>
  new Date(nowMs - seconds * 1_000).toISOString().replace('T', ' ').replace('Z', '');

export interface Span {
  readonly agoSeconds: number;
  readonly durationMs?: number;
  readonly service?: string;
  readonly name?: string;
  readonly kind?: string;
  readonly status?: string;
  readonly weight?: number;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly resource?: Readonly<Record<string, string>>;
}

export const spanRow = (span: Span) => ({
  Timestamp: ago(span.agoSeconds),
  TraceId: 'a'.repeat(32),
  SpanId: 'b'.repeat(16),
  ServiceName: span.service ?? 'checkout',
  SpanName: span.name ?? 'GET /pay',
  SpanKind: span.kind ?? 'Server',
  StatusCode: span.status ?? 'Unset',
  Duration: Math.round((span.durationMs ?? 1) * 1e6),
  AdjustedCount: span.weight ?? 1,
  SpanAttributes: span.attributes ?? {},
  ResourceAttributes: span.resource ?? {},
});

export interface Point {
  readonly metric: string;
  readonly agoSeconds: number;
  /** When the series began, seconds ago; undefined: unknown. */
  readonly startAgoSeconds?: number;
  readonly service?: string;
  readonly unit?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly resource?: Readonly<Record<string, string>>;
  readonly flags?: number;
}

/** The columns that all metric tables share. */
export const pointRow = (point: Point) => ({
  MetricName: point.metric,
  MetricUnit: point.unit ?? '',
  ServiceName: point.service ?? 'checkout',
  TimeUnix: ago(point.agoSeconds),
  StartTimeUnix:
    point.startAgoSeconds === undefined ? '1970-01-01 00:00:00' : ago(point.startAgoSeconds),
  Attributes: point.attributes ?? {},
  ResourceAttributes: point.resource ?? {},
  Flags: point.flags ?? 0,
});

export interface Telemetry {
  readonly store: Store;
  readonly insert: (
    table: string,
    rows: readonly Readonly<Record<string, unknown>>[],
  ) => Promise<void>;
  /** Rows of one signal, written as in a rule file, evaluated at `nowMs`. */
  readonly ask: (signal: Readonly<Record<string, unknown>>) => Promise<readonly SignalRow[]>;
  /** The only row's value. */
  readonly value: (signal: Readonly<Record<string, unknown>>) => Promise<unknown>;
}

/** A real engine with our tables. */
export const startTelemetry = async (t: Pick<Test, 'teardown'>): Promise<Telemetry> => {
  const store = openStore(t, await startClickHouse(t));
  const placement = { database: 'otel', retention, dryRun: false, clock: systemClock };
  await migrate(store, placement);
  let blocks = 0;
  const ask: Telemetry['ask'] = (signal) => {
    const [compiled] = Object.values(ruleWith({ signals: { x: signal }, when: 'x == x' }).signals);
    if (!compiled) throw new Error('no signal');
    return run(store, compiled);
  };
  return {
    store,
    insert: (table, rows) => store.insertRows(table, rows, `test-${(blocks += 1)}`),
    ask,
    value: async (signal) => {
      const rows = await ask(signal);
      if (rows.length !== 1) throw new Error(`${rows.length} rows`);
      return rows[0]?.['value'];
    },
  };
};

export const run = (store: Store, signal: CompiledSignal): Promise<readonly SignalRow[]> =>
  store.query<SignalRow>(signal.sql, {
    parameters: signal.parameters(nowMs),
    settings: signal.settings,
    timeoutMs: 20_000,
  });

/** Loads one rule given as an object; throws when it has problems. */
export const ruleWith = (
  rule: Readonly<Record<string, unknown>>,
  stored = allStored,
): CompiledRule => {
  const text = JSON.stringify({ groups: [{ name: 'g', rules: [{ alert: 'A', ...rule }] }] });
  const defaults = { intervalMs: 30_000, queryOffsetMs: 0, stored };
  const { groups, problems } = loadRules([{ file: 'rules/a.yaml', text }], defaults);
  const [found] = groups.flatMap((it) => it.rules);
  if (problems.length > 0 || !found) throw new Error(problems.map(formatProblem).join('\n'));
  return found;
};
