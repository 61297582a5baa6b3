import { machineLine, median } from '../measure.ts';
import { withSchemaEngine } from './engine.ts';
import { dropSpanViewsBut, type History, insertDay, traceIdSql } from './history.ts';
import { row } from './row.ts';

/** As Grafana's data source and HyperDX ask for it. */
const traceById = (id: string) => `
  WITH '${id}' AS id,
    (SELECT min(Start) FROM otel.otel_traces_trace_id_ts WHERE TraceId = id) AS first,
    (SELECT max(End) + 1 FROM otel.otel_traces_trace_id_ts WHERE TraceId = id) AS last
  SELECT * FROM otel.otel_traces WHERE TraceId = id AND Timestamp >= first AND Timestamp <= last`;

/** One trace of eight spans among 100 million spans in 14 days: issue 4. */
export const findTraces = (quick: boolean, print: (line: string) => void): Promise<void> =>
  withSchemaEngine(async (engine) => {
    const history: History = {
      days: quick ? 2 : 14,
      spansPerDay: quick ? 80_000 : 7_200_000,
      spansPerTrace: 8,
      services: 50,
    };
    print(machineLine());
    await dropSpanViewsBut(engine, ['otel_traces_trace_id_ts_mv']);
    await engine.rows('SYSTEM START MERGES');
    for (let day = 0; day < history.days; day += 1) await insertDay(engine, history, day);
    const spans = history.days * history.spansPerDay;
    const traces = spans / history.spansPerTrace;
    const numbers = Array.from({ length: quick ? 3 : 50 }, (_, n) =>
      Math.floor(((n + 0.5) / 50) * traces),
    );
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
      `a trace among ${spans / 1e6} M spans, each asked for the first time: median ${median(timesMs).toFixed(1)} ms, slowest of ${timesMs.length} ${Math.max(...timesMs).toFixed(1)} ms`,
    );
    print('\nrequired | aim | measured');
    print(row('trace by id, median', [50, 20], median(timesMs), 'ms'));
  });
