import { randomUUID } from 'node:crypto';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { type RollupJob, spanArrivals } from '../../src/rollup/run-job.ts';
import { createRollupRunner, type RollupRunnerOptions } from '../../src/rollup/run-jobs.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const limitMs = 30_000;
const ask = { timeoutMs: 10_000 };

const server = await startClickHouse(t);
const redis = await startRedis(t);
const store = openStore(t, server);
await migrate(store, migrateOptions);
await store.command(
  `CREATE TABLE otel.counted (Job String, Time DateTime, Spans UInt64, Version UInt64)
   ENGINE = ReplacingMergeTree(Version) ORDER BY (Job, Time)`,
);

/** Counts the spans of each minute. Each run of a statement leaves one row more until parts merge. */
const counting = (name: string): RollupJob => ({
  name,
  windowMs: 60_000,
  changes: spanArrivals,
  settleMs: 30_000,
  lookbackMs: 20_000 * 60_000,
  timeoutMs: 20_000,
  run: ({ fromMs, toMs, versionMs }) => [
    {
      sql: `INSERT INTO counted SELECT '${name}', {from:DateTime}, count(), {version:UInt64} FROM otel_traces
            WHERE Timestamp >= {from:DateTime} AND Timestamp < toDateTime64({to:DateTime}, 9)`,
      parameters: { from: fromMs / 1000, to: toMs / 1000, version: versionMs },
    },
  ],
});

const runner = (overrides: Partial<RollupRunnerOptions>) => {
  const made = createRollupRunner({
    jobs: [],
    redisUrl: redis.url,
    query: store.query,
    insertSelect: store.insertSelect,
    insertRows: store.insertRows,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    meter: noopMeter,
    isIngestBehind: () => false,
    tickMs: 100,
    lease: { lockDurationMs: 2_000, stalledIntervalMs: 500 },
    ...overrides,
  });
  t.teardown(made.stop);
  return made;
};

/** Once: the same minutes are meant when the next one has begun. */
const beganMs = Date.now();
const minutesAgo = (minutes: number): string =>
  `${new Date(beganMs - minutes * 60_000).toISOString().slice(0, 16)}:10`;

/** Spans of minutes that lie some minutes back. */
const spansAgo = (minutes: readonly number[]) =>
  store.insertRows(
    'otel_traces',
    minutes.map((it) => ({ Timestamp: minutesAgo(it), ServiceName: 'a', SpanKind: 'Server' })),
    randomUUID(),
  );

const counted = async (job: string): Promise<readonly number[]> => {
  const rows = await store.query<{ n: number }>(
    'SELECT toFloat64(Spans) AS n FROM counted FINAL WHERE Job = {job:String} ORDER BY Time',
    { ...ask, parameters: { job } },
  );
  return rows.map((it) => it.n);
};

const computations = async (job: string): Promise<number> => {
  const [row] = await store.query<{ n: number }>(
    'SELECT toFloat64(uniqExact(Time, Version)) AS n FROM counted WHERE Job = {job:String}',
    { ...ask, parameters: { job } },
  );
  return row?.n ?? 0;
};

const progressOf = async (job: string): Promise<readonly number[]> => {
  const rows = await store.query<{ n: number }>(
    'SELECT toFloat64(Input) AS n FROM rollup_progress FINAL WHERE Job = {job:String} ORDER BY Window',
    { ...ask, parameters: { job } },
  );
  return rows.map((it) => it.n);
};

t.test('every window with input is computed once, by one of two replicas', async (t) => {
  await spansAgo([9, 7, 7, 5]);
  const [first, second] = [
    runner({ jobs: [counting('once')] }),
    runner({ jobs: [counting('once')] }),
  ];
  first.start();
  second.start();
  await until(async () => (await progressOf('once')).length === 3, limitMs);
  await second.stop();
  await first.stop();
  t.strictSame(await counted('once'), [1, 2, 1]);
  t.equal(await computations('once'), 3, 'and by nobody a second time');
});

t.test('a window is computed again when it has rested and spans came late', async (t) => {
  await spansAgo([9]);
  const job = counting('late');
  const before = runner({ jobs: [job] });
  before.start();
  await until(async () => (await progressOf('late')).length === 3, limitMs);
  await before.stop();
  const sum = (all: readonly number[]) => all.reduce((a, b) => a + b, 0);
  const spans = sum(await counted('late'));
  // As if that had been two hours ago: rested, by the clock of ClickHouse.
  await store.command(
    `INSERT INTO otel.rollup_progress SELECT Job, Window, Version - 7200000, Input, 0 FROM otel.rollup_progress WHERE Job = 'late'`,
  );
  await store.command(
    `ALTER TABLE otel.rollup_progress DELETE WHERE Job = 'late' AND Version > toUnixTimestamp64Milli(now64(3)) - 3600000 SETTINGS mutations_sync = 1`,
  );
  await spansAgo([7, 5]);
  const after = runner({ jobs: [job] });
  after.start();
  await until(async () => sum(await progressOf('late')) === spans + 2, limitMs);
  await after.stop();
  t.equal(sum(await counted('late')), spans + 2);
  t.equal(await computations('late'), 5, 'and only what has changed');
});

t.test('windows wait while ingest is behind, but for those of urgent jobs', async (t) => {
  await spansAgo([9]);
  let isBehind = true;
  const jobs = [counting('people'), { ...counting('paged'), isUrgent: true }];
  const made = runner({ jobs, isIngestBehind: () => isBehind });
  made.start();
  await until(async () => (await progressOf('paged')).length === 3, limitMs);
  t.equal(await computations('people'), 0);
  isBehind = false;
  await until(async () => (await progressOf('people')).length === 3, limitMs);
});
