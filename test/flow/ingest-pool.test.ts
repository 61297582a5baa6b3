import t from 'tap';
import { openIngest } from '../../src/ingest/open.ts';
import { startIngestPool } from '../../src/ingest/pool.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Fault } from '../../src/lib/fault.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { Acceptance, Ingest, OtlpRequest } from '../../src/model/ingest.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { nowhere, openPool, sampleBody, setupFor, spanIdsOf } from '../support/ingest-pool.ts';
import { sdkMetrics, sdkTraces } from '../support/sdk-payloads.ts';
import { startSlowStore } from '../support/slow-store.ts';
import { until } from '../support/until.ts';

const fragile = new URL('../support/fragile-worker.ts', import.meta.url);
const timeoutMs = 20_000;
const parts = { clock: systemClock, random: Math.random, log: silentLog, meter: noopMeter };

const traces = (body: Uint8Array): OtlpRequest => ({
  signal: 'traces',
  encoding: 'protobuf',
  body,
});
const broken = (how: string): OtlpRequest => traces(Buffer.from(`break:${how}`));

const busy = { code: 'ERR_INGEST_BUSY', remedy: 'retry', retryAfterMs: 1_000 };

const faultOf = (answer: Promise<Acceptance>): Promise<Fault> =>
  answer.then(
    () => Promise.reject(new Error('was accepted')),
    (error: Fault) => error,
  );

t.test('with a real engine', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);

  t.test('workers store the same rows as the main thread', async (t) => {
    const databases = ['otel_main', 'otel_pool'] as const;
    for (const database of databases) await migrate(store, { ...migrateOptions, database });
    const inMain = await openIngest(setupFor(engine, 'otel_main')(0, 0), parts);
    const pool = await openPool(t, engine, {
      workers: 2,
      setup: setupFor(engine, 'otel_pool'),
      // Both must get something.
      limits: { packedBytesMax: 1 },
    });

    const spans = sdkTraces();
    const metrics = await sdkMetrics();
    const requests = (): readonly OtlpRequest[] => [
      { signal: 'traces', encoding: 'json', body: new Uint8Array(spans.json) },
      { signal: 'metrics', encoding: 'json', body: new Uint8Array(metrics.json) },
      { signal: 'metrics', encoding: 'protobuf', body: new Uint8Array(metrics.protobuf) },
      ...samples.map(
        ({ signal, body }) => ({ signal, encoding: 'protobuf', body: body() }) as const,
      ),
      { signal: 'traces', encoding: 'protobuf', body: Buffer.from(spans.protobuf) },
      { signal: 'logs', encoding: 'json', body: Buffer.from('{"resourceLogs":[]}') },
    ];
    const samples = (['traces', 'metrics', 'logs'] as const).flatMap((signal) =>
      [1, 2, 3].map((seed) => ({ signal, body: sampleBody(signal, seed) })),
    );
    const all = (ingest: Ingest) => Promise.all(requests().map(ingest));
    const [here, there] = await Promise.all([all(inMain.ingest), all(pool.ingest)]);
    await inMain.drain();
    await pool.drain();
    t.strictSame(there, here, 'the same answers');
    t.ok(here.reduce((sum, it) => sum + it.accepted, 0) > 400);

    // Of a trace in two blocks there are two rows by its id, and how blocks are cut is a matter of time.
    const tables = await store.inspect<{ name: string; rows: string }>(
      "SELECT name, total_rows AS rows FROM system.tables WHERE database = 'otel_main' AND total_rows > 0 AND name LIKE 'otel%' AND name != 'otel_traces_trace_id_ts' AND engine LIKE '%MergeTree' ORDER BY name",
      { timeoutMs },
    );
    t.match(
      tables.map((it) => it.name),
      ['otel_logs', 'otel_metrics_exponential_histogram', 'otel_metrics_gauge'],
    );
    for (const { name, rows } of tables) {
      const [same] = await store.inspect<{ n: string; m: string }>(
        `SELECT (SELECT groupArray(text) FROM (SELECT formatRow('JSONCompactEachRow', *) AS text FROM otel_main.${name} ORDER BY text)) AS a,
                (SELECT groupArray(text) FROM (SELECT formatRow('JSONCompactEachRow', *) AS text FROM otel_pool.${name} ORDER BY text)) AS b,
                toString(length(a)) AS n, if(a = b, 'same', 'different') AS m`,
        { timeoutMs },
      );
      t.match(same, { n: rows, m: 'same' }, `${name} (${rows} rows)`);
    }
    t.match(
      await pool.metricsText(),
      /tocsin_store_insert_rows_stored_total\{table="otel_logs"\} \d+/,
      'what workers count is on our page',
    );
    t.match(
      await pool.metricsText(),
      /tocsin_decode_requests_walked_total\{[^}]*walker="machine"[^}]*\} \d+/,
      'spans are walked by the machine',
    );
  });

  t.test('a worker that is killed again and again loses nothing acknowledged', async (t) => {
    await migrate(store, migrateOptions);
    const setup = setupFor(engine);
    const pool = await openPool(t, engine, {
      workers: 2,
      setup,
      entry: fragile,
      limits: { packedBytesMax: 1, restart: { firstMs: 20, maxMs: 50 } },
    });
    const acknowledged: string[] = [];
    let requests = 0;
    const faults: Fault[] = [];
    const sending = new AbortController();
    const send = async (sender: number): Promise<void> => {
      for (let round = 0; !sending.signal.aborted; round += 1) {
        const seed = sender * 10_000 + round;
        try {
          const body = sampleBody('traces', seed, 10)();
          const ids = spanIdsOf(body);
          await pool.ingest(traces(body));
          acknowledged.push(...ids);
          requests += 1;
        } catch (error) {
          faults.push(error as Fault);
          // A sender would wait for a second.
          await systemClock.sleep(20);
        }
      }
    };
    const senders = [1, 2, 3, 4, 5, 6, 7, 8].map(send);
    for (let kill = 1; kill <= 5; kill += 1) {
      const enough = requests + 15;
      const restarted = () => pool.linesOf('ingest_worker_restarted').length;
      await until(() => requests >= enough && restarted() === kill - 1);
      faults.push(await faultOf(pool.ingest(broken(`exit ${kill}`))));
    }
    sending.abort();
    await Promise.all(senders);
    await pool.drain();
    // A worker that was away when the pool ended left its journal to the next start.
    const successor = await openPool(t, engine, { workers: 2, setup });
    await successor.drain();

    t.equal(pool.linesOf('ingest_worker_died').length, 5);
    t.ok(faults.length > 5, `${faults.length} requests were under way`);
    for (const { code, remedy } of faults) {
      t.match({ code, remedy }, { code: /^ERR_INGEST_(LOST|DEADLY|DOWN)$/ });
    }
    const stored = await store.query<{ id: string; n: string }>(
      'SELECT SpanId AS id, toString(count()) AS n FROM otel_traces GROUP BY id',
      { timeoutMs },
    );
    const counts = new Map(stored.map(({ id, n }) => [id, n]));
    const wrong = acknowledged.filter((id) => counts.get(id) !== '1');
    t.strictSame(wrong, [], `${acknowledged.length} acknowledged spans are stored, once`);
  });
});

t.test('faults of a worker arrive with their code and remedy', async (t) => {
  const pool = await openPool(t, nowhere, { entry: fragile });
  t.match(await faultOf(pool.ingest(traces(Buffer.from([255, 255, 255])))), {
    code: 'ERR_OTLP_MALFORMED',
    remedy: 'reject',
  });
  const bug = await faultOf(pool.ingest(broken('bug')));
  t.match(bug, { name: 'RangeError', message: 'a bug' });
  t.match(bug.stack, /fragile-worker/, 'a bug keeps its stack');
});

t.test('one worker takes no more bytes than its limit, but any request alone', async (t) => {
  const store = await startSlowStore(t);
  const body = sampleBody('traces', 1);
  const bytes = body().length;
  const pool = await openPool(t, store, { limits: { workerBytesMax: bytes * 1.5 } });
  const first = pool.ingest(traces(body()));
  t.match(await faultOf(pool.ingest(traces(body()))), busy);
  store.release();
  t.equal((await first).accepted, 80);

  const large = sampleBody('traces', 1, 100)();
  t.ok(large.length > bytes * 1.5);
  const alone = pool.ingest(traces(large));
  t.equal(large.length, 0, 'its buffer is given away, not copied');
  t.equal((await alone).accepted, 400);
});

t.test('one worker takes no more requests than its limit', async (t) => {
  const store = await startSlowStore(t);
  const pool = await openPool(t, store, { limits: { workerRequestsMax: 2 } });
  const two = [1, 2].map((seed) => pool.ingest(traces(sampleBody('traces', seed)())));
  t.match(await faultOf(pool.ingest(traces(sampleBody('traces', 3)()))), busy);
  store.release();
  t.match(await Promise.all(two), [{ accepted: 80 }, { accepted: 80 }]);
  t.match(
    await pool.metricsText(),
    /tocsin_ingest_requests_refused_total\{code="ERR_INGEST_BUSY"\} 1/,
  );
});

t.test('while the first worker has little to do it gets everything', async (t) => {
  const store = await startSlowStore(t);
  const body = sampleBody('traces', 1);
  const bytes = body().length;
  const pool = await openPool(t, store, {
    workers: 2,
    limits: { packedBytesMax: bytes * 1.5 },
  });
  const outstanding = async () => {
    const page = await pool.metricsText();
    const levels = page.matchAll(/tocsin_ingest_requests_outstanding\{worker="(\d)"\} (\d+)/g);
    return Array.from(levels, ([, worker, count]) => `${worker}: ${count}`).join(', ');
  };
  const answers: Promise<Acceptance>[] = [];
  const seen: string[] = [];
  for (let sent = 0; sent < 6; sent += 1) {
    answers.push(pool.ingest(traces(body())));
    seen.push(await outstanding());
  }
  t.strictSame(seen, [
    '0: 1, 1: 0',
    '0: 2, 1: 0',
    '0: 2, 1: 1',
    '0: 2, 1: 2',
    '0: 3, 1: 2',
    '0: 3, 1: 3',
  ]);
  store.release();
  await Promise.all(answers);
});

const deaths = [
  ['exit', /exit/, undefined],
  ['throw', /error/, /not caught/],
  ['memory', /memory/, /memory/],
  ['hang', /stuck/, undefined],
] as const;

for (const [how, reason, message] of deaths) {
  t.test(`a worker that ends by ${how} fails what it held and is replaced`, async (t) => {
    const pool = await openPool(t, nowhere, {
      entry: fragile,
      limits: {
        heapMebibytesMax: 48,
        decodeMsMax: how === 'hang' ? 100 : 20_000,
        watchEveryMs: 50,
        restart: { firstMs: 20, maxMs: 50 },
      },
    });
    const held = faultOf(pool.ingest(broken('never')));
    const killing = faultOf(pool.ingest(broken(how)));
    const lost = { code: 'ERR_INGEST_LOST', remedy: 'retry', retryAfterMs: 1_000 };
    t.match(await held, lost);
    t.match(await killing, lost);
    await until(() => pool.linesOf('ingest_worker_restarted').length === 1);
    t.match(pool.linesOf('ingest_worker_died')[0]?.fields, {
      worker: 0,
      reason,
      lost: 2,
      ...(message && { error: { message } }),
    });
    t.equal((await pool.ingest(traces(Buffer.alloc(0)))).accepted, 0, 'the next one works');
    const text = await pool.metricsText();
    t.match(
      text,
      new RegExp(`tocsin_ingest_workers_died_total\\{worker="0",reason="${reason.source}"\\} 1`),
    );
    t.match(text, /tocsin_ingest_workers_running 1/);
  });
}

t.test('a request that kills every worker is not taken any more', async (t) => {
  const pool = await openPool(t, nowhere, {
    entry: fragile,
    limits: { restart: { firstMs: 5, maxMs: 10 } },
  });
  const codes: string[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const fault = await faultOf(pool.ingest(broken('exit')));
    codes.push(`${fault.code} ${fault.remedy}`);
    if (fault.code !== 'ERR_INGEST_DEADLY') {
      await until(() => pool.linesOf('ingest_worker_restarted').length === attempt + 1);
    }
  }
  t.strictSame(codes, [
    'ERR_INGEST_LOST retry',
    'ERR_INGEST_LOST retry',
    'ERR_INGEST_LOST retry',
    'ERR_INGEST_DEADLY reject',
    'ERR_INGEST_DEADLY reject',
  ]);
  t.equal((await pool.ingest(traces(Buffer.alloc(0)))).accepted, 0, 'others are taken');
});

t.test('while no worker runs, senders are told when to come back', async (t) => {
  const pool = await openPool(t, nowhere, {
    entry: fragile,
    limits: { restart: { firstMs: 60_000, maxMs: 60_000 } },
  });
  await faultOf(pool.ingest(broken('exit')));
  const fault = await faultOf(pool.ingest(traces(sampleBody('traces', 1)())));
  t.match(fault, { code: 'ERR_INGEST_DOWN', remedy: 'retry' });
  t.ok((fault.retryAfterMs ?? 0) > 25_000, 'not before the next attempt');
  await pool.drain();
});

t.test('drain answers what is held, takes nothing new and ends the threads', async (t) => {
  const store = await startSlowStore(t);
  const pool = await openPool(t, store, { workers: 2, limits: { packedBytesMax: 1 } });
  const held = [1, 2].map((seed) => pool.ingest(traces(sampleBody('traces', seed)())));
  const events: string[] = [];
  const settled = Promise.all(held).then(() => events.push('answered'));
  const drained = pool.drain().then(() => events.push('drained'));
  t.match(await faultOf(pool.ingest(traces(sampleBody('traces', 1)()))), {
    code: 'ERR_INGEST_DOWN',
    remedy: 'retry',
  });
  t.strictSame(events, []);
  store.release();
  await Promise.all([settled, drained]);
  t.strictSame(events, ['answered', 'drained']);
  t.match(await pool.metricsText(), /tocsin_ingest_workers_running 0/);
  t.strictSame(pool.linesOf('ingest_worker_died'), []);
});

t.test('a drain that does not end is cut', async (t) => {
  const pool = await openPool(t, nowhere, { entry: fragile, limits: { drainMsMax: 100 } });
  const held = faultOf(pool.ingest(broken('never')));
  await pool.drain();
  t.match(await held, { code: 'ERR_INGEST_LOST', remedy: 'retry' });
  t.match(pool.linesOf('ingest_workers_abandoned'), [{ fields: { requests: 1 } }]);
});

t.test('a pool whose workers cannot start says so', async (t) => {
  const setup = setupFor(nowhere);
  const starting = startIngestPool({
    ...parts,
    workers: 2,
    entry: fragile,
    setup: (index, thread) => ({
      ...setup(index, thread),
      batch: { ...setup(index, thread).batch, rowsMax: index === 1 ? 13 : 1_000 },
    }),
  });
  await t.rejects(starting, { code: 'ERR_INGEST_START', message: /never starts/ });
});
