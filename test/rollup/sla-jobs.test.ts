import { randomUUID } from 'node:crypto';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { RollupJob } from '../../src/rollup/run-job.ts';
import { createRollupRunner } from '../../src/rollup/run-jobs.ts';
import { createProgress } from '../../src/rollup/run-progress.ts';
import { createSlaJobs } from '../../src/rollup/sla.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { objectivesOf, startPromises } from './promised.ts';

const limitMs = 60_000;
const redis = await startRedis(t);
const { store, rows } = await startPromises(t);

const minuteMs = 60_000;
const nowMs = Date.now();
/** Start of a minute, some minutes ago, as ClickHouse reads it. */
const ago = (minutes: number): string =>
  new Date(Math.floor(nowMs / minuteMs - minutes) * minuteMs).toISOString().slice(0, 19);

const sendAgo = (minutes: number, StatusCode: string) =>
  store.insertRows(
    'otel_traces',
    [{ Timestamp: `${ago(minutes)}.5`, ServiceName: 'shop', SpanKind: 'Server', StatusCode }],
    randomUUID(),
  );

const jobsOf = (target: string) =>
  createSlaJobs({
    objectives: objectivesOf({ name: 'up', service: 'shop', type: 'availability', target }),
    lookbackMs: 86_400_000,
  });

const started = (target: string) => {
  const { query, insertSelect, insertRows } = store;
  const runner = createRollupRunner({
    jobs: jobsOf(target),
    redisUrl: redis.url,
    ...{ query, insertSelect, insertRows },
    isIngestBehind: () => false,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    meter: noopMeter,
    tickMs: 100,
  });
  t.teardown(runner.stop);
  runner.start();
  return runner;
};

/** Good and total of the window, after the minute that was `minutes` ago. */
const standing = async (minutes: number): Promise<string> => {
  const [row] = await rows<{ found: string }>(
    `SELECT concat(toString(WindowGood), ' of ', toString(WindowTotal), ', ', toString(Target)) AS found
     FROM sla_status WHERE Time = '${ago(minutes).replace('T', ' ')}'`,
  );
  return row?.found ?? 'nothing';
};

t.test(
  'hours are written down with their silent minutes, and again after late spans',
  async (t) => {
    await sendAgo(190, 'Ok');
    await sendAgo(5, 'Error');
    const runner = started('99 percent');
    await until(async () => (await standing(3)) === '1 of 2, 0.99', limitMs);
    t.equal(
      await standing(191),
      nothingBefore(191),
      'minutes of the first hour before the first span',
    );
    t.equal(await standing(100), '1 of 1, 0.99', 'an hour that nobody sent anything in');
    const [dense] = await rows<{ missing: number }>(
      `SELECT toFloat64(dateDiff('minute', min(Time), max(Time)) + 1 - count()) AS missing FROM sla_minutes`,
    );
    t.same(dense, { missing: 0 });
    await runner.stop();

    // As if all that had been two hours ago: rested, by the clock of ClickHouse.
    await store.command(
      'INSERT INTO otel.rollup_progress SELECT Job, Window, Version - 7200000, Input, 0 FROM otel.rollup_progress FINAL',
    );
    await store.command(
      `ALTER TABLE otel.rollup_progress DELETE WHERE Version > toUnixTimestamp64Milli(now64(3)) - 3600000 SETTINGS mutations_sync = 1`,
    );
    await sendAgo(150, 'Error');
    const again = started('99 percent');
    await until(async () => (await standing(100)) === '1 of 2, 0.99', limitMs);
    await until(async () => (await standing(3)) === '1 of 3, 0.99', limitMs);

    again.reload(jobsOf('90 percent'));
    await until(async () => (await standing(100)) === '1 of 2, 0.9', limitMs);
    await again.stop();
  },
);

/** The first hour is there from its start. */
const nothingBefore = (minutes: number): string =>
  new Date(ago(minutes)).getTime() < new Date(`${ago(190).slice(0, 13)}:00:00`).getTime()
    ? 'nothing'
    : '0 of 0, 0.99';

t.test(
  'a changed definition is applied once to each hour, as far as its minutes have come',
  async (t) => {
    const { query, insertRows, insertSelect } = store;
    const progress = createProgress(query, insertRows);
    const [minutes, status] = jobsOf('95 percent');
    if (!minutes || !status) throw new Error('no jobs');
    t.ok(minutes.turnMsMax !== undefined && minutes.turnMsMax <= 5_000, 'others come between');
    const { signal } = new AbortController();
    const hoursDue = async (job: RollupJob): Promise<readonly number[]> =>
      (await progress.candidates(job, signal)).windows
        .map((it) => it.fromMs)
        .filter((it) => it <= nowMs);
    const all = await hoursDue(minutes);
    t.ok(all.length >= 4, 'all hours since the first span');
    t.strictSame(await hoursDue(status), [], 'how it stands waits for its minutes');
    const compute = async (job: RollupJob, fromMs: number): Promise<void> => {
      const window = { fromMs, toMs: fromMs + job.windowMs, versionMs: Date.now(), input: 1e15 };
      for (const [index, { sql, ...asked }] of job.run(window).entries()) {
        await insertSelect(sql, {
          ...asked,
          token: `${job.name}-${fromMs}-${index}`,
          timeoutMs: 20_000,
        });
      }
      await progress.record(job, { ...window, tookMs: 1 });
    };
    for (const it of all.slice(0, 2)) await compute(minutes, it);
    t.strictSame(await hoursDue(minutes), all.slice(2), 'the next turn goes on with the third');
    t.strictSame(await hoursDue(status), all.slice(0, 2));
    for (const it of all.slice(0, 2)) await compute(status, it);
    for (const it of all.slice(2)) await compute(minutes, it);
    t.strictSame(await hoursDue(status), all.slice(2), 'and none of them a second time');
  },
);
