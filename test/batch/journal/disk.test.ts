import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Journal } from '../../../src/batch/journal/journal.ts';
import { type GrowingRange, openRange } from '../../../src/batch/journal/range.ts';
import { until } from '../../support/until.ts';
import { bodiesIn, countingMeter, leftIn, notingLog, open, put } from './open-journal.ts';
import { mountSmallDisk, mountThinDisk, type SmallDisk } from './small-disk.ts';

const limits = { reserveBytes: 32 * 1024, probeEveryMs: 20, segmentBytesMax: 64 * 1024 };

const skip = mountSmallDisk(t, 16) ? false : 'mounting is not allowed here';

const onSmallDisk = (title: string, run: (t: Test, disk: SmallDisk) => Promise<void>): void => {
  t.test(title, { skip }, async (t) => {
    const disk = mountSmallDisk(t, 512);
    if (!disk) throw new Error('not mounted');
    await run(t, disk);
  });
};

/** Sends requests of a kibibyte until one is refused, and says which were acknowledged and why. */
const fill = async (journal: Journal, from: string, range = openRange('traces')) => {
  const acknowledged: string[] = [];
  for (let n = 0; n < 10_000; n += 1) {
    const body = `${from}-${n}`.padEnd(1_024, '.');
    try {
      await put(journal, body, range);
      acknowledged.push(body);
    } catch (refusal) {
      return { acknowledged, range, refusal };
    }
  }
  throw new Error('the disk was never full');
};

const takes = async (journal: Journal, body: string): Promise<boolean> =>
  put(journal, body).then(
    () => true,
    () => false,
  );

onSmallDisk(
  'a full disk refuses requests, takes marks, and recovers by itself',
  async (t, disk) => {
    const { log, count } = notingLog();
    const { meter, of } = countingMeter();
    const journal = await open(disk.dir, { log, meter, limits });
    const first = await fill(journal, 'first');
    t.match(first.refusal, { code: 'ERR_JOURNAL_DISK_FULL', remedy: 'retry', retryAfterMs: 20 });
    t.equal(first.range.failed, 1, 'the range knows');
    t.ok(of('tocsin_journal_disk_failures') >= 1);
    t.equal(count('journal_disk_failed'), 1);

    await t.rejects(put(journal, 'more'), { code: 'ERR_JOURNAL_DISK_FULL' });
    await journal.cut(first.range, 'first');
    t.equal(count('journal_cut_not_recorded'), 0, 'the reserve made room for it');
    t.strictSame(await bodiesIn(journal, first.range), first.acknowledged);
    journal.stored(first.range, 'first');
    await until(() => takes(journal, 'after'));

    const second = await fill(journal, 'second');
    t.ok(second.acknowledged.length > first.acknowledged.length / 2, 'the room is used again');
    await journal.close();
    const again = await open(disk.dir, { limits });
    t.strictSame(await leftIn(again), { uncut: ['after', ...second.acknowledged], cut: {} });
    await again.close();
  },
);

onSmallDisk('a disk that others filled is waited for', async (t, disk) => {
  const journal = await open(disk.dir, { limits });
  const range = openRange('traces');
  await put(journal, 'before', range);
  const big = join(disk.dir, 'big');
  t.throws(() => writeFileSync(big, Buffer.alloc(1024 * 1024)), { code: 'ENOSPC' });
  const { acknowledged, refusal } = await fill(journal, 'squeezed', range);
  t.match(refusal, { code: 'ERR_JOURNAL_DISK_FULL' });
  // Not even the reserve is left for what others take too.
  try {
    writeFileSync(join(disk.dir, 'big2'), Buffer.alloc(1024 * 1024));
  } catch {}
  const { log, count } = notingLog();
  await journal.cut(range, 'cut');
  t.equal(count('journal_cut_not_recorded'), 0);
  t.strictSame(
    await bodiesIn(journal, range),
    ['before', ...acknowledged],
    'readable all the time',
  );
  rmSync(big);
  rmSync(join(disk.dir, 'big2'), { force: true });
  await until(() => takes(journal, 'after'));
  await journal.close();
  const again = await open(disk.dir, { limits, log });
  t.strictSame(await leftIn(again), {
    uncut: ['after'],
    cut: { cut: ['before', ...acknowledged] },
  });
  await again.close();
});

onSmallDisk(
  'a journal can be opened on a full disk and delivers what it holds',
  async (t, disk) => {
    const first = await open(disk.dir, { limits });
    const { acknowledged } = await fill(first, 'first');
    await first.close();
    rmSync(join(disk.dir, 'reserve'), { force: true });
    try {
      writeFileSync(join(disk.dir, 'big'), Buffer.alloc(1024 * 1024));
    } catch {}
    const { log, count } = notingLog();
    const second = await open(disk.dir, { log, limits });
    t.equal(count('journal_without_reserve'), 1);
    t.notOk(await takes(second, 'x'));
    t.strictSame((await leftIn(second)).uncut, acknowledged);
    for (const range of second.leftover('traces').uncut) {
      await second.cut(range, 'late');
      second.stored(range, 'late');
    }
    rmSync(join(disk.dir, 'big'));
    await until(() => takes(second, 'y'));
    await second.close();
    const third = await open(disk.dir, { limits });
    t.strictSame(await leftIn(third), { uncut: ['y'], cut: {} });
    await third.close();
  },
);

onSmallDisk(
  'a disk gone read-only: held requests are read, marks kept until it is back',
  async (t, disk) => {
    const { log, count } = notingLog();
    const journal = await open(disk.dir, { log, limits });
    const cut = openRange('traces');
    const stored = openRange('traces');
    await put(journal, 'stored', stored);
    await journal.cut(stored, 'stored');
    await put(journal, 'cut', cut);
    await journal.close();

    // A file that is open for writing forbids the remount.
    const second = await open(disk.dir, { log, limits });
    disk.setReadOnly(true);
    await t.rejects(put(second, 'x'), { code: 'ERR_JOURNAL_READ_ONLY', remedy: 'retry' });
    t.strictSame(await leftIn(second), { uncut: ['cut'], cut: { stored: ['stored'] } });
    const [held] = second.leftover('traces').uncut;
    const [batch] = second.leftover('traces').batches;
    if (!held || !batch) throw new Error('nothing left');
    await second.cut(held, 'late');
    second.stored(batch.range, 'stored');
    t.equal(count('journal_cut_not_recorded'), 1, 'and it is said that a crash now would double');
    disk.setReadOnly(false);
    await until(() => takes(second, 'back'));
    await second.close();

    const third = await open(disk.dir, { limits });
    t.strictSame(await leftIn(third), { uncut: ['back'], cut: { late: ['cut'] } });
    await third.close();
  },
);

onSmallDisk('what fails to be synced in a group fails each of its requests', async (t, disk) => {
  const journal = await open(disk.dir, { limits });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 700 }, (_, n) => put(journal, `${n}`.padEnd(1_024, '.'))),
  );
  const acknowledged = outcomes.filter((it) => it.status === 'fulfilled').length;
  t.ok(acknowledged < 500, `${acknowledged} acknowledged`);
  await journal.close();
  const again = await open(disk.dir, { limits });
  t.equal((await leftIn(again)).uncut.length, acknowledged, 'and none is there that was refused');
  await again.close();
});

onSmallDisk('files that only recognise repetitions give way on a full disk', async (t, disk) => {
  const small = { ...limits, segmentBytesMax: 1_024 };
  const first = await open(disk.dir, { limits: small });
  const ranges: GrowingRange[] = [];
  for (let n = 0; n < 60; n += 1) {
    const range = openRange('traces');
    await put(first, `${n}`.padEnd(1_024, '.'), range);
    ranges.push(range);
  }
  for (const [n, range] of ranges.entries()) first.stored(range, `${n}`);
  await first.close();
  rmSync(join(disk.dir, 'reserve'));
  const big = join(disk.dir, 'big');
  try {
    writeFileSync(big, Buffer.alloc(1024 * 1024));
  } catch {}
  const { log, count } = notingLog();
  const second = await open(disk.dir, { log, limits: small });
  await until(() => takes(second, 'x'));
  t.ok(count('journal_seen_given_up') > 0);
  await second.close();
});

t.test('a failed sync refuses its requests and loses none before', { skip }, async (t) => {
  const disk = mountThinDisk(t, 2_048);
  if (!disk) return t.comment('no loop device here');
  const { log, count } = notingLog();
  const thin = { ...limits, probeEveryMs: 50, segmentBytesMax: 512 * 1024 };
  const journal = await open(disk.dir, { log, limits: thin });
  const { acknowledged, refusal, range } = await fill(journal, 'thin');
  t.match(refusal, { remedy: 'retry' });
  t.equal(count('journal_disk_failed'), 1);
  t.equal(count('journal_requests_lost'), 0);
  disk.grow();
  await until(() => takes(journal, 'after'));
  await journal.cut(range, 'thin');
  await journal.close();
  disk.remount();
  const again = await open(disk.dir, { limits: thin });
  t.strictSame(await leftIn(again), { uncut: ['after'], cut: { thin: acknowledged } });
  await again.close();
});
