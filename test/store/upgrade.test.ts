import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import type { Store } from '../../src/store/client.ts';
import { loadMigrations } from '../../src/store/load-migrations.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { spanBlock } from '../support/native-block.ts';
import { viewsOf } from '../support/views.ts';
import { migrateOptions as anyOptions, openStore } from './open-store.ts';

const timeoutMs = 20_000;
/** Read once: somebody may be writing the next one. */
const migrations = await loadMigrations();
/** A clock that stands still, so that two reports differ only where two runs do. */
const clock = { ...anyOptions.clock, nowMs: () => Date.UTC(2026, 10, 21) };
const migrateOptions = { ...anyOptions, migrations, clock };

interface Shape {
  readonly table: string;
  readonly columns: string;
  /** `FINAL` where merges add rows up. */
  readonly final: string;
}

/** The tables of a database that hold rows, with the columns they have now. */
const shapesOf = (store: Store, database: string): Promise<readonly Shape[]> =>
  store.inspect(
    "SELECT table, arrayStringConcat(groupArray(concat('`', name, '`')), ', ') AS columns, " +
      "if(any(engine) = 'MergeTree', '', 'FINAL') AS final " +
      'FROM (SELECT table, c.name AS name, engine FROM system.columns AS c ' +
      'JOIN system.tables AS t ON c.database = t.database AND c.table = t.name ' +
      "WHERE c.database = {database:String} AND engine LIKE '%MergeTree' " +
      "AND table != 'schema_migrations' ORDER BY table, position) GROUP BY table ORDER BY table",
    { parameters: { database }, timeoutMs },
  );

/** Rows per table, and a sum that tells their contents apart. */
const contentsOf = (store: Store, shapes: readonly Shape[]) =>
  store.query<{ table: string; rows: number }>(
    `SELECT * FROM (${shapes
      .map(
        ({ table, columns, final }) =>
          `SELECT '${table}' AS table, toUInt32(count()) AS rows, sum(cityHash64(toString(tuple(${columns})))) AS sum FROM ${table} ${final}`,
      )
      .join(' UNION ALL ')}) ORDER BY table`,
    { timeoutMs },
  );

/** A row of defaults, and a time where days are told apart, in every table there is. */
const fill = async (store: Store, database: string): Promise<void> => {
  const tables = await store.inspect<{ table: string; column: string; dated: number }>(
    'SELECT table, argMax(name, (is_in_partition_key, -position)) AS column, ' +
      'max(is_in_partition_key) AS dated FROM system.columns WHERE database = {database:String} ' +
      "AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') AND table IN (SELECT name FROM " +
      "system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree') " +
      "AND table != 'schema_migrations' GROUP BY table",
    { parameters: { database }, timeoutMs },
  );
  await Promise.all(
    tables.map(({ table, column, dated }) =>
      store.command(
        `INSERT INTO ${database}.${table} (${column}) ` +
          'SETTINGS async_insert = 0, insert_deduplicate = 0 ' +
          `VALUES (${dated ? "'2026-11-21 09:00:00'" : 'DEFAULT'})`,
      ),
    ),
  );
};

const sendSpan = (store: Store, service: string) =>
  store.insertBlock(
    spanBlock(`upgrade-${service}`, [
      { traceId: service, spanId: '1', service, startMs: Date.UTC(2026, 10, 21, 9, 1) },
    ]),
  );

t.test('upgrades on a real engine', async (t) => {
  const engine = await startClickHouse(t);
  const boss = openStore(t, engine);

  /** Upgrades a database with rows in every table, and looks whether it has them and works. */
  const upgrade = async (
    t: Test,
    database: string,
    { from, to }: { readonly from: number; readonly to: number },
  ): Promise<void> => {
    const name = `${migrations[from]?.name} to ${migrations[to]?.name}`;
    const store = openStore(t, engine, { database });
    const options = { ...migrateOptions, database };
    const target = { ...options, migrations: migrations.slice(0, to + 1) };
    await migrate(store, { ...options, migrations: migrations.slice(0, from + 1) });
    await fill(store, database);
    if (from > 0) await sendSpan(store, `before-${from}`);
    const shapes = await shapesOf(store, database);
    const before = shapes.length > 0 ? await contentsOf(store, shapes) : [];
    t.ok(
      before.every((it) => it.rows > 0),
      `${name}: every table has rows`,
    );

    const foretold = await migrate(store, { ...target, dryRun: true });
    const report = await migrate(store, target);
    t.strictSame(foretold, report, `${name}: a dry run tells every statement`);
    t.strictSame(
      report.migrations,
      target.migrations.slice(from + 1).map((it) => it.name),
      name,
    );
    if (shapes.length > 0) {
      t.strictSame(await contentsOf(store, shapes), before, `${name}: holds what it held`);
    }
    t.strictSame((await migrate(store, target)).statements, []);
  };

  const worksNow = async (t: Test, database: string): Promise<void> => {
    const store = openStore(t, engine, { database });
    await sendSpan(store, 'after');
    t.strictSame(
      await store.query(
        "SELECT (SELECT toUInt32(count()) FROM otel_traces WHERE ServiceName = 'after') AS spans, " +
          "(SELECT toUInt32(count()) FROM otel_traces_trace_id_ts WHERE TraceId = 'after') AS traces, " +
          "(SELECT toUInt32(sum(Spans)) FROM span_rollup_1d WHERE ServiceName = 'after') AS days",
        { timeoutMs },
      ),
      [{ spans: 1, traces: 1, days: 1 }],
      'views fill their tables',
    );
    await boss.command(`DROP DATABASE ${database} SYNC`);
  };

  t.test('from each version to the next, all the way, with more data at each', async (t) => {
    for (let from = 0; from < migrations.length - 1; from += 1) {
      await upgrade(t, 'ladder', { from, to: from + 1 });
    }
    await worksNow(t, 'ladder');
  });

  t.test('at once from versions far back', async (t) => {
    const last = migrations.length - 1;
    for (const from of [0, 1, Math.floor(last / 2), last - 2]) {
      await upgrade(t, `from_${from}`, { from, to: last });
      await worksNow(t, `from_${from}`);
    }
  });

  t.test('every view can be read on an upgraded database', async (t) => {
    const first = { ...migrateOptions, migrations: migrations.slice(0, 2) };
    await migrate(boss, first);
    await migrate(boss, migrateOptions);
    const views = await viewsOf(boss.inspect, 'otel');
    t.ok(views.length > 0);
    for (const { name, from } of views) {
      await t.resolves(boss.query(`SELECT * FROM ${from} LIMIT 1`, { timeoutMs }), name);
    }
  });

  t.test('killed after any statement, the next start goes on', async (t) => {
    const options = { ...migrateOptions, database: 'mortal' };
    let killed = 0;
    for (let life = 1; ; life += 1) {
      let left = life;
      const dying = {
        ...boss,
        command: async (sql: string) => {
          await boss.command(sql);
          left -= 1;
          if (left === 0) throw new Error('killed');
        },
      };
      const died = await migrate(dying, options).then(
        () => false,
        () => true,
      );
      if (!died) break;
      killed += 1;
    }
    t.ok(killed > 5, `killed ${killed} times`);
    const [one] = await boss.inspect<{ n: number }>(
      'SELECT toUInt32(count()) AS n FROM mortal.schema_migrations',
      { timeoutMs },
    );
    t.equal(one?.n, migrations.length - 1);
    t.strictSame(
      (await tablesOf(boss, 'mortal')).map(withoutDatabase),
      (await tablesOf(boss, 'otel')).map(withoutDatabase),
      'the schema is that of a database that was made at once',
    );
  });

  t.test('processes that start at once on an empty database all succeed', async (t) => {
    const runs = await Promise.all([1, 2, 3].map(() => tocsinMigrate(engine, 'crowd')));
    t.strictSame(
      runs.map((it) => it.code),
      [0, 0, 0],
      runs.map((it) => it.error).join('\n'),
    );
    t.strictSame(
      (await tablesOf(boss, 'crowd')).map(withoutTtl),
      (await tablesOf(boss, 'otel')).map(withoutTtl),
    );
    const again = await tocsinMigrate(engine, 'crowd');
    t.equal(again.text, 'nothing to do\n');
  });

  t.test('processes that upgrade data at once all succeed and lose nothing', async (t) => {
    const options = { ...migrateOptions, database: 'old' };
    const old = openStore(t, engine, { database: 'old' });
    await migrate(old, { ...options, migrations: migrations.slice(0, 4) });
    await fill(old, 'old');
    const shapes = await shapesOf(old, 'old');
    const before = await contentsOf(old, shapes);
    t.equal(before.length, 4, 'spans, their trace ids, gauges and sums');
    const runs = await Promise.all([1, 2, 3].map(() => tocsinMigrate(engine, 'old')));
    t.strictSame(
      runs.map((it) => it.code),
      [0, 0, 0],
      runs.map((it) => it.error).join('\n'),
    );
    t.strictSame(await contentsOf(old, shapes), before);
    t.equal((await tocsinMigrate(engine, 'old')).text, 'nothing to do\n');
  });

  t.test('the command says why it does not touch a newer database', async (t) => {
    await boss.command("INSERT INTO crowd.schema_migrations (Version, Name) VALUES (9000, 'next')");
    const refused = await tocsinMigrate(engine, 'crowd');
    t.equal(refused.code, 1);
    t.match(refused.error, /ERR_SCHEMA_NEWER|newer tocsin was here/);
  });

  t.test('a dry run prints the statements and changes nothing', async (t) => {
    const dry = await tocsinMigrate(engine, 'dry', '--dry-run');
    t.equal(dry.code, 0);
    t.match(dry.text, /^CREATE DATABASE IF NOT EXISTS `dry`/);
    t.match(dry.text, /MODIFY TTL/);
    t.strictSame(
      await boss.inspect("SELECT name FROM system.databases WHERE name = 'dry'", { timeoutMs }),
      [],
    );
    const half = { ...migrateOptions, database: 'half' };
    await migrate(boss, { ...half, migrations: migrations.slice(0, 3) });
    const before = await tablesOf(boss, 'half');
    const upgrade = await tocsinMigrate(engine, 'half', '--dry-run');
    t.match(upgrade.text, /`half`\.`otel_logs`/);
    t.notMatch(upgrade.text, /CREATE TABLE IF NOT EXISTS `half`\.`otel_traces`/);
    t.strictSame(await tablesOf(boss, 'half'), before);
  });
});

/** Name and statement of each table. */
const tablesOf = (store: Store, database: string) =>
  store.inspect<{ name: string; sql: string }>(
    'SELECT name, create_table_query AS sql FROM system.tables WHERE database = {database:String} ORDER BY name',
    { parameters: { database }, timeoutMs },
  );

/** Settings stand in the order in which they were given. */
const withoutDatabase = ({ name, sql }: { readonly name: string; readonly sql: string }) =>
  `${name}: ${sql
    .replaceAll(/\b(mortal|otel|crowd)\b/g, 'db')
    .replace(/(?<= SETTINGS )(\w+ = \S+,? )+/, (it) =>
      it.trim().split(', ').toSorted().join(', '),
    )}`;

const withoutTtl = (it: { readonly name: string; readonly sql: string }) =>
  withoutDatabase(it).replace(/ TTL .*? SETTINGS /s, ' SETTINGS ');

const run = promisify(execFile);

/** The command as a process of its own, beside an engine that others use. */
const tocsinMigrate = async (
  engine: { readonly url: string; readonly username: string; readonly password: string },
  database: string,
  ...more: readonly string[]
): Promise<{ readonly code: number; readonly text: string; readonly error: string }> => {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    TOCSIN_CLICKHOUSE_URL: engine.url,
    TOCSIN_CLICKHOUSE_USERNAME: engine.username,
    TOCSIN_CLICKHOUSE_PASSWORD: engine.password,
    TOCSIN_CLICKHOUSE_DATABASE: database,
  };
  try {
    const { stdout } = await run('src/tocsin.sh', ['migrate', ...more], { env, timeout: 120_000 });
    return { code: 0, text: stdout, error: '' };
  } catch (error) {
    return { code: 1, text: '', error: String(error) };
  }
};
