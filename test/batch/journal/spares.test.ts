import {
  cpSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import t, { type Test } from 'tap';
import { contentHash } from '../../../src/batch/journal/content-hash.ts';
import type { Journal } from '../../../src/batch/journal/journal.ts';
import { openRange } from '../../../src/batch/journal/range.ts';
import { plainSeal, requestHead, sealed } from '../../../src/batch/journal/record.ts';
import { encodeSegmentHeader } from '../../../src/batch/journal/segment-header.ts';
import { until } from '../../support/until.ts';
import { bodiesIn, leftIn, notingLog, open, put, temporaryDir } from './open-journal.ts';

const limits = { segmentBytesMax: 64 * 1024 };
const filesOf = (dir: string, kind: 'segment' | 'spare'): readonly string[] =>
  readdirSync(dir)
    .filter((it) => it.endsWith(`.${kind}`))
    .toSorted();
const inodesOf = (dir: string): ReadonlySet<number> =>
  new Set(
    [...filesOf(dir, 'segment'), ...filesOf(dir, 'spare')].map((it) => statSync(join(dir, it)).ino),
  );

/** Different at each length, so that old bytes are never what new ones would be. */
const body = (name: string, bytes = 1_000): string => `${name} `.padEnd(bytes, name);

/** Writes some segments full of requests and lets all of them be collected but the last. */
const fillAndStore = async (journal: Journal, name: string, requests = 200): Promise<void> => {
  const range = openRange('traces');
  for (let n = 0; n < requests; n += 1) await put(journal, body(`${name}-${n}-`), range);
  journal.stored(range, name);
};

/** A journal that writes to a file that was used before, some kibibytes into it. */
const openUsed = async (t: Test, dir: string) => {
  const journal = await open(dir, { limits });
  t.teardown(() => journal.close());
  await fillAndStore(journal, 'old');
  await until(async () => filesOf(dir, 'spare').length === 2);
  const before = inodesOf(dir);
  const spares = filesOf(dir, 'spare').map((it) => statSync(join(dir, it)).ino);
  // Behind the end of the segment that is begun.
  const range = openRange('traces', 'new');
  const bodies: string[] = [];
  const segments = filesOf(dir, 'segment').length;
  for (let n = 0; filesOf(dir, 'segment').length <= segments || n % 70 < 10; n += 1) {
    const next = body(`new-${n}-`);
    bodies.push(next);
    await put(journal, next, range);
  }
  const path = join(dir, filesOf(dir, 'segment').at(-1) ?? '');
  t.ok(spares.includes(statSync(path).ino), 'it lies in a file that was used before');
  t.ok(before.has(statSync(path).ino));
  return { journal, range, bodies, path };
};

/** As a crash leaves it. */
const crashed = (t: Test, dir: string): string => {
  const copy = temporaryDir(t);
  cpSync(dir, copy, { recursive: true });
  return copy;
};

t.test('what a file held before it was used again is never read', async (t) => {
  const dir = temporaryDir(t);
  const { journal, range, bodies, path } = await openUsed(t, dir);
  t.match(readFileSync(path, 'latin1'), /old-/, 'which is still there');
  t.strictSame(await bodiesIn(journal, range), bodies, 'in the same process');

  const copy = crashed(t, dir);
  const { log, lines } = notingLog();
  const again = await open(copy, { limits, log });
  t.strictSame(await leftIn(again), { uncut: [], cut: { new: bodies } });
  t.strictSame(lines, [], 'nothing is torn or damaged');
  t.strictSame(filesOf(copy, 'spare'), [], 'other files that were used are gone');
  await put(again, 'behind');
  const third = await open(crashed(t, copy), { limits, log });
  t.strictSame(await leftIn(third), { uncut: ['behind'], cut: { new: bodies } });
  t.strictSame(lines, []);
  await third.close();
  await again.close();
});

t.test(
  'a write over old bytes that was cut short anywhere is torn, and nothing else',
  async (t) => {
    const dir = temporaryDir(t);
    const { journal, range, bodies, path } = await openUsed(t, dir);
    const before = readFileSync(path);
    const last = ['first of the last', 'second of the last', 'third of the last'].map((it) =>
      body(it),
    );
    await Promise.all(last.map((it) => put(journal, it, range)));
    const after = readFileSync(path);
    const changed = [...after.keys()].filter((at) => after[at] !== before[at]);
    const from = changed[0] ?? 0;
    const to = (changed.at(-1) ?? 0) + 1;
    t.ok(to - from > 3_000, `from ${from} to ${to}`);
    const step = 97;
    for (let at = from - (from % step); at < to; at += 12 * step) {
      // A piece of the write never reached the disk, or nothing behind it, or nothing before it.
      for (const [lostFrom, lostTo] of [
        [Math.max(at, from), Math.min(at + 700, to)],
        [Math.max(at, from), to],
        [from, Math.min(at + step, to)],
      ] as const) {
        const torn = Buffer.from(after);
        before.copy(torn, lostFrom, lostFrom, lostTo);
        const copy = crashed(t, dir);
        writeFileSync(join(copy, path.slice(dir.length + 1)), torn);
        const { log, lines, count } = notingLog();
        const again = await open(copy, { limits, log });
        const { cut } = await leftIn(again);
        const found = cut['new'] ?? [];
        const label = `without ${lostFrom} to ${lostTo}`;
        t.strictSame(found.slice(0, bodies.length), bodies, `${label}: all before is there`);
        t.ok(
          found.slice(bodies.length).every((it) => last.includes(it)),
          label,
        );
        t.equal(count('journal_tail_torn'), lines.length, `${label}: nothing else is told of`);
        await again.close();
      }
    }
  },
);

t.test('a damaged file that is kept is not written over', async (t) => {
  const dir = temporaryDir(t);
  const journal = await open(dir, { limits });
  const range = openRange('traces');
  for (let n = 0; n < 60; n += 1) await put(journal, body(`${n}-`), range);
  const [name = ''] = filesOf(dir, 'segment');
  linkSync(join(dir, name), join(dir, 'kept'));
  const whole = readFileSync(join(dir, 'kept'));
  journal.stored(range, 'it');
  await fillAndStore(journal, 'others');
  await until(async () => filesOf(dir, 'spare').length === 2);
  await fillAndStore(journal, 'more');
  t.ok(readFileSync(join(dir, 'kept')).subarray(0, whole.length).equals(whole));
  await journal.close();
  t.strictSame(filesOf(dir, 'spare'), [], 'nothing to be written over stays when it is closed');
});

t.test('a segment that somebody removed is done all the same', async (t) => {
  const dir = temporaryDir(t);
  const { log, lines } = notingLog();
  const journal = await open(dir, { limits, log });
  const range = openRange('traces');
  for (let n = 0; n < 100; n += 1) await put(journal, body(`${n}-`), range);
  rmSync(join(dir, filesOf(dir, 'segment')[0] ?? ''));
  journal.stored(range, 'it');
  await fillAndStore(journal, 'others');
  await until(async () => filesOf(dir, 'spare').length === 2);
  t.strictSame(lines, []);
  await journal.close();
});

t.test('files to be written over that a crash left are removed', async (t) => {
  const dir = temporaryDir(t);
  writeFileSync(join(dir, '000000000002.spare'), 'left by a crash');
  const journal = await open(dir, { limits });
  t.strictSame(filesOf(dir, 'spare'), []);
  await journal.close();
});

t.test('what version 2 wrote is read, and its files are not written over', async (t) => {
  const dir = temporaryDir(t);
  const key = Buffer.alloc(16, 7);
  const header = encodeSegmentHeader({
    ...{ id: 1, createdMs: 0, key, previousId: 0, previousBytes: 0 },
  });
  header.writeUInt32LE(2, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
  const kind = { signal: 'traces', encoding: 'json', coding: 'identity' } as const;
  const records = ['one', 'two'].map((it, n) => {
    const bytes = Buffer.from(it);
    const acceptance = { accepted: 1, rejected: 0, message: '' };
    const hash = contentHash(key, kind, bytes);
    const record = { kind: 'request', ...kind, seq: n + 1, atMs: 0, acceptance, hash } as const;
    const head = requestHead({ ...record, batch: 'old' }, bytes.length);
    return Buffer.concat([sealed(plainSeal(key), head), bytes]);
  });
  writeFileSync(join(dir, '000000000001.segment'), Buffer.concat([header, ...records]));
  const { log, lines } = notingLog();
  const journal = await open(dir, { limits, log });
  t.strictSame(await leftIn(journal), { uncut: [], cut: { old: ['one', 'two'] } });
  for (const { range, name } of journal.leftover('traces').batches) journal.stored(range, name);
  await until(async () => !existsSync(join(dir, '000000000001.segment')));
  t.strictSame(filesOf(dir, 'spare'), []);
  t.strictSame(lines, []);
  await journal.close();
});
