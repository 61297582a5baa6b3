import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Daemon, daemonDirOnDisk, startDaemon, within } from '../support/daemon.ts';
import {
  checkNothingLost,
  type Fire,
  fixedPorts,
  ingestOnly,
  openFire,
} from '../support/ingest-under-fire.ts';
import { metricSum } from '../support/metric-sum.ts';
import {
  type StoppableClickHouse,
  startStoppableClickHouse,
} from '../support/stoppable-clickhouse.ts';
import { checkViewOfTraces, keepParts } from '../support/view-of-traces.ts';

/* TOCSIN_CRASH_OUTAGE_SECONDS=60 node test/crash/ingest-outage.test.ts is the long run. */
const outageMs = Number(process.env['TOCSIN_CRASH_OUTAGE_SECONDS'] ?? 4) * 1000;
const seed = Number(process.env['TOCSIN_CRASH_SEED'] ?? 1);
const itemsPerSecond = 1_500;

interface Outage {
  readonly name: string;
  readonly begin: (engine: StoppableClickHouse) => Promise<void>;
  readonly end: (engine: StoppableClickHouse) => Promise<void>;
}

const outages: readonly Outage[] = [
  {
    name: 'stands still',
    begin: async (engine) => engine.freeze(),
    end: async (engine) => engine.thaw(),
  },
  { name: 'is gone', begin: (engine) => engine.stop(), end: (engine) => engine.start() },
];

/** Wall clock, for the record of a run says when each request was acknowledged. */
interface Span {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

const passThrough = async (
  t: Test,
  { name, begin, end }: Outage,
  engine: StoppableClickHouse,
  fire: Fire,
): Promise<Span> => {
  await begin(engine);
  const fromMs = Date.now();
  const before = fire.services.map((it) => it.acknowledged.size);
  await sleep(outageMs);
  const toMs = Date.now();
  for (const [index, service] of fire.services.entries()) {
    const more = service.acknowledged.size - (before[index] ?? 0);
    t.ok(more > 0, `${service.name}: ${more} spans acknowledged while ClickHouse ${name}`);
  }
  await end(engine);
  return { name, fromMs, toMs };
};

/** Requests that are acknowledged and not stored. */
const held = async (daemon: Daemon): Promise<number> =>
  (await metricSum(daemon, 'tocsin_journal_requests_held')) ?? 0;

const outlastOutages = async (t: Test): Promise<void> => {
  const engine = await startStoppableClickHouse(t);
  const dir = daemonDirOnDisk(t, ingestOnly);
  const environment = { ...(await fixedPorts()), ...engine.environment };
  const daemon = await startDaemon(t, dir, environment);
  await keepParts(engine.ask);
  const fire = openFire(t, { seed: seed + 3, rate: itemsPerSecond, environment });
  await sleep(1_000);
  const spans: Span[] = [];
  for (const outage of outages) {
    spans.push(await passThrough(t, outage, engine, fire));
    const atMs = Date.now();
    const waiting = await held(daemon);
    t.ok(waiting > 0, `${waiting} requests wait in the journal`);
    await within(
      90_000,
      async () => ((await held(daemon)) < waiting / 4 ? true : undefined),
      'the journal drains',
    );
    t.comment(`${outage.name}: most of it was stored ${Date.now() - atMs} ms after it came back`);
  }
  const ceased = await fire.cease();
  for (const { record, attempts } of ceased.reports) {
    for (const { name, fromMs, toMs } of spans) {
      const taken = record.acknowledgedAtMs.filter((it) => it > fromMs && it < toMs).length;
      t.ok(taken > 0, `${record.run}: ${taken} requests acknowledged while ClickHouse ${name}`);
    }
    const { refused, later, unanswered } = attempts;
    t.strictSame(
      [refused, later, unanswered],
      [0, 0, 0],
      `${record.run}: all at the first attempt`,
    );
  }
  await checkNothingLost(t, ceased, join(dir, 'data'), engine.ask);
  await checkViewOfTraces(t, engine.ask);
};

/** What was on its way to ClickHouse is still taken when the next daemon sends it again. */
const killedMeanwhile = async (t: Test): Promise<void> => {
  const engine = await startStoppableClickHouse(t);
  const dir = daemonDirOnDisk(t, ingestOnly);
  const environment = { ...(await fixedPorts()), ...engine.environment };
  let daemon = await startDaemon(t, dir, environment);
  await keepParts(engine.ask);
  const fire = openFire(t, { seed: seed + 7, rate: itemsPerSecond, environment });
  for (let kill = 0; kill < 2; kill += 1) {
    await sleep(700);
    engine.freeze();
    await sleep(1_000);
    await daemon.kill('SIGKILL');
    engine.thaw();
    daemon = await startDaemon(t, dir, environment);
  }
  await sleep(500);
  await checkNothingLost(t, await fire.cease(), join(dir, 'data'), engine.ask);
  await checkViewOfTraces(t, engine.ask);
};

const timeout = 120_000 + 2 * outageMs;
t.setTimeout(2 * timeout);
t.test(
  'while ClickHouse is away everything is acknowledged, and stored once when it is back',
  { timeout },
  outlastOutages,
);
t.test(
  'killed while inserts lie before a ClickHouse that stands still, each is stored once',
  { timeout },
  killedMeanwhile,
);
