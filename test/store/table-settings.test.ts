import t from 'tap';
import { migrate } from '../../src/store/migrate.ts';
import { tableSettingStatements } from '../../src/store/table-settings.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { migrateOptions, openStore } from './open-store.ts';

const setting = 'propagate_types_serialization_versions_to_nested_types';
const tables = [
  { table: 'otel_traces', engine: 'MergeTree ORDER BY a SETTINGS index_granularity = 8192' },
  { table: 'otel_logs', engine: `MergeTree ORDER BY a SETTINGS b = 1, ${setting} = 0` },
  { table: 'audit_log', engine: 'MergeTree ORDER BY a SETTINGS index_granularity = 8192' },
];

t.test('a server is told what it knows, where it is not so yet', async (t) => {
  t.strictSame(tableSettingStatements(tables, new Set([setting]), { database: 'otel' }), [
    `ALTER TABLE \`otel\`.\`otel_traces\` MODIFY SETTING ${setting} = 0`,
  ]);
  t.strictSame(tableSettingStatements(tables, new Set(), { database: 'otel' }), []);
});

t.test('on a cluster every node is told', async (t) => {
  const local = [{ ...tables[0], table: 'otel_traces_local', engine: tables[0]?.engine ?? '' }];
  const placement = { database: 'otel', cluster: 'main' };
  t.strictSame(tableSettingStatements(local, new Set([setting]), placement), [
    `ALTER TABLE \`otel\`.\`otel_traces_local\` ON CLUSTER \`main\` MODIFY SETTING ${setting} = 0`,
  ]);
});

t.test('a block of spans is one file of data, and maps keep lengths beside texts', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);
  await store.command(
    `INSERT INTO otel.otel_traces (Timestamp, TraceId, SpanAttributes)
      SELECT now(), hex(number), map('text', repeat('x', 400)) FROM numbers(60_000)
      SETTINGS min_insert_block_size_bytes = 0, max_block_size = 100_000`,
  );
  t.strictSame(
    await store.inspect(
      `SELECT part_type, data_uncompressed_bytes > 20_000_000 AS large FROM system.parts
        WHERE database = 'otel' AND table = 'otel_traces' AND active`,
      { timeoutMs: 20_000 },
    ),
    [{ part_type: 'Compact', large: 1 }],
  );
  t.strictSame(
    await store.inspect(
      `SELECT arrayExists(it -> it LIKE '%values%size%', substreams) AS apart
        FROM system.parts_columns WHERE database = 'otel' AND table = 'otel_traces' AND active AND column = 'SpanAttributes'`,
      { timeoutMs: 20_000 },
    ),
    [{ apart: 0 }],
  );
});
