import type { Config } from './config/config.ts';
import type { Files } from './files.ts';
import type { Random } from './lib/backoff.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import type { Meter } from './lib/meter.ts';
import { createCacheJobs } from './rollup/caches.ts';
import { createEdgeJobs } from './rollup/edges.ts';
import { createInventoryJob } from './rollup/inventory.ts';
import { createMetricJobs } from './rollup/metrics.ts';
import type { RollupJob } from './rollup/run-job.ts';
import { createRollupRunner, type RollupRunner } from './rollup/run-jobs.ts';
import { createSlaJobs } from './rollup/sla.ts';
import { createTraceJob } from './rollup/traces.ts';
import type { Store } from './store/client.ts';

export interface RollupsOptions {
  readonly config: Config;
  readonly files: Pick<Files, 'objectives'>;
  readonly store: Pick<Store, 'query' | 'insertSelect' | 'insertRows'>;
  readonly redisUrl: string;
  /** Wherever it runs; jobs make way for it. */
  readonly isIngestBehind: () => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
}

/** A week of minutes; a downtime or a sender that was longer away leaves gaps in what is derived. */
const lookbackMsMax = 7 * 86_400_000;

/**
 * What is derived by jobs. They belong to the role `evaluate`: that is where BullMQ runs and rules
 * read their results, while `ingest` must stay free to take what comes in.
 */
export const createRollups = (options: RollupsOptions): RollupRunner =>
  createRollupRunner({ ...options, ...options.store, jobs: rollupJobs(options) });

/**
 * The jobs for a configuration and rule files, also those read anew, in the order in which one needs
 * what another has computed.
 */
export const rollupJobs = ({
  config: { ingest, retention },
  files: { objectives },
}: Pick<RollupsOptions, 'config' | 'files'>): readonly RollupJob[] => {
  const lookbackMs = lookbackMsOf(retention);
  return [
    ...createEdgeJobs({ lookbackMs, sameService: false }),
    createInventoryJob({ lookbackMs }),
    createTraceJob({ lookbackMs: Math.min(lookbackMs, retention.traces.summaries) }),
    ...createMetricJobs({ lookbackMs: metricLookbackMsOf(retention) }),
    ...createCacheJobs({
      conventions: ingest.caches,
      lookbackMs: cacheLookbackMsOf(retention),
    }),
    ...createSlaJobs({ objectives, lookbackMs: slaLookbackMsOf(retention, objectives) }),
  ];
};

/** What has been dropped in part must not be computed again from the rest. */
const lookbackMsOf = ({ overrides = [], traces, spans }: Config['retention']): number =>
  Math.min(
    lookbackMsMax,
    traces.raw,
    spans['1m'],
    spans['1h'],
    ...overrides.flatMap(({ keptMs }) => keptMs.traces.raw ?? []),
  );

/** As long as a month can be corrected: late spans and maintenance that was told late still count. */
const slaLookbackMsMax = 31 * 86_400_000;

const slaLookbackMsOf = (
  { overrides = [], traces, spans }: Config['retention'],
  objectives: Files['objectives'],
): number => {
  const all = [{ traces, spans }, ...overrides.map((it) => it.keptMs)];
  const ofSpans = objectives.some((it) => it.source === 'otel_traces');
  return Math.min(
    slaLookbackMsMax,
    ...all.flatMap((it) =>
      [it.spans['1m'], ofSpans ? it.traces.raw : undefined].filter((ms) => ms !== undefined),
    ),
  );
};

const metricLookbackMsOf = ({ overrides = [], metrics }: Config['retention']): number =>
  Math.min(
    lookbackMsMax,
    ...[metrics, ...overrides.map((it) => it.keptMs.metrics)].flatMap((it) => [
      it.raw ?? lookbackMsMax,
      it['1m'] ?? lookbackMsMax,
      it['1h'] ?? lookbackMsMax,
    ]),
  );

/** Caches are computed from raw points and spans, and kept as spans are. */
const cacheLookbackMsOf = (retention: Config['retention']): number =>
  Math.min(
    lookbackMsOf(retention),
    ...[retention, ...(retention.overrides ?? []).map((it) => it.keptMs)].map(
      (it) => it.metrics.raw ?? lookbackMsMax,
    ),
  );
