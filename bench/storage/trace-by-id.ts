import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../measure.ts';
import type { SchemaEngine } from './engine.ts';
import { type History, traceIdSql } from './history.ts';
import { row } from './row.ts';

const lookups = 'otel.otel_traces_trace_id_ts';

/** As Grafana's data source and HyperDX ask for it; they name fewer columns. */
const traceById = (id: string) => `
  WITH '${id}' AS id,
    (SELECT min(Start) FROM ${lookups} WHERE TraceId = id) AS first,
    (SELECT max(End) + 1 FROM ${lookups} WHERE TraceId = id) AS last
  SELECT * FROM otel.otel_traces WHERE TraceId = id AND Timestamp >= first AND Timestamp <= last`;

/** Given up when ClickHouse does not come to an end. */
const mergesMsMax = 240_000;

/**
 * The days of the history are over, but were made just now: ClickHouse makes one part of each as it does
 * six hours after the last span of a day (migration 0025), without the six hours.
 */
export const letLookupsAge = async (engine: SchemaEngine): Promise<void> => {
  await engine.rows(`ALTER TABLE ${lookups} MODIFY SETTING min_age_to_force_merge_seconds = 1`);
  const end = performance.now() + mergesMsMax;
  for (let most = 2; most > 1 && performance.now() < end; ) {
    await sleep(1_000);
    const [days] = await engine.rows<{ most: number }>(
      `SELECT toUInt32(max(parts)) AS most FROM (SELECT count() AS parts FROM system.parts
        WHERE active AND database = 'otel' AND table = 'otel_traces_trace_id_ts' GROUP BY partition)`,
    );
    most = days?.most ?? 0;
  }
};

/** One trace of eight spans among all of them, each asked for the first time: issue 4. */
export const findTraces = async (
  engine: SchemaEngine,
  history: History,
  count: number,
  print: (line: string) => void,
): Promise<void> => {
  const traces = (history.days * history.spansPerDay) / history.spansPerTrace;
  const idsOf = async (offset: number): Promise<readonly string[]> => {
    const numbers = Array.from({ length: count }, (_, n) =>
      Math.floor(((n + offset) / count) * traces),
    );
    const found = await engine.rows<{ id: string }>(
      `SELECT ${traceIdSql('n')} AS id FROM (SELECT arrayJoin([${numbers.map((n) => `toUInt64(${n})`).join(', ')}]) AS n)`,
    );
    return found.map((it) => it.id);
  };
  const ask = async (what: string, ids: readonly string[]): Promise<void> => {
    const timesMs: number[] = [];
    for (const id of ids) {
      timesMs.push(await engine.wallMs(traceById(id)));
      const found = await engine.rows<object>(traceById(id));
      if (found.length !== history.spansPerTrace) throw new Error(`${found.length} spans of ${id}`);
    }
    const name = `trace by id, files ${what}`;
    print(row(`${name}, median`, [50, 20], median(timesMs), 'ms'));
    print(`  slowest of ${timesMs.length}: ${Math.max(...timesMs).toFixed(1)} ms`);
  };
  // Some machines give pages of files up although nobody needs the room.
  await ask('as they lie', await idsOf(0.25));
  await readFiles(engine);
  await ask('in memory', await idsOf(0.75));
};

/** As a machine has them in its page cache that has room for them: 6 GB. */
const readFiles = async (engine: SchemaEngine): Promise<void> => {
  const parts = await engine.rows<{ path: string }>(
    `SELECT path FROM system.parts WHERE active AND database = 'otel' AND table IN ('otel_traces', 'otel_traces_trace_id_ts')`,
  );
  for (const { path } of parts) {
    for (const file of await readdir(path)) {
      for await (const _ of createReadStream(join(path, file), { highWaterMark: 1 << 20 }));
    }
  }
};
