import { readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import type { WorkerSetup } from '../../src/ingest/messages.ts';
import type { Ingest, OtlpRequest } from '../../src/model/ingest.ts';
import type { SampleRule } from '../../src/model/sampling.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { openPool, setupFor } from '../support/ingest-pool.ts';
import { tracesRequest } from '../support/otlp-proto.ts';
import { seededRandom } from '../support/random.ts';
import { until } from '../support/until.ts';

const fragile = new URL('../support/fragile-worker.ts', import.meta.url);
const timeoutMs = 20_000;
const patienceMs = 40_000;
const share = 0.25;

const rules = (waitMs: number): readonly SampleRule[] => [
  {
    name: 'rest',
    where: [],
    keep: share,
    keepErrors: true,
    keepSlowerThanMs: 500,
    tail: { waitMs },
  },
];

type Kind = 'plain' | 'error' | 'slow';

interface Trace {
  readonly id: Buffer;
  readonly kind: Kind;
}

const kinds: readonly Kind[] = ['error', 'slow', 'plain'];
const spansOfTrace = 4;

/** A tenth are errors, a tenth slow; ids are spread as chance has it. */
const tracesOf = (count: number, seed: number): readonly Trace[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    id: Buffer.from(Array.from({ length: 16 }, () => Math.floor(random() * 256))),
    kind: kinds[Math.min(index % 10, 2)] ?? 'plain',
  }));
};

const startMs = Date.now();

/** Only the last span of a trace tells what is special about it. */
const spanOf = ({ id, kind }: Trace, nth: number) => {
  const isLast = nth === spansOfTrace - 1;
  const lastedMs = kind === 'slow' && isLast ? 600 : 5;
  return {
    traceId: id,
    spanId: Buffer.from([...id.subarray(0, 7), nth + 1]),
    name: kind,
    startTimeUnixNano: `${startMs}000000`,
    endTimeUnixNano: `${startMs + lastedMs}000000`,
    status: { code: kind === 'error' && isLast ? 2 : 0 },
  };
};

/** Each request has spans of twenty traces, and each span of a trace is in another request. */
const requestsOf = (traces: readonly Trace[], nth: number): readonly OtlpRequest[] => {
  const requests: OtlpRequest[] = [];
  for (let from = 0; from < traces.length; from += 20) {
    const spans = traces.slice(from, from + 20).map((it) => spanOf(it, nth));
    const message = tracesRequest.fromObject({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    const body = new Uint8Array(tracesRequest.encode(message).finish());
    const coded = from % 40 === 0;
    const wire = { coding: 'gzip', bytes: new Uint8Array(gzipSync(body)) } as const;
    requests.push({ signal: 'traces', encoding: 'protobuf', body, ...(coded && { wire }) });
  }
  // Workers take turns, so that the last span of a trace comes to another one than those before.
  const [first, ...others] = requests;
  return first && nth === spansOfTrace - 1 ? [...others, first] : requests;
};

const sendSpans = async (
  ingest: Ingest,
  traces: readonly Trace[],
  nth: number,
): Promise<number> => {
  const answers = await Promise.all(requestsOf(traces, nth).map(ingest));
  return answers.reduce((sum, it) => sum + it.accepted, 0);
};

interface StoredTrace {
  readonly id: string;
  readonly kind: Kind;
  readonly spans: number;
  readonly weights: readonly number[];
}

// Each mostly waits.
t.jobs = 4;

const engine = await startClickHouse(t);
const store = openStore(t, engine);

const storedIn = (database: string): Promise<readonly StoredTrace[]> =>
  store.inspect<StoredTrace>(
    `SELECT TraceId AS id, any(SpanName) AS kind, toUInt32(count()) AS spans, groupUniqArray(AdjustedCount) AS weights FROM ${database}.otel_traces GROUP BY id`,
    { timeoutMs },
  );

const withTail =
  (setup: (index: number, thread: number) => WorkerSetup, waitMs: number) =>
  (index: number, thread: number): WorkerSetup => ({
    ...setup(index, thread),
    rules: { redact: [], sample: rules(waitMs) },
    sharesTraces: true,
  });

/** The upper quarter of the last 56 bits of an id. */
const isOfShare = ({ id }: Trace): boolean => (id[9] ?? 0) >= 256 * (1 - share);

const expected = (traces: readonly Trace[]): readonly StoredTrace[] =>
  traces
    .filter((it) => it.kind !== 'plain' || isOfShare(it))
    .map((it) => ({
      id: it.id.toString('hex'),
      kind: it.kind,
      spans: spansOfTrace,
      weights: [it.kind === 'plain' ? 1 / share : 1],
    }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));

const spansIn = (stored: readonly StoredTrace[]): number =>
  stored.reduce((sum, it) => sum + it.spans, 0);

const sorted = (stored: readonly StoredTrace[]): readonly StoredTrace[] =>
  stored.toSorted((a, b) => (a.id < b.id ? -1 : 1));

t.test('two workers keep errors and slow traces whole, and of the rest a share', async (t) => {
  const database = 'otel_tail';
  await migrate(store, { ...migrateOptions, database });
  const setup = setupFor(engine, database);
  const pool = await openPool(t, engine, {
    workers: 2,
    setup: withTail(setup, 5_000),
    // Both must get something.
    limits: { packedBytesMax: 1 },
  });
  const traces = tracesOf(1_000, 1);
  let accepted = 0;
  for (let nth = 0; nth < spansOfTrace; nth += 1) {
    accepted += await sendSpans(pool.ingest, traces, nth);
  }
  t.equal(accepted, 4_000, 'what is left out later is accepted');
  for (const index of [0, 1]) {
    const names = readdirSync(setup(index, 0).journal.dir);
    t.ok(
      names.some((it) => it.endsWith('.segment')),
      `worker ${index} had requests`,
    );
  }
  const wanted = expected(traces);
  await until(async () => spansIn(await storedIn(database)) >= spansIn(wanted), patienceMs);
  const stored = sorted(await storedIn(database));
  t.strictSame(stored, wanted);
  const weights = stored.reduce((sum, it) => sum + it.spans * (it.weights[0] ?? 0), 0);
  /* 800 plain traces of 4 spans by a share of a quarter: a standard deviation of 4 * sqrt(800 * 3). */
  t.ok(Math.abs(weights - 4_000) < 4 * 196, `${weights} for 4000`);
  await pool.drain();
  const page = await pool.metricsText();
  const [, left = ''] =
    /^tocsin_decode_spans_sampled_out_total\{rule="rest"\} (\d+)/m.exec(page) ?? [];
  t.equal(Number(left) + spansIn(stored), 4_000, 'accepted = stored + sampled out');
  t.match(page, /^tocsin_tail_traces_decided_total\{reason="error",trigger="waited"\} \d+/m);
  t.notMatch(page, /trigger="drain"/);
});

for (const deaths of [1, 2]) {
  t.test(`${deaths} of two workers may die while traces wait`, async (t) => {
    const database = `otel_tail_${deaths}`;
    await migrate(store, { ...migrateOptions, database });
    const pool = await openPool(t, engine, {
      workers: 2,
      setup: withTail(setupFor(engine, database), 9_000),
      entry: fragile,
      limits: { packedBytesMax: 1, restart: { firstMs: 20, maxMs: 50 } },
    });
    const traces = tracesOf(400, deaths + 1);
    for (let nth = 0; nth < spansOfTrace; nth += 1) await sendSpans(pool.ingest, traces, nth);
    t.strictSame(await storedIn(database), [], 'all wait');
    await Promise.allSettled(
      Array.from({ length: deaths }, (_, index) =>
        pool.ingest({
          signal: 'traces',
          encoding: 'protobuf',
          body: Buffer.from(`break:exit ${index}`),
        }),
      ),
    );
    const wanted = expected(traces);
    await until(async () => spansIn(await storedIn(database)) >= spansIn(wanted), patienceMs);
    t.equal(pool.linesOf('ingest_worker_died').length, deaths);
    await pool.drain();
    t.strictSame(sorted(await storedIn(database)), wanted);
  });
}

t.test('what waits at the end is decided about at once', async (t) => {
  const database = 'otel_tail_end';
  await migrate(store, { ...migrateOptions, database });
  const pool = await openPool(t, engine, {
    workers: 2,
    setup: withTail(setupFor(engine, database), 300_000),
    limits: { packedBytesMax: 1 },
  });
  const traces = tracesOf(200, 9);
  for (let nth = 0; nth < spansOfTrace; nth += 1) await sendSpans(pool.ingest, traces, nth);
  await pool.drain();
  t.strictSame(sorted(await storedIn(database)), expected(traces));
  t.match(
    await pool.metricsText(),
    /^tocsin_tail_traces_decided_total\{reason="share",trigger="drain"\} \d+/m,
  );
});
