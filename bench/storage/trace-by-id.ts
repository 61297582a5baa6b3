import { median } from '../measure.ts';
import type { SchemaEngine } from './engine.ts';
import { type History, traceIdSql } from './history.ts';
import { row } from './row.ts';

/** As Grafana's data source and HyperDX ask for it. */
const traceById = (id: string) => `
  WITH '${id}' AS id,
    (SELECT min(Start) FROM otel.otel_traces_trace_id_ts WHERE TraceId = id) AS first,
    (SELECT max(End) + 1 FROM otel.otel_traces_trace_id_ts WHERE TraceId = id) AS last
  SELECT * FROM otel.otel_traces WHERE TraceId = id AND Timestamp >= first AND Timestamp <= last`;

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
