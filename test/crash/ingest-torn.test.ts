import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { runLoad } from '../../bench/load/run.ts';
import { verdictLine, verifyLoad } from '../../bench/load/verify.ts';
import { type Daemon, daemonDirOnDisk, startDaemon, within } from '../support/daemon.ts';
import {
  checkNothingLost,
  fixedPorts,
  ingestOnly,
  openFire,
} from '../support/ingest-under-fire.ts';
import { appendTo, cutOff, flipByte, newestSegment } from '../support/journal-files.ts';
import { metricSum } from '../support/metric-sum.ts';
import { startStoppableClickHouse } from '../support/stoppable-clickhouse.ts';
import { checkViewOfTraces, keepParts } from '../support/view-of-traces.ts';

const seed = Number(process.env['TOCSIN_CRASH_SEED'] ?? 1);
const itemsPerSecond = 1_500;

/** What a write that was cut short leaves; nobody was told that it is safe. */
const tails: Readonly<Record<string, (segment: Buffer) => Uint8Array>> = {
  'the beginning of a record': (segment) => segment.subarray(64, 64 + 40),
  'blocks of zeros': () => new Uint8Array(8_192),
  'blocks of something else': () => randomBytes(20_000),
};

const count = (daemon: Daemon, event: string): number =>
  daemon.output().split(`"event":"${event}"`).length - 1;

const tornUnderLoad = async (t: Test): Promise<void> => {
  const dir = daemonDirOnDisk(t, ingestOnly);
  const engine = await startStoppableClickHouse(t);
  const environment = { ...(await fixedPorts()), ...engine.environment };
  let daemon = await startDaemon(t, dir, environment);
  await keepParts(engine.ask);
  const fire = openFire(t, { seed: seed + 5, rate: itemsPerSecond, environment });
  for (const [name, tail] of Object.entries(tails)) {
    await sleep(700);
    await daemon.kill('SIGKILL');
    const { path } = newestSegment(dir);
    appendTo(path, tail(readFileSync(path)));
    daemon = await startDaemon(t, dir, environment);
    t.ok(count(daemon, 'journal_tail_torn') > 0, `${name} is told of`);
    const torn = async () =>
      ((await metricSum(daemon, 'tocsin_journal_bytes_torn_bytes_total')) ?? 0) > 0 || undefined;
    await within(20_000, torn, 'its bytes are counted');
    t.equal(count(daemon, 'journal_damaged'), 0, 'and is no damage');
  }
  // A gRPC client that was refused again and again waits longer each time before it tries.
  const allGotThrough = async () =>
    fire.services.every((it) => it.acknowledged.size > 0) || undefined;
  await within(30_000, allGotThrough, 'every exporter has something acknowledged');
  const ceased = await fire.cease();
  await checkNothingLost(t, ceased, join(dir, 'data'), engine.ask);

  const nothingHeld = async () =>
    (await metricSum(daemon, 'tocsin_journal_requests_held')) === 0 || undefined;
  await within(20_000, nothingHeld, 'all is stored');
  await daemon.kill('SIGKILL');
  cutOff(newestSegment(dir).path, 200);
  daemon = await startDaemon(t, dir, environment);
  await within(20_000, nothingHeld, 'what is no longer known as stored is sent again');
  const rows = await metricSum(daemon, 'tocsin_store_insert_rows_stored_total');
  t.comment(
    `${rows ?? 0} rows were sent again because it is not known any more that they are stored`,
  );
  await checkNothingLost(t, ceased, join(dir, 'data'), engine.ask);
  await checkViewOfTraces(t, engine.ask);
};

const damagedSinceAcknowledged = async (t: Test): Promise<void> => {
  const dir = daemonDirOnDisk(t, ingestOnly);
  const engine = await startStoppableClickHouse(t);
  const environment = { ...(await fixedPorts()), ...engine.environment };
  const first = await startDaemon(t, dir, environment);
  await keepParts(engine.ask);
  await engine.stop();
  // Longer than batches are cut, so that the last that is written are requests.
  const { record, attempts } = await runLoad({
    signal: 'traces',
    protocol: 'http',
    coding: 'identity',
    endpoint: new URL(`http://${first.listen.otlp_http}`),
    seed: seed + 6,
    rate: itemsPerSecond,
    seconds: 3,
    batch: 64,
    connections: 3,
    streams: 1,
    insistMs: 20_000,
  });
  t.ok(attempts.acknowledged > 50, `${attempts.acknowledged} requests acknowledged`);
  await first.kill('SIGKILL');
  const { path, bytes: written } = newestSegment(dir);
  cutOff(path, 40);
  flipByte(path, Math.floor(written * 0.8));
  await engine.start();
  const second = await startDaemon(t, dir, environment);
  const lost = 2;
  const verdict = await within(20_000, async () => {
    const verdict = await verifyLoad(record, engine.ask);
    return verdict.missing.length <= lost ? verdict : undefined;
  });
  t.comment(verdictLine(verdict));
  t.strictSame(
    verdict.missing.map((it) => it.items),
    [64, 64],
    'what was in the two places is lost, and nothing else',
  );
  const { doubled, doubledByRetry, extra } = verdict;
  t.strictSame([doubled, doubledByRetry, extra], [[], [], []], 'the others are there once');
  await checkViewOfTraces(t, engine.ask);

  t.equal(count(second, 'journal_tail_torn'), 1, 'the end is told of');
  t.equal(count(second, 'journal_damaged'), 1, 'the damage is told of');
  t.equal(count(second, 'journal_requests_lost'), 1, 'and what it cost');
  const lostRequests = () => metricSum(second, 'tocsin_journal_requests_lost_total');
  await within(20_000, async () => ((await lostRequests()) === 1 ? true : undefined), 'its count');
  const bytes = await metricSum(second, 'tocsin_journal_bytes_damaged_bytes_total');
  t.ok((bytes ?? 0) > 0, `${bytes} bytes were damaged`);
  t.strictSame(
    readdirSync(join(dirname(path), 'damaged')).filter((it) => it.endsWith('.segment')).length,
    1,
    'the segment is kept to be looked at',
  );
};

t.setTimeout(150_000);
t.test(
  'a torn end of the journal loses nothing that was acknowledged',
  { timeout: 90_000 },
  tornUnderLoad,
);
t.test(
  'a journal damaged later loses what was in that place and no more, and says so',
  { timeout: 90_000 },
  damagedSinceAcknowledged,
);
