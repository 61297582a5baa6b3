import { type EdgeRules, edgeArrivals, minuteEdgesSql, tierEdgesSql } from './edges-sql.ts';
import { type Computation, computedWindows, type RollupJob, spanSettings } from './run-job.ts';

export interface EdgeJobOptions extends EdgeRules {
  /** How late spans may come and still correct the map. Shorter than any tier is kept. */
  readonly lookbackMs: number;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
/** Exporters send every 5 s, and the two sides of a call may begin 15 s apart. */
const settleMs = 30_000;
const timeoutMs = 120_000;

/** Of one computation. What does not fit into memory goes through the disk, more slowly. */
const settings = {
  ...spanSettings,
  join_algorithm: 'grace_hash,hash',
  max_bytes_in_join: 400_000_000,
  max_bytes_before_external_group_by: 400_000_000,
  max_memory_usage: 3_000_000_000,
};

/** `service_edges_1m` from the spans, `_1h` from that, `_1d` from the hours. */
export const createEdgeJobs = ({
  lookbackMs,
  sameService,
}: EdgeJobOptions): readonly RollupJob[] => {
  const job = (
    [name, windowMs, changes]: readonly [name: string, windowMs: number, changes: string],
    sql: string,
  ): RollupJob => ({
    name,
    windowMs,
    changes,
    settleMs: windowMs === minuteMs ? settleMs : -windowMs,
    lookbackMs,
    timeoutMs,
    run: (computation) => [{ sql, settings, parameters: parametersOf(computation) }],
  });
  const [minutes, hours, days] = [
    'service_edges_1m',
    'service_edges_1h',
    'service_edges_1d',
  ] as const;
  return [
    job([minutes, minuteMs, edgeArrivals], minuteEdgesSql({ sameService })),
    job([hours, hourMs, computedWindows(minutes, hourMs)], tierEdgesSql('1h', '1m')),
    job([days, dayMs, computedWindows(hours, dayMs)], tierEdgesSql('1d', '1h')),
  ];
};

const parametersOf = ({ fromMs, toMs, versionMs }: Computation) => ({
  from: fromMs / 1000,
  to: toMs / 1000,
  version: versionMs,
});
