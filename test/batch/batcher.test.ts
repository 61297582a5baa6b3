import t from 'tap';
import { type BatchLimits, createBatcher } from '../../src/batch/batcher.ts';
import { Fault } from '../../src/lib/fault.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { NamedBlock } from '../../src/model/block.ts';
import { manualClock } from '../support/clock.ts';
import { smallBuilder } from './small-builder.ts';

const limits: BatchLimits = {
  rowsMax: 100,
  bytesMax: 100_000,
  lingerMs: 100,
  spacingMs: 250,
  ageMsMax: 1_000,
  heldBytesMax: 10_000,
  inFlightBlocksMax: 2,
  retryAfterMsMin: 1_000,
  retryAfterMsMax: 15_000,
};

interface Sent {
  readonly block: NamedBlock;
  readonly atMs: number;
  readonly store: () => void;
  readonly fail: (error: unknown) => void;
}

/** A batcher on a clock that stands still, before a store that answers when the test says so. */
const setUp = (overrides: Partial<BatchLimits> = {}, builder = smallBuilder()) => {
  const clock = manualClock();
  const sent: Sent[] = [];
  let names = 0;
  const batcher = createBatcher({
    signal: 'traces',
    builder,
    insert: (block) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      sent.push({ block, atMs: clock.nowMs(), store: resolve, fail: reject });
      return promise;
    },
    limits: { ...limits, ...overrides },
    clock,
    log: silentLog,
    meter: noopMeter,
    names: () => `n${(names += 1)}`,
  });
  const events: string[] = [];
  /** Sends a request and notes how it ends. */
  const accept = (title: string, body: string): void => {
    batcher.accept('json', Buffer.from(body)).then(
      (it) => events.push(`${title}: ${it.accepted} accepted`),
      (error) => events.push(`${title}: ${error.code}`),
    );
  };
  const shown = () =>
    sent.map((it) => `${it.atMs} ${it.block.name} ${it.block.table} ${it.block.rows}`);
  return { clock, batcher, sent, shown, accept, events };
};

t.test('a lone request waits only for the linger time', async (t) => {
  const { clock, sent, shown, accept, events } = setUp();
  accept('a', 'x x');
  await clock.advance(99);
  t.strictSame(shown(), []);
  await clock.advance(1);
  t.strictSame(shown(), ['100 n1 x 2']);
  t.strictSame(events, [], 'not before it is stored');
  sent[0]?.store();
  await clock.advance(0);
  t.strictSame(events, ['a: 2 accepted']);
});

t.test('requests that come within the linger time share a block', async (t) => {
  const { clock, sent, shown, accept, events } = setUp();
  accept('a', 'x');
  await clock.advance(60);
  accept('b', 'x x');
  await clock.advance(40);
  t.strictSame(shown(), ['100 n1 x 3']);
  sent[0]?.store();
  await clock.advance(0);
  t.strictSame(events, ['a: 1 accepted', 'b: 2 accepted']);
});

t.test('a trickle makes a block every spacing, not every linger', async (t) => {
  const { clock, sent, shown, accept } = setUp();
  for (let round = 0; round < 8; round += 1) {
    accept('a', 'x');
    await clock.advance(100);
    for (const it of sent) it.store();
    await clock.advance(0);
  }
  t.strictSame(shown(), ['100 n1 x 1', '350 n2 x 3', '600 n3 x 2']);
});

t.test('while a block is being stored the next one grows up to its age', async (t) => {
  const { clock, shown, accept } = setUp();
  accept('a', 'x');
  await clock.advance(100);
  accept('b', 'x');
  await clock.advance(999);
  t.strictSame(shown(), ['100 n1 x 1']);
  await clock.advance(1);
  t.strictSame(shown(), ['100 n1 x 1', '1100 n2 x 1']);
});

t.test('a block that waited for a stored one leaves at once when that is done', async (t) => {
  const { clock, sent, shown, accept } = setUp();
  accept('a', 'x');
  await clock.advance(100);
  accept('b', 'x');
  await clock.advance(500);
  sent[0]?.store();
  await clock.advance(0);
  t.strictSame(shown(), ['100 n1 x 1', '600 n2 x 1']);
});

t.test('with every slot taken the block grows past its age until one is free', async (t) => {
  const { clock, sent, shown, accept } = setUp({ inFlightBlocksMax: 1 });
  accept('a', 'x');
  await clock.advance(100);
  accept('b', 'x');
  await clock.advance(3_000);
  accept('c', 'x');
  await clock.advance(0);
  t.strictSame(shown(), ['100 n1 x 1']);
  sent[0]?.store();
  await clock.advance(0);
  t.strictSame(shown(), ['100 n1 x 1', '3100 n2 x 2']);
});

t.test('rows, bytes and a builder that is full close a block at once', async (t) => {
  const cases: readonly (readonly [string, Partial<BatchLimits>, number, readonly string[]])[] = [
    ['rows', { rowsMax: 3 }, 1_000, ['0 n1 x 4', '100 n2 x 2']],
    ['bytes', { bytesMax: 40 }, 1_000, ['0 n1 x 4', '100 n2 x 2']],
    ['full', {}, 5, ['0 n1 x 4', '100 n2 x 2']],
  ];
  for (const [title, overrides, rowsMax, expected] of cases) {
    const { clock, sent, shown, accept, events } = setUp(
      { ...overrides, spacingMs: 0 },
      smallBuilder({ rowsMax }),
    );
    accept('a', 'x x');
    accept('b', 'x x');
    accept('c', 'x x');
    await clock.advance(0);
    sent[0]?.store();
    await clock.advance(100);
    t.strictSame(shown(), expected, title);
    t.strictSame(events, ['a: 2 accepted', 'b: 2 accepted'], title);
  }
});

t.test('blocks beyond the slots wait their turn', async (t) => {
  const { clock, sent, shown, accept } = setUp({ rowsMax: 1 });
  for (const title of ['a', 'b', 'c', 'd']) accept(title, title);
  await clock.advance(10);
  t.strictSame(shown(), ['0 n1 a 1', '0 n2 b 1']);
  sent[1]?.store();
  await clock.advance(10);
  t.strictSame(shown(), ['0 n1 a 1', '0 n2 b 1', '10 n3 c 1']);
});

t.test('a request is acknowledged when all its tables are stored', async (t) => {
  const { clock, sent, accept, events } = setUp();
  accept('a', 'gauge sum');
  await clock.advance(100);
  t.strictSame(
    sent.map((it) => `${it.block.table} ${it.block.name}`),
    ['gauge n1', 'sum n1'],
  );
  sent[1]?.store();
  await clock.advance(0);
  t.strictSame(events, []);
  sent[0]?.store();
  await clock.advance(0);
  t.strictSame(events, ['a: 2 accepted']);
});

t.test('a failed insert fails the requests in it and no others', async (t) => {
  const { clock, batcher, sent, accept, events } = setUp({ rowsMax: 2 });
  const refusal = new Fault('ERR_INSERT_REFUSED', 'no such table', { remedy: 'reject' });
  const rejected = t.rejects(batcher.accept('json', Buffer.from('x')), {
    code: 'ERR_BATCH_NOT_STORED',
    remedy: 'retry',
    retryAfterMs: 15_000,
    cause: refusal,
  });
  accept('b', 'x');
  accept('c', 'x x');
  await clock.advance(0);
  sent[0]?.fail(refusal);
  sent[1]?.store();
  await rejected;
  await clock.advance(0);
  t.strictSame(events, ['b: ERR_BATCH_NOT_STORED', 'c: 2 accepted']);
});

t.test('too much held is refused at once, and accepted again when it is stored', async (t) => {
  const { clock, batcher, sent, accept, events } = setUp({ heldBytesMax: 85, rowsMax: 4 });
  for (const title of ['a', 'b', 'c']) accept(title, 'x x x x');
  await clock.advance(0);
  t.strictSame(events, ['c: ERR_BATCH_FULL'], '80 bytes are held, 7 more are too many');
  sent[0]?.store();
  await clock.advance(0);
  const again = batcher.accept('json', Buffer.from('x x x x'));
  await clock.advance(0);
  for (const it of sent) it.store();
  t.match(await again, { accepted: 4 });
});

t.test('the delay asked for is what the backlog needs at the rate it drains', async (t) => {
  const { clock, batcher, sent } = setUp({ heldBytesMax: 1_000, rowsMax: 40 });
  const forty = Buffer.from(Array(40).fill('x').join(' '));
  // 400 bytes a second for a minute: far longer than the mean remembers.
  for (let second = 0; second < 60; second += 1) {
    const stored = batcher.accept('json', forty);
    await clock.advance(1_000);
    sent[second]?.store();
    await stored;
  }
  batcher.accept('json', forty).catch(() => {});
  batcher.accept('json', forty).catch(() => {});
  const delay = await batcher.accept('json', Buffer.alloc(300, 'x')).then(
    () => Number.NaN,
    (error) => error.retryAfterMs,
  );
  // 800 bytes at about 400 bytes a second.
  t.ok(delay > 1_700 && delay < 2_300, `${delay} ms`);
});

t.test('a request that can never be taken harms no other', async (t) => {
  const { clock, sent, shown, accept, events } = setUp({}, smallBuilder({ rowsMax: 5 }));
  accept('a', 'x');
  accept('b', 'x bad');
  accept('c', 'x x x x x x');
  accept('d', 'none');
  await clock.advance(500);
  t.strictSame(shown(), ['0 n1 x 1']);
  sent[0]?.store();
  await clock.advance(0);
  t.strictSame(events, [
    'b: ERR_OTLP_MALFORMED',
    'c: ERR_OTLP_TOO_LARGE',
    'd: 0 accepted',
    'a: 1 accepted',
  ]);
});

t.test('drain sends what is held and waits until everything is settled', async (t) => {
  const { clock, batcher, sent, shown, accept, events } = setUp({
    rowsMax: 2,
    inFlightBlocksMax: 1,
  });
  accept('a', 'x x');
  accept('b', 'x');
  const drained = batcher.drain().then(() => events.push('drained'));
  await clock.advance(0);
  t.strictSame(shown(), ['0 n1 x 2']);
  sent[0]?.store();
  await clock.advance(0);
  t.strictSame(shown(), ['0 n1 x 2', '0 n2 x 1']);
  t.strictSame(events, ['a: 2 accepted']);
  sent[1]?.fail(new Fault('ERR_INSERT_GAVE_UP', 'away', { remedy: 'retry' }));
  await drained;
  t.strictSame(events, ['a: 2 accepted', 'b: ERR_BATCH_NOT_STORED', 'drained']);
  await batcher.drain();
});

t.test(
  'a builder that breaks while closing fails its requests and leaves the batcher usable',
  async (t) => {
    const builder = smallBuilder();
    let broken = true;
    const { clock, sent, accept, events } = setUp(
      { rowsMax: 1 },
      {
        ...builder,
        finish: () => {
          const blocks = builder.finish();
          if (broken) throw new TypeError('a bug');
          return blocks;
        },
      },
    );
    accept('a', 'x');
    await clock.advance(0);
    t.strictSame(events, ['a: ERR_BATCH_NOT_STORED']);
    broken = false;
    accept('b', 'x');
    await clock.advance(0);
    sent[0]?.store();
    await clock.advance(0);
    t.strictSame(events, ['a: ERR_BATCH_NOT_STORED', 'b: 1 accepted']);
  },
);
