import { tmpdir } from 'node:os';
import type { Test } from 'tap';
import type { Block } from '../../src/model/block.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../../test/store/open-store.ts';
import { startClickHouse } from '../../test/support/clickhouse.ts';
import { descendantsOf } from '../../test/support/processes.ts';
import { cpuMicrosOf } from '../ingest/process-cpu.ts';

export interface BenchEngine {
  /** Runs one statement on one thread and gives its rows; names without a database are of `database`. */
  readonly rows: <T>(sql: string, database?: string) => Promise<readonly T[]>;
  /** Runs one statement on one thread; resolves with its processor time (user and system), µs. */
  readonly cpuMicros: (sql: string) => Promise<number>;
  /** Runs one statement as people's queries run, on all cores; resolves with its duration, ms. */
  readonly wallMs: (sql: string, database?: string) => Promise<number>;
  /** All that the engine's process has spent so far, µs. */
  readonly spentMicros: () => number;
}

export interface SchemaEngine extends BenchEngine {
  /** As the daemon inserts, through its own code. */
  readonly insertBlock: (block: Block, name: string) => Promise<void>;
  /** As the daemon inserts, into tables that are not its own: a body in Native format. */
  readonly insertNative: (table: string, body: Uint8Array) => Promise<void>;
  /** A statement's answer in Native format. */
  readonly native: (sql: string) => Promise<Uint8Array>;
}

type Settings = Readonly<Record<string, string | number>>;

const oneThread: Settings = { max_threads: 1, max_insert_threads: 1 };

const always: Settings = {
  async_insert: 0,
  max_memory_usage: 0,
  output_format_json_quote_64bit_integers: 0,
  output_format_json_quote_denormals: 0,
  max_bytes_before_external_group_by: 0,
};

const spent = `SELECT sum(value) AS micros FROM system.events
  WHERE event IN ('UserTimeMicroseconds', 'SystemTimeMicroseconds')`;

type Ends = Pick<Test, 'teardown'>;

/** What `tocsin up` gives it on a machine of 10 GiB or more. */
const memoryBytesMax = 4 * 1024 ** 3;

/** Sends statements and bodies to a real engine that has nothing else to do. */
const connect = async (ends: Ends) => {
  const server = await startClickHouse(ends, { memoryBytesMax, parentDir: tmpdir() });
  const headers = {
    'X-ClickHouse-User': server.username,
    'X-ClickHouse-Key': server.password,
    'X-ClickHouse-Format': 'JSONEachRow',
  };
  const send = async (body: string | Uint8Array, parameters: Settings): Promise<Response> => {
    const given = Object.entries({ ...always, ...parameters });
    const query = new URLSearchParams(
      Object.fromEntries(given.map(([key, value]) => [key, String(value)])),
    );
    const answer = await fetch(`${server.url}/?${query.toString()}`, {
      method: 'POST',
      headers,
      body:
        typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.length),
    });
    if (answer.ok) return answer;
    throw new Error(`${(await answer.text()).slice(0, 400)}\n${String(body).slice(0, 1_500)}`);
  };
  const text = async (sql: string, parameters: Settings = oneThread): Promise<string> =>
    (await send(sql, parameters)).text();
  const rows = async <Row>(sql: string, database = 'default'): Promise<readonly Row[]> =>
    (await text(sql, { ...oneThread, database }))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Row);
  const micros = async () => (await rows<{ micros: number }>(spent))[0]?.micros ?? Number.NaN;
  const engine: BenchEngine = {
    rows,
    cpuMicros: async (sql) => {
      const before = await micros();
      await text(sql);
      return (await micros()) - before;
    },
    wallMs: async (sql, database = 'default') => {
      const since = performance.now();
      await text(sql, { database });
      return performance.now() - since;
    },
    spentMicros: () => descendantsOf(process.pid).reduce((sum, pid) => sum + microsOrNone(pid), 0),
  };
  return { server, engine, send, text };
};

/** A child may end while it is looked at. */
const microsOrNone = (pid: number): number => {
  try {
    return cpuMicrosOf(pid);
  } catch {
    return 0;
  }
};

const ending = async <T>(use: (ends: Ends) => Promise<T>): Promise<T> => {
  const ends: (() => unknown)[] = [];
  try {
    return await use({
      teardown: (end) => {
        ends.unshift(end);
      },
    });
  } finally {
    for (const end of ends) await end();
  }
};

/** A real engine of its own with nothing else to do, for as long as `use` runs. */
export const withBenchEngine = <T>(use: (engine: BenchEngine) => Promise<T>): Promise<T> =>
  ending(async (ends) => {
    const { engine, text } = await connect(ends);
    await text('CREATE DATABASE sketches');
    return use(engine);
  });

/** The same with every table of Tocsin in `otel`. Nothing is merged unless asked for. */
export const withSchemaEngine = <T>(use: (engine: SchemaEngine) => Promise<T>): Promise<T> =>
  ending(async (ends) => {
    const { server, engine, send, text } = await connect(ends);
    const store = openStore(ends, server);
    await migrate(store, migrateOptions);
    await text('SYSTEM STOP MERGES');
    return use({
      ...engine,
      insertBlock: (block, name) => store.insertBlock({ ...block, name }),
      insertNative: async (table, body) => {
        const query = `INSERT INTO ${table} FORMAT Native`;
        await (await send(body, { query, wait_end_of_query: 1 })).text();
      },
      native: async (sql) =>
        new Uint8Array(await (await send(`${sql} FORMAT Native`, oneThread)).arrayBuffer()),
    });
  });
