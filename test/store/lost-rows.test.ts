import { appendFileSync, globSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type EmbeddedClickHouse, startEmbeddedClickHouse } from '../../src/embedded/clickhouse.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { InsertBlock, NamedBlock } from '../../src/model/block.ts';
import type { Store } from '../../src/store/client.ts';
import { createInserter } from '../../src/store/insert.ts';
import { lookForRows, type Session } from '../../src/store/lost-rows.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { engineOptions } from '../support/embedded-options.ts';
import { spanBlock } from '../support/native-block.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 20_000;
const dayMs = 86_400_000;
const noonMs = Date.UTC(2026, 10, 21, 12);

const spans = (prefix: string, count: number, startMs = noonMs) =>
  Array.from({ length: count }, (_, index) => ({
    traceId: `${prefix}${index}`,
    spanId: `${prefix}${index}`,
    service: `service ${index % 3}`,
    startMs: startMs + index,
  }));

const counts = async (store: Store): Promise<Readonly<Record<string, number>>> => {
  const [row = {}] = await store.query<Record<string, number>>(
    `SELECT (SELECT toUInt32(count()) FROM otel_traces) AS spans,
      (SELECT toUInt32(uniqExact(SpanId)) FROM otel_traces) AS ids,
      (SELECT toUInt32(uniqExact(TraceId)) FROM otel_traces_trace_id_ts) AS traces,
      (SELECT toUInt32(sum(Spans)) FROM span_rollup_1m) AS minutes,
      (SELECT toUInt32(sum(Spans)) FROM span_rollup_1d) AS days`,
    { timeoutMs },
  );
  return row;
};

const all = (n: number) => ({ spans: n, ids: n, traces: n, minutes: n, days: n });

interface Setting {
  readonly store: Store;
  /** Stops the engine, takes the newest part of the table's day away, starts it again. */
  readonly losePart: (table: string, day: string) => Promise<Store>;
}

/** The engine as a server that nobody repairs before it starts. */
const setUp = async (t: Test): Promise<Setting> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-lost-'));
  let engine: EmbeddedClickHouse | undefined;
  t.teardown(async () => {
    await engine?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const start = async (): Promise<Store> => {
    engine = await startEmbeddedClickHouse(engineOptions(dataDir));
    return openStore(t, { ...engine, password: engine.password.reveal() });
  };
  const store = await start();
  await migrate(store, migrateOptions);
  return {
    store,
    losePart: async (table, day) => {
      const [part] = await store.inspect<{ path: string }>(
        `SELECT path FROM system.parts WHERE database = 'otel' AND table = {table:String}
          AND partition_id = {day:String} AND active ORDER BY max_block_number DESC LIMIT 1`,
        { parameters: { table, day }, timeoutMs },
      );
      if (!part) throw new Error(`no part of ${table}`);
      await store.close();
      await engine?.stop();
      rmSync(part.path, { recursive: true });
      forgetNothing(join(part.path, '..'));
      return start();
    },
  };
};

/** Records that undo nothing, behind which the start of the embedded engine does not look. */
const forgetNothing = (tableDir: string): void => {
  const [log] = globSync(join(tableDir, 'deduplication_logs', '*_1.txt'));
  if (log === undefined) throw new Error('no log of blocks');
  const records = Array.from({ length: 300 }, (_, it) => `2\tno_${it}_${it}_0\tno_${it}\n`);
  appendFileSync(log, records.join(''));
};

/** The store's own way, after an answer that got lost: the first attempt never reaches the engine. */
const repeat = async (store: Store, block: NamedBlock): Promise<void> => {
  let attempts = 0;
  const insertBlock: InsertBlock = async (sent) => {
    attempts += 1;
    if (attempts === 1) throw new Fault('ERR_INSERT_FAILED', 'hung up', { remedy: 'retry' });
    await store.insertBlock(sent);
  };
  const { clock, random, log, meter } = tools;
  const parts = { store: { insertBlock, insertRows: store.insertRows }, clock, random, log, meter };
  await createInserter(parts).insertBlock(block);
};
const tools = { clock: systemClock, random: () => 0.5, log: silentLog, meter: noopMeter };

t.test('a block whose part was lost behind its token is stored once', async (t) => {
  const { store, losePart } = await setUp(t);
  await store.insertBlock(spanBlock('before', spans('a', 5)));
  const block = spanBlock('lost', [...spans('b', 60), ...spans('c', 40, noonMs - dayMs)]);
  await store.insertBlock(block);
  const after = await losePart('otel_traces', '20261121');
  const lost = { ...all(105), spans: 45, ids: 45 };
  t.strictSame(await counts(after), lost, 'one day of it is gone');
  await after.insertBlock(block);
  t.strictSame(await counts(after), lost, 'the engine takes it for a duplicate');

  await repeat(after, block);
  t.strictSame(
    await counts(after),
    all(105),
    'one day restored, the other and the views left alone',
  );
  await repeat(after, block);
  await after.insertBlock({ ...block, sentBefore: true });
  t.strictSame(await counts(after), all(105), 'and as often as it is sent');
  const helpers = await after.inspect("SELECT name FROM system.tables WHERE name LIKE '%again%'", {
    timeoutMs,
  });
  t.strictSame(helpers, []);
});

t.test('views that were not reached before the kill are filled, once', async (t) => {
  const { store, losePart } = await setUp(t);
  const views = ['otel_traces_trace_id_ts_mv', 'span_rollup_1m_mv'];
  for (const view of views) await store.command(`DETACH TABLE otel.${view}`);
  const block = spanBlock('lost', spans('b', 60));
  await store.insertBlock(block);
  for (const view of views) await store.command(`ATTACH TABLE otel.${view}`);
  const after = await losePart('otel_traces', '20261121');
  await repeat(after, block);
  t.strictSame(await counts(after), all(60));
});

t.test('what a view lost is not restored, but found by the query of the README', async (t) => {
  const { store, losePart } = await setUp(t);
  await store.insertBlock(spanBlock('before', spans('a', 5)));
  const block = spanBlock('lost', spans('b', 60));
  await store.insertBlock(block);
  const after = await losePart('span_rollup_1m', '20261121');
  await repeat(after, block);
  t.strictSame(await counts(after), { ...all(65), minutes: 5 });
  const readme = readFileSync(new URL('../../src/store/README.md', import.meta.url), 'utf8');
  const sql = /```sql\n(SELECT Minute[^`]+)```/.exec(readme)?.[1] ?? '';
  t.strictSame(await after.query(sql.replace('now() - 60', "'2026-11-22'"), { timeoutMs }), [
    { Minute: '2026-11-21 12:00:00', Spans: '65', Rolled: '5' },
  ]);
});

t.test('rows are found again, or restored, in every table that has the hole', async (t) => {
  const store = openStore(t, await startClickHouse(t));
  await migrate(store, migrateOptions);
  const tables = await store.inspect<{ name: string; partition_key: string }>(
    "SELECT name, partition_key FROM system.tables WHERE database = 'otel' AND engine = 'MergeTree'",
    { timeoutMs },
  );
  t.ok(tables.length >= 11, `${tables.length} tables`);
  for (const { name, partition_key } of tables) {
    const count = async (): Promise<number> => {
      const sql = `SELECT toUInt32(count()) AS n FROM ${name}`;
      const [row] = await store.query<{ n: number }>(sql, { timeoutMs });
      return row?.n ?? Number.NaN;
    };
    const time = /\((\w+)\)/.exec(partition_key)?.[1] ?? '';
    const column = time === 'TimestampTime' ? 'Timestamp' : time;
    const rows = [0, 1].map((day) => ({
      [column]: new Date(noonMs - day * 31 * dayMs).toISOString(),
    }));
    await store.insertRows(name, rows, 'token');
    await store.insertRows(name, rows, 'token', true);
    t.equal(await count(), 2, `${name}: nothing is missing`);
    // Rows that are gone behind a token that is known.
    await store.command(
      `ALTER TABLE otel.${name} DELETE WHERE ${time} < '2026-11-01' SETTINGS mutations_sync = 2`,
    );
    await store.insertRows(name, rows, 'token');
    t.equal(await count(), 1, `${name}: taken for a duplicate`);
    await store.insertRows(name, rows, 'token', true);
    t.equal(await count(), 2, `${name}: restored`);
  }
});

/** A session whose table has the rows or not, one look after the other; what it was asked to run. */
const scripted = (looks: readonly (readonly string[])[], refused = false) => {
  const ran: string[] = [];
  const left = [...looks];
  const session: Session = {
    rows: async <Row>(sql: string) => {
      const shape = { engine: 'MergeTree', partition: 'p', sorting: 's', columns: 'c' };
      const rows: readonly unknown[] = sql.includes('system.tables')
        ? [shape]
        : (left.shift() ?? []).map((id) => ({ id }));
      return rows as readonly Row[];
    },
    run: async (sql) => {
      if (refused) throw new Fault('ERR_INSERT_REFUSED', 'not allowed', { remedy: 'reject' });
      ran.push(sql.split(' ').slice(0, 3).join(' '));
    },
    fill: async (table) => {
      ran.push(`fill ${table.replace(/_[0-9a-f]{16}$/, '')}`);
    },
  };
  const look = lookForRows({ log: silentLog, meter: noopMeter });
  const outcome = look({ table: 't', token: 'n' }, session).then(
    () => 'stored',
    (error: unknown) => (error instanceof Fault ? `${error.code} ${error.remedy}` : error),
  );
  return { outcome, ran };
};

t.test('what is done about rows that are looked for', async (t) => {
  const looked = ['CREATE TEMPORARY TABLE', 'fill tocsin_sent'];
  const restored = ['CREATE TABLE `t_again_00', 'fill t_again', 'ALTER TABLE `t_again_00'];
  const done = 'DROP TEMPORARY TABLE';
  const drop = 'DROP TABLE IF';
  const cases: readonly (readonly [
    string,
    readonly (readonly string[])[],
    string,
    readonly string[],
  ])[] = [
    ['there', [[]], 'stored', [...looked, done]],
    ['moved by an attempt before', [['1'], []], 'stored', [...looked, drop, done]],
    ['missing', [['1'], ['1'], []], 'stored', [...looked, drop, ...restored, drop, done]],
    [
      'missing even so',
      [['1'], ['1'], ['1']],
      'ERR_INSERT_LOST retry',
      [...looked, drop, ...restored, drop],
    ],
  ];
  for (const [title, looks, expected, statements] of cases) {
    const { outcome, ran } = scripted(looks);
    t.equal(await outcome, expected, title);
    const short = ran.map((it) => it.replace(/_again_[0-9a-f]{16}`/, '_again_00'));
    t.strictSame(short, statements, title);
  }
  const { outcome } = scripted([], true);
  t.equal(await outcome, 'stored', 'a user who may not look must not stop everything');
});
