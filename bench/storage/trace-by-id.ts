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

/** One trace of eight spans among all of them: issue 4. */
export const findTraces = async (
  engine: SchemaEngine,
  history: History,
  count: number,
  print: (line: string) => void,
): Promise<void> => {
  const traces = (history.days * history.spansPerDay) / history.spansPerTrace;
  const numbers = Array.from({ length: count }, (_, n) => Math.floor(((n + 0.5) / count) * traces));
  const ids = await engine.rows<{ id: string }>(
    `SELECT ${traceIdSql('n')} AS id FROM (SELECT arrayJoin([${numbers.map((n) => `toUInt64(${n})`).join(', ')}]) AS n)`,
  );
  const timesMs: number[] = [];
  for (const { id } of ids) {
    timesMs.push(await engine.wallMs(traceById(id)));
    const found = await engine.rows<object>(traceById(id));
    if (found.length !== history.spansPerTrace) throw new Error(`${found.length} spans of ${id}`);
  }
  print(
    `a trace, each asked for the first time: median ${median(timesMs).toFixed(1)} ms, slowest of ${timesMs.length} ${Math.max(...timesMs).toFixed(1)} ms`,
  );
  print(row('trace by id, median', [50, 20], median(timesMs), 'ms'));
};
