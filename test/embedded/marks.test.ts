import { createClient } from '@clickhouse/client';
import t from 'tap';
import { startClickHouse } from '../support/clickhouse.ts';

t.test('who asks a part first finds its marks in memory, and a start reads none', async (t) => {
  const engine = await startClickHouse(t);
  const client = createClient(engine);
  t.teardown(() => client.close());
  const ask = async <Row>(query: string): Promise<readonly Row[]> =>
    (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
  const marksReadBy = async (query: string): Promise<number> => {
    const read = () =>
      ask<{ files: number }>(
        "SELECT toUInt32(sum(value)) AS files FROM system.events WHERE event = 'LoadedMarksFiles'",
      );
    const [before] = await read();
    await ask(query);
    const [after] = await read();
    return (after?.files ?? Number.NaN) - (before?.files ?? Number.NaN);
  };
  await client.command({ query: 'CREATE DATABASE otel' });
  await client.command({
    query: `CREATE TABLE otel.wide (id String, a UInt64, b String, INDEX i id TYPE bloom_filter GRANULARITY 1)
      ENGINE = MergeTree ORDER BY a SETTINGS min_bytes_for_wide_part = 0`,
  });
  const question = "SELECT * FROM otel.wide WHERE id = '5'";
  for (const from of [0, 50_000]) {
    await client.command({
      query: `INSERT INTO otel.wide SELECT number AS n, n, n FROM numbers(${from}, 50_000)`,
    });
  }
  t.equal(await marksReadBy(question), 0, 'inserted');
  await client.command({ query: 'OPTIMIZE TABLE otel.wide FINAL' });
  t.equal(await marksReadBy(question), 0, 'merged');
  await client.command({ query: 'SYSTEM DROP MARK CACHE' });
  t.ok((await marksReadBy(question)) > 0, 'they are what is counted here');

  t.strictSame(
    await ask(
      "SELECT name, value FROM system.server_settings WHERE name IN ('mark_cache_prewarm_ratio', 'index_mark_cache_prewarm_ratio') ORDER BY name",
    ),
    [
      { name: 'index_mark_cache_prewarm_ratio', value: '0' },
      { name: 'mark_cache_prewarm_ratio', value: '0' },
    ],
  );
});
