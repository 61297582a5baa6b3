import { Readable } from 'node:stream';
import { ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { Clock } from '../lib/clock.ts';
import { Fault, messageOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { Secret } from '../lib/secret.ts';
import type { InsertBlock } from '../model/block.ts';
import type { InsertRows, InsertSelect, Query } from '../model/query.ts';
import { startDeadline } from './deadline.ts';
import { lookForRows, type Session } from './lost-rows.ts';
import { quoteName } from './render.ts';
import { insertSettings, querySettings } from './settings.ts';
import { createSlots, type Slots } from './slots.ts';
import { type Operation, storeFault } from './store-fault.ts';

export interface StoreLimits {
  /** Connections of their own for inserts and for queries: neither waits for the other. */
  readonly insertsInFlightMax: number;
  readonly queriesInFlightMax: number;
  /** Heavy ones beside which people's queries must still get along. */
  readonly insertSelectsInFlightMax: number;
  /** Operations of each kind that wait for a connection. */
  readonly waitingMax: number;
  readonly insertTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly pingTimeoutMs: number;
  /** Of one query's result; the query fails beyond. */
  readonly resultRowsMax: number;
  readonly resultBytesMax: number;
}

const defaultStoreLimits: StoreLimits = {
  insertsInFlightMax: 8,
  queriesInFlightMax: 8,
  insertSelectsInFlightMax: 2,
  waitingMax: 1_000,
  insertTimeoutMs: 30_000,
  commandTimeoutMs: 120_000,
  pingTimeoutMs: 5_000,
  resultRowsMax: 1_000_000,
  resultBytesMax: 256 * 1024 * 1024,
};

export interface StoreOptions {
  readonly url: string;
  readonly username: string;
  readonly password: Secret | undefined;
  readonly database: string;
  /** Queries are killed on every node of it. */
  readonly cluster?: string | undefined;
  readonly limits?: Partial<StoreLimits>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Unique in the whole system; becomes part of the query ids in `system.query_log`. */
  readonly newId: () => string;
}

export interface Store {
  readonly query: Query;
  /** Like `query` but in no database and on the connection for commands; for `system` tables. */
  readonly inspect: Query;
  /** One attempt. Rejects with a Fault: ERR_INSERT_REFUSED (`reject`), ERR_INSERT_FAILED (`retry`). */
  readonly insertBlock: InsertBlock;
  /** One attempt, as `insertBlock`. Times are ISO-8601 texts; an unknown column is refused. */
  readonly insertRows: InsertRows;
  /** One attempt, as `insertBlock`. */
  readonly insertSelect: InsertSelect;
  /** Runs a statement without rows, in no database. Faults: ERR_COMMAND_REFUSED, ERR_COMMAND_FAILED. */
  readonly command: (sql: string) => Promise<void>;
  /** Resolves when the server answers a query of this user; a Fault otherwise. */
  readonly ping: () => Promise<void>;
  /** Waits for nothing: what is in flight fails. Must be closed before an embedded engine stops. */
  readonly close: () => Promise<void>;
}

type Client = ReturnType<typeof createClient>;

interface Call {
  readonly operation: Operation;
  readonly slots: Slots;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** One insert, as often as it must be sent. */
interface Rows {
  readonly table: string;
  readonly token: string;
  readonly format: 'Native' | 'JSONEachRow';
  readonly body: () => Readable;
  readonly sentBefore: boolean | undefined;
}

/**
 * The only way to ClickHouse: HTTP, the same for a server, a cluster and the embedded engine.
 * `wait_end_of_query` everywhere, so that a status of 200 means done and no error hides in a body.
 */
export const connectStore = (options: StoreOptions): Store => {
  const { clock, log, meter } = options;
  const limits = { ...defaultStoreLimits, ...options.limits };
  const { waitingMax } = limits;
  const pools = {
    insert: createSlots({ inFlightMax: limits.insertsInFlightMax, waitingMax }),
    query: createSlots({ inFlightMax: limits.queriesInFlightMax, waitingMax }),
    insertSelect: createSlots({ inFlightMax: limits.insertSelectsInFlightMax, waitingMax }),
    control: createSlots({ inFlightMax: 4, waitingMax }),
  };
  const insertClient = open(options, { database: options.database });
  const queryClient = open(options, { database: options.database });
  const controlClient = open(options, {});
  const lookFor = lookForRows({ log, meter });
  observePools(meter, pools);

  /** Ends what the server may still be doing; the answer does not matter to anyone. */
  const kill = async (queryId: string): Promise<void> => {
    const where = options.cluster === undefined ? '' : `ON CLUSTER ${quoteName(options.cluster)} `;
    try {
      await controlClient.command({
        query: `KILL QUERY ${where}WHERE query_id = {id:String} ASYNC`,
        query_params: { id: queryId },
        abort_signal: AbortSignal.timeout(limits.pingTimeoutMs),
      });
      log.info('query_killed', { query_id: queryId });
    } catch (error) {
      log.warn('query_kill_failed', { query_id: queryId, error });
    }
  };

  const perform = async <T>(
    { operation, slots, timeoutMs, signal }: Call,
    task: (queryId: string, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const queryId = `tocsin-${operation}-${options.newId()}`;
    const deadline = startDeadline(clock, timeoutMs, signal);
    let sent = false;
    try {
      return await slots.run(deadline.signal, () => {
        sent = true;
        return deadline.race(task(queryId, deadline.signal));
      });
    } catch (error) {
      if (sent && deadline.signal.aborted) void kill(queryId);
      throw faultFrom(operation, error);
    } finally {
      deadline.end();
    }
  };

  const select =
    (client: Client, slots: Slots): Query =>
    (sql, { parameters, settings, timeoutMs, signal }) =>
      perform({ operation: 'query', slots, timeoutMs, signal }, async (queryId, aborted) => {
        const result = await client.query({
          query: sql,
          format: 'JSONEachRow',
          query_id: queryId,
          query_params: { ...parameters },
          abort_signal: aborted,
          clickhouse_settings: {
            ...settings,
            ...querySettings(limits, timeoutMs, options.cluster),
          },
        });
        // The client heeds its signal up to the headers only.
        aborted.addEventListener('abort', () => result.close(), { once: true });
        return result.json();
      });

  const inserting: Call = {
    operation: 'insert',
    slots: pools.insert,
    timeoutMs: limits.insertTimeoutMs,
  };
  const send = (table: string, { format, token, body }: Rows, sessionId?: string) =>
    perform(inserting, async (queryId, aborted) => {
      const { stream } = await insertClient.exec({
        query: `INSERT INTO ${quoteName(table)} FORMAT ${format}`,
        values: body(),
        query_id: queryId,
        abort_signal: aborted,
        clickhouse_settings: insertSettings(token, options.cluster),
        ...(sessionId === undefined ? {} : { session_id: sessionId }),
      });
      await drain(stream);
    });

  const sessionFor = (rows: Rows, id: string): Session => {
    const given = { session_id: id, clickhouse_settings: { wait_end_of_query: 1 } } as const;
    return {
      rows: (query) =>
        perform(inserting, async (queryId, aborted) => {
          const asked = { ...given, query_id: queryId, abort_signal: aborted };
          const result = await insertClient.query({ query, format: 'JSONEachRow', ...asked });
          return result.json();
        }),
      run: (query) =>
        perform(inserting, async (queryId, aborted) => {
          await insertClient.command({ query, ...given, query_id: queryId, abort_signal: aborted });
        }),
      fill: (table) => send(table, rows, id),
    };
  };

  const insert = async (rows: Rows): Promise<void> => {
    await send(rows.table, rows);
    if (!rows.sentBefore || options.cluster !== undefined) return;
    await lookFor(rows, sessionFor(rows, options.newId()));
  };

  return {
    query: select(queryClient, pools.query),
    inspect: select(controlClient, pools.control),
    insertBlock: ({ table, name, segments, sentBefore }) =>
      insert({
        table,
        token: name,
        sentBefore,
        format: 'Native',
        body: () => Readable.from(segments, { objectMode: false }),
      }),
    insertRows: async (table, rows, token, sentBefore) => {
      if (rows.length === 0) return;
      const text = rows.map((it) => `${JSON.stringify(it)}\n`).join('');
      const body = () => Readable.from([text], { objectMode: false });
      await insert({ table, token, sentBefore, format: 'JSONEachRow', body });
    },
    insertSelect: (sql, { token, parameters, settings, timeoutMs, signal }) =>
      perform(
        { operation: 'insert', slots: pools.insertSelect, timeoutMs, signal },
        async (queryId, aborted) => {
          await queryClient.command({
            query: sql,
            query_id: queryId,
            query_params: { ...parameters },
            abort_signal: aborted,
            clickhouse_settings: {
              ...settings,
              ...insertSettings(token, options.cluster),
              max_execution_time: Math.ceil(timeoutMs / 1000) + 1,
            },
          });
        },
      ),
    command: (sql) =>
      perform(
        { operation: 'command', slots: pools.control, timeoutMs: limits.commandTimeoutMs },
        async (queryId, aborted) => {
          await controlClient.command({
            query: sql,
            query_id: queryId,
            abort_signal: aborted,
            clickhouse_settings: { wait_end_of_query: 1 },
          });
        },
      ),
    ping: async () => {
      await select(controlClient, pools.control)('SELECT 1', { timeoutMs: limits.pingTimeoutMs });
    },
    close: async () => {
      await Promise.all([insertClient, queryClient, controlClient].map((it) => it.close()));
    },
  };
};

/** The client's own timeout is a backstop against silence; deadlines and slots are ours. */
const open = (options: StoreOptions, place: { readonly database?: string }): Client =>
  createClient({
    url: options.url,
    username: options.username,
    password: options.password?.reveal() ?? '',
    ...place,
    application: 'tocsin',
    request_timeout: 600_000,
    max_open_connections: Number.POSITIVE_INFINITY,
    use_multipart_params_auto: true,
    log: { level: ClickHouseLogLevel.OFF },
  });

const drain = async (stream: Readable): Promise<void> => {
  for await (const _ of stream) {
    // An insert answers nothing; the end of the answer is what counts.
  }
};

const faultFrom = (operation: Operation, error: unknown): Fault => {
  if (error instanceof Fault) return error;
  const type = error instanceof ClickHouseError ? error.type : undefined;
  return storeFault(operation, { type, message: messageOf(error), cause: error });
};

const observePools = (meter: Meter, pools: Readonly<Record<string, Slots>>): void => {
  const entries = Object.entries(pools);
  meter.gauge(
    'tocsin_store_operations_running',
    { description: 'Operations that ClickHouse is working on, by pool', unit: '{operation}' },
    () => entries.map(([pool, it]) => ({ value: it.inFlight(), attributes: { pool } })),
  );
  meter.gauge(
    'tocsin_store_operations_waiting',
    { description: 'Operations that wait for a connection, by pool', unit: '{operation}' },
    () => entries.map(([pool, it]) => ({ value: it.waiting(), attributes: { pool } })),
  );
};
