import { createHash } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { openClaims, shareClaims } from '../../../src/batch/journal/claims.ts';
import { openRange } from '../../../src/batch/journal/range.ts';
import { openShare, shareJournals } from '../../../src/batch/journal/shared.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { open, put, temporaryDir } from './open-journal.ts';

const hashOf = (n: number): Buffer => createHash('md5').update(`${n}`).digest();

const threeThreads = (claimsMax = 1_000, windowMs = 300_000) => {
  const limits = { windowMs, claimsMax };
  const threads = 3;
  const memory = shareClaims(threads, limits);
  const clock = { ms: 1_790_000_000_000 };
  const of = (owner: number) =>
    openClaims({ ...limits, memory, threads, owner, nowMs: () => clock.ms });
  return { a: of(0), b: of(1), c: of(2), clock };
};

t.test('a request belongs to whoever claimed it first, until it is released', async (t) => {
  const { a, b, c } = threeThreads();
  t.equal(b.claim(hashOf(1)), undefined);
  t.strictSame(
    [a, b, c].map((it) => it.claim(hashOf(1))),
    [1, undefined, 1],
  );
  a.release(hashOf(1));
  t.equal(c.claim(hashOf(1)), 1, 'nobody else can release it');
  b.release(hashOf(1));
  t.equal(c.claim(hashOf(1)), undefined);
  t.equal(b.claim(hashOf(1)), 2);
});

t.test('claims are kept for the window and half of their number, and not for ever', async (t) => {
  const { a, b, clock } = threeThreads();
  const known = (from: number, to: number) => {
    let found = 0;
    for (let n = from; n < to; n += 1) if (b.claim(hashOf(n)) === 0) found += 1;
    return found;
  };
  for (let n = 0; n < 1_400; n += 1) a.claim(hashOf(n));
  t.equal(known(0, 1_400), 1_400);
  clock.ms += 299_000;
  t.equal(known(0, 1_400), 1_400, 'just before its end');
  for (let n = 10_000; n < 20_000; n += 1) a.claim(hashOf(n));
  t.equal(known(18_500, 20_000), 1_500, 'three threads have three times the room');
  clock.ms += 301_000;
  a.claim(hashOf(30_000));
  clock.ms += 301_000;
  t.equal(known(19_000, 20_000), 0, 'after two windows');
});

t.test(
  'journals that share have one secret, also after a restart and beside new ones',
  async (t) => {
    const dirs = ['0', '1', '2'].map((it) => join(temporaryDir(t), it));
    const shared = await shareJournals(2, dirs.slice(0, 2));
    const openAt = (from: typeof shared, journal: number) =>
      open(dirs[journal] ?? '', {
        share: openShare({ shared: from, journal, nowMs: systemClock.nowMs }),
      });
    const one = await openAt(shared, 1);
    await put(one, 'a request');
    await one.close();

    const later = await shareJournals(3, dirs);
    t.strictSame(Buffer.from(later.key), Buffer.from(shared.key));
    const journals = await Promise.all([0, 1, 2].map((it) => openAt(later, it)));
    const outcomes = await Promise.allSettled(journals.map((it) => put(it, 'a request')));
    t.match(outcomes, [
      { status: 'rejected', reason: { name: 'Elsewhere', thread: 1 } },
      { status: 'fulfilled', value: { accepted: 1 } },
      { status: 'rejected', reason: { name: 'Elsewhere', thread: 1 } },
    ]);
    await Promise.all(journals.map((it) => it.close()));
  },
);

t.test('one journal may take all the room, and drains for all', async (t) => {
  const dirs = ['0', '1'].map((it) => join(temporaryDir(t), it));
  const shared = await shareJournals(2, dirs);
  const openAt = (journal: number) =>
    open(dirs[journal] ?? '', {
      limits: { bytesMax: 40_000, retryAfterMsMin: 1 },
      share: openShare({ shared, journal, nowMs: systemClock.nowMs }),
    });
  const [full, other] = await Promise.all([openAt(0), openAt(1)]);
  const range = openRange('traces');
  const fill = async (): Promise<number> => {
    for (let n = 0; ; n += 1) {
      try {
        await put(full, `${n}`.padStart(1_500, '.'), range);
      } catch {
        return n;
      }
    }
  };
  const taken = await fill();
  t.ok(taken >= 22 && taken <= 26, `${taken} requests fit`);
  const another = () => put(other, 'x'.repeat(1_500));
  await t.rejects(another(), { code: 'ERR_JOURNAL_FULL', retryAfterMs: 15_000 });
  full.stored(range, 'all');
  await full.close();
  await another();
  const late = openRange('traces');
  const refilled = await openAt(0);
  for (let n = 0; n < 21; n += 1) await put(refilled, `later ${n}`.padStart(1_500, '.'), late);
  // 4,000 bytes at the 3,600 a second that were drained just now.
  const refusal = await put(other, 'y'.repeat(6_000)).catch((error: unknown) => error);
  t.match(refusal, { code: 'ERR_JOURNAL_FULL' });
  const { retryAfterMs } = refusal as { readonly retryAfterMs: number };
  t.ok(retryAfterMs > 500 && retryAfterMs < 6_000, `again after ${retryAfterMs} ms`);
  await Promise.all([refilled.close(), other.close()]);
});
