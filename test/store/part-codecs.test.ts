import t from 'tap';
import { migrate } from '../../src/store/migrate.ts';
import { codecMacro, codecSetting, partCodecStatements } from '../../src/store/part-codecs.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 20_000;
const placement = { database: 'otel' };
const bySize = new Set([codecSetting, codecMacro.name]);
const lookups = (settings: string) => [
  { table: 'otel_traces_trace_id_ts', engine: `MergeTree ORDER BY a SETTINGS ${settings}` },
];

t.test('a server that chooses codecs by size is left to it, once', async (t) => {
  t.strictSame(partCodecStatements(lookups('b = 1'), bySize, placement), [
    'ALTER TABLE `otel`.`otel_traces_trace_id_ts` MODIFY COLUMN `TraceId` CODEC(Default), MODIFY COLUMN `Start` CODEC(Default), MODIFY COLUMN `End` CODEC(Default)',
    "ALTER TABLE `otel`.`otel_traces_trace_id_ts` MODIFY SETTING default_compression_codec = ''",
  ]);
  t.strictSame(partCodecStatements(lookups(`${codecSetting} = ''`), bySize, placement), []);
});

t.test('codecs that a migration names are left to the server again', async (t) => {
  const ran = [
    'ALTER TABLE `otel`.`otel_traces_trace_id_ts` MODIFY COLUMN End CODEC(ZSTD(9))',
    'ALTER TABLE `otel`.`otel_traces` MODIFY COLUMN TraceId CODEC(ZSTD(9))',
  ];
  const count = (it: readonly string[]) =>
    partCodecStatements(lookups(`${codecSetting} = ''`), bySize, placement, it).length;
  t.equal(count(ran), 2);
  t.equal(count(ran.slice(1)), 0);
});

t.test('on another server columns keep their codecs, or all get one', async (t) => {
  const known = new Set([codecSetting]);
  t.strictSame(partCodecStatements(lookups('b = 1'), known, placement), []);
  t.strictSame(partCodecStatements(lookups(`${codecSetting} = ''`), known, placement), [
    "ALTER TABLE `otel`.`otel_traces_trace_id_ts` MODIFY SETTING default_compression_codec = 'ZSTD(1)'",
  ]);
  t.strictSame(partCodecStatements(lookups(`${codecSetting} = 'ZSTD(1)'`), known, placement), []);
});

t.test('a server too old to be brought back stays as it is', async (t) => {
  const known = new Set([codecMacro.name]);
  t.strictSame(partCodecStatements(lookups('b = 1'), known, placement), []);
});

t.test('on a cluster every node is told', async (t) => {
  const found = lookups('b = 1').map((it) => ({ ...it, table: `${it.table}_local` }));
  t.match(partCodecStatements(found, bySize, { ...placement, cluster: 'main' }), [
    /^ALTER TABLE `otel`.`otel_traces_trace_id_ts_local` ON CLUSTER `main` MODIFY COLUMN/,
    /^ALTER TABLE `otel`.`otel_traces_trace_id_ts_local` ON CLUSTER `main` MODIFY SETTING/,
  ]);
});

const insertSpans = `INSERT INTO otel.otel_traces (Timestamp, TraceId, SpanAttributes)
  SELECT now(), lower(hex(MD5(toString(rand64())))), map('text', toString(rand64())) FROM numbers(60_000)
  SETTINGS min_insert_block_size_bytes = 0, max_block_size = 100_000`;

const partsOf = `SELECT DISTINCT table, default_compression_codec AS codec FROM system.parts
  WHERE database = 'otel' AND table IN ('otel_traces', 'otel_traces_trace_id_ts') AND active ORDER BY table`;

/** Columns of their own codec: one that a migration adds must be named in part-codecs.ts as well. */
const ownCodecs = `SELECT table, name FROM system.columns
  WHERE database = 'otel' AND table IN ('otel_traces', 'otel_traces_trace_id_ts')
    AND default_kind != 'ALIAS' AND compression_codec NOT LIKE '%Default)' ORDER BY table, name`;

t.test('the embedded engine writes LZ4 for an insert and ZSTD for what is merged', async (t) => {
  const store = openStore(t, await startClickHouse(t));
  await migrate(store, migrateOptions);
  t.strictSame(await store.inspect(ownCodecs, { timeoutMs }), []);
  await store.command('SYSTEM STOP MERGES');
  for (let block = 0; block < 2; block += 1) await store.command(insertSpans);
  t.strictSame(await store.inspect(partsOf, { timeoutMs }), [
    { table: 'otel_traces', codec: 'LZ4' },
    { table: 'otel_traces_trace_id_ts', codec: 'LZ4' },
  ]);
  await store.command('SYSTEM START MERGES');
  for (const table of ['otel_traces', 'otel_traces_trace_id_ts']) {
    await store.command(`OPTIMIZE TABLE otel.${table} FINAL`);
  }
  t.strictSame(await store.inspect(partsOf, { timeoutMs }), [
    { table: 'otel_traces', codec: 'ZSTD(1)' },
    { table: 'otel_traces_trace_id_ts', codec: 'ZSTD(1)' },
  ]);
  t.strictSame((await migrate(store, migrateOptions)).statements, []);
});

t.test('tables that come from such an engine are ZSTD on a server that is none', async (t) => {
  const configOf = () => `<macros><${codecMacro.name} remove="1"/></macros>`;
  const store = openStore(t, await startClickHouse(t, { configOf }));
  await migrate(store, migrateOptions);
  t.match(await store.inspect(ownCodecs, { timeoutMs }), [{ name: 'AdjustedCount' }]);
  const found = ['otel_traces', 'otel_traces_trace_id_ts'].map((table) => ({ table, engine: '' }));
  for (const sql of partCodecStatements(found, bySize, placement)) await store.command(sql);
  await migrate(store, migrateOptions);
  await store.command(insertSpans);
  t.strictSame(await store.inspect(partsOf, { timeoutMs }), [
    { table: 'otel_traces', codec: 'ZSTD(1)' },
    { table: 'otel_traces_trace_id_ts', codec: 'ZSTD(1)' },
  ]);
});
