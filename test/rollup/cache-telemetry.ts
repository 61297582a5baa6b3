import { knownCacheConventions } from '../../src/model/cache-conventions.ts';
import { createCacheJobs } from '../../src/rollup/caches.ts';
import type { Store } from '../../src/store/client.ts';

const day = '2026-01-15';

/** Milliseconds since 1970 of a clock time on the day of these tests. */
export const atMs = (time: string): number => Date.parse(`${day}T${time}Z`);

export interface CachePoint {
  /** Clock time on the day of these tests. */
  readonly at: string;
  readonly service: string;
  readonly metric: string;
  readonly value: number;
  readonly kind?: 'cumulative' | 'delta' | 'level' | 'gauge';
  /** Since when it counts; undefined: unknown. */
  readonly since?: string;
  readonly unit?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly instance?: string;
}

let blocks = 0;

/** Stores hand-made points, counters unless told, as one block. */
export const storePoints = async (
  store: Store,
  points: readonly CachePoint[],
  token = `points-${(blocks += 1)}`,
): Promise<void> => {
  const rowOf = (it: CachePoint) => ({
    TimeUnix: `${day}T${it.at}Z`,
    StartTimeUnix: it.since === undefined ? '1970-01-01T00:00:00Z' : `${day}T${it.since}Z`,
    ServiceName: it.service,
    MetricName: it.metric,
    MetricUnit: it.unit ?? '',
    Attributes: it.attributes ?? {},
    ResourceAttributes: {
      'service.name': it.service,
      ...(it.instance !== undefined && { 'service.instance.id': it.instance }),
    },
    Value: it.value,
  });
  const gauges = points.filter((it) => it.kind === 'gauge');
  const sums = points.filter((it) => it.kind !== 'gauge');
  if (gauges.length > 0) await store.insertRows('otel_metrics_gauge', gauges.map(rowOf), token);
  if (sums.length === 0) return;
  const rows = sums.map((it) => ({
    ...rowOf(it),
    AggregationTemporality: it.kind === 'delta' ? 1 : 2,
    IsMonotonic: it.kind !== 'level',
  }));
  await store.insertRows('otel_metrics_sum', rows, token);
};

export interface CacheSpan {
  readonly at: string;
  readonly service: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Milliseconds, 1 unless told. */
  readonly took?: number;
  readonly name?: string;
  readonly weight?: number;
  readonly failed?: boolean;
}

/** Stores hand-made spans as one block. */
export const storeCacheSpans = (
  store: Store,
  spans: readonly CacheSpan[],
  token = `spans-${(blocks += 1)}`,
): Promise<void> =>
  store.insertRows(
    'otel_traces',
    spans.map((it) => ({
      Timestamp: `${day}T${it.at}Z`,
      TraceId: 'a'.repeat(32),
      SpanName: it.name ?? 'cache.get',
      SpanKind: 'Client',
      ServiceName: it.service,
      Duration: Math.round((it.took ?? 1) * 1e6),
      StatusCode: it.failed ? 'Error' : 'Unset',
      AdjustedCount: it.weight ?? 1,
      SpanAttributes: it.attributes,
    })),
    token,
  );

let version = 0;

/** Jobs that tell hits and misses: the others take time that not every test has use for. */
export const hitJobs = /^cache_(counters|spans|rollup)_/;

/** Computes the windows of all three tiers that these times lie in, finest first. */
export const computeCaches = async (
  store: Store,
  timesMs: readonly number[],
  conventions = knownCacheConventions,
  jobs = /./,
): Promise<void> => {
  const all = createCacheJobs({ conventions, lookbackMs: 7 * 86_400_000 });
  for (const job of all.filter((it) => jobs.test(it.name))) {
    const starts = new Set(timesMs.map((it) => Math.floor(it / job.windowMs) * job.windowMs));
    for (const fromMs of starts) {
      version += 1;
      const window = { fromMs, toMs: fromMs + job.windowMs, versionMs: version, input: 1 };
      for (const { sql, ...rest } of job.run(window)) {
        const token = `${job.name}-${fromMs}-${version}`;
        await store.insertSelect(sql, { ...rest, token, timeoutMs: 20_000 });
      }
    }
  }
};
