import type { Block } from '../../src/model/block.ts';
import type { TestClickHouse } from './clickhouse.ts';
import { tableTypes } from './table-types.ts';

/** The rows of a block as ClickHouse reads them, with the columns of its table that are asked for. */
export const readBlock = async <Row>(
  clickhouse: TestClickHouse,
  block: Block,
  columns: readonly (keyof Row & string)[],
): Promise<readonly Row[]> => {
  const structure = Object.entries(tableTypes[block.table] ?? {})
    .map(([name, type]) => `\`${name}\` ${type}`)
    .join(', ');
  const names = columns.map((it) => `\`${it}\``).join(', ');
  const table = `${block.table}_read`;
  const run = async (sql: string, body?: Uint8Array<ArrayBuffer>): Promise<string> => {
    const response = await fetch(`${clickhouse.url}/?query=${encodeURIComponent(sql)}`, {
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
  await run(`CREATE OR REPLACE TABLE ${table} (${structure}) ENGINE = Memory`);
  await run(`INSERT INTO ${table} FORMAT Native`, Buffer.concat(block.segments));
  const text = await run(`SELECT ${names} FROM ${table} FORMAT JSONEachRow`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
};
