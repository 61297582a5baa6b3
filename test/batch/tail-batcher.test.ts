import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createTailBatcher } from '../../src/batch/tail-batcher.ts';
import { createTailTraces } from '../../src/decode/tail-traces.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { NamedBlock } from '../../src/model/block.ts';
import { tracesRequest } from '../support/otlp-proto.ts';
import { until } from '../support/until.ts';
import { notingLog, open, temporaryDir } from './journal/open-journal.ts';

interface Setting {
  readonly waitMs?: number;
  readonly tracesMax?: number;
  readonly verdictsKeptMs?: number;
  readonly insert?: (block: NamedBlock) => Promise<void>;
}

/** Keeps errors with their traces and nothing else, before a store that keeps one copy of each name. */
const start = async (dir: string, setting: Setting = {}) => {
  const { waitMs = 400, tracesMax = 1_000, verdictsKeptMs = 0, insert } = setting;
  const notes = notingLog();
  const journal = await open(dir, { log: notes.log });
  const decided = new Map<string, number>();
  let leftOut = 0;
  const tail = createTailTraces({
    nowMs: systemClock.nowMs,
    redact: [],
    sample: [{ name: 'errors', where: [], keep: 0, keepErrors: true, tail: { waitMs } }],
    limits: { tracesMax, newsMax: 10 },
    shared: false,
    seed: 1,
    count: {
      noted: () => {},
      decided: (reason, trigger, count) => {
        const key = `${reason} ${trigger}`;
        decided.set(key, (decided.get(key) ?? 0) + count);
      },
      leftOut: ([count = 0]) => {
        leftOut += count;
      },
      unsaid: () => {},
      unread: () => notes.log.warn('unread'),
    },
  });
  const stored = new Map<string, number>();
  const batcher = createTailBatcher({
    tail,
    journal,
    verdictsDir: join(dir, 'verdicts'),
    decompress: async (_coding, bytes) => bytes,
    insert: async (block) => {
      await insert?.(block);
      stored.set(block.name, block.rows);
    },
    // No room for blocks that failed: they are decoded again.
    limits: {
      waitMs,
      verdictsKeptMs,
      sliceMs: 5,
      firstMs: 2,
      maxMs: 5,
      heldBytesMax: 0,
      drainMsMax: 300,
    },
    clock: systemClock,
    random: () => 0.5,
    log: notes.log,
    meter: noopMeter,
    names: () => `batch-${(names += 1)}`,
  });
  const stop = async (): Promise<void> => {
    await batcher.drain();
    await journal.close();
  };
  const accept = (...spans: readonly Span[]) => batcher.accept('protobuf', requestOf(spans));
  const rows = () => stored.values().reduce((sum, it) => sum + it, 0);
  return {
    accept,
    stop,
    rows,
    names: () => [...stored.keys()],
    decided,
    leftOut: () => leftOut,
    notes,
  };
};
let names = 0;

type Span = readonly [trace: number, span: number, status?: 'error'];

const requestOf = (spans: readonly Span[]): Uint8Array => {
  const message = tracesRequest.fromObject({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: spans.map(([trace, span, status]) => ({
              traceId: Buffer.alloc(16, trace),
              spanId: Buffer.alloc(8, span),
              status: { code: status === 'error' ? 2 : 0 },
            })),
          },
        ],
      },
    ],
  });
  return tracesRequest.encode(message).finish();
};

const away = async (): Promise<void> => {
  throw new Fault('ERR_INSERT_GAVE_UP', 'away', { remedy: 'retry' });
};

const pagesIn = (dir: string): readonly string[] => readdirSync(join(dir, 'verdicts'));

t.test('spans in different requests share the fate of their trace, late ones too', async (t) => {
  const dir = temporaryDir(t);
  const { accept, stop, rows, decided, leftOut } = await start(dir);
  await accept([1, 1], [2, 1]);
  await accept([1, 2, 'error']);
  await until(() => rows() === 2);
  t.equal(leftOut(), 1);
  await accept([1, 3], [2, 2]);
  await until(() => rows() === 3);
  t.equal(leftOut(), 2);
  await accept([2, 3, 'error']);
  await until(() => rows() === 4);
  await accept([2, 4], [3, 1]);
  await until(() => rows() === 5);
  t.equal(leftOut(), 3, 'what comes behind a late error is kept with it');
  t.strictSame([...decided.keys()].toSorted(), ['error waited', 'share waited']);
  await stop();
  t.strictSame(pagesIn(dir), [], 'what is stored needs no decision any more');
});

t.test('a request that cannot be taken waits for nobody', async (t) => {
  const dir = temporaryDir(t);
  const { accept, stop, rows } = await start(dir);
  t.match(await accept([0, 1]), { accepted: 0, rejected: 1 });
  t.match(await accept([0, 1], [1, 1, 'error']), { accepted: 1, rejected: 1 });
  await stop();
  t.equal(rows(), 1);
});

t.test('what was decided stays so while ClickHouse is away, and over a crash', async (t) => {
  const dir = temporaryDir(t);
  let isAway = false;
  const first = await start(dir, { insert: () => (isAway ? away() : Promise.resolve()) });
  await first.accept([1, 1, 'error']);
  await until(() => first.rows() === 1);
  isAway = true;
  // That their trace has an error is in no request of the journal any more.
  await first.accept([1, 2], [2, 1]);
  await until(() => pagesIn(dir).length === 1);
  await until(() => first.notes.count('batch_not_stored') > 2);
  await first.stop();
  t.equal(first.rows(), 1);

  const second = await start(dir, { insert: away });
  await until(() => second.notes.count('batch_not_stored') > 2);
  await second.stop();

  const third = await start(dir);
  await until(() => third.rows() === 1);
  await third.stop();
  t.strictSame(pagesIn(dir), []);
});

t.test('spans that come after a restart follow what was decided before it', async (t) => {
  const dir = temporaryDir(t);
  const first = await start(dir, { verdictsKeptMs: 60_000 });
  await first.accept([1, 1, 'error'], [2, 1]);
  await first.stop();
  t.equal(first.rows(), 1);
  const second = await start(dir);
  await second.accept([1, 2], [2, 2]);
  await until(() => second.rows() === 1);
  await second.stop();
  t.strictSame(pagesIn(dir), []);
});

t.test('decisions that are lost or damaged cost traces, never an error', async (t) => {
  for (const harm of [
    (path: string) => rmSync(path),
    (path: string) => writeFileSync(path, 'nothing'),
  ]) {
    const dir = temporaryDir(t);
    const first = await start(dir, { insert: away });
    await first.accept([1, 1, 'error'], [2, 1]);
    await until(() => first.notes.count('batch_not_stored') > 0);
    await first.stop();
    for (const name of pagesIn(dir)) harm(join(dir, 'verdicts', name));
    const second = await start(dir);
    await until(() => second.rows() === 1);
    await second.stop();
  }
});

t.test('while ClickHouse is away for long, what was decided joins into few batches', async (t) => {
  const dir = temporaryDir(t);
  let isAway = true;
  const { accept, stop, rows, names, decided } = await start(dir, {
    waitMs: 20,
    insert: () => (isAway ? away() : Promise.resolve()),
  });
  for (let trace = 1; trace <= 60; trace += 1) {
    await accept([trace, 1, 'error']);
    await until(() => (decided.get('error waited') ?? 0) === trace);
  }
  isAway = false;
  await until(() => rows() === 60);
  t.ok(names().length < 10, `${names().length} batches of 60 slices`);
  await stop();
});

t.test('decisions that cannot be written are good until the end of the process', async (t) => {
  const dir = temporaryDir(t);
  writeFileSync(join(dir, 'verdicts'), 'no directory');
  let failures = 0;
  const { accept, stop, rows, notes } = await start(dir, {
    insert: () => ((failures += 1) < 4 ? away() : Promise.resolve()),
  });
  await accept([1, 1], [2, 1]);
  await accept([1, 2, 'error']);
  await until(() => rows() === 2);
  t.ok(notes.count('tail_verdicts_not_written') > 0);
  await stop();
});

t.test('requests that were not decided about wait again after a crash', async (t) => {
  const dir = temporaryDir(t);
  const first = await start(dir, { waitMs: 60_000 });
  await first.accept([1, 1], [2, 1]);
  await first.accept([1, 2, 'error']);
  // As after a crash: nothing is drained, and the next one finds the files.
  const second = await start(dir);
  await second.accept([2, 2, 'error']);
  await until(() => second.rows() === 4);
  t.strictSame([...second.decided.keys()], ['error waited']);
  await second.stop();
  await first.stop();
});

t.test('beyond the traces that can be remembered decisions come early', async (t) => {
  const { accept, stop, rows, decided } = await start(temporaryDir(t), {
    waitMs: 60_000,
    tracesMax: 20,
  });
  await accept([1, 1, 'error'], [2, 1]);
  for (let trace = 10; trace < 50; trace += 1) await accept([trace, 1]);
  await until(() => rows() === 1);
  t.ok((decided.get('share early') ?? 0) >= 20, `${decided.get('share early')} early`);
  await stop();
  t.equal(rows(), 1);
});
