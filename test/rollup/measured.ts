import { metricKinds } from '../../src/model/metric-pieces.ts';
import { createMetricJobs } from '../../src/rollup/metrics.ts';
import type { RollupJob } from '../../src/rollup/run-job.ts';
import type { Store } from '../../src/store/client.ts';

const day = '2026-01-15';

/** Milliseconds since 1970 of a clock time on the day of these tests. */
const atMs = (time: string): number => Date.parse(`${day}T${time}Z`);

export interface Measured {
  /** Clock time on the day of these tests, such as `10:00:59.9`. */
  readonly at: string;
  /** Since when the point counts: clock time; unknown when absent. */
  readonly start?: string;
  readonly service?: string;
  readonly metric?: string;
  readonly unit?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Beside service.name and host.name, `h1`. */
  readonly resource?: Readonly<Record<string, string>>;
  /** Columns of the table, such as `Value`; JSON has no NaN: write `'nan'`, `'inf'`. */
  readonly columns: Readonly<Record<string, unknown>>;
}

let inserts = 0;
/** Statements about other kinds have nothing to do. */
const stored = new Set<string>();

/** Stores hand-made points as one block. */
export const storePoints = (
  store: Pick<Store, 'insertRows'>,
  kind: string,
  points: readonly Measured[],
  token?: string,
): Promise<void> => {
  inserts += 1;
  stored.add(kind);
  return store.insertRows(
    `otel_metrics_${kind}`,
    points.map((it) => ({
      ServiceName: it.service ?? 'shop',
      ResourceAttributes: {
        'service.name': it.service ?? 'shop',
        'host.name': 'h1',
        ...it.resource,
      },
      MetricName: it.metric ?? 'm',
      MetricUnit: it.unit ?? 's',
      MetricDescription: `about ${it.metric ?? 'm'}`,
      Attributes: it.attributes ?? {},
      TimeUnix: `${day}T${it.at}Z`,
      StartTimeUnix: it.start === undefined ? 0 : `${day}T${it.start}Z`,
      ...it.columns,
    })),
    token ?? `points-${inserts}`,
  );
};

const jobs = createMetricJobs({ lookbackMs: 7 * 86_400_000 });
let version = 0;

/** Computes the windows of all tiers between two clock times of the day, both included. */
export const computeMetrics = async (
  store: Pick<Store, 'insertSelect'>,
  from: string,
  to = from,
): Promise<void> => {
  version += 1;
  for (const job of jobs) {
    const first = Math.floor(atMs(from) / job.windowMs) * job.windowMs;
    for (let fromMs = first; fromMs <= atMs(to); fromMs += job.windowMs) {
      await computeWindow(store, job, fromMs);
    }
  }
};

const kindsOf = (sql: string): readonly string[] =>
  metricKinds.filter((it) => sql.includes(`otel_metrics_${it} `) || sql.includes(`= '${it}'`));

/** Call when the tables are empty. */
export const forgetPoints = (): void => stored.clear();

const computeWindow = async (
  store: Pick<Store, 'insertSelect'>,
  job: RollupJob,
  fromMs: number,
): Promise<void> => {
  const window = { fromMs, toMs: fromMs + job.windowMs, versionMs: version, input: 1 };
  for (const [index, { sql, ...rest }] of job.run(window).entries()) {
    const kinds = kindsOf(sql);
    if (kinds.length === 1 && !kinds.some((it) => stored.has(it))) continue;
    const token = `${job.name}-${fromMs}-${version}-${index}`;
    await store.insertSelect(sql, { ...rest, token, timeoutMs: 20_000 });
  }
};
