import { machineLine, median } from '../measure.ts';
import { type SchemaEngine, withSchemaEngine } from './engine.ts';
import { exporterColumnsOfTraces, exporterTables } from './exporter-tables.ts';
import { row } from './row.ts';
import { spanBlocks } from './spans.ts';

const ours = ['otel_traces', 'otel_traces_trace_id_ts'] as const;

interface Contender {
  readonly name: string;
  readonly database: 'exporter' | 'otel';
  readonly insert: (round: number) => Promise<void>;
}

/** Bytes and insert CPU per span against the exporter's default schema, same rows: issue 4. */
export const compareSchemas = (quick: boolean, print: (line: string) => void): Promise<void> =>
  withSchemaEngine(async (engine) => {
    const [blockCount, rowsPerBlock, rounds] = quick ? [2, 4_096, 1] : [8, 65_536, 7];
    print(machineLine());
    for (const sql of exporterTables) await engine.rows(sql);
    const blocks = spanBlocks(blockCount, rowsPerBlock);
    const spans = blocks.reduce((sum, it) => sum + it.rows, 0);
    const insertOurs = async (round: number) => {
      for (const [index, block] of blocks.entries()) {
        await engine.insertBlock(block, `schema-${round}-${index}`);
      }
    };
    await insertOurs(0);
    const bodies = await exporterBodies(engine, blockCount, rowsPerBlock);
    const contenders: readonly Contender[] = [
      {
        name: "exporter's default schema",
        database: 'exporter',
        insert: async () => {
          for (const body of bodies) await engine.insertNative('exporter.otel_traces', body);
        },
      },
      { name: 'Tocsin, all that is derived included', database: 'otel', insert: insertOurs },
    ];
    const cpu = await insertCosts(engine, contenders, rounds);
    const [theirs = Number.NaN, withAll = Number.NaN] = cpu.map((it) => median(it) / spans);
    for (const [index, { name }] of contenders.entries()) {
      const all = (cpu[index] ?? []).map((it) => it / spans);
      print(
        `insert, ${name.padEnd(38)} ${median(all).toFixed(2)} µs/span (${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)})`,
      );
    }
    const bytes = {
      theirs: await bytesOf(engine, 'exporter'),
      ours: await bytesOf(engine, 'otel'),
    };
    const derived = await derivedBytes(engine);
    print(
      `bytes per span after merges: exporter ${(bytes.theirs / spans).toFixed(1)}, Tocsin ${(bytes.ours / spans).toFixed(1)} and ${(derived / spans).toFixed(1)} in tiers`,
    );
    print('\nrequired | aim | measured');
    print(row('bytes per span against the exporter', [0.8, 0.65], bytes.ours / bytes.theirs, '×'));
    print(row('insert CPU against the exporter', [1.5, 1], withAll / theirs, '×'));
  });

/** One round warms up; then the contenders take turns, so that a busy moment hits both. */
const insertCosts = async (
  engine: SchemaEngine,
  contenders: readonly Contender[],
  rounds: number,
): Promise<readonly (readonly number[])[]> => {
  const samples = contenders.map((): number[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, { database, insert }] of contenders.entries()) {
      for (const table of await tablesOf(engine, database)) {
        await engine.rows(`TRUNCATE TABLE ${table} SYNC`);
      }
      const before = engine.spentMicros();
      await insert(round + 1);
      if (round > 0) samples[index]?.push(engine.spentMicros() - before);
    }
  }
  return samples;
};

/** The same rows as blocks of the exporter's columns. */
const exporterBodies = async (
  engine: SchemaEngine,
  blocks: number,
  rowsPerBlock: number,
): Promise<readonly Uint8Array[]> => {
  const bodies: Uint8Array[] = [];
  for (let block = 0; block < blocks; block += 1) {
    const part = `_part IN (SELECT name FROM system.parts WHERE database = 'otel' AND table = 'otel_traces' AND active ORDER BY min_block_number LIMIT 1 OFFSET ${block})`;
    bodies.push(
      await engine.native(
        `SELECT ${exporterColumnsOfTraces} FROM otel.otel_traces WHERE ${part} LIMIT ${rowsPerBlock}`,
      ),
    );
  }
  return bodies;
};

const tablesOf = async (engine: SchemaEngine, database: string): Promise<readonly string[]> =>
  (
    await engine.rows<{ name: string }>(
      `SELECT name FROM system.tables WHERE database = '${database}' AND engine LIKE '%MergeTree' AND name != 'schema_migrations'`,
    )
  ).map(({ name }) => `${database}.${name}`);

/** After everything is merged: what the tables hold that both have. */
const bytesOf = async (engine: SchemaEngine, database: string): Promise<number> => {
  await engine.rows('SYSTEM START MERGES');
  for (const table of ours) await engine.rows(`OPTIMIZE TABLE ${database}.${table} FINAL`);
  const named = ours.map((it) => `'${it}'`).join(', ');
  return activeBytes(engine, `database = '${database}' AND table IN (${named})`);
};

const derivedBytes = async (engine: SchemaEngine): Promise<number> => {
  for (const table of await tablesOf(engine, 'otel')) {
    await engine.rows(`OPTIMIZE TABLE ${table} FINAL`);
  }
  const named = [...ours, 'schema_migrations'].map((it) => `'${it}'`).join(', ');
  return activeBytes(engine, `database = 'otel' AND table NOT IN (${named})`);
};

const activeBytes = async (engine: SchemaEngine, where: string): Promise<number> =>
  (
    await engine.rows<{ bytes: number }>(
      `SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND ${where}`,
    )
  )[0]?.bytes ?? Number.NaN;
