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
    const found = (await progress.candidates(minutes, new AbortController().signal)).windows;
    const parts = found[0]?.parts?.map((it) => ({ ...it, input: 1e15 })) ?? [];
    t.equal(parts.length, 1);
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
      await progress.record(job, { ...window, parts, tookMs: 1 });
    };
    for (const it of all.slice(0, 2)) await compute(minutes, it);
    t.strictSame(await hoursDue(minutes), all.slice(2), 'the next turn goes on with the third');
    t.strictSame(await hoursDue(status), all.slice(0, 2));
    for (const it of all.slice(0, 2)) await compute(status, it);
    for (const it of all.slice(2)) await compute(minutes, it);
    t.strictSame(await hoursDue(status), all.slice(2), 'and none of them a second time');
  },
);

/** Computes all that is due, at once; the statements are counted by the SLA they are about. */
const computeDue = async ([minutes, status]: readonly RollupJob[]): Promise<
  Readonly<Record<string, number>>
> => {
  const { query, insertRows, insertSelect } = store;
  const progress = createProgress(query, insertRows);
  const { signal } = new AbortController();
  const statements: Record<string, number> = {};
  for (const job of [minutes, status]) {
    if (!job) throw new Error('no jobs');
    const { nowMs: readMs, windows } = await progress.candidates(job, signal);
    for (const { fromMs, toMs, input, parts = [], computedMs = 0 } of windows) {
      const versionMs = Math.max(readMs, computedMs + 1);
      const names = new Set(parts.map((it) => it.part));
      for (const it of job.run({ fromMs, toMs, versionMs, input, parts: names })) {
        const { sla } = it.parameters ?? {};
        const key = `${job.name} ${String(sla)}`;
        statements[key] = (statements[key] ?? 0) + 1;
        await insertSelect(it.sql, { ...it, token: randomUUID(), timeoutMs: 20_000 });
      }
      await progress.record(job, { fromMs, input, parts, versionMs, tookMs: 1 });
    }
  }
  return statements;
};

t.test('only an SLA that changes is computed again, also when it changes back', async (t) => {
  const promised = (name: string, target: string) =>
    ({ name, service: 'shop', type: 'availability', target }) as const;
  const jobsFor = (...slas: readonly ReturnType<typeof promised>[]) =>
    createSlaJobs({ objectives: objectivesOf(...slas), lookbackMs: 86_400_000 });
  const [a, b] = [promised('a', '99 percent'), promised('b', '90 percent')];
  const targets = (sla: string) =>
    rows<{ minutes: string; status: string }>(
      `SELECT toString(arraySort(groupUniqArray(Target))) AS minutes,
         (SELECT toString(arraySort(groupUniqArray(Target))) FROM sla_status WHERE Sla = '${sla}') AS status
       FROM sla_minutes WHERE Sla = '${sla}'`,
    );
  const evidence = (sla: string) =>
    rows(
      `SELECT * EXCEPT Sketch, toString(Sketch) FROM sla_minutes_computed WHERE Sla = '${sla}' ORDER BY Time, Version`,
    );

  const first = await computeDue(jobsFor(a, b));
  const hours = first['sla_minutes a'] ?? 0;
  t.ok(hours >= 4);
  t.strictSame(Object.keys(first).toSorted(), [
    'sla_minutes a',
    'sla_minutes b',
    'sla_status a',
    'sla_status b',
  ]);
  const untouched = await evidence('b');

  // The hour that lasts may have grown by a minute in between, of either.
  const pastOf = (found: Readonly<Record<string, number>>, key: string) => (found[key] ?? 0) > 1;
  const stricter = promised('a', '99.9 percent');
  const changed = await computeDue(jobsFor(stricter, b));
  t.ok((changed['sla_minutes a'] ?? 0) >= hours);
  t.ok((changed['sla_status a'] ?? 0) >= hours);
  t.notOk(pastOf(changed, 'sla_minutes b'));
  t.notOk(pastOf(changed, 'sla_status b'));
  t.strictSame(await targets('a'), [{ minutes: '[0.999]', status: '[0.999]' }]);

  const added = await computeDue(jobsFor(stricter, b, promised('c', '95 percent')));
  t.ok((added['sla_minutes c'] ?? 0) >= hours);
  t.notOk(pastOf(added, 'sla_minutes a'));
  t.notOk(pastOf(added, 'sla_minutes b'));
  const removed = await computeDue(jobsFor(stricter, b));
  t.notOk(pastOf(removed, 'sla_minutes a'));
  t.notOk(pastOf(removed, 'sla_minutes b'));

  const back = await computeDue(jobsFor(a, b));
  t.ok((back['sla_minutes a'] ?? 0) >= hours);
  t.notOk(pastOf(back, 'sla_minutes b'));
  t.strictSame(await targets('a'), [{ minutes: '[0.99]', status: '[0.99]' }]);
  t.strictSame((await evidence('b')).slice(0, untouched.length), untouched);
});
