import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { createMetricJobs } from '../../src/rollup/metrics.ts';
import { createRollupMetrics } from '../../src/rollup/run-metrics.ts';
import { createPauses } from '../../src/rollup/run-pause.ts';
import { createProgress } from '../../src/rollup/run-progress.ts';
import { createWindowRun } from '../../src/rollup/run-windows.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';

const hourMs = 3_600_000;
const ask = { timeoutMs: 20_000 };

const server = await startClickHouse(t);
const store = openStore(t, server);
await migrate(store, migrateOptions);

const progress = createProgress(store.query, store.insertRows);
const runWindows = createWindowRun({
  progress,
  insertSelect: store.insertSelect,
  metrics: createRollupMetrics(noopMeter, systemClock),
  pauses: createPauses({
    isIngestBehind: () => false,
    clock: systemClock,
    log: silentLog,
    meter: noopMeter,
  }),
  clock: systemClock,
  random: Math.random,
  log: silentLog,
});
const jobs = createMetricJobs({ lookbackMs: 7 * 24 * hourMs });
const { signal } = new AbortController();
const turn = async () => {
  for (const job of jobs) await runWindows(job, { signal, stopping: signal });
};

/** The hour before the last one: over, for all that is said here. */
const hour = (Math.floor(Date.now() / hourMs) - 2) * hourMs;
const storeGauge = (token: string, minutes: Readonly<Record<number, number>>) =>
  store.insertRows(
    'otel_metrics_gauge',
    Object.entries(minutes).map(([minute, Value]) => ({
      ServiceName: 'shop',
      MetricName: 'm',
      TimeUnix: new Date(hour + Number(minute) * 60_000).toISOString(),
      Value,
    })),
    token,
  );

const sums = async () =>
  Object.fromEntries(
    await Promise.all(
      ['1m', '1h', '1d'].map(async (tier) => {
        const [row] = await store.query<{ sum: number; rows: number }>(
          `SELECT sum(Sum) AS sum, toUInt32(count()) AS rows FROM metric_rollup_${tier}`,
          ask,
        );
        return [tier, [row?.rows, row?.sum]];
      }),
    ),
  );

t.test('points find their way into all tiers, each once', async (t) => {
  await storeGauge('first', { 3: 1, 4: 2, 50: 4 });
  await turn();
  t.strictSame(await sums(), { '1m': [3, 7], '1h': [1, 7], '1d': [1, 7] });
  await turn();
  const [computed] = await store.query<{ n: number }>(
    'SELECT toUInt32(count()) AS n FROM rollup_progress',
    ask,
  );
  t.equal(computed?.n, 5, 'and without new points nothing is computed again');
});

t.test('late points make their windows due again, and a block sent again does not', async (t) => {
  const due = async () =>
    Promise.all(
      jobs.map(async (job) => {
        const { windows } = await progress.candidates(job, signal);
        return windows.map((it) => (it.fromMs - hour) / 60_000);
      }),
    );
  await storeGauge('first', { 3: 1, 4: 2, 50: 4 });
  t.strictSame(await due(), [[], [], []]);
  await storeGauge('late', { 4: 5 });
  t.strictSame(await due(), [[4], [], []], 'the hour follows the minute');
});
