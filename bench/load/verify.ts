import type { Signal } from '../../src/model/ingest.ts';
import { identitiesOf } from './identity.ts';
import { fateOf, type LoadRecord } from './record.ts';

/** Answers SQL with lines of tab-separated values. */
export type AskSql = (sql: string) => Promise<string>;

export interface Verdict {
  /** Items of acknowledged requests; each must be stored. */
  readonly acknowledged: number;
  readonly stored: number;
  /** Acknowledged and not there: must be empty. */
  readonly missing: readonly Trouble[];
  /** There more than once although sent once: must be empty. */
  readonly doubled: readonly Trouble[];
  /** There more than once after an attempt that got no answer: a receiver may help it, OTLP does not ask. */
  readonly doubledByRetry: readonly Trouble[];
  /** Of this run, and never sent, or said not to be stored: must be empty. */
  readonly extra: readonly Trouble[];
  /** Items of requests that were never answered, and how many of these are there. */
  readonly unknown: number;
  readonly unknownStored: number;
}

/** Items of one request. */
export interface Trouble {
  readonly request: number;
  readonly items: number;
  readonly acknowledgedAtMs: number;
}

/** Compares what was acknowledged with what ClickHouse holds, id by id. */
export const verifyLoad = async (
  record: LoadRecord,
  ask: AskSql,
  database = 'otel',
): Promise<Verdict> => {
  const ids = identitiesOf(record.seed);
  const counts = new Uint8Array(record.fates.length * record.stride);
  let foreign = 0;
  let stored = 0;
  const count = (item: number | undefined): void => {
    stored += 1;
    if (item === undefined || item >= counts.length) foreign += 1;
    else counts[item] = Math.min(255, (counts[item] ?? 0) + 1);
  };
  const items = record.fates.length * (record.itemsByTemplate[0] ?? 1);
  for (const { sql, isSpan } of queriesFor(record, database, items)) {
    for (const line of (await ask(sql)).split('\n')) {
      if (line === '') continue;
      count(isSpan ? ids.itemOfSpan(line) : ids.itemOfStart(BigInt(line)));
    }
  }
  return { ...judge(record, counts, foreign), stored };
};

/** A reader may get at most a million rows at once, so that many ids are asked for in parts. */
const idsPerQuery = 250_000;

const tables: Readonly<Record<Signal, readonly string[]>> = {
  traces: ['otel_traces'],
  logs: ['otel_logs'],
  metrics: [
    'otel_metrics_gauge',
    'otel_metrics_sum',
    'otel_metrics_histogram',
    'otel_metrics_exponential_histogram',
    'otel_metrics_summary',
  ],
};

const queriesFor = ({ signal, run }: LoadRecord, database: string, items: number) => {
  const isSpan = signal !== 'metrics';
  const id = isSpan ? 'SpanId' : 'toUnixTimestamp64Nano(StartTimeUnix)';
  const parts = Math.ceil(items / idsPerQuery);
  return tables[signal].flatMap((table) =>
    Array.from({ length: parts }, (_, part) => ({
      isSpan,
      sql:
        `SELECT ${id} FROM ${database}.${table} WHERE ResourceAttributes['load.run'] = '${run}'` +
        ` AND cityHash64(${id}) % ${parts} = ${part} FORMAT TSV`,
    })),
  );
};

const judge = (
  record: LoadRecord,
  counts: Uint8Array,
  foreign: number,
): Omit<Verdict, 'stored'> => {
  const { stride, itemsByTemplate, acknowledgedAtMs } = record;
  const missing: Trouble[] = [];
  const doubled: Trouble[] = [];
  const doubledByRetry: Trouble[] = [];
  const extra: Trouble[] = [];
  let acknowledged = 0;
  let unknown = 0;
  let unknownStored = 0;
  for (let request = 0; request < record.fates.length; request += 1) {
    const items = itemsByTemplate[request % itemsByTemplate.length] ?? 0;
    const held = counts.subarray(request * stride, (request + 1) * stride);
    const present = held.reduce((sum, it) => sum + Number(it > 0), 0);
    const twice = held.reduce((sum, it) => sum + Number(it > 1), 0);
    const note = (list: Trouble[], count: number): void => {
      const at = acknowledgedAtMs[request] ?? 0;
      if (count > 0) list.push({ request, items: count, acknowledgedAtMs: at });
    };
    switch (fateOf(record, request)) {
      case 'acknowledged':
        acknowledged += items;
        note(missing, items - present);
        note(doubled, twice);
        break;
      case 'repeated':
        acknowledged += items;
        note(missing, items - present);
        note(doubledByRetry, twice);
        break;
      case 'unknown':
      case 'partial':
        unknown += items;
        unknownStored += present;
        note(doubledByRetry, twice);
        break;
      case 'refused':
      case 'unsent':
        note(extra, present);
        break;
    }
  }
  if (foreign > 0) extra.push({ request: -1, items: foreign, acknowledgedAtMs: 0 });
  return { acknowledged, missing, doubled, doubledByRetry, extra, unknown, unknownStored };
};

/** One line for people. */
export const verdictLine = (verdict: Verdict): string => {
  const sum = (list: readonly Trouble[]) => list.reduce((total, it) => total + it.items, 0);
  return [
    `${verdict.acknowledged} items acknowledged`,
    `${verdict.stored} stored`,
    `${sum(verdict.missing)} missing`,
    `${sum(verdict.doubled)} doubled`,
    `${sum(verdict.doubledByRetry)} doubled by a retry after no answer`,
    `${sum(verdict.extra)} extra`,
    `${verdict.unknownStored} of ${verdict.unknown} without an answer`,
  ].join(', ');
};

export const isSound = ({ missing, doubled, extra }: Verdict): boolean =>
  missing.length + doubled.length + extra.length === 0;
