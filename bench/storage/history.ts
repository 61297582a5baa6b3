import type { BenchEngine } from './engine.ts';

export interface History {
  readonly days: number;
  readonly spansPerDay: number;
  /** Spans of one trace, which begin within a second of each other. */
  readonly spansPerTrace: number;
  readonly services: number;
}

/** 00:00 UTC of the first day, seconds. Fixed, so that every run sees the same. */
export const historyStartSeconds = Date.UTC(2026, 5, 1) / 1000;

/** The id of the trace with this number: as random as real ones, and always the same. */
export const traceIdSql = (number: string): string =>
  `lower(concat(hex(sipHash64('trace', ${number})), hex(sipHash64('id', ${number}))))`;

/** In pieces, which fit into the memory of a small engine with what views make of them. */
export const insertDay = async (
  engine: BenchEngine,
  history: History,
  day: number,
): Promise<void> => {
  const traces = history.spansPerDay / history.spansPerTrace;
  const pieces = Math.ceil(history.spansPerDay / spansPerInsert);
  for (let piece = 0; piece < pieces; piece += 1) {
    const [from, to] = [piece, piece + 1].map((it) => Math.floor((it * traces) / pieces));
    await insertTraces(engine, history, { day, from: from ?? 0, to: to ?? 0 });
  }
};

const spansPerInsert = 100_000;

interface Piece {
  readonly day: number;
  /** Numbers of traces within the day. */
  readonly from: number;
  readonly to: number;
}

/**
 * Spans of one day made inside ClickHouse, evenly over it: durations with a heavy tail (Pareto, α 1.2,
 * from 1 ms up), each service slower than the one before, 1 in 50 an error.
 */
const insertTraces = async (engine: BenchEngine, history: History, piece: Piece): Promise<void> => {
  const { spansPerDay, spansPerTrace, services } = history;
  const { day } = piece;
  const from = historyStartSeconds + day * 86_400;
  const stepNs = Math.floor(86_398e9 / spansPerDay);
  await engine.wallMs(`
  INSERT INTO otel.otel_traces
    (Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes, SpanAttributes, Duration, StatusCode)
  WITH number + ${day * spansPerDay} AS n, intDiv(n, ${spansPerTrace}) AS trace, n % ${spansPerTrace} AS place,
    sipHash64(n) AS h, (trace + place) % ${services} AS service, h % 4 AS operation
  SELECT
    fromUnixTimestamp64Nano(toInt64(${from}000000000 + intDiv(number, ${spansPerTrace}) * ${spansPerTrace} * ${stepNs} + place * 1000000)) AS Timestamp,
    ${traceIdSql('trace')} AS TraceId,
    lower(hex(h)) AS SpanId,
    if(place = 0, '', lower(hex(sipHash64(n - 1)))) AS ParentSpanId,
    concat('GET /resource/', toString(operation)) AS SpanName,
    if(place % 2 = 0, 'Server', 'Client') AS SpanKind,
    concat('shop-', toString(service)) AS ServiceName,
    map('service.name', concat('shop-', toString(service)), 'service.version', '1.4.2') AS ResourceAttributes,
    map('http.route', concat('/resource/', toString(operation)), 'http.response.status_code', if(h % 50 = 0, '500', '200'),
      'user.id', toString(h % 100000)) AS SpanAttributes,
    toUInt64(1e6 * (1 + service / 10) / pow((sipHash64(h) % 1000000 + 1) / 1000001, 1 / 1.2)) AS Duration,
    if(h % 50 = 0, 'Error', 'Unset') AS StatusCode
  FROM numbers(${piece.from * spansPerTrace}, ${(piece.to - piece.from) * spansPerTrace})`);
};

/** The views that fill tables from spans, all but those that are named, go. */
export const dropSpanViewsBut = async (
  engine: BenchEngine,
  kept: readonly string[],
): Promise<void> => {
  const views = await engine.rows<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = 'otel' AND engine = 'MaterializedView' AND create_table_query LIKE '%FROM otel.otel\\_traces%'`,
  );
  for (const { name } of views) {
    if (!kept.includes(name)) await engine.rows(`DROP TABLE otel.${name} SYNC`);
  }
};
