import { median } from '../measure.ts';
import type { BenchEngine } from './engine.ts';
import { levels, type Sketch } from './sketches-candidates.ts';

export interface CostSize {
  readonly spans: number;
  readonly rounds: number;
  /** Hours of the synthesised history. */
  readonly hours: number;
}

/** Everything beyond the same table and view without percentiles. */
export interface SketchCost {
  /** µs of processor time per span, view and written part included. */
  readonly insertMicros: number;
  readonly minuteBytes: number;
  readonly hourBytes: number;
  /** µs per state that goes in: parts of one tier merged, and a minute tier merged into hours. */
  readonly mergeMicros: number;
  readonly rollMicros: number;
  /** Percentiles of every service over the synthesised hours, ms of processor time on one thread. */
  readonly readMs: number;
  readonly readStates: number;
}

const spansPerMinute = 20_000;
/** About what one batch of the daemon holds at that rate. */
const spansPerInsert = 10_000;

const uniform = (salt: number): string =>
  `((sipHash64(number, ${salt}) + 1) / 18446744073709551616)`;

/**
 * 50 services, 600 operations by Zipf's law, 3 % errors, durations lognormal around a middle of their
 * own, one service sampled. Times go up as they do when spans arrive.
 */
export const prepareCosts = async (engine: BenchEngine, size: CostSize): Promise<void> => {
  await engine.rows(`CREATE TABLE sketches.spans
    (Timestamp DateTime64(9), ServiceName LowCardinality(String), SpanName LowCardinality(String),
      SpanKind LowCardinality(String), HttpRoute LowCardinality(String), HttpStatusCode UInt16,
      StatusCode LowCardinality(String), Duration UInt64, AdjustedCount Float64)
    ENGINE = MergeTree ORDER BY Timestamp`);
  await engine.rows(`INSERT INTO sketches.spans
    WITH toUInt32(floor(pow(601, ${uniform(1)})) - 1) AS operation, ${uniform(2)} < 0.03 AS failed,
      sqrt(-2 * log(${uniform(3)})) * cos(2 * pi() * ${uniform(4)}) AS normal
    SELECT toDateTime64('2026-01-01 00:00:00', 9, 'UTC') + number * 60 / ${spansPerMinute},
      concat('service-', toString(operation % 50)), concat('GET /resource/', toString(operation)),
      ['Server', 'Client', 'Internal'][operation % 3 + 1],
      if(operation % 3 = 0, concat('/resource/', toString(operation)), ''),
      multiIf(operation % 3 = 2, 0, failed, 500, 200), if(failed, 'Error', 'Unset'),
      toUInt64(exp(log(1e6 * (1 + operation % 97)) + normal * (0.7 + operation % 11 / 10))),
      if(operation % 50 = 7, 10 / 3, 1)
    FROM numbers(${size.spans})`);
  await engine.rows('CREATE TABLE sketches.arriving AS sketches.spans ENGINE = Null');
};

const keys = ['ServiceName', 'SpanName', 'SpanKind', 'HttpRoute', 'StatusCode', 'HttpStatusCode'];

const createTier = (engine: BenchEngine, name: string, sketch: Sketch | undefined) =>
  engine.rows(`CREATE TABLE sketches.${name}
    (Time DateTime('UTC') CODEC(Delta, ZSTD(3)),
      ${keys.map((key) => `${key} ${key === 'HttpStatusCode' ? 'UInt16' : 'LowCardinality(String)'}`).join(', ')},
      Spans SimpleAggregateFunction(sum, Float64), DurationSum SimpleAggregateFunction(sum, Float64),
      DurationMin SimpleAggregateFunction(min, UInt64), DurationMax SimpleAggregateFunction(max, UInt64)
      ${sketch?.bucket ? ', Bucket Int16' : ''} ${sketch ? `, Sketch ${sketch.column}` : ''})
    ENGINE = AggregatingMergeTree ORDER BY (${[...keys, 'Time', ...bucketKey(sketch)].join(', ')})
    SETTINGS max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1,
      parts_to_delay_insert = 10000, parts_to_throw_insert = 10000, min_bytes_for_wide_part = 0`);

const bucketKey = (sketch: Sketch | undefined) => (sketch?.bucket ? ['Bucket'] : []);

const sums = `sum(p.Spans) AS Spans, sum(p.DurationSum) AS DurationSum, min(p.DurationMin) AS DurationMin,
  max(p.DurationMax) AS DurationMax`;

/** What the next tier takes from the one below. */
const rolled = (from: string, time: string, sketch: Sketch | undefined): string => {
  const bucket = bucketKey(sketch);
  const all = [...keys, ...bucket].map((it) => `p.${it} AS ${it}`).join(', ');
  const merged = sketch ? `, ${sketch.merge('p.Sketch')} AS Sketch` : '';
  return `SELECT ${time} AS Time, ${keys.map((it) => `p.${it} AS ${it}`).join(', ')}, ${sums}
    ${bucket.map((it) => `, p.${it} AS ${it}`).join('')} ${merged}
    FROM sketches.${from} AS p GROUP BY Time, ${all.replaceAll(/p\.\w+ AS /g, '')}`;
};

const filling = (sketch: Sketch | undefined): string => {
  const bucket = sketch?.bucket ? `, ${sketch.bucket('Duration')} AS Bucket` : '';
  const filled = sketch ? `, ${sketch.fill('Duration', 'AdjustedCount')} AS Sketch` : '';
  return `SELECT toStartOfMinute(Timestamp) AS Time, ${keys.join(', ')}, sum(AdjustedCount) AS Spans,
      sum(Duration * AdjustedCount) AS DurationSum, min(Duration) AS DurationMin, max(Duration) AS DurationMax
      ${bucket} ${filled}
    FROM sketches.arriving GROUP BY Time, ${[...keys, ...bucketKey(sketch)].join(', ')}`;
};

interface Raw {
  readonly insert: number;
  readonly minuteBytes: number;
  readonly hourBytes: number;
  readonly minuteGroups: number;
  readonly parts: number;
  readonly merge: number;
  readonly roll: number;
}

const send = `INSERT INTO sketches.arriving SELECT * FROM sketches.spans
  SETTINGS max_block_size = ${spansPerInsert}, min_insert_block_size_rows = ${spansPerInsert},
    min_insert_block_size_bytes = 0`;

const bytesOf = async (engine: BenchEngine, table: string): Promise<number> => {
  const [row] = await engine.rows<{ bytes: number }>(
    `SELECT sum(data_compressed_bytes) AS bytes FROM system.parts WHERE active AND database = 'sketches' AND table = '${table}'`,
  );
  return row?.bytes ?? Number.NaN;
};

const groupsOf = async (engine: BenchEngine, table: string): Promise<number> => {
  const [row] = await engine.rows<{ groups: number }>(
    `SELECT count() AS groups FROM (SELECT DISTINCT Time, ${keys.join(', ')} FROM sketches.${table})`,
  );
  return row?.groups ?? Number.NaN;
};

const drop = async (engine: BenchEngine, ...tables: readonly string[]): Promise<void> => {
  for (const table of tables) await engine.rows(`DROP TABLE IF EXISTS sketches.${table} SYNC`);
};

/** One life from the first span to the hour tier; leaves `minutes` and `hours` behind. */
const live = async (engine: BenchEngine, sketch: Sketch | undefined): Promise<Raw> => {
  await drop(engine, 'view', 'minutes', 'hours');
  await createTier(engine, 'minutes', sketch);
  await createTier(engine, 'hours', sketch);
  await engine.rows(
    `CREATE MATERIALIZED VIEW sketches.view TO sketches.minutes AS ${filling(sketch)}`,
  );
  const insert = await engine.cpuMicros(send);
  const [row] = await engine.rows<{ parts: number }>(
    `SELECT count() AS parts FROM (SELECT DISTINCT Time, ${keys.join(', ')}, _part FROM sketches.minutes)`,
  );
  const merge = await engine.cpuMicros('OPTIMIZE TABLE sketches.minutes FINAL');
  const roll = await engine.cpuMicros(
    `INSERT INTO sketches.hours ${rolled('minutes', 'toStartOfHour(p.Time)', sketch)}`,
  );
  await engine.rows('OPTIMIZE TABLE sketches.hours FINAL');
  return {
    insert,
    merge,
    roll,
    parts: row?.parts ?? Number.NaN,
    minuteBytes: await bytesOf(engine, 'minutes'),
    hourBytes: await bytesOf(engine, 'hours'),
    minuteGroups: await groupsOf(engine, 'minutes'),
  };
};

/** Every candidate in turn beside the same without percentiles, so that a busy moment hits both. */
export const costOf = async (
  engine: BenchEngine,
  sketch: Sketch,
  size: CostSize,
): Promise<SketchCost> => {
  const rounds: { readonly bare: Raw; readonly full: Raw }[] = [];
  for (let round = 0; round < size.rounds; round += 1) {
    rounds.push({ bare: await live(engine, undefined), full: await live(engine, sketch) });
  }
  const more = (of: (raw: Raw) => number, per: (raw: Raw) => number): number =>
    median(rounds.map(({ bare, full }) => (of(full) - of(bare)) / per(full)));
  const hourGroups = await groupsOf(engine, 'hours');
  const { readMs, readStates } = await readHistory(engine, sketch, size.hours);
  return {
    insertMicros: more(
      (it) => it.insert,
      () => size.spans,
    ),
    minuteBytes: more(
      (it) => it.minuteBytes,
      (it) => it.minuteGroups,
    ),
    hourBytes: more(
      (it) => it.hourBytes,
      () => hourGroups,
    ),
    mergeMicros: more(
      (it) => it.merge,
      (it) => it.parts,
    ),
    rollMicros: more(
      (it) => it.roll,
      (it) => it.minuteGroups,
    ),
    readMs,
    readStates,
  };
};

/** Processor time of the view without percentiles, and of the same insert without any view, µs per span. */
export const bareCosts = async (
  engine: BenchEngine,
  size: CostSize,
): Promise<readonly [number, number]> => {
  const bare: number[] = [];
  const none: number[] = [];
  for (let round = 0; round < size.rounds; round += 1) {
    bare.push((await live(engine, undefined)).insert / size.spans);
    await drop(engine, 'view');
    none.push((await engine.cpuMicros(send)) / size.spans);
  }
  return [median(bare), median(none)];
};

/** The one hour there is, for a quarter of the operations, over and over for as many hours as asked for. */
const readHistory = async (engine: BenchEngine, sketch: Sketch, hours: number) => {
  await drop(engine, 'history');
  await createTier(engine, 'history', sketch);
  const columns = [
    ...keys,
    'Spans',
    'DurationSum',
    'DurationMin',
    'DurationMax',
    ...bucketKey(sketch),
    'Sketch',
  ];
  // A day at a time and in small blocks: states in memory are far larger than on disk.
  for (let hour = 0; hour < hours; hour += 24) {
    await engine.rows(`INSERT INTO sketches.history
      SELECT Time + 3600 * (${hour} + number), ${columns.join(', ')}
      FROM numbers(24) AS n CROSS JOIN
        (SELECT * FROM sketches.hours WHERE cityHash64(SpanName) % 4 = 0) AS h
      SETTINGS max_block_size = 2000, min_insert_block_size_rows = 2000`);
  }
  const query = `SELECT ServiceName, ${sketch.read('Sketch')}[${levels.indexOf(0.99) + 1}] AS p99
    FROM sketches.history GROUP BY ServiceName FORMAT Null`;
  const samples: number[] = [];
  for (let round = 0; round < 3; round += 1) samples.push(await engine.cpuMicros(query));
  const readStates = await groupsOf(engine, 'history');
  await drop(engine, 'history');
  return { readMs: median(samples) / 1000, readStates };
};
