import { join } from 'node:path';
import t from 'tap';
import type { RetentionMs } from '../../src/model/retention.ts';
import type { Store } from '../../src/store/client.ts';
import { applyRetention, migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { until } from '../support/until.ts';
import { migrateOptions as anyOptions, openStore, retention } from './open-store.ts';

const timeoutMs = 10_000;
const dayMs = 86_400_000;
const waitMsMax = 60_000;
const migrateOptions = { ...anyOptions, retention };

/** Rows of one table by a moment so long ago, each insert a part of its own. */
const insertOld = (store: Store, table: string, column: string, secondsAgo: number, more = '') =>
  store.command(
    `INSERT INTO otel.${table} (${column}${more === '' ? '' : ', ServiceName'}) ` +
      `SETTINGS async_insert = 0, insert_deduplicate = 0 ` +
      `SELECT now() - ${secondsAgo}${more === '' ? '' : `, arrayJoin([${more}])`}`,
  );

interface Aging {
  readonly table: string;
  readonly column: string;
  readonly month: boolean;
  readonly keptS: number;
}

/** Every table with a retention, as the engine has it. */
const agingTables = async (store: Store): Promise<readonly Aging[]> => {
  const rows = await store.inspect<{ table: string; partition: string; engine: string }>(
    'SELECT name AS table, partition_key AS partition, engine_full AS engine FROM system.tables ' +
      "WHERE database = 'otel' AND engine_full LIKE '% TTL %' ORDER BY name",
    { timeoutMs },
  );
  return rows.map(({ table, partition, engine }) => ({
    table,
    column: /\((\w+)/.exec(partition)?.[1] ?? '',
    month: partition.startsWith('toYYYYMM') || partition.startsWith('toStartOfMonth'),
    keptS: Number(/ TTL .*toIntervalDay\((\d+)\)/.exec(engine)?.[1]) * 86_400,
  }));
};

t.test('retention on a real engine with two volumes', async (t) => {
  const engine = await startClickHouse(t, {
    configOf: (dataDir) =>
      `<storage_configuration><disks><slow><path>${join(dataDir, 'slow')}/</path></slow></disks>` +
      '<policies><tiered><volumes><default><disk>default</disk></default>' +
      '<cold><disk>slow</disk></cold></volumes></tiered></policies></storage_configuration>',
  });
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);
  const ages = async (table: string, column: string) => {
    const rows = await store.query<{ day: number }>(
      `SELECT DISTINCT toInt32(floor(dateDiff('second', toDateTime(${column}), now()) / 86400)) AS day FROM ${table} ORDER BY day`,
      { timeoutMs },
    );
    return rows.map((it) => it.day);
  };

  t.test('every tier drops what is a partition past its age and keeps what is not', async (t) => {
    const tables = await agingTables(store);
    t.ok(tables.length >= 12);
    for (const { table, column, month, keptS } of tables) {
      await insertOld(store, table, column, keptS - 86_400);
      await insertOld(store, table, column, keptS + (month ? 32 : 2) * 86_400);
    }
    for (const { table, column, month, keptS } of tables) {
      const [young, old] = [keptS / 86_400 - 1, keptS / 86_400 + (month ? 32 : 2)];
      await until(async () => !(await ages(table, column)).includes(old), waitMsMax);
      t.ok((await ages(table, column)).includes(young), `${table} keeps ${young} days`);
    }
    for (const { table } of tables) await store.command(`TRUNCATE TABLE otel.${table}`);
  });

  t.test('a row is there until the second it is due', async (t) => {
    const dueInS = 6;
    await insertOld(store, 'otel_logs', 'Timestamp', (30 * dayMs) / 1_000 - dueInS);
    const look = async () => {
      const [row] = await store.query<{ now: number; rows: number; due: number }>(
        `SELECT toUInt32(now()) AS now, toUInt32(count()) AS rows, toUInt32(max(TimestampTime)) + ${30 * 86_400} AS due FROM otel_logs`,
        { timeoutMs },
      );
      return row ?? { now: 0, rows: 0, due: 0 };
    };
    const { due, rows } = await look();
    t.equal(rows, 1);
    for (;;) {
      const seen = await look();
      if (seen.rows > 0 && seen.now < due + waitMsMax / 1_000) continue;
      t.ok(seen.now >= due, `gone at ${seen.now - due} s`);
      t.equal(seen.rows, 0);
      break;
    }
  });

  t.test('spans go at the age of raw data and stay in every tier', async (t) => {
    for (const daysAgo of [2, 20, 20]) {
      await insertOld(store, 'otel_traces', 'Timestamp', daysAgo * 86_400, "'a', 'b'");
    }
    const requests = () =>
      store.query<Record<string, number>>(
        `SELECT (SELECT toUInt32(count()) FROM otel_traces) AS raw, ${['1m', '1h', '1d']
          .map((it) => `(SELECT toUInt32(sum(Requests)) FROM span_rollup_${it}) AS tier_${it}`)
          .join(', ')}`,
        { timeoutMs },
      );
    await until(async () => (await requests())[0]?.['raw'] === 2, waitMsMax);
    t.strictSame(await requests(), [{ raw: 2, tier_1m: 6, tier_1h: 6, tier_1d: 6 }]);
    for (const { table } of await agingTables(store)) {
      await store.command(`TRUNCATE TABLE otel.${table}`);
    }
  });

  t.test('a part with one row that is not due stays whole, and is not written anew', async (t) => {
    // Of one day, so of one part: two seconds due, and half an hour (or the rest of the day) to go.
    const dueS = (30 * dayMs) / 1_000;
    await store.command(
      'INSERT INTO otel.otel_logs (Timestamp, Body) SETTINGS async_insert = 0, insert_deduplicate = 0 ' +
        `SELECT greatest(now() - ${dueS + 2}, toStartOfDay(now() - ${dueS})), 'due' UNION ALL ` +
        `SELECT least(now() - ${dueS} + 1800, toStartOfDay(now() - ${dueS}) + 86399), 'not yet'`,
    );
    await insertOld(store, 'otel_logs', 'Timestamp', dueS + 2 * 86_400);
    const parts = () =>
      store.inspect<{ rows: number; level: number }>(
        'SELECT toUInt32(rows) AS rows, toUInt32(level) AS level FROM system.parts ' +
          "WHERE database = 'otel' AND table = 'otel_logs' AND active AND rows > 0",
        { timeoutMs },
      );
    await until(async () => (await parts()).length === 1, waitMsMax);
    t.strictSame(await parts(), [{ rows: 2, level: 0 }]);
    await store.command('TRUNCATE TABLE otel.otel_logs');
  });

  const services = "'short', 'usual', 'long-1'";
  const overridden: RetentionMs = {
    ...retention,
    overrides: [
      override({ services: ['short'], metrics: [] }, { traces: dayMs, metrics: 2 * dayMs }),
      override({ services: [], metrics: ['jvm.*'] }, { metrics: dayMs }),
      override({ services: ['long-?', "it's (a) \\"], metrics: [] }, { traces: 60 * dayMs }),
    ],
  };
  /** The engine waits 4 hours between two such merges of one partition. */
  const hurry = (table: string) =>
    store.command(`ALTER TABLE otel.${table} MODIFY SETTING merge_with_ttl_timeout = 0`);

  t.test('services and metrics with a retention of their own keep to it, row by row', async (t) => {
    const ran = await applyRetention(store, overridden, migrateOptions);
    t.ok(ran.includes('ALTER TABLE `otel`.`otel_traces` MODIFY SETTING ttl_only_drop_parts = 0'));
    t.strictSame(
      await applyRetention(store, overridden, migrateOptions),
      [],
      'nothing the second time',
    );
    await hurry('otel_traces');
    await hurry('otel_metrics_gauge');
    for (const days of [0, 3, 16, 62]) {
      await insertOld(store, 'otel_traces', 'Timestamp', days * 86_400, services);
    }
    await store.command(
      'INSERT INTO otel.otel_metrics_gauge (TimeUnix, ServiceName, MetricName) ' +
        "SELECT now() - 3 * 86400 + number * 0, arrayJoin(['short', 'usual']), arrayJoin(['jvm.memory', 'http']) FROM numbers(1)",
    );
    const kept = async () =>
      store.query(
        "SELECT toUInt32(dateDiff('day', toDate(Timestamp), today())) AS day, arraySort(groupUniqArray(ServiceName)) AS services FROM otel_traces GROUP BY day ORDER BY day",
        { timeoutMs },
      );
    const expected = [
      { day: 0, services: ['long-1', 'short', 'usual'] },
      { day: 3, services: ['long-1', 'usual'] },
      { day: 16, services: ['long-1'] },
    ];
    await until(async () => JSON.stringify(await kept()) === JSON.stringify(expected), waitMsMax);
    const metrics = () =>
      store.query('SELECT ServiceName AS service, MetricName AS metric FROM otel_metrics_gauge', {
        timeoutMs,
      });
    await until(async () => (await metrics()).length === 1, waitMsMax);
    t.strictSame(await metrics(), [{ service: 'usual', metric: 'http' }]);
    t.strictSame(await kept(), expected, 'and nothing more');
  });

  t.test('without overrides parts are dropped whole again', async (t) => {
    const ran = await applyRetention(store, retention, migrateOptions);
    t.ok(ran.includes('ALTER TABLE `otel`.`otel_traces` MODIFY SETTING ttl_only_drop_parts = 1'));
    await until(async () => !(await ages('otel_traces', 'Timestamp')).includes(16), waitMsMax);
    t.strictSame(await ages('otel_traces', 'Timestamp'), [0, 3]);
  });

  t.test('old days move to the cold volume of a policy that comes later', async (t) => {
    const cold = { ...retention, cold: { afterMs: 5 * dayMs, volume: 'cold' } };
    const tiered = { ...migrateOptions, storagePolicy: 'tiered', retention: cold };
    const { statements } = await migrate(store, tiered);
    t.ok(
      statements.includes(
        "ALTER TABLE `otel`.`otel_traces` MODIFY SETTING storage_policy = 'tiered'",
      ),
    );
    t.strictSame((await migrate(store, tiered)).statements, []);
    await insertOld(store, 'otel_traces', 'Timestamp', 6 * 86_400, services);
    await insertOld(store, 'otel_traces', 'Timestamp', 16 * 86_400, services);
    const disks = () =>
      store.inspect(
        "SELECT toUInt32(dateDiff('day', toDate(partition), today())) AS day, any(disk_name) AS disk FROM system.parts WHERE database = 'otel' AND table = 'otel_traces' AND active AND rows > 0 GROUP BY day ORDER BY day",
        { timeoutMs },
      );
    const expected = [
      { day: 0, disk: 'default' },
      { day: 3, disk: 'default' },
      { day: 6, disk: 'slow' },
    ];
    await until(async () => JSON.stringify(await disks()) === JSON.stringify(expected), waitMsMax);
    t.strictSame(await ages('otel_traces', 'Timestamp'), [0, 3, 6], 'and are read as before');
  });
});

const override = (
  which: { readonly services: readonly string[]; readonly metrics: readonly string[] },
  kept: { readonly traces?: number; readonly metrics?: number },
) => ({
  ...which,
  keptMs: {
    traces: { raw: kept.traces, summaries: undefined },
    metrics: { raw: kept.metrics, '1m': undefined, '1h': undefined, '1d': undefined },
    spans: { '1m': undefined, '1h': undefined, '1d': undefined },
    logs: undefined,
    alerts: undefined,
    audit: undefined,
  },
});
