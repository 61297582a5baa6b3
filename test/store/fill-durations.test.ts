import t, { type Test } from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import type { Store } from '../../src/store/client.ts';
import { fillServiceDurations } from '../../src/store/fill-durations.ts';
import { loadMigrations } from '../../src/store/load-migrations.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { spanBlock } from '../support/native-block.ts';
import { migrateOptions, openStore } from './open-store.ts';

const engine = await startClickHouse(t);
const timeoutMs = 20_000;
const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 10, 1, 9);
const before = (await loadMigrations()).filter((it) => it.version < 24);

const spans = (name: string, days: number, perDay: number) =>
  Array.from({ length: days * perDay }, (_, index) => ({
    traceId: `${name}-${index}`,
    spanId: `${name}-${index}`,
    service: `service-${index % 3}`,
    startMs: startMs + Math.floor(index / perDay) * dayMs + index,
  }));

/** A database as the version before left it, with spans of some days. */
const olderDatabase = async (t: Test, database: string) => {
  const store = openStore(t, engine, { database });
  const options = { ...migrateOptions, database };
  await migrate(store, { ...options, migrations: before });
  await store.insertBlock(spanBlock('before', spans('before', 5, 30)));
  return { store, options };
};

/** Requests by day in the tier and in the table, and how many counts differ. */
const compare = async (store: Store) => {
  const [found] = await store.query<{ tier: string; table: string; wrong: number }>(
    `WITH tier AS (SELECT Time, ServiceName, key AS Bucket, sum(value) AS n FROM span_rollup_1d ARRAY JOIN mapKeys(Sketch) AS key, mapValues(Sketch) AS value GROUP BY ALL),
      counted AS (SELECT Time, ServiceName, Bucket, sum(Requests) AS n FROM service_durations_1d GROUP BY ALL)
    SELECT (SELECT toString(groupArray((day, n))) FROM (SELECT toDate(Time) AS day, sum(n) AS n FROM tier GROUP BY day ORDER BY day)) AS tier,
      (SELECT toString(groupArray((day, n))) FROM (SELECT toDate(Time) AS day, sum(n) AS n FROM counted GROUP BY day ORDER BY day)) AS table,
      (SELECT toUInt32(countIf(tier.n != counted.n)) FROM tier FULL JOIN counted USING (Time, ServiceName, Bucket)) AS wrong`,
    { timeoutMs },
  );
  return found ?? { tier: '', table: 'nothing', wrong: -1 };
};

t.test('days from before the table was there are filled in when it is made', async (t) => {
  const { store, options } = await olderDatabase(t, 'days');
  const foretold = await migrate(store, { ...options, dryRun: true });
  const { statements } = await migrate(store, options);
  t.strictSame(
    statements.filter((it) => it.startsWith('INSERT INTO `days`.`service_durations')),
    foretold.statements.filter((it) => it.startsWith('INSERT INTO `days`.`service_durations')),
  );
  const { tier, table, wrong } = await compare(store);
  t.equal(
    tier,
    "[('2026-11-01',30),('2026-11-02',30),('2026-11-03',30),('2026-11-04',30),('2026-11-05',30)]",
  );
  t.equal(table, tier);
  t.equal(wrong, 0);
  await store.insertBlock(spanBlock('after', spans('after', 5, 3)));
  await store.insertBlock(spanBlock('after', spans('after', 5, 3)));
  const later = await compare(store);
  t.match(later.table, "('2026-11-05',33)]", 'and what comes later is added once');
  t.equal(later.wrong, 0);
});

t.test('an insert that began before the view was there is waited for', async (t) => {
  const { store, options } = await olderDatabase(t, 'slow');
  const slow = store.command(
    `INSERT INTO slow.otel_traces (Timestamp, TraceId, ServiceName, Duration)
      SELECT toDateTime64('2026-11-03 10:00:00', 9), 't', 'slow', 1000 + sleepEachRow(1) FROM numbers(2)
      SETTINGS max_block_size = 1, min_insert_block_size_rows = 1, max_threads = 1`,
  );
  const running = async () => {
    const sql = "SELECT toUInt32(count()) AS n FROM system.processes WHERE query_kind = 'Insert'";
    return (await store.inspect<{ n: number }>(sql, { timeoutMs }))[0]?.n === 1;
  };
  const endMs = Date.now() + timeoutMs;
  while (!(await running()) && Date.now() < endMs) await systemClock.sleep(20);
  let isOver = false;
  const [, { statements }] = await Promise.all([
    slow.then(() => {
      isOver = true;
    }),
    migrate(store, options).then((report) => {
      t.ok(isOver, 'the insert was over first');
      return report;
    }),
  ]);
  t.ok(statements.length > 0);
  const { tier, table, wrong } = await compare(store);
  t.match(tier, "('2026-11-03',32)");
  t.equal(table, tier);
  t.equal(wrong, 0);
});

t.test('daemons that fill at once while others insert leave every day right', async (t) => {
  const { store, options } = await olderDatabase(t, 'busy');
  let isDone = false;
  const inserting = (async () => {
    let sent = 0;
    while (!isDone) {
      await store.insertBlock(spanBlock(`busy-${sent}`, spans(`busy-${sent}`, 5, 2)));
      sent += 1;
    }
    return sent;
  })();
  const daemons = [1, 2, 3].map(() => openStore(t, engine, options));
  await Promise.all(daemons.map((it) => migrate(it, options))).finally(() => {
    isDone = true;
  });
  const sent = await inserting;
  t.ok(sent > 0, `${sent} blocks meanwhile`);
  const { tier, table, wrong } = await compare(store);
  t.match(tier, `('2026-11-05',${30 + 2 * sent})]`);
  t.equal(table, tier);
  t.equal(wrong, 0);
});

t.test('killed half way it goes on, and whatever is wrong by then is put right', async (t) => {
  const { store, options } = await olderDatabase(t, 'killed');
  let left = 2;
  const dying = {
    ...store,
    command: async (sql: string) => {
      await store.command(sql);
      if (sql.includes('INSERT INTO `killed`.`service_durations_1d_filled`')) left -= 1;
      if (left === 0) throw new Error('killed');
    },
  };
  await t.rejects(migrate(dying, options), { message: 'killed' });
  await t.rejects(store.query('SELECT 1 FROM service_durations_1d', { timeoutMs }), {
    code: 'ERR_QUERY_REFUSED',
  });
  await store.command(
    "INSERT INTO killed.service_durations_1d_filled VALUES ('2026-11-02', 'service-0', 16380, 7, 7), ('2026-11-04', 'stranger', 5, 2, 0)",
  );
  await migrate(store, options);
  const { tier, table, wrong } = await compare(store);
  t.equal(table, tier);
  t.equal(wrong, 0);
});

t.test('what does not come to an end is given up and said', async (t) => {
  const fill = async (rows: (sql: string) => readonly object[]) => {
    let nowMs = 0;
    const ran: string[] = [];
    const error = await fillServiceDurations({
      database: 'otel',
      inspect: async <Row>(sql: string) => rows(sql) as readonly Row[],
      run: async (sql) => void ran.push(sql),
      clock: {
        ...systemClock,
        monotonicMs: () => nowMs,
        sleep: async (ms) => {
          nowMs += ms;
        },
      },
      dryRun: false,
      before: new Set(['span_rollup_1d']),
    }).then(
      () => 'filled',
      (it: unknown) => it,
    );
    return { error, ran, nowMs };
  };
  const stuck = await fill((sql) => (sql.includes('system.processes') ? [{ id: 'slow' }] : []));
  t.match(stuck.error, { code: 'ERR_DURATIONS_NOT_FILLED', remedy: 'retry', message: /: slow$/ });
  t.ok(stuck.nowMs >= 120_000 && stuck.nowMs < 121_000);
  const restless = await fill((sql) => {
    if (sql.includes('system.processes')) return [];
    return [sql.startsWith('SELECT DISTINCT') ? { day: 86_400 } : { rows: 1, hash: 'A' }];
  });
  t.match(restless.error, { code: 'ERR_DURATIONS_NOT_FILLED', message: /1970-01-02.*changing/ });
  t.equal(restless.ran.length, 20);
});
