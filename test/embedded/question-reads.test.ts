import { createClient } from '@clickhouse/client';
import t from 'tap';
import { startClickHouse } from '../support/clickhouse.ts';

t.test('a question about few rows reads their granules, and filters of parts once', async (t) => {
  const memoryBytesMax = 1024 ** 3;
  const engine = await startClickHouse(t, { memoryBytesMax });
  const client = createClient(engine);
  t.teardown(() => client.close());
  const ask = async <Row>(query: string): Promise<readonly Row[]> =>
    (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
  const counted = async (event: string): Promise<number> => {
    const [found] = await ask<{ n: number }>(
      `SELECT toUInt32(sum(value)) AS n FROM system.events WHERE event = '${event}'`,
    );
    return found?.n ?? Number.NaN;
  };
  const during = async (events: readonly string[], question: string): Promise<number[]> => {
    const before = await Promise.all(events.map(counted));
    await ask(question);
    const after = await Promise.all(events.map(counted));
    return after.map((it, n) => it - (before[n] ?? Number.NaN));
  };
  await client.command({ query: 'CREATE DATABASE otel' });
  // 40 granules, each column 32 KiB in a granule and 1.3 MB in all, which no codec makes smaller.
  const columns = ['a', 'b', 'c', 'd', 'e', 'f'];
  await client.command({
    query: `CREATE TABLE otel.wide (n UInt32, id String CODEC(ZSTD(1)), ${columns.map((it) => `${it} UInt32`).join(', ')},
      INDEX i id TYPE bloom_filter(0.001) GRANULARITY 1)
      ENGINE = MergeTree ORDER BY n SETTINGS min_bytes_for_wide_part = 0`,
  });
  await client.command({
    query: `INSERT INTO otel.wide SELECT number, hex(number), ${columns.map((it) => `sipHash64('${it}', number)`).join(', ')}
      FROM numbers(327_680) SETTINGS max_block_size = 327680, min_insert_block_size_rows = 327680`,
  });
  const question = (n: number) => `SELECT * FROM otel.wide WHERE id = hex(${n})`;

  // Every granule's filter is looked into, 8,192 ids of 14.4 bits each.
  const [filters = 0] = await during(['ReadCompressedBytes'], question(999_999));
  t.ok(filters > 500_000, `${filters} bytes of filters`);
  t.strictSame(await during(['ReadCompressedBytes'], question(888_888)), [0], 'are read once');

  const [read = 0, wanted = 0] = await during(
    ['ReadBufferFromFileDescriptorReadBytes', 'ReadCompressedBytes'],
    question(200_000),
  );
  // Six columns of 32 KiB and two that are packed.
  t.ok(wanted > 6 * 32_768, `${wanted} bytes of a granule`);
  t.ok(read < 1.25 * wanted, `${read} bytes read for them`);

  const countedBytes = Math.floor(memoryBytesMax * 0.6);
  t.strictSame(
    await ask(
      "SELECT value FROM system.server_settings WHERE name = 'index_uncompressed_cache_size'",
    ),
    [{ value: String(Math.floor(countedBytes * 0.08)) }],
    'in bounded memory',
  );
});
