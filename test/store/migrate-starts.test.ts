import t from 'tap';
import type { Store } from '../../src/store/client.ts';
import { loadMigrations } from '../../src/store/load-migrations.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { migrateOptions as anyOptions, openStore } from './open-store.ts';
import { tocsinMigrate } from './tocsin-migrate.ts';

const timeoutMs = 20_000;
/** Read once: somebody may be writing the next one. */
const migrations = await loadMigrations();
const migrateOptions = { ...anyOptions, migrations };

t.test('starts that are cut short, or come at once', async (t) => {
  const engine = await startClickHouse(t);
  const boss = openStore(t, engine);
  await migrate(boss, migrateOptions);

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
