import { createHash } from 'node:crypto';
import { Fault, remedyOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import { quoteName, quoteText } from './render.ts';

/** Statements of one session of ClickHouse, which has temporary tables of its own. */
export interface Session {
  readonly rows: <Row>(sql: string) => Promise<readonly Row[]>;
  readonly run: (sql: string) => Promise<void>;
  /** Inserts the rows in question into another table. */
  readonly fill: (table: string) => Promise<void>;
}

/** An insert that was answered for, and whose rows may have been dropped as sent before. */
export interface Answered {
  readonly table: string;
  /** The deduplication token. */
  readonly token: string;
}

export type LookForRows = (answered: Answered, session: Session) => Promise<void>;

/** Rows of each partition that are looked for: ClickHouse takes all of a block's partition or none. */
const proofRowsMax = 16;
const sent = 'tocsin_sent';

/**
 * A plain table notes the token of a block before the block's part is in its place. Killed between the
 * two, or failing there, the server drops the block when it is sent again, and fills what views derive
 * from it all the same. So a few rows of each partition are looked for, and a partition without them
 * is put into the table past its views. Rejects with the Fault of a statement that failed, or with
 * ERR_INSERT_LOST (`retry`) when the rows are missing even so. Views are not looked at: README.
 */
export const lookForRows = (parts: { readonly log: Log; readonly meter: Meter }): LookForRows => {
  const { log } = parts;
  const count = instruments(parts.meter);
  return async ({ table, token }, session) => {
    const look = await prepare(table, session).catch((error: unknown) => {
      // What this user may not do would stop the table for ever; it says so instead.
      if (remedyOf(error) !== 'reject') throw error;
      log.warn('insert_not_verified', { table, token, error });
      count(table, 'not-verified');
      return undefined;
    });
    if (!look) return;
    const missing = await look();
    const restored = missing.length > 0 ? await restore({ table, token }, look, session) : [];
    if (restored.length > 0) log.warn('insert_restored', { table, token, partitions: restored });
    count(table, restored.length > 0 ? 'restored' : 'there');
    await session.run(`DROP TEMPORARY TABLE ${sent}`);
  };
};

/** The partitions whose rows are not in the table. */
type Look = () => Promise<readonly string[]>;

interface Shape {
  readonly engine: string;
  readonly partition: string;
  readonly sorting: string;
  readonly columns: string;
}

/** Undefined for a table that has no such hole. */
const prepare = async (table: string, session: Session): Promise<Look | undefined> => {
  const [shape] = await session.rows<Shape>(shapeSql(table));
  if (shape?.engine !== 'MergeTree' || shape.sorting === '' || shape.columns === '')
    return undefined;
  await session.run(`CREATE TEMPORARY TABLE ${sent} AS ${quoteName(table)} ENGINE = Memory`);
  await session.fill(sent);
  const sql = missingSql(table, shape);
  return async () => (await session.rows<{ id: string }>(sql)).map((it) => it.id);
};

/** Values that are computed may come out otherwise the second time, and maps in another order. */
const shapeSql = (table: string): string => `
  SELECT engine, partition_key AS partition, sorting_key AS sorting, (
    SELECT arrayStringConcat(groupArray(concat('\`', name, '\`')), ', ') FROM system.columns
    WHERE database = currentDatabase() AND table = ${quoteText(table)} AND default_kind = ''
      AND NOT match(type, 'Map|Nullable|AggregateFunction|Dynamic|JSON')
  ) AS columns
  FROM system.tables WHERE database = currentDatabase() AND name = ${quoteText(table)}`;

/** Found by the sorting key, so that no more than a granule is read for each row. */
const missingSql = (table: string, { partition, sorting, columns }: Shape): string => {
  const id = partition === '' ? "'all'" : `partitionId(${partition})`;
  const key = `(${sorting}) AS k, cityHash64(${columns}) AS h`;
  const proof = `SELECT ${id} AS id, ${key} FROM ${sent} ORDER BY h LIMIT ${proofRowsMax} BY id`;
  return `
    SELECT DISTINCT id FROM (${proof}) WHERE (k, h) NOT IN (
      SELECT ${key} FROM ${quoteName(table)} WHERE (${sorting}) IN (SELECT k FROM (${proof}))
    ) ORDER BY id`;
};

/**
 * Moves the missing partitions out of a table of the same shape: an insert would go through the views
 * once more. Dropping what an earlier attempt left waits for the end of a move that is under way.
 */
const restore = async (
  { table, token }: Answered,
  look: Look,
  session: Session,
): Promise<readonly string[]> => {
  const name = `${table}_again_${digest(token)}`;
  const helper = quoteName(name);
  const drop = `DROP TABLE IF EXISTS ${helper} SYNC`;
  await session.run(drop);
  const missing = await look();
  if (missing.length === 0) return [];
  await session.run(`CREATE TABLE ${helper} AS ${quoteName(table)}`);
  await session.fill(name);
  for (const id of missing) {
    const partition = `PARTITION ID ${quoteText(id)}`;
    await session.run(`ALTER TABLE ${helper} MOVE ${partition} TO TABLE ${quoteName(table)}`);
  }
  await session.run(drop);
  const lost = await look();
  if (lost.length === 0) return missing;
  const message = `${table} took ${token} without keeping its rows of ${lost.join(', ')}`;
  throw new Fault('ERR_INSERT_LOST', message, { remedy: 'retry' });
};

const digest = (token: string): string =>
  createHash('sha256').update(token).digest('hex').slice(0, 16);

const instruments = (meter: Meter) => {
  const inserts = meter.counter('tocsin_store_inserts_verified', {
    description: 'Inserts whose rows were looked for because they had been sent before',
    unit: '{insert}',
  });
  return (table: string, outcome: 'there' | 'restored' | 'not-verified') =>
    inserts(1, { table, outcome });
};
