import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type EmbeddedClickHouse, startEmbeddedClickHouse } from '../../src/embedded/clickhouse.ts';
import { engineOptions } from '../support/embedded-options.ts';

const ask = async (engine: EmbeddedClickHouse, sql: string): Promise<string> => {
  const headers = {
    'X-ClickHouse-User': engine.username,
    'X-ClickHouse-Key': engine.password.reveal(),
    connection: 'close',
  };
  const answer = await fetch(engine.url, { method: 'POST', body: sql, headers });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.text()).trim();
};

const insert = (engine: EmbeddedClickHouse, id: number): Promise<string> =>
  ask(engine, `INSERT INTO otel.t SETTINGS insert_deduplication_token = 'b${id}' VALUES (${id})`);

t.test('a block whose part was lost in a kill is taken when it is sent again', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tocsin-clickhouse-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const first = await startEmbeddedClickHouse(engineOptions(dir));
  t.teardown(first.stop);
  await ask(first, 'CREATE DATABASE otel');
  await ask(
    first,
    'CREATE TABLE otel.t (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100',
  );
  for (const id of [1, 2, 3]) await insert(first, id);
  await ask(first, 'OPTIMIZE TABLE otel.t FINAL');
  for (const id of [4, 5]) await insert(first, id);
  await first.stop();

  // As a kill leaves it between the log of blocks and the part.
  const [part = ''] = globSync('clickhouse/data/store/*/*/all_5_5_0', { cwd: dir });
  rmSync(join(dir, part), { recursive: true });
  const second = await startEmbeddedClickHouse(engineOptions(dir));
  t.teardown(second.stop);
  t.equal(await ask(second, 'SELECT groupArray(id) FROM otel.t'), '[1,2,3,4]');
  for (const id of [1, 2, 3, 4, 5]) await insert(second, id);
  t.equal(
    await ask(second, 'SELECT arraySort(groupArray(id)) FROM otel.t'),
    '[1,2,3,4,5]',
    'the others are known, merged or not',
  );
  for (const id of [5, 6]) await insert(second, id);
  t.equal(await ask(second, 'SELECT count() FROM otel.t'), '6', 'and the log goes on');
});
