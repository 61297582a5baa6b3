import type { Test } from 'tap';
import type { Block } from '../../src/model/block.ts';
import type { TestClickHouse } from './clickhouse.ts';
import { tableTypes } from './table-types.ts';

/** Runs SQL over HTTP, with `body` behind it when given. */
const runSql = async (
  clickhouse: TestClickHouse,
  sql: string,
  body?: Uint8Array<ArrayBuffer> | string,
): Promise<string> => {
  const url = `${clickhouse.url}/?query=${encodeURIComponent(sql)}&date_time_input_format=best_effort`;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      // The engine waits for open connections before it stops.
      Connection: 'close',
      'X-ClickHouse-User': clickhouse.username,
      'X-ClickHouse-Key': clickhouse.password,
    },
    body: body ?? '',
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${sql.slice(0, 200)}: ${text}`);
  return text;
};

/** Inserts a block and plain rows into two tables alike and compares them whole, in order. */
export const sameRows = async (
  t: Test,
  clickhouse: TestClickHouse,
  block: Block,
  rows: string,
): Promise<void> => {
  const structure = Object.entries(tableTypes[block.table] ?? {}).map(
    ([name, type]) => `\`${name}\` ${type}`,
  );
  const tables = [`${block.table}_got`, `${block.table}_wanted`] as const;
  const [gotTable, wantedTable] = tables;
  for (const table of tables) {
    await runSql(
      clickhouse,
      `CREATE OR REPLACE TABLE ${table} (${structure.join(', ')}) ENGINE = Memory`,
    );
  }
  // Types must be equal, not merely convertible.
  await runSql(
    clickhouse,
    `INSERT INTO ${gotTable} SETTINGS input_format_native_allow_types_conversion = 0 FORMAT Native`,
    Buffer.concat(block.segments),
  );
  await runSql(clickhouse, `INSERT INTO ${wantedTable} FORMAT JSONEachRow`, rows);
  const [got = '', wanted = ''] = await Promise.all(
    tables.map((table) =>
      runSql(
        clickhouse,
        `SELECT * FROM ${table} SETTINGS output_format_json_quote_denormals = 1 FORMAT JSONEachRow`,
      ),
    ),
  );
  t.equal(got.trimEnd().split('\n').length, block.rows, 'as many rows as the block says');
  const gotRows = got.split('\n');
  const differing = wanted.split('\n').findIndex((row, index) => row !== gotRows[index]);
  if (differing >= 0)
    t.equal(gotRows[differing], wanted.split('\n')[differing], `row ${differing}`);
  t.equal(got === wanted, true, 'all rows are the same');
};
