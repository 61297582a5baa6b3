import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { openJournal } from '../../src/batch/journal/journal.ts';
import { createIngestPath } from '../../src/ingest/path.ts';
import { createRejectBook } from '../../src/ingest/reject-book.ts';
import type { Random } from '../../src/lib/backoff.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { Encoding, Signal } from '../../src/model/ingest.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openHttp, post, readExportResponse } from '../receive/doors.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { encodeJson } from '../support/otlp-json.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../support/otlp-proto.ts';
import type { Message } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';

const seed = 53;
const requestsPerKind = 40;
const timeoutMs = 10_000;
const types = { traces: tracesRequest, metrics: metricsRequest, logs: logsRequest };
const signals: readonly Signal[] = ['traces', 'metrics', 'logs'];
const encodings: readonly Encoding[] = ['protobuf', 'json'];

const nowNanos = `${Date.now()}000000`;
/** The first nanosecond that 63 bits cannot tell. */
const late = '9223372036854775808';

const below = (random: Random, count: number): number => Math.floor(random() * count);
const listOf = <T>(random: Random, most: number, make: () => T): T[] =>
  Array.from({ length: below(random, most + 1) }, make);

/** An item and the reason for which it must be rejected, if it must. */
interface Item {
  readonly message: Message;
  readonly code?: string;
}

const bytes = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => 1 + below(random, 255));

const spanOf = (random: Random): Item => {
  const good = {
    traceId: bytes(random, 16),
    spanId: bytes(random, 8),
    name: `op ${below(random, 5)}`,
    startTimeUnixNano: nowNanos,
    attributes: listOf(random, 3, () => ({ key: 'a', value: { intValue: below(random, 9) } })),
    events: listOf(random, 2, () => ({ name: 'e', timeUnixNano: nowNanos })),
  };
  switch (below(random, 8)) {
    case 0:
      return { message: { ...good, traceId: new Uint8Array(16) }, code: 'ERR_SPAN_TRACE_ID' };
    case 1:
      return { message: { ...good, traceId: bytes(random, 5) }, code: 'ERR_SPAN_TRACE_ID' };
    case 2:
      return { message: { ...good, spanId: bytes(random, 9) }, code: 'ERR_SPAN_SPAN_ID' };
    case 3:
      return { message: { ...good, startTimeUnixNano: late }, code: 'ERR_ITEM_TIME' };
    case 4:
      return { message: { ...good, parentSpanId: bytes(random, 5) } };
    default:
      return { message: good };
  }
};

const logOf = (random: Random): Item => {
  const good = { timeUnixNano: nowNanos, severityText: 'INFO', body: { stringValue: 'text' } };
  switch (below(random, 6)) {
    case 0:
      return { message: { ...good, timeUnixNano: late }, code: 'ERR_ITEM_TIME' };
    case 1:
      return {
        message: { ...good, timeUnixNano: '0', observedTimeUnixNano: late },
        code: 'ERR_ITEM_TIME',
      };
    default:
      return { message: good };
  }
};

type PointKind = 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary';
const kinds: readonly PointKind[] = [
  'gauge',
  'sum',
  'histogram',
  'exponentialHistogram',
  'summary',
];

const pointOf = (random: Random, kind: PointKind): Item => {
  const good = { timeUnixNano: nowNanos };
  if (below(random, 6) === 0) return { message: { timeUnixNano: late }, code: 'ERR_ITEM_TIME' };
  const isBad = below(random, 4) === 0;
  switch (kind) {
    case 'histogram':
      return isBad
        ? {
            message: { ...good, bucketCounts: ['1'], explicitBounds: [1] },
            code: 'ERR_POINT_BUCKETS',
          }
        : { message: { ...good, bucketCounts: ['1', '2'], explicitBounds: [1] } };
    case 'exponentialHistogram':
      return isBad
        ? {
            message: { ...good, scale: 3, positive: { offset: 8192, bucketCounts: ['1'] } },
            code: 'ERR_POINT_RANGE',
          }
        : { message: { ...good, scale: 3, positive: { offset: 8191, bucketCounts: ['1'] } } };
    case 'gauge':
    case 'sum':
    case 'summary':
      return { message: good };
  }
};

interface Sent {
  readonly message: Message;
  readonly items: readonly Item[];
}

/** A request of a few resources and scopes, with good and bad items, and what is in it. */
const requestOf = (random: Random, signal: Signal): Sent => {
  const all: Item[] = [];
  const items = (make: () => Item): readonly Message[] => {
    const made = listOf(random, 6, make);
    all.push(...made);
    return made.map((it) => it.message);
  };
  const resource = () => ({
    attributes: [{ key: 'service.name', value: { stringValue: `shop ${below(random, 3)}` } }],
  });
  switch (signal) {
    case 'traces': {
      const scope = () => ({ spans: items(() => spanOf(random)) });
      const owner = () => ({ resource: resource(), scopeSpans: listOf(random, 3, scope) });
      return { message: { resourceSpans: listOf(random, 3, owner) }, items: all };
    }
    case 'logs': {
      const scope = () => ({ logRecords: items(() => logOf(random)) });
      const owner = () => ({ resource: resource(), scopeLogs: listOf(random, 3, scope) });
      return { message: { resourceLogs: listOf(random, 3, owner) }, items: all };
    }
    case 'metrics': {
      const metric = (): Message => {
        const kind = kinds[below(random, kinds.length)] ?? 'gauge';
        return { name: `m ${kind}`, [kind]: { dataPoints: items(() => pointOf(random, kind)) } };
      };
      const scope = () => ({ metrics: listOf(random, 3, metric) });
      const owner = () => ({ resource: resource(), scopeMetrics: listOf(random, 3, scope) });
      return { message: { resourceMetrics: listOf(random, 3, owner) }, items: all };
    }
  }
};

/** Sums by key. */
class Sums {
  readonly #sums = new Map<string, number>();

  add(key: string, count: number): void {
    if (count > 0) this.#sums.set(key, (this.#sums.get(key) ?? 0) + count);
  }

  list(): readonly (readonly [string, number])[] {
    return [...this.#sums].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}

const rejectedIn = (encoding: Encoding, body: Buffer): number => {
  const response =
    encoding === 'json' ? (JSON.parse(body.toString()) as Message) : readExportResponse(body);
  const partial = (response['partialSuccess'] ?? {}) as Readonly<Record<string, unknown>>;
  const [, rejected] = Object.entries(partial).find(([name]) => name.startsWith('rejected')) ?? [];
  return Number(rejected ?? 0);
};

t.test('every item of every request is stored or in the books', async (t) => {
  const store = openStore(t, await startClickHouse(t));
  await migrate(store, migrateOptions);
  const parts = { clock: systemClock, log: silentLog, meter: noopMeter };
  const journal = await openJournal({ ...parts, dir: t.testdir(), fsync: 'off' });
  const path = createIngestPath({
    ...parts,
    journal,
    random: Math.random,
    decompress: async (_, bytes) => gunzipSync(bytes),
    insert: store.insertBlock,
    limits: { rowsMax: 65_536, bytesMax: 32 * 1024 * 1024, ageMsMax: 200 },
    bodyBytesMax: 64 * 1024 * 1024,
    rules: { redact: [], sample: [] },
    instanceId: 'conservation',
  });
  const books = createRejectBook({
    ...parts,
    insertRows: store.insertRows,
    instanceId: 'conservation',
  });
  const door = await openHttp(t, { ingest: path.ingest, rejected: books.report });

  const random = seededRandom(seed);
  const accepted = new Sums();
  const rejected = new Sums();
  const answers: Promise<void>[] = [];
  for (const signal of signals) {
    for (const encoding of encodings) {
      for (let round = 0; round < requestsPerKind; round += 1) {
        const { message, items } = requestOf(random, signal);
        for (const { code } of items) rejected.add(`${signal} ${encoding} ${code}`, code ? 1 : 0);
        const bad = items.filter((it) => it.code !== undefined).length;
        accepted.add(signal, items.length - bad);
        const type = types[signal];
        const body =
          encoding === 'json'
            ? encodeJson(message)
            : type.encode(type.fromObject(message)).finish();
        const headers = {
          'content-type': encoding === 'json' ? 'application/json' : 'application/x-protobuf',
        };
        answers.push(
          post(door, { path: `/v1/${signal}`, headers, body }).then((answer) => {
            t.equal(answer.status, 200);
            t.equal(rejectedIn(encoding, answer.body), bad, 'the answer counts what is bad');
          }),
        );
      }
    }
  }
  answers.push(
    post(door, { body: Buffer.from([0xff]) }).then(({ status }) => void t.equal(status, 400)),
  );
  await Promise.all(answers);
  await path.drain();
  await books.stop();

  const tables = {
    traces: ['otel_traces'],
    logs: ['otel_logs'],
    metrics: ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'].map(
      (it) => `otel_metrics_${it}`,
    ),
  };
  const stored = new Sums();
  for (const signal of signals) {
    for (const table of tables[signal]) {
      const sql = `SELECT toFloat64(count()) AS rows FROM ${table}`;
      const [row] = await store.query<{ rows: number }>(sql, { timeoutMs });
      stored.add(signal, row?.rows ?? 0);
    }
  }
  t.strictSame(stored.list(), accepted.list(), 'what is stored is what was accepted');
  t.ok(stored.list().length === 3 && rejected.list().length > 10, 'and there was much of both');

  const booked = new Sums();
  for (const { kind, count } of await store.query<{ kind: string; count: number }>(
    `SELECT concat(Signal, ' ', Encoding, ' ', ReasonCode) AS kind, toFloat64(sum(Count)) AS count
     FROM otlp_rejects WHERE Unit = 'item' GROUP BY kind`,
    { timeoutMs },
  )) {
    booked.add(kind, count);
  }
  t.strictSame(booked.list(), rejected.list(), 'what is in the books is what was rejected');

  const whole = await store.query(
    `SELECT ReasonCode, Transport, Peer, Signal, toFloat64(Count) AS count, toFloat64(RequestBytes) AS bytes
     FROM otlp_rejects WHERE Unit = 'request'`,
    { timeoutMs },
  );
  t.strictSame(whole, [
    {
      ...{ ReasonCode: 'ERR_OTLP_MALFORMED', Transport: 'http', Peer: '127.0.0.1' },
      ...{ Signal: 'traces', count: 1, bytes: 1 },
    },
  ]);
  const blank = await store.query(
    `SELECT * FROM otlp_rejects WHERE Unit = 'item'
     AND (Sample = '' OR Reason = '' OR ServiceName NOT LIKE 'shop %' OR abs(At - now64(3)) > 60)`,
    { timeoutMs },
  );
  t.strictSame(blank, [], 'each says when, whose, what and why');
});
