import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { shareJournals } from '../../src/batch/journal/shared.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { nowhere, openPool, sampleBody, setupFor, spanIdsOf } from '../support/ingest-pool.ts';
import type { Question } from '../support/ingest-process.ts';
import type { SmallIngest } from '../support/ingest-start.ts';
import { until } from '../support/until.ts';

const program = join(dirname(fileURLToPath(import.meta.url)), '..', 'support', 'ingest-process.ts');
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/**
 * Keeps a worker busy, so that what comes with it goes to the next one; it is refused as malformed. Each
 * has other bytes: the same ones at once in two workers are handed on themselves.
 */
const filler = (number: number): string => {
  const body = Buffer.alloc(3 * 1024 * 1024);
  body.writeUInt8(number, body.length - 1);
  return base64(body);
};

const start = async (t: Test, order: SmallIngest) => {
  const child: ChildProcess = fork(program, [JSON.stringify(order)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'message');
  const ask = async (question: Question): Promise<unknown> => {
    const answered = once(child, 'message');
    child.send(question);
    return (await answered)[0];
  };
  /** To the worker behind so many busy ones. */
  const send = async (body: string, behind: number): Promise<unknown> => {
    const bodies = [...Array.from({ length: behind }, (_, number) => filler(number)), body];
    return ((await ask({ kind: 'send', bodies })) as readonly string[]).at(-1);
  };
  const kill = async (): Promise<void> => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const counts = async (): Promise<Readonly<Record<string, number>>> => {
    const page = String(await ask({ kind: 'metrics' }));
    const of = (name: string) =>
      Number(new RegExp(`^${name}(?:{.*})? (\\d+)`, 'm').exec(page)?.[1] ?? 0);
    return {
      written: of('tocsin_journal_requests_written_total'),
      repeated: of('tocsin_journal_requests_repeated_total'),
      handedOn: of('tocsin_ingest_requests_handed_on_total'),
    };
  };
  return { ask, send, kill, counts };
};

type Process = Awaited<ReturnType<typeof start>>;

/** What workers measured is reported a moment later. */
const counted = async (
  t: Test,
  { counts }: Process,
  wanted: Awaited<ReturnType<Process['counts']>>,
) => {
  await until(async () => JSON.stringify(await counts()) === JSON.stringify(wanted), 20_000).catch(
    () => {},
  );
  t.strictSame(await counts(), wanted);
};

t.test(
  'a repeated request is stored once, wherever it arrives and whoever was killed before',
  { timeout: 120_000 },
  async (t) => {
    const engine = await startClickHouse(t);
    const store = openStore(t, engine);
    await migrate(store, migrateOptions);
    const bodies = [1, 2, 3, 4].map((seed) => sampleBody('traces', seed)());
    const [first = '', second = '', third = '', twice = ''] = bodies.map(base64);
    const dataDir = t.testdir({});
    const { url, username, password } = engine;
    const run = (workers: number) =>
      start(t, { server: { url, username, password }, dataDir, workers });

    const whole = await run(3);
    t.equal(await whole.send(first, 0), 'accepted 80');
    t.equal(await whole.send(second, 1), 'accepted 80');
    t.equal(await whole.send(third, 2), 'accepted 80');
    t.strictSame(
      await whole.ask({ kind: 'send', bodies: [twice, filler(0), twice] }),
      ['accepted 80', 'ERR_OTLP_MALFORMED', 'accepted 80'],
      'two at the same time',
    );
    await counted(t, whole, { written: 4, repeated: 1, handedOn: 1 });
    t.equal(await whole.send(first, 1), 'accepted 80');
    t.equal(await whole.send(second, 0), 'accepted 80');
    t.equal(await whole.send(second, 1), 'accepted 80');
    t.equal(await whole.send(third, 1), 'accepted 80');
    await counted(t, whole, { written: 4, repeated: 5, handedOn: 4 });
    await whole.kill();

    const again = async (workers: number, handedOn: number): Promise<void> => {
      const successor = await run(workers);
      t.equal(await successor.send(first, workers < 2 ? 0 : 1), 'accepted 80');
      t.equal(await successor.send(second, 0), 'accepted 80');
      t.equal(await successor.send(third, 0), 'accepted 80');
      await counted(t, successor, { written: 0, repeated: 3, handedOn });
      if (workers < 4) return successor.kill();
      t.equal(await successor.ask({ kind: 'drain' }), 'drained');
    };
    // As many workers as before, fewer, none but the main thread, more.
    await again(3, 3);
    await again(2, 2);
    await again(0, 0);
    await again(4, 3);

    const stored = await store.query<{ id: string; n: string }>(
      'SELECT SpanId AS id, toString(count()) AS n FROM otel_traces GROUP BY id',
      { timeoutMs: 20_000 },
    );
    const ids = bodies.flatMap(spanIdsOf);
    t.strictSame(
      Object.fromEntries(stored.map(({ id, n }) => [id, n])),
      Object.fromEntries(ids.map((id) => [id, '1'])),
      `${ids.length} spans are stored, once`,
    );
  },
);

t.test('while the worker that may have a request is away, nobody else takes it', async (t) => {
  const setup = setupFor(nowhere);
  const dirs = [0, 1].map((it) => setup(it, 0).journal.dir);
  const shared = await shareJournals(2, dirs);
  const pool = await openPool(t, nowhere, {
    workers: 2,
    setup: (index, thread) => {
      const made = setup(index, thread);
      return { ...made, journal: { ...made.journal, shared } };
    },
    entry: new URL('../support/fragile-worker.ts', import.meta.url),
    limits: { packedBytesMax: 1, restart: { firstMs: 2_000, maxMs: 2_000 }, drainMsMax: 100 },
  });
  const send = (body: Uint8Array) => pool.ingest({ signal: 'traces', encoding: 'protobuf', body });
  const again = sampleBody('traces', 1);
  // Leaves the second worker to the others.
  const held = send(Buffer.from('break:never'));
  held.catch(() => {});
  t.equal((await send(again())).accepted, 80);
  await t.rejects(send(Buffer.from('break:exit')), { code: 'ERR_INGEST_LOST' });
  await t.rejects(send(again()), {
    code: 'ERR_INGEST_DOWN',
    remedy: 'retry',
    retryAfterMs: Number,
  });
  t.equal((await send(sampleBody('traces', 2)())).accepted, 80, 'others are taken');
  await until(() => pool.linesOf('ingest_worker_restarted').length === 1, 30_000);
  t.equal((await send(again())).accepted, 80);
  await until(
    async () => /requests_repeated_total(?:{.*})? 1/.test(await pool.metricsText()),
    20_000,
  );
  const page = await pool.metricsText();
  t.match(page, /tocsin_journal_requests_held 2$/m, 'it and one of the others');
});
