import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { startEmbeddedClickHouse } from '../../src/embedded/clickhouse.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { createInserter } from '../../src/store/insert.ts';
import { migrate } from '../../src/store/migrate.ts';
import { engineOptions } from '../support/embedded-options.ts';
import { spanBlock } from '../support/native-block.ts';
import { until } from '../support/until.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 10_000;

t.test('an insert whose engine is killed between table and view is completed, once', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-killed-'));
  const engine = await startEmbeddedClickHouse(engineOptions(dataDir));
  t.teardown(async () => {
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const store = openStore(t, { ...engine, password: engine.password.reveal() });
  await migrate(store, migrateOptions);
  // A view that takes its time holds the door open between the table and what derives from it.
  await store.command(
    'CREATE TABLE otel.late (TraceId String, s UInt8) ENGINE = MergeTree ORDER BY TraceId ' +
      'SETTINGS non_replicated_deduplication_window = 100',
  );
  await store.command(
    'CREATE MATERIALIZED VIEW otel.late_mv TO otel.late AS ' +
      'SELECT TraceId, sleepEachRow(0.5) AS s FROM otel.otel_traces',
  );
  const count = async (table: string): Promise<number> => {
    const sql = `SELECT toUInt32(count()) AS n FROM ${table}`;
    const [row] = await store.query<{ n: number }>(sql, { timeoutMs });
    return row?.n ?? Number.NaN;
  };
  const { insertBlock } = createInserter({
    store,
    limits: { retryMsMax: 30_000, attemptsMax: 1_000 },
    clock: systemClock,
    random: () => 0.5,
    log: silentLog,
    meter: noopMeter,
  });
  const spans = ['a', 'b', 'c'].map((traceId) => ({
    traceId,
    spanId: traceId,
    service: 'killed',
    startMs: Date.UTC(2026, 10, 21),
  }));

  const stored = insertBlock(spanBlock('killed', spans));
  await until(async () => (await count('otel_traces')) === 3);
  t.equal(await count('late'), 0, 'the view is behind');
  const pid = engine.pid();
  if (pid === undefined) throw new Error('no engine');
  process.kill(pid, 'SIGKILL');
  await stored;

  t.equal(engine.restartCount(), 1);
  t.strictSame(
    [await count('otel_traces'), await count('otel_traces_trace_id_ts'), await count('late')],
    [3, 3, 3],
  );
});
