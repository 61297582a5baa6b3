import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { type BatchSenderOptions, createBatchSender } from '../../src/batch/batch-sender.ts';
import type { Journal } from '../../src/batch/journal/journal.ts';
import { openRange } from '../../src/batch/journal/range.ts';
import {
  createJournaledBatcher,
  type JournaledBatchLimits,
} from '../../src/batch/journaled-batcher.ts';
import { createColumnBuilder } from '../../src/decode/builder.ts';
import { shareSeries } from '../../src/decode/series-book.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { type Meter, noopMeter } from '../../src/lib/meter.ts';
import type { ColumnBuilder, NamedBlock } from '../../src/model/block.ts';
import type { Signal } from '../../src/model/ingest.ts';
import { manualClock } from '../support/clock.ts';
import { until } from '../support/until.ts';
import { notingLog, open, temporaryDir } from './journal/open-journal.ts';
import { mountSmallDisk, mountThinDisk } from './journal/small-disk.ts';
import { smallBuilder } from './small-builder.ts';

const limits: Partial<JournaledBatchLimits> = {
  rowsMax: 50,
  lingerMs: 2,
  spacingMs: 2,
  ageMsMax: 10,
  firstMs: 2,
  maxMs: 5,
  drainMsMax: 5_000,
};

interface Setting {
  readonly limits?: Partial<JournaledBatchLimits>;
  readonly insert?: (block: NamedBlock) => Promise<void>;
  readonly builder?: () => ColumnBuilder;
  readonly probeEveryMs?: number;
  readonly signal?: Signal;
  readonly meter?: Meter;
}

/** A batcher on its own journal, before a store that keeps one copy of each name and table. */
const start = async (dir: string, setting: Setting = {}) => {
  const notes = notingLog();
  let bytesHeld = () => Number.NaN;
  const meter: Meter = {
    ...(setting.meter ?? noopMeter),
    gauge: (name, _options, observe) => {
      const value = () =>
        [observe()]
          .flat()
          .reduce<number>((sum, it) => sum + (typeof it === 'number' ? it : it.value), 0);
      if (name === 'tocsin_batch_bytes_held') bytesHeld = value;
    },
  };
  const parts = { clock: systemClock, log: notes.log, meter, random: () => 0.5 };
  const { probeEveryMs = 20 } = setting;
  const journal = await open(dir, {
    log: notes.log,
    limits: { segmentBytesMax: 4_096, probeEveryMs, reserveBytes: 32 * 1024 },
  });
  const stored = new Map<string, NamedBlock>();
  const order: string[] = [];
  const batcher = createJournaledBatcher({
    ...parts,
    signal: setting.signal ?? 'traces',
    journal,
    createBuilder: setting.builder ?? (() => smallBuilder()),
    decompress: async (_coding, bytes) => gunzipSync(bytes),
    insert: async (block) => {
      await setting.insert?.(block);
      order.push(block.name);
      stored.set(`${block.name} ${block.table}`, block);
    },
    limits: { ...limits, ...setting.limits },
    names: () => `${(names += 1)}`.padStart(4, '0'),
  });
  const rows = () => {
    const sums: Record<string, number> = {};
    for (const { table, rows } of stored.values()) sums[table] = (sums[table] ?? 0) + rows;
    return sums;
  };
  const accept = (text: string) => batcher.accept('json', Buffer.from(text));
  const stop = async (): Promise<void> => {
    await batcher.drain();
    await journal.close();
  };
  return { journal, batcher, accept, rows, order, notes, bytesHeld, stop };
};
let names = 0;

const segmentsIn = (dir: string): readonly string[] =>
  readdirSync(dir).filter((it) => it.endsWith('.segment'));

t.test('a request is acknowledged while ClickHouse takes its time', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { accept, rows, stop } = await start(temporaryDir(t), { insert: () => gate.promise });
  t.strictSame(await accept('x none y'), { accepted: 2, rejected: 1, message: '' });
  t.strictSame(rows(), {});
  gate.resolve();
  await stop();
  t.strictSame(rows(), { x: 1, y: 1 });
});

t.test('a request that can never be taken is not in the journal', async (t) => {
  const dir = temporaryDir(t);
  const { accept, stop } = await start(dir, { builder: () => smallBuilder({ rowsMax: 3 }) });
  await t.rejects(accept('x bad'), { code: 'ERR_OTLP_MALFORMED', remedy: 'reject' });
  await t.rejects(accept('x x x x'), { code: 'ERR_OTLP_TOO_LARGE', remedy: 'reject' });
  t.strictSame(await accept('none'), { accepted: 0, rejected: 1, message: '' });
  t.strictSame(segmentsIn(dir), []);
  await stop();
});

/** Distinct bodies of one row each. */
const bodies = (count: number, table = 'x') =>
  Array.from({ length: count }, (_, n) => `${table} none${' none'.repeat(n % 7)} ${n}`);

const countingRows = (count: number): ColumnBuilder => {
  const builder = smallBuilder({ rowsMax: count });
  return {
    ...builder,
    // Numbers make bodies distinct and are no rows.
    append: (encoding, body) =>
      builder.append(encoding, Buffer.from(body.toString().replaceAll(/ \d+/g, ''))),
  };
};
const builder = () => countingRows(1_000);

t.test(
  'away for long, ClickHouse costs disk and not memory; then all is stored in order',
  async (t) => {
    const dir = temporaryDir(t);
    let away = true;
    let most = 0;
    const failed = new Set<string>();
    const insert = async ({ name }: NamedBlock) => {
      if (!away) return;
      failed.add(name);
      throw new Fault('ERR_INSERT_GAVE_UP', 'away', { remedy: 'retry' });
    };
    const setting = {
      insert,
      builder,
      limits: { heldBytesMax: 1_500, inFlightBatchesMax: 1, maxMs: 20 },
    };
    const { accept, rows, order, bytesHeld, stop } = await start(dir, setting);
    for (const body of bodies(3_000)) {
      await accept(body);
      most = Math.max(most, bytesHeld());
    }
    t.ok(most > 1_000 && most < 2_500, `${most} bytes of columns, where 30000 were sent`);
    t.strictSame(rows(), {});
    t.ok(segmentsIn(dir).length > 20, `${segmentsIn(dir).length} segments on disk`);
    away = false;
    await until(() => rows()['x'] === 3_000);
    // Batches that failed step back a little; all others keep their order.
    const calm = order.filter((name) => !failed.has(name));
    t.strictSame(calm, calm.toSorted());
    t.ok(calm.length > 10, `${calm.length} of ${order.length} batches never failed`);
    t.ok(new Set(order).size < 75, `${new Set(order).size} batches`);
    await stop();
    t.strictSame(segmentsIn(dir), []);
  },
);

const senderOf = (journal: Journal, overrides: Partial<BatchSenderOptions> = {}) =>
  createBatchSender({
    signal: 'traces',
    journal,
    createBuilder: builder,
    decompress: async (_coding, bytes) => bytes,
    insert: async () => {},
    limits: {
      heldBytesMax: 100,
      inFlightBatchesMax: 1,
      firstMs: 1,
      maxMs: 1,
      refusalsMax: 1,
      refusalsAloneMax: 1,
      failuresMax: 1,
      othersStoredMin: 1,
    },
    isFull: () => false,
    names: () => 'n',
    onProgress: () => {},
    onSetAside: () => {},
    clock: systemClock,
    random: () => 0,
    log: notingLog().log,
    ...overrides,
  });

/** Large enough for its memory to be given back by hand. */
const bigBlock = () => ({
  ...{ table: 'x', rows: 6, bytes: 60 },
  segments: [new Uint8Array(32_768)],
});

t.test('blocks beyond the limit are not held, and freed at once', async (t) => {
  const journal = await open(temporaryDir(t));
  const sender = senderOf(journal);
  const [first, second] = [bigBlock(), bigBlock()];
  t.equal(sender.hasRoom(100), true);
  const held = sender.hold([first], 'a') ?? [];
  t.equal(held.length, 1);
  t.equal(sender.hasRoom(41), false);
  t.equal(sender.hold([second], 'b'), undefined);
  t.equal(second.segments[0]?.length, 0);
  t.equal(sender.heldBytes(), 60);
  t.equal(first.segments[0]?.length, 32_768);
  sender.forget(held);
  t.equal(sender.heldBytes(), 0);
  t.equal(first.segments[0]?.length, 0, 'what was held and is not added is freed as well');
  await journal.close();
});

t.test('nothing is held behind a batch that must be decoded again', async (t) => {
  const gate = Promise.withResolvers<void>();
  const journal = { ...(await open(temporaryDir(t))), stored: () => {} };
  const sender = senderOf(journal, { insert: () => gate.promise });
  for (const name of ['a', 'b']) sender.add(openRange('traces', name), name, undefined);
  t.equal(sender.hasRoom(1), false);
  t.equal(sender.hold([bigBlock()], 'c'), undefined);
  gate.resolve();
  await sender.idle();
  t.equal(sender.hasRoom(1), true);
  sender.stop();
  await journal.close();
});

t.test('columns that nobody can hold are not copied into blocks, and counted', async (t) => {
  const did = { finish: 0, discard: 0, counted: 0 };
  const counting = () => {
    const real = builder();
    const finish = () => ((did.finish += 1), real.finish());
    const discard = () => ((did.discard += 1), real.discard());
    return { ...real, finish, discard };
  };
  const meter: Meter = {
    ...noopMeter,
    counter: (name) =>
      name === 'tocsin_batch_rows_cut' ? (rows) => (did.counted += rows) : () => {},
  };
  const gate = Promise.withResolvers<void>();
  const { accept, rows, stop } = await start(temporaryDir(t), {
    insert: () => gate.promise,
    builder: counting,
    meter,
    limits: { heldBytesMax: 600, ageMsMax: 60_000, lingerMs: 60_000, inFlightBatchesMax: 1 },
  });
  for (const body of bodies(200)) await accept(body);
  t.strictSame(did, { finish: 1, discard: 3, counted: 200 });
  gate.resolve();
  await stop();
  t.strictSame(rows(), { x: 200 });
  t.strictSame(did, { finish: 4, discard: 3, counted: 200 }, 'three were decoded again');
});

t.test('the builder that decodes again is given back when the backlog is over', async (t) => {
  const clock = manualClock();
  const journal = await open(temporaryDir(t));
  let builders = 0;
  const createBuilder = () => ((builders += 1), builder());
  const store = { ...journal, stored: () => {} };
  const sender = senderOf(store, { clock, createBuilder });
  const decodeAgain = async (name: string) => {
    sender.add(openRange('traces', name), name, undefined);
    await sender.idle();
  };
  await decodeAgain('a');
  await clock.advance(29_999);
  await decodeAgain('b');
  await clock.advance(29_999);
  await decodeAgain('c');
  t.equal(builders, 1, 'kept while it may be needed again');
  await clock.advance(30_000);
  await decodeAgain('d');
  t.equal(builders, 2);
  sender.stop();
  await journal.close();
});

t.test('batches are late that are not stored after ten seconds', async (t) => {
  const clock = manualClock();
  const journal = await open(temporaryDir(t));
  const answers = Array.from({ length: 2 }, () => Promise.withResolvers<void>());
  let sent = 0;
  const insert = () => answers[sent++]?.promise ?? Promise.resolve();
  const sender = senderOf({ ...journal, stored: () => {} }, { clock, insert });
  for (const name of ['a', 'b']) {
    const block = { table: 'x', rows: 6, bytes: 6, segments: [] };
    sender.add(openRange('traces', name), name, sender.hold([block], name));
  }
  await clock.advance(10_000);
  t.equal(sender.late(), 0);
  await clock.advance(1);
  t.equal(sender.late(), 2, 'one on its way, one that waits');
  answers[0]?.resolve();
  await until(async () => sent === 2, 5_000);
  t.equal(sender.late(), 1);
  answers[1]?.resolve();
  await sender.idle();
  t.equal(sender.late(), 0);
  await journal.close();
});

t.test(
  'what an earlier process left is stored under its names, the rest under new ones',
  async (t) => {
    const dir = temporaryDir(t);
    const sent: string[] = [];
    const failing = async (block: NamedBlock) => {
      sent.push(block.name);
      throw new Fault('ERR_INSERT_GAVE_UP', 'away', { remedy: 'retry' });
    };
    const first = await start(dir, { insert: failing, builder, limits: { drainMsMax: 50 } });
    for (const body of bodies(130)) await first.accept(body);
    // Killed, as it were: nothing is drained or closed, and nothing more is written.
    const cut = new Set(sent);
    const second = await start(dir, { builder });
    await second.accept('y');
    await until(() => second.rows()['x'] === 130 && second.rows()['y'] === 1);
    for (const name of cut) t.ok(second.order.includes(name), `${name} again`);
    await second.stop();
    await first.stop();
  },
);

t.test('a compressed body is kept as it came and decoded again', async (t) => {
  const dir = temporaryDir(t);
  const away = async () => {
    throw new Fault('ERR_INSERT_GAVE_UP', 'away', { remedy: 'retry' });
  };
  const first = await start(dir, { insert: away, limits: { drainMsMax: 20 } });
  const body = Buffer.from('x y '.repeat(100).trim());
  const wire = { coding: 'gzip', bytes: gzipSync(body) } as const;
  await first.batcher.accept('json', body, wire);
  await first.batcher.accept('json', body, wire);
  await first.stop();
  const bytes = segmentsIn(dir).reduce((sum, it) => sum + readFileSync(join(dir, it)).length, 0);
  t.ok(bytes < 400, `${bytes} bytes for a body of 399, twice`);
  const second = await start(dir);
  await second.stop();
  t.strictSame(second.rows(), { x: 100, y: 100 });
});

t.test('a batch that ClickHouse refuses is set aside when others pass', async (t) => {
  const dir = temporaryDir(t);
  const insert = async (block: NamedBlock) => {
    if (block.table === 'odd') {
      throw new Fault('ERR_INSERT_REFUSED', 'TYPE_MISMATCH: no', { remedy: 'reject' });
    }
  };
  const { accept, rows, notes, stop } = await start(dir, { insert });
  await accept('odd x');
  for (let n = 0; notes.count('batch_set_aside') === 0 && n < 500; n += 1) {
    await accept(`x${' none'.repeat(n + 1)}`);
  }
  await stop();
  t.equal(notes.count('batch_set_aside'), 1);
  t.ok((rows()['x'] ?? 0) > 3, 'others were stored meanwhile');
  const files = readdirSync(join(dir, 'rejected')).toSorted();
  t.equal(files.length, 2, 'the requests and the reason');
  const [segment = '', reason = ''] = files;
  t.ok(readFileSync(join(dir, 'rejected', segment)).includes('odd x'));
  t.match(JSON.parse(readFileSync(join(dir, 'rejected', reason), 'utf8')), {
    signal: 'traces',
    code: 'ERR_INSERT_REFUSED',
    message: /TYPE_MISMATCH/,
  });
  t.strictSame(segmentsIn(dir), [], 'and the journal is empty');
});

t.test('when everything is refused, it is kept until somebody puts it right', async (t) => {
  let wrong = true;
  const insert = async () => {
    if (wrong) throw new Fault('ERR_INSERT_REFUSED', 'AUTHENTICATION_FAILED', { remedy: 'reject' });
  };
  const { accept, rows, notes, stop } = await start(temporaryDir(t), { insert, builder });
  for (const body of bodies(200)) await accept(body);
  await until(() => notes.count('batch_not_stored') > 20);
  t.equal(notes.count('batch_set_aside'), 0);
  wrong = false;
  await stop();
  t.strictSame(rows(), { x: 200 });
});

t.test('of a batch for several tables only what is missing is sent again', async (t) => {
  let failures = 0;
  const tables: string[] = [];
  const insert = async ({ table }: NamedBlock) => {
    tables.push(table);
    if (table === 'sum' && (failures += 1) < 3) {
      throw new Fault('ERR_INSERT_GAVE_UP', 'slow', { remedy: 'retry' });
    }
  };
  const { accept, rows, stop } = await start(temporaryDir(t), { insert });
  await accept('gauge sum');
  await stop();
  t.strictSame(tables, ['gauge', 'sum', 'sum', 'sum']);
  t.strictSame(rows(), { gauge: 1, sum: 1 });
});

t.test('blocks that may have been sent before say so, and only these', async (t) => {
  const dir = temporaryDir(t);
  const sent: string[] = [];
  const note = ({ name, table, sentBefore = false }: NamedBlock) =>
    sent.push(`${name} ${table} ${sentBefore ? 'again' : 'first'}`);
  let failures = 0;
  const insert = async (block: NamedBlock) => {
    note(block);
    if (block.table === 'sum' && (failures += 1) > 1) await new Promise(() => {});
    if (block.table === 'sum') throw new Fault('ERR_INSERT_FAILED', 'hung up', { remedy: 'retry' });
  };
  const first = await start(dir, { insert, limits: { drainMsMax: 500 } });
  await first.accept('gauge sum');
  await first.batcher.drain();
  await first.journal.close();
  const [name = ''] = first.order;
  t.strictSame(sent.splice(0), [`${name} gauge first`, `${name} sum first`, `${name} sum again`]);
  const second = await start(dir, { insert: async (block) => void note(block) });
  await until(() => second.rows()['sum'] === 1);
  await second.accept('sum');
  await second.stop();
  t.strictSame(sent, [
    `${name} gauge again`,
    `${name} sum again`,
    `${second.order.at(-1)} sum first`,
  ]);
});

t.test('drain gives up in time and leaves the rest for the next start', async (t) => {
  const dir = temporaryDir(t);
  const never = new Promise<void>(() => {});
  const first = await start(dir, { insert: () => never, limits: { drainMsMax: 30 } });
  await first.accept('x');
  await Promise.all([first.batcher.drain(), first.batcher.drain()]);
  t.equal(first.notes.count('batches_left_in_journal'), 1);
  await first.journal.close();
  const second = await start(dir);
  await second.stop();
  t.strictSame(second.rows(), { x: 1 });
});

t.test('a request that an earlier version decoded and this one cannot is kept aside', async (t) => {
  const dir = temporaryDir(t);
  const away = async () => {
    throw new Fault('ERR_INSERT_GAVE_UP', 'away', { remedy: 'retry' });
  };
  const first = await start(dir, { insert: away, limits: { drainMsMax: 20 } });
  for (const body of ['x', 'y', 'z']) await first.accept(body);
  await first.stop();
  const picky = () => {
    const it = smallBuilder();
    return {
      ...it,
      append: (encoding: 'json' | 'protobuf', body: Uint8Array) =>
        it.append(encoding, Buffer.from(body.toString().replace('y', 'bad'))),
    };
  };
  const second = await start(dir, { builder: picky });
  await second.stop();
  t.strictSame(second.rows(), { x: 1, z: 1 });
  t.equal(second.notes.count('journal_request_undecodable'), 1);
  t.equal(readdirSync(join(dir, 'rejected')).length, 2);
});

const skip = mountSmallDisk(t, 16) ? false : 'mounting is not allowed here';

t.test(
  'refused for want of disk, a request is stored only when it comes again',
  { skip },
  async (t: Test) => {
    const disk = mountSmallDisk(t, 96);
    if (!disk) throw new Error('not mounted');
    let away = true;
    const insert = async () => {
      if (away) throw new Fault('ERR_INSERT_GAVE_UP', 'away', { remedy: 'retry' });
    };
    const { accept, rows, stop } = await start(disk.dir, {
      insert,
      builder,
      limits: { rowsMax: 30 },
    });
    const all = bodies(1_200);
    const send = async (some: readonly string[]): Promise<readonly string[]> => {
      const outcomes = await Promise.allSettled(some.map(accept));
      for (const it of outcomes) {
        if (it.status === 'rejected' && it.reason.remedy !== 'retry') t.error(it.reason);
      }
      return some.filter((_, n) => outcomes[n]?.status === 'rejected');
    };
    let open: readonly string[] = await send(all);
    // Groups that fail when some of their requests are in columns already.
    open = await send(open);
    t.ok(open.length > 0, `${open.length} of ${all.length} refused`);
    away = false;
    await until(async () => {
      open = await send(open);
      return open.length === 0;
    });
    await stop();
    t.strictSame(rows(), { x: 1_200 });
  },
);

t.test(
  'a batch that is cut while the disk takes nothing keeps its name over a crash',
  { skip },
  async (t: Test) => {
    const disk = mountThinDisk(t, 2_048);
    if (!disk) return t.comment('no loop device here');
    const sent: string[] = [];
    const insert = async ({ name }: NamedBlock) => {
      sent.push(name);
      throw new Fault('ERR_INSERT_GAVE_UP', 'the answer got lost', { remedy: 'retry' });
    };
    const hour = 3_600_000;
    const patient = { rowsMax: 1_000, lingerMs: hour, ageMsMax: hour, drainMsMax: 1_500 };
    // It never notices that there is room again: it is as good as dead.
    const first = await start(disk.dir, { insert, builder, limits: patient, probeEveryMs: hour });
    let taken = 0;
    const takeAll = async (): Promise<unknown> => {
      for (; taken < 1_000; taken += 1) await first.accept(`x${' none'.repeat(4_000)} ${taken}`);
      return undefined;
    };
    t.match(await takeAll().catch((error: unknown) => error), { remedy: 'retry' });
    t.ok(taken > 10, `${taken} requests were taken`);
    t.strictSame(sent, []);
    await first.batcher.drain();
    t.equal(new Set(sent).size, 1);
    disk.grow();
    const second = await start(disk.dir, { builder });
    await second.stop();
    t.strictSame(second.order, [...new Set(sent)]);
    t.strictSame(second.rows(), { x: taken });
    await first.journal.close();
  },
);

t.test(
  'after a crash the points stand as they were acknowledged, also those left out',
  async (t) => {
    const dir = temporaryDir(t);
    const series = shareSeries({ perMetric: 30, perService: 1_000, total: 1_000 });
    const nowMs = () => Date.UTC(2026, 10, 20);
    const body = (from: number, to: number): Uint8Array =>
      Buffer.from(
        JSON.stringify({
          resourceMetrics: [
            {
              scopeMetrics: [
                {
                  metrics: [
                    {
                      name: 'm',
                      gauge: {
                        dataPoints: Array.from({ length: to - from }, (_, index) => ({
                          timeUnixNano: '1760000000000000000',
                          asDouble: from + index,
                          attributes: [{ key: 'user', value: { stringValue: `u${from + index}` } }],
                        })),
                      },
                    },
                  ],
                },
              ],
            },
          ],
        }),
      );
    const never = new Promise<void>(() => {});
    let builders = 0;
    const before = await start(dir, {
      limits: { drainMsMax: 1 },
      insert: () => never,
      // As in the daemon: limits are for what comes, not for what is decoded again.
      builder: () =>
        createColumnBuilder('metrics', {
          nowMs,
          series: (builders += 1) === 1 ? series : undefined,
        }),
      signal: 'metrics',
    });
    const first = await before.batcher.accept('json', body(0, 25));
    const second = await before.batcher.accept('json', body(20, 90));
    t.match(
      [first, second],
      [
        { accepted: 25, rejected: 0 },
        { accepted: 10, rejected: 60 },
      ],
    );
    t.notOk('leftOut' in second, 'which they are is nobody else’s business');
    await before.stop();

    const after = await start(dir, {
      builder: () => createColumnBuilder('metrics', { nowMs }),
      signal: 'metrics',
    });
    await until(() => after.rows()['otel_metrics_gauge'] !== undefined);
    await after.stop();
    t.strictSame(after.rows(), { otel_metrics_gauge: 35 }, 'accepted, and nothing else');
  },
);
