import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { createJournaledBatcher } from '../../src/batch/journaled-batcher.ts';
import { createSetAside } from '../../src/batch/set-aside.ts';
import { createColumnBuilder } from '../../src/decode/builder.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { createMetrics } from '../../src/lib/telemetry-metrics.ts';
import type { ColumnBuilder, InsertBlock } from '../../src/model/block.ts';
import type { Signal } from '../../src/model/ingest.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { until } from '../support/until.ts';
import { notingLog, open, temporaryDir } from './journal/open-journal.ts';
import { metricRequest } from './journal/requests.ts';
import { smallBuilder } from './small-builder.ts';

interface Setting {
  readonly signal?: Signal;
  readonly builder?: () => ColumnBuilder;
  readonly insert: InsertBlock;
  readonly rejectedBytesMax?: number;
  /** Waits for this many rows, however long it takes, so that requests meet in a batch. */
  readonly batchRows?: number;
}

/** The journal of one worker below a data directory, and a batcher that gives up soon. */
const start = async (dataDir: string, setting: Setting) => {
  const dir = join(dataDir, 'journal', '0');
  const notes = notingLog();
  const limits = { segmentBytesMax: 4_096, rejectedBytesMax: setting.rejectedBytesMax ?? 1e6 };
  const journal = await open(dir, { log: notes.log, limits });
  const { signal = 'traces', builder = () => smallBuilder(), insert, batchRows } = setting;
  const soon = { lingerMs: 2, spacingMs: 2, ageMsMax: 10 };
  const whenMet = { lingerMs: 600_000, ageMsMax: 600_000, rowsMax: batchRows ?? 0 };
  let names = 0;
  const batcher = createJournaledBatcher({
    ...{ signal, journal, insert, createBuilder: builder, log: notes.log, meter: noopMeter },
    ...{ clock: systemClock, random: () => 0.5, names: () => `${signal}-${(names += 1)}` },
    decompress: async (_coding, bytes) => gunzipSync(bytes),
    limits: {
      ...(batchRows === undefined ? soon : whenMet),
      ...{ firstMs: 1, maxMs: 2, drainMsMax: 1_000, refusalsAloneMax: 3 },
    },
  });
  const stop = async (): Promise<void> => {
    await batcher.drain();
    await journal.close();
  };
  const accept = (text: string | Buffer) => batcher.accept('json', Buffer.from(text));
  return { dir, notes, journal, accept, stop };
};

const boxOf = (t: Test, dataDir: string, setting: Setting) => {
  const metrics = createMetrics({});
  const { insert, builder = () => smallBuilder() } = setting;
  const box = createSetAside({
    ...{ dataDir, journals: 'journal', insert, createBuilder: builder },
    ...{ clock: systemClock, log: silentLog, meter: metrics.meter },
    decompress: async (_coding, bytes) => gunzipSync(bytes),
  });
  t.teardown(box.stop);
  return { ...box, metricsText: metrics.prometheusText };
};

const refuse = async () => {
  throw new Fault('ERR_INSERT_REFUSED', 'TYPE_MISMATCH: no', { remedy: 'reject' });
};

t.test('what was refused is listed with what is known, and stored when it can be', async (t) => {
  const dataDir = temporaryDir(t);
  const tables: string[] = [];
  let wrong = true;
  const insert: InsertBlock = async ({ table, name }) => {
    if (wrong && table === 'sum') await refuse();
    tables.push(`${name} ${table}`);
  };
  const { accept, stop, notes } = await start(dataDir, { insert, batchRows: 5 });
  await Promise.all([accept('gauge sum'), accept('sum sum gauge')]);
  await until(() => notes.count('batch_set_aside') === 1);
  await stop();
  t.strictSame(tables, ['traces-1 gauge']);

  const box = boxOf(t, dataDir, { insert });
  const [item] = await box.list();
  t.match(item, {
    ...{ kind: 'batch', signal: 'traces', requests: 2, items: 5, retryable: true },
    ...{ code: 'ERR_INSERT_REFUSED', reason: 'TYPE_MISMATCH: no' },
    file: 'journal/0/rejected/traces-1.segment',
  });
  t.ok(item && Math.abs(item.atMs - Date.now()) < 60_000 && item.bytes > 150);
  t.match(await box.metricsText(), /tocsin_journal_aside_items_held\{[^}]*kind="batch"[^}]*\} 5\n/);

  const id = item?.id ?? '';
  await t.rejects(box.retry(id), { code: 'ERR_SET_ASIDE_REFUSED', remedy: 'reject' });
  t.strictSame((await box.list()).length, 1, 'kept until it is stored');
  wrong = false;
  t.strictSame(await Promise.all([box.retry(id), box.retry(id)]), [true, false]);
  t.strictSame(tables, ['traces-1 gauge', 'traces-1 sum'], 'only what is missing, under its name');
  t.strictSame(await box.list(), []);
  t.strictSame(readdirSync(join(dataDir, 'journal', '0', 'rejected')), []);
});

t.test('what decodes into other blocks than it did is stored whole', async (t) => {
  const dataDir = temporaryDir(t);
  const { dir, accept, stop, notes } = await start(dataDir, { insert: refuse });
  await accept('gauge sum');
  await until(() => notes.count('batch_set_aside') === 1);
  await stop();
  const label = join(dir, `${aside(dataDir)[0]}.json`);
  writeFileSync(label, readFileSync(label, 'utf8').replace('"table":"sum"', '"table":"totals"'));
  const stored: string[] = [];
  const box = boxOf(t, dataDir, { insert: async ({ table }) => void stored.push(table) });
  t.equal(await box.retry((await box.list())[0]?.id ?? ''), true);
  t.strictSame(stored, ['gauge', 'sum']);
});

t.test('a request that no decoder reads is stored when one does', async (t) => {
  const dataDir = temporaryDir(t);
  const away = async () => {
    throw new Fault('ERR_INSERT_GAVE_UP', 'away', { remedy: 'retry' });
  };
  const first = await start(dataDir, { insert: away });
  for (const body of ['x', 'y', 'z']) await first.accept(body);
  // Left behind as by a crash: the next process decodes it all again.
  const picky = () => {
    const it = smallBuilder();
    return {
      ...it,
      append: (encoding: 'json' | 'protobuf', body: Uint8Array) =>
        it.append(encoding, Buffer.from(body.toString().replace('y', 'bad'))),
    };
  };
  const stored: string[] = [];
  const insert: InsertBlock = async ({ table }) => void stored.push(table);
  const second = await start(dataDir, { insert, builder: picky });
  await until(() => stored.length === 2);
  await second.stop();
  const blind = boxOf(t, dataDir, { insert, builder: picky });
  const [item] = await blind.list();
  t.match(item, { kind: 'request', requests: 1, items: 1, code: 'ERR_OTLP_MALFORMED' });
  await t.rejects(blind.retry(item?.id ?? ''), { code: 'ERR_SET_ASIDE_REFUSED' });
  t.equal(await boxOf(t, dataDir, { insert }).retry(item?.id ?? ''), true);
  t.strictSame(stored.toSorted(), ['x', 'y', 'z']);
  await first.stop();
});

t.test('dropped is gone for good, and what is not there is told so', async (t) => {
  const dataDir = temporaryDir(t);
  const { accept, stop, notes } = await start(dataDir, { insert: refuse });
  await accept('x');
  await until(() => notes.count('batch_set_aside') === 1);
  await stop();
  const box = boxOf(t, dataDir, { insert: refuse });
  const [item] = await box.list();
  t.equal(await box.drop(item?.id ?? ''), true);
  t.equal(await box.drop(item?.id ?? ''), false);
  t.equal(await box.retry(item?.id ?? ''), false);
  t.strictSame(await boxOf(t, temporaryDir(t), { insert: refuse }).list(), []);
});

t.test('without room a batch stays in the journal until somebody made some', async (t) => {
  const dataDir = temporaryDir(t);
  let wrong = true;
  const stored: string[] = [];
  const insert: InsertBlock = async ({ name }) => {
    if (wrong) await refuse();
    stored.push(name);
  };
  const first = await start(dataDir, { insert, rejectedBytesMax: 700 });
  for (const body of ['x', 'y', 'z'].map((it) => `${it}${' none'.repeat(60)}`)) {
    await first.accept(body);
    await until(() => first.notes.count('batch_not_set_aside') + aside(dataDir).length > 0);
  }
  await until(() => first.notes.count('batch_not_set_aside') > 2);
  const kept = aside(dataDir);
  t.equal(kept.length, 1, 'the first one found room');
  wrong = false;
  await first.stop();
  t.equal(stored.length, 2, 'the others were never given up');
  t.strictSame(aside(dataDir), kept, 'and nothing is removed');
});

const aside = (dataDir: string): readonly string[] => {
  const names = readdirSync(join(dataDir, 'journal', '0'), { recursive: true }).map(String);
  return names.filter((it) => it.startsWith('rejected') && it.endsWith('.segment'));
};

t.test(
  'damage is listed with its places; of a damaged file what is readable is stored',
  async (t) => {
    const dataDir = temporaryDir(t);
    const { dir, accept, stop, notes } = await start(dataDir, { insert: refuse, batchRows: 3 });
    await Promise.all([accept('x none'), accept('y none'), accept('z none')]);
    await until(() => notes.count('batch_set_aside') === 1);
    await stop();
    const [place = ''] = aside(dataDir);
    const path = join(dir, place);
    const bytes = readFileSync(path);
    bytes.write('Y', bytes.indexOf('y none'));
    writeFileSync(path, bytes);
    mkdirSync(join(dir, 'damaged'));
    copyFileSync(path, join(dir, 'damaged', '000000000007.segment'));
    const damages = [{ offset: 64, bytes: 100 }];
    writeFileSync(join(dir, 'damaged', '000000000007.segment.json'), JSON.stringify({ damages }));

    const stored: string[] = [];
    const box = boxOf(t, dataDir, { insert: async ({ table }) => void stored.push(table) });
    const items = await box.list();
    const damage = items.find((it) => it.kind === 'damage');
    t.match(damage, { retryable: false, reason: 'cannot be trusted: 100 bytes at 64' });
    await t.rejects(box.retry(damage?.id ?? ''), { code: 'ERR_SET_ASIDE_UNREADABLE' });
    t.equal(await box.retry(items.find((it) => it.kind === 'batch')?.id ?? ''), true);
    t.strictSame(stored, ['x', 'z']);
    t.equal(await box.drop(damage?.id ?? ''), true);
    t.strictSame(await box.list(), []);
  },
);

t.test(
  'ClickHouse keeps one copy, whatever was stored before and however often it is retried',
  { timeout: 90_000 },
  async (t) => {
    const engine = await startClickHouse(t);
    const store = openStore(t, engine);
    await migrate(store, migrateOptions);
    const dataDir = temporaryDir(t);
    // The answer to the second of two blocks gets lost, again and again.
    const insert: InsertBlock = async (block) => {
      await store.insertBlock(block);
      if (block.table === 'otel_metrics_sum') await refuse();
    };
    const setting = { signal: 'metrics', builder: () => createColumnBuilder('metrics') } as const;
    const { dir, accept, stop, notes } = await start(dataDir, { ...setting, insert, batchRows: 4 });
    await Promise.all(['a', 'b'].map((it) => accept(metricRequest(it))));
    await until(() => notes.count('batch_set_aside') === 1);
    await stop();
    const [place = ''] = aside(dataDir);
    const path = join(dir, place);
    const [segment, label] = [readFileSync(path), readFileSync(`${path}.json`)];
    const box = boxOf(t, dataDir, { ...setting, insert: store.insertBlock });
    const id = (await box.list())[0]?.id ?? '';
    t.equal(await box.retry(id), true);
    // As after a crash between storing and removing.
    writeFileSync(path, segment);
    writeFileSync(`${path}.json`, label);
    t.equal(await box.retry(id), true);
    // Of an earlier version: nothing says what is missing.
    writeFileSync(path, segment);
    rmSync(`${path}.json`, { force: true });
    t.match(await box.list(), [{ retryable: true, code: '' }]);
    for (const table of ['otel_metrics_gauge', 'otel_metrics_sum']) {
      t.same(
        await store.query(
          `SELECT MetricName AS name, count() AS n FROM ${table} GROUP BY name ORDER BY name`,
          { timeoutMs: 20_000 },
        ),
        ['a', 'b'].map((name) => ({ name, n: '1' })),
        table,
      );
    }
  },
);
