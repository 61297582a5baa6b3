import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { loadMigrations } from '../../src/store/load-migrations.ts';
import { renderSql } from '../../src/store/render.ts';
import { splitStatements } from '../../src/store/split-statements.ts';
import { matchGolden } from '../support/golden.ts';

const placements = [
  { title: 'a single server', placement: { database: 'otel' } },
  { title: 'a cluster', placement: { database: 'otel', cluster: 'main' } },
];

/** Whoever comes second finds it done. Anything else must not stand in a migration. */
const repeatable =
  /^(CREATE (DATABASE|TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS |CREATE OR REPLACE VIEW |ALTER TABLE \S+(\s+ON CLUSTER \S+)?\s+(ADD (COLUMN|INDEX) IF NOT EXISTS|DROP (COLUMN|INDEX) IF EXISTS|MATERIALIZE INDEX |MODIFY |COMMENT ))/;

/** What takes rows away or writes them anew; a view has none, and another codec is for parts to come. */
const destructive =
  /\b(DROP|TRUNCATE|DETACH|RENAME|REPLACE(?! VIEW)|EXCHANGE|DELETE|UPDATE|CLEAR|MOVE)\b|\bMODIFY (COLUMN (?!\S+ CODEC\()|ORDER BY|SAMPLE|PARTITION)/i;

t.test('no migration takes data away or rewrites it', async (t) => {
  for (const { name, text } of await loadMigrations()) {
    for (const sql of splitStatements(renderSql(text, { database: 'otel' }))) {
      const outsideQuotes = sql.replaceAll(/'(?:[^'\\]|\\.|'')*'|`[^`]*`/g, "''");
      t.notMatch(outsideQuotes, destructive, `${name}: ${sql.slice(0, 60)}`);
    }
  }
  const lossy = [
    'ALTER TABLE a DROP COLUMN IF EXISTS b',
    'ALTER TABLE a DROP PARTITION 1',
    'DROP TABLE IF EXISTS a',
    'TRUNCATE TABLE a',
    'ALTER TABLE a DELETE WHERE 1',
    'DELETE FROM a WHERE 1',
    'ALTER TABLE a UPDATE b = 1 WHERE 1',
    'ALTER TABLE a MODIFY COLUMN b UInt8',
    'CREATE OR REPLACE TABLE a (b UInt8)',
    'RENAME TABLE a TO b',
  ];
  for (const sql of lossy) t.match(sql, destructive, sql);
});

for (const { title, placement } of placements) {
  t.test(`every statement of every migration may run twice on ${title}`, async (t) => {
    for (const { name, text } of await loadMigrations()) {
      const statements = splitStatements(renderSql(text, placement));
      t.not(statements.length, 0, `${name} says something`);
      for (const sql of statements) t.match(sql, repeatable, `${name}: ${sql.slice(0, 60)}`);
    }
  });
}

t.test(
  'on a cluster every statement reaches every node and rows lie in replicated tables',
  async (t) => {
    const all = (await loadMigrations()).flatMap(({ text }) =>
      splitStatements(
        renderSql(text, { database: 'otel', cluster: 'main', storagePolicy: "it's" }),
      ),
    );
    for (const sql of all) t.match(sql, /ON CLUSTER `main`/, sql.slice(0, 60));
    const spans = all.filter(
      (it) => it.includes('otel_traces`') || it.includes('otel_traces_local`'),
    );
    const [table = '', distributed = '', view = ''] = spans;
    t.match(table, /^CREATE TABLE IF NOT EXISTS `otel`\.`otel_traces_local` ON CLUSTER `main`/);
    t.match(table, /\nENGINE = ReplicatedMergeTree\n/);
    t.match(table, /replicated_deduplication_window = 10000/);
    t.notMatch(table, /non_replicated/);
    t.match(table, /storage_policy = 'it\\'s'/);
    t.equal(
      distributed,
      'CREATE TABLE IF NOT EXISTS `otel`.`otel_traces` ON CLUSTER `main`\n' +
        'AS `otel`.`otel_traces_local`\n' +
        "ENGINE = Distributed('main', 'otel', 'otel_traces_local', cityHash64(TraceId))",
    );
    t.match(view, /TO `otel`\.`otel_traces_trace_id_ts_local`\n/);
    t.match(view, /FROM `otel`\.`otel_traces_local`\n/);
  },
);

t.test('the text of each migration for a cluster is as it was read by a person', async (t) => {
  const golden = join(import.meta.dirname, '../golden/cluster');
  const there = new Set(await readdir(golden));
  const migrations = await loadMigrations();
  for (const { name, text } of migrations) {
    const statements = splitStatements(renderSql(text, { database: 'otel', cluster: 'main' }));
    matchGolden(t, `cluster/${name}`, statements.map((it) => `${it};\n`).join('\n'));
  }
  t.strictSame(
    [...there].filter((name) => !migrations.some((it) => it.name === name)),
    [],
  );
});

t.test('a placeholder nobody knows is a bug in the migration', (t) => {
  t.throws(() => renderSql('{{tabel x}}', { database: 'otel' }), { message: /\{\{tabel x\}\}/ });
  t.throws(() => renderSql('{{distributed x}}', { database: 'otel', cluster: 'c' }));
  t.equal(renderSql('{name:String}', { database: 'otel' }), '{name:String}', 'parameters stay');
  t.end();
});

t.test('semicolons end statements only outside of quotes and comments', (t) => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['nothing', '', []],
    ['blanks', ' ;\n ; ', []],
    ['no last semicolon', 'a;b', ['a', 'b']],
    ['single quotes', "a 'x;y';b", ["a 'x;y'", 'b']],
    ['a doubled quote', "'it''s;';b", ["'it''s;'", 'b']],
    ['an escaped quote', "'it\\';s';b", ["'it\\';s'", 'b']],
    ['an escaped backslash', "'x\\\\';b", ["'x\\\\'", 'b']],
    ['double quotes', '"a;b";c', ['"a;b"', 'c']],
    ['backticks', '`a;b`;c', ['`a;b`', 'c']],
    ['a line comment', "a -- it's; no\n+ b;c", ['a\n+ b', 'c']],
    ['a hash comment', 'a # b;c\n;d', ['a', 'd']],
    ['a block comment', "a /* it's;\n */b;c", ['a  b', 'c']],
    ['a comment in quotes', "'-- x';'/* y */'", ["'-- x'", "'/* y */'"]],
    ['a heredoc', "SELECT $sql$it's;$sql$;b", ["SELECT $sql$it's;$sql$", 'b']],
    ['a minus', 'a - b;c-d', ['a - b', 'c-d']],
    ['only comments', '-- a;\n/* b; */', []],
  ];
  for (const [title, text, expected] of cases) t.strictSame(splitStatements(text), expected, title);
  t.end();
});
