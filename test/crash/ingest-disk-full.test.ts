import { closeSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Sender, SenderOptions, Sent } from '../../bench/load/send.ts';
import { createGrpcSender } from '../../bench/load/send-grpc.ts';
import { createHttpSender } from '../../bench/load/send-http.ts';
import { mountSmallDisk } from '../batch/journal/small-disk.ts';
import { adminSql } from '../support/admin-sql.ts';
import { type Daemon, startDaemon, within } from '../support/daemon.ts';
import { sampleBody } from '../support/ingest-pool.ts';
import {
  checkNothingLost,
  fixedPorts,
  ingestOnly,
  openFire,
} from '../support/ingest-under-fire.ts';
import { checkViewOfTraces, keepParts } from '../support/view-of-traces.ts';

const seed = Number(process.env['TOCSIN_CRASH_SEED'] ?? 1);
const itemsPerSecond = 1_500;
const diskKibibytes = 192 * 1024;
const leftBytes = 6 * 1024 * 1024;
const fullMs = 3_000;

type Try = () => Promise<Sent>;

/** A sender of either protocol that comes with something new every time. */
const sendersTo = (
  t: Test,
  environment: Readonly<Record<string, string>>,
): readonly (readonly [name: string, send: Try])[] => {
  let bodies = 1_000_000;
  const open = (create: (options: SenderOptions) => Sender, address = ''): Try => {
    const sender = create({
      endpoint: new URL(`http://${address}`),
      signal: 'traces',
      coding: 'identity',
      connections: 1,
      answerMsMax: 10_000,
      headers: {},
    });
    t.teardown(() => sender.close());
    return () => sender.send(sampleBody('traces', (bodies += 1), 5)());
  };
  return [
    ['HTTP 503', open(createHttpSender, environment['TOCSIN_LISTEN_OTLP_HTTP'])],
    ['gRPC 14', open(createGrpcSender, environment['TOCSIN_LISTEN_OTLP_GRPC'])],
  ];
};

/** Takes the disk from the daemon but for so many bytes. */
const occupy = (dir: string, name: string, leftBytes: number): void => {
  const path = join(dir, name);
  const { bavail, bsize } = statfsSync(dir);
  const file = openSync(path, 'w');
  writeSync(file, Buffer.alloc(bavail * bsize - leftBytes));
  closeSync(file);
};

const skip = mountSmallDisk(t, 16) ? false : 'mounting is not allowed here';

/** A daemon under fire on a disk of its own. */
const besieged = async (t: Test) => {
  const disk = mountSmallDisk(t, diskKibibytes);
  if (!disk) throw new Error('not mounted');
  const { dir } = disk;
  for (const [name, text] of Object.entries(ingestOnly)) writeFileSync(join(dir, name), text);
  const environment = await fixedPorts();
  const daemon = await startDaemon(t, dir, environment);
  await keepParts(adminSql(daemon));
  const fire = openFire(t, { seed: seed + 4, rate: itemsPerSecond, environment });
  await sleep(1_000);
  occupy(dir, 'most', leftBytes);
  const full = () => daemon.output().includes('"event":"journal_disk_failed"') || undefined;
  await within(30_000, full, 'the disk is full');
  return { dir, environment, daemon, fire, makeRoom: () => rmSync(join(dir, 'most')) };
};

const fillAndFree = async (t: Test): Promise<void> => {
  const { dir, environment, daemon, fire, makeRoom } = await besieged(t);
  const senders = sendersTo(t, environment);
  for (const [name, send] of senders) {
    const refused = async () => {
      const sent = await send();
      return sent.kind === 'acknowledged' ? undefined : sent;
    };
    const answer = await within(20_000, refused, 'somebody is refused');
    t.match(answer, { kind: 'later', why: name, afterMs: 1_000 }, `${name} and when to come again`);
  }
  await sleep(fullMs);
  makeRoom();
  const freedMs = Date.now();
  for (const [, send] of senders) {
    await within(20_000, async () => ((await send()).kind === 'acknowledged' ? true : undefined));
  }
  t.comment(`requests are taken ${Date.now() - freedMs} ms after there was room`);
  await sleep(1_000);
  const ceased = await fire.cease();
  for (const { record, attempts } of ceased.reports) {
    t.ok(attempts.later > 0, `${record.run}: ${attempts.later} times asked to come later`);
    t.equal(attempts.refused + attempts.unanswered, 0, `${record.run}: and always answered`);
  }
  await checkNothingLost(t, ceased, join(dir, 'data'), daemon.sql);
  await checkViewOfTraces(t, adminSql(daemon));
};

const killedOnFullDisk = async (t: Test): Promise<void> => {
  const { dir, environment, daemon, fire, makeRoom } = await besieged(t);
  await sleep(1_000);
  await daemon.kill('SIGKILL');
  occupy(dir, 'rest', 0);
  // Whether it comes up without room for a file or not, it must not spoil what is there.
  const hopeless = await startDaemon(t, dir, environment).catch((error: unknown) => error);
  if (hopeless instanceof Error) t.comment(`on the full disk: ${hopeless.message.slice(-300)}`);
  else await (hopeless as Daemon).kill('SIGKILL');
  makeRoom();
  rmSync(join(dir, 'rest'));
  const last = await startDaemon(t, dir, environment);
  await sleep(1_000);
  const ceased = await fire.cease();
  await checkNothingLost(t, ceased, join(dir, 'data'), last.sql);
  await checkViewOfTraces(t, adminSql(last));
};

t.setTimeout(180_000);
t.test(
  'on a full disk senders are asked to wait, and nothing acknowledged is lost or doubled',
  { skip, timeout: 90_000 },
  fillAndFree,
);
t.test(
  'nor when the daemon is killed there, and started before there is room',
  { skip, timeout: 90_000 },
  killedOnFullDisk,
);
