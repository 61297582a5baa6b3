import t from 'tap';
import { createTailLine, type TailLineLimits } from '../../src/batch/tail-line.ts';
import type { NotedTraces } from '../../src/model/tail.ts';
import { manualClock } from '../support/clock.ts';

const limits: TailLineLimits = { waitMs: 1_000, sliceMs: 100, sliceSpansMax: 10 };

const open = () => {
  const clock = manualClock();
  const left: string[] = [];
  const crowded = new Set<NotedTraces>();
  const line = createTailLine({
    limits,
    clock,
    tail: { open: () => ({ traces: 0 }), isCrowded: (noted) => crowded.has(noted) },
    leave: ({ range, spans }, trigger) => {
      left.push(`${range.requests} of ${spans} at ${clock.monotonicMs()}: ${trigger}`);
    },
  });
  let seq = 0;
  /** A request that is in the journal when `writing` says so. */
  const join = (spans = 1, writing = Promise.resolve()) => {
    const slice = line.current();
    const at = (seq += 1);
    slice.range.claim(at);
    const written = writing.then(
      () => slice.range.written({ segment: 1, offset: at, bytes: 10 }),
      (error: unknown) => {
        slice.range.notWritten();
        throw error;
      },
    );
    return { slice, joined: line.join(slice, spans, written) };
  };
  return { line, clock, left, crowded, join };
};

t.test('requests of a stretch of time leave together when the last of them waited', async (t) => {
  const { line, clock, left, join } = open();
  join();
  await clock.advance(60);
  join(2);
  await clock.advance(50);
  join();
  t.equal(line.requests(), 2, 'the third is on its way');
  await clock.advance(989);
  t.strictSame(left, []);
  await clock.advance(1);
  t.strictSame(left, ['2 of 3 at 1100: waited']);
  await clock.advance(1_000);
  t.strictSame(left.slice(1), ['1 of 1 at 1210: waited']);
  t.equal(line.requests(), 0);
});

t.test('many spans are enough for a slice', async (t) => {
  const { clock, left, join } = open();
  join(9);
  join(1);
  join(1);
  await clock.advance(1_000);
  t.strictSame(left, ['2 of 10 at 1000: waited']);
  await clock.advance(100);
  t.equal(left.length, 2);
});

t.test('nobody leaves before all are written, and nobody passes', async (t) => {
  const { clock, left, join } = open();
  const slow = Promise.withResolvers<void>();
  join(1, slow.promise);
  await clock.advance(150);
  join();
  await clock.advance(5_000);
  t.strictSame(left, []);
  slow.resolve();
  await clock.advance(0);
  t.strictSame(left, ['1 of 1 at 5150: waited', '1 of 1 at 5150: waited']);
});

t.test('what could not be written does not wait', async (t) => {
  const { line, clock, left, join } = open();
  const { joined } = join(1, Promise.reject(new Error('no disk')));
  await t.rejects(joined, { message: 'no disk' });
  join();
  await clock.advance(1_100);
  t.strictSame(left, ['1 of 2 at 1100: waited']);
  const { joined: again } = join(1, Promise.reject(new Error('no disk')));
  await t.rejects(again, { message: 'no disk' });
  await clock.advance(1_100);
  t.equal(left.length, 1);
  t.equal(line.requests(), 0);
});

t.test('too many other traces make the oldest leave early', async (t) => {
  const { clock, left, crowded, join } = open();
  const { slice } = join();
  await clock.advance(200);
  join();
  t.strictSame(left, []);
  crowded.add(slice.noted);
  join();
  t.strictSame(left, ['1 of 1 at 200: early']);
  await clock.advance(1_100);
  t.strictSame(left.slice(1), ['2 of 2 at 1300: waited']);
});

t.test('what an earlier process left waits from now on, before the others', async (t) => {
  const { line, clock, left, join } = open();
  join();
  await clock.advance(150);
  const { range, noted } = join(3).slice;
  await clock.advance(0);
  line.enter({ range: { ...range, requests: 7 }, noted, spans: 70 });
  await clock.advance(999);
  t.strictSame(left, []);
  await clock.advance(1);
  t.strictSame(left, ['7 of 70 at 1150: waited', '1 of 1 at 1150: waited']);
});

t.test('at the end all leave at once, when they are written', async (t) => {
  const { line, clock, left, join } = open();
  const slow = Promise.withResolvers<void>();
  join();
  await clock.advance(150);
  join(1, slow.promise);
  let drained = false;
  const draining = line.drain().then(() => (drained = true));
  await clock.advance(0);
  t.strictSame(left, ['1 of 1 at 150: drain']);
  t.notOk(drained);
  slow.resolve();
  await draining;
  t.strictSame(left.slice(1), ['1 of 1 at 150: drain']);
});

t.test('an empty line is drained at once', async () => {
  await open().line.drain();
});
