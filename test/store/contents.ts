import type { Store } from '../../src/store/client.ts';

const timeoutMs = 20_000;

export interface Shape {
  readonly table: string;
  readonly columns: string;
  /** `FINAL` where merges add rows up. */
  readonly final: string;
}

/** The tables of a database that hold rows, with the columns they have now. */
export const shapesOf = (store: Store, database: string): Promise<readonly Shape[]> =>
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
export const contentsOf = (store: Store, shapes: readonly Shape[]) =>
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
export const fill = async (store: Store, database: string): Promise<void> => {
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
