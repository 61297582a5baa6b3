import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openRange } from '../../../src/batch/journal/range.ts';
import { encodeSegmentHeader } from '../../../src/batch/journal/segment-header.ts';
import { until } from '../../support/until.ts';
import { bodiesIn, countingMeter, leftIn, open, put, temporaryDir } from './open-journal.ts';

const segmentsIn = (dir: string): readonly string[] =>
  readdirSync(dir).filter((it) => it.endsWith('.segment'));

t.test('what was acknowledged is there after a restart, in its order', async (t) => {
  const dir = temporaryDir(t);
  const first = await open(dir);
  const traces = openRange('traces');
  const logs = openRange('logs');
  for (const text of ['a', 'b', 'c']) {
    await put(first, text, traces);
    await put(first, `log ${text}`, logs);
  }
  await first.close();
  const second = await open(dir);
  t.strictSame(await leftIn(second), { uncut: ['a', 'b', 'c'], cut: {} });
  t.strictSame(await leftIn(second, 'logs'), { uncut: ['log a', 'log b', 'log c'], cut: {} });
  t.strictSame(await leftIn(second, 'metrics'), { uncut: [], cut: {} });
  await second.close();
});

t.test('a batch that was cut keeps its name and its requests', async (t) => {
  const dir = temporaryDir(t);
  const first = await open(dir);
  const stored = openRange('traces');
  const cut = openRange('traces');
  const other = openRange('logs');
  await put(first, 'a', stored);
  await first.cut(stored, 'stored');
  await put(first, 'x', other);
  await Promise.all(['b', 'c'].map((it) => put(first, it, cut)));
  await Promise.all([first.cut(cut, 'cut'), put(first, 'd'), put(first, 'e')]);
  first.stored(stored, 'stored');
  t.strictSame(await bodiesIn(first, cut), ['b', 'c'], 'readable at once');
  await first.close();

  const second = await open(dir);
  t.strictSame(await leftIn(second), { uncut: ['d', 'e'], cut: { cut: ['b', 'c'] } });
  // The run that was left is cut late, behind younger requests.
  const [run] = second.leftover('traces').uncut;
  const young = openRange('traces');
  await put(second, 'f', young);
  await second.cut(young, 'young');
  await put(second, 'g');
  if (run) await second.cut(run, 'late');
  await second.close();

  const third = await open(dir);
  t.strictSame(await leftIn(third), {
    uncut: ['g'],
    cut: { cut: ['b', 'c'], late: ['d', 'e'], young: ['f'] },
  });
  await third.close();
});

t.test('requests that come together share a sync', async (t) => {
  const dir = temporaryDir(t);
  const { meter, of } = countingMeter();
  const journal = await open(dir, { meter });
  await Promise.all(Array.from({ length: 200 }, (_, n) => put(journal, `together ${n}`)));
  t.equal(of('tocsin_journal_requests_written'), 200);
  t.ok(of('tocsin_journal_sync_duration') <= 3, `${of('tocsin_journal_sync_duration')} syncs`);
  for (let n = 0; n < 5; n += 1) await put(journal, `alone ${n}`);
  t.ok(of('tocsin_journal_sync_duration') >= 6, 'and each lone one has its own');
  await journal.close();
});

t.test('interval syncs a moment later, off never by itself', async (t) => {
  const { meter, of } = countingMeter();
  const limits = { syncEveryMs: 20 };
  const journal = await open(temporaryDir(t), { meter, fsync: 'interval', limits });
  for (let n = 0; n < 10; n += 1) await put(journal, `request ${n}`);
  await until(() => of('tocsin_journal_sync_duration') > 0);
  t.ok(of('tocsin_journal_sync_duration') < 5);
  await journal.close();

  const lazy = countingMeter();
  const off = await open(temporaryDir(t), { meter: lazy.meter, fsync: 'off', limits });
  for (let n = 0; n < 10; n += 1) await put(off, `request ${n}`);
  t.equal(lazy.of('tocsin_journal_sync_duration'), 0);
  await off.close();
});

t.test('stored segments are removed from the old end, the last one when it closes', async (t) => {
  const dir = temporaryDir(t);
  const journal = await open(dir, { limits: { segmentBytesMax: 600 } });
  const ranges = await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const range = openRange('traces');
      await put(journal, `${n}`.padStart(200, '.'), range);
      return range;
    }),
  );
  const before = segmentsIn(dir).length;
  t.ok(before >= 1);
  for (const range of ranges.slice(1)) journal.stored(range, 'n');
  await put(journal, 'later'.padStart(500, '.'));
  t.ok(segmentsIn(dir).length >= before, 'the oldest request holds all');
  const [oldest = ''] = segmentsIn(dir);
  for (const range of ranges.slice(0, 1)) journal.stored(range, 'n');
  await until(() => !segmentsIn(dir).includes(oldest));
  await journal.close();
  const again = await open(dir);
  t.strictSame(
    (await leftIn(again)).uncut.map((it) => it.replaceAll('.', '')),
    ['later'],
  );
  for (const range of again.leftover('traces').uncut) again.stored(range, 'n');
  await again.close();
  t.strictSame(segmentsIn(dir), []);
});

t.test('the same request gets the same answer and is written once', async (t) => {
  const dir = temporaryDir(t);
  const { meter, of } = countingMeter();
  const journal = await open(dir, { meter });
  const kind = { signal: 'traces', encoding: 'json', coding: 'identity' } as const;
  const bytes = Buffer.from('again and again');
  const range = openRange('traces');
  let runs = 0;
  const send = (as: Partial<typeof kind> | { readonly signal: 'logs' } = {}) =>
    journal.once({ ...kind, ...as }, bytes, async (hash) => {
      runs += 1;
      const acceptance = { accepted: 7, rejected: runs, message: 'one was bad' };
      await journal.append({ ...kind, ...as, bytes, hash, acceptance }, range);
      return acceptance;
    });
  const [a, b] = await Promise.all([send(), send()]);
  t.strictSame(
    [a, b, await send()],
    Array(3).fill({ accepted: 7, rejected: 1, message: 'one was bad' }),
  );
  t.equal(of('tocsin_journal_requests_written'), 1);
  t.equal(of('tocsin_journal_requests_repeated'), 2);
  await send({ signal: 'logs' });
  t.equal(runs, 2, 'the same bytes of another signal are another request');
  await journal.close();

  const reopened = await open(dir);
  const known = await reopened.once(kind, bytes, () =>
    Promise.reject(new Error('was not recognised')),
  );
  t.match(known, { accepted: 7, rejected: 1, message: 'one was bad' }, 'from the segment');
  for (const it of reopened.leftover('traces').uncut) reopened.stored(it, 'n');
  for (const it of reopened.leftover('logs').uncut) reopened.stored(it, 'n');
  await reopened.close();
  t.strictSame(segmentsIn(dir), []);

  const third = await open(dir);
  t.match(
    await third.once(kind, bytes, () => Promise.reject(new Error('was not recognised'))),
    { accepted: 7, rejected: 1, message: 'one was bad' },
    'although its segment is gone',
  );
  await third.close();
});

t.test('a request that failed is not remembered', async (t) => {
  const journal = await open(temporaryDir(t));
  const kind = { signal: 'traces', encoding: 'json', coding: 'identity' } as const;
  const bytes = Buffer.from('x');
  const failing = () => journal.once(kind, bytes, () => Promise.reject(new Error('no')));
  const outcomes = await Promise.allSettled([failing(), failing()]);
  t.strictSame(
    outcomes.map((it) => it.status),
    ['rejected', 'rejected'],
  );
  const answer = { accepted: 1, rejected: 0, message: '' };
  t.strictSame(await journal.once(kind, bytes, async () => answer), answer);
  await journal.close();
});

t.test('what is remembered is bounded in number and in time', async (t) => {
  let nowMs = 0;
  const { createRemembered } = await import('../../../src/batch/journal/remembered.ts');
  let repeated = 0;
  const remembered = createRemembered({
    windowMs: 1_000,
    requestsMax: 100,
    monotonicMs: () => nowMs,
    onRepeated: () => (repeated += 1),
  });
  const send = (n: number) =>
    remembered.once(Buffer.from(`${n}`.padEnd(16)), async () => ({
      accepted: n,
      rejected: 0,
      message: '',
    }));
  for (let n = 0; n < 1_000; n += 1) await send(n);
  t.ok(remembered.size() <= 100, `${remembered.size()} remembered`);
  await send(990);
  t.equal(repeated, 1);
  nowMs += 999;
  await send(990);
  t.equal(repeated, 2, 'for a window at least');
  nowMs += 1_001;
  await send(-1);
  nowMs += 1_001;
  await send(990);
  t.equal(repeated, 2, 'and not for ever');
});

t.test(
  'a full journal refuses requests with a delay, and takes them when it is emptied',
  async (t) => {
    const dir = temporaryDir(t);
    const journal = await open(dir, { limits: { bytesMax: 20_000 } });
    const range = openRange('traces');
    const body = (n: number) => `${n}`.padStart(1_500, '.');
    const fill = async (): Promise<number> => {
      for (let n = 0; ; n += 1) {
        try {
          await put(journal, body(n), range);
        } catch (error) {
          t.match(error, { code: 'ERR_JOURNAL_FULL', remedy: 'retry', retryAfterMs: 15_000 });
          return n;
        }
      }
    };
    const taken = await fill();
    t.ok(taken >= 10 && taken <= 13, `${taken} requests fit`);
    await journal.cut(range, 'all');
    t.equal((await bodiesIn(journal, range)).length, taken, 'marks are written all the same');
    journal.stored(range, 'all');
    await until(() => segmentsIn(dir).length <= 1);
    await put(journal, body(-1));
    await journal.close();
  },
);

t.test('a request that is too large for any journal is rejected', async (t) => {
  const journal = await open(temporaryDir(t), { limits: { recordBytesMax: 10 } });
  await t.rejects(put(journal, 'more than ten bytes'), {
    code: 'ERR_JOURNAL_RECORD_TOO_LARGE',
    remedy: 'reject',
  });
  await journal.close();
});

t.test('a request larger than a segment gets one of its own', async (t) => {
  const dir = temporaryDir(t);
  const journal = await open(dir, { limits: { segmentBytesMax: 1_000 } });
  const large = 'x'.repeat(3_000_000);
  const range = openRange('traces');
  for (const text of ['a', large, 'b']) await put(journal, text, range);
  t.strictSame(await bodiesIn(journal, range), ['a', large, 'b']);
  await journal.close();
  const again = await open(dir);
  t.strictSame((await leftIn(again)).uncut, ['a', large, 'b']);
  await again.close();
});

t.test('a closed journal takes nothing', async (t) => {
  const journal = await open(temporaryDir(t));
  await journal.close();
  await t.rejects(put(journal, 'x'), { code: 'ERR_JOURNAL_CLOSED', remedy: 'retry' });
  await t.rejects(journal.cut(openRange('traces'), 'n'), { code: 'ERR_JOURNAL_CLOSED' });
  await journal.close();
});

t.test('a journal of a later version is left alone', async (t) => {
  const dir = temporaryDir(t);
  const header = encodeSegmentHeader({
    id: 1,
    createdMs: 0,
    key: Buffer.alloc(16),
    previousId: 0,
    previousBytes: 0,
  });
  header.writeUInt32LE(4, 8);
  const { crc32 } = await import('node:zlib');
  header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
  await writeFile(join(dir, '000000000001.segment'), header);
  await t.rejects(open(dir), { code: 'ERR_JOURNAL_VERSION', remedy: 'reject' });
});

t.test('a directory that cannot be made is an error at once', async (t) => {
  const dir = temporaryDir(t);
  await writeFile(join(dir, 'file'), '');
  await t.rejects(open(join(dir, 'file', 'journal')), { code: 'ERR_JOURNAL_UNUSABLE' });
});
