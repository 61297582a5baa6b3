import { createServer } from 'node:net';
import t from 'tap';
import { Fault } from '../../src/lib/fault.ts';
import type { Store } from '../../src/store/client.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { spanBlock } from '../support/native-block.ts';
import { until } from '../support/until.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 10_000;
const atMs = Date.UTC(2026, 10, 21, 9);

const count = async (store: Store, table: string, where = '1'): Promise<number> => {
  const sql = `SELECT toUInt32(count()) AS n FROM ${table} WHERE ${where}`;
  const [row] = await store.query<{ n: number }>(sql, { timeoutMs });
  return row?.n ?? Number.NaN;
};

const faultOf = async (work: Promise<unknown>): Promise<Fault> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('expected a Fault');
};

t.test('a store on a real engine', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);

  t.test('a named block sent twice is stored once, in what views derive from it too', async (t) => {
    const block = spanBlock('twice', [
      { traceId: 'aa', spanId: '1', service: 'pay', startMs: atMs },
      { traceId: 'aa', spanId: '2', service: 'pay', startMs: atMs + 5_000 },
      { traceId: 'bb', spanId: '3', service: 'pay', startMs: atMs },
    ]);
    await store.insertBlock(block);
    await store.insertBlock(block);
    t.equal(await count(store, 'otel_traces', "ServiceName = 'pay'"), 3);
    t.equal(await count(store, 'otel_traces_trace_id_ts'), 2);
    const spans = await store.query(
      'SELECT toString(min(Start)) AS start, toString(max(End)) AS end ' +
        'FROM otel_traces_trace_id_ts WHERE TraceId = {id:String}',
      { parameters: { id: 'aa' }, timeoutMs },
    );
    t.strictSame(spans, [{ start: '2026-11-21 09:00:00', end: '2026-11-21 09:00:05' }]);

    await store.insertBlock({ ...block, name: 'another' });
    t.equal(await count(store, 'otel_traces', "ServiceName = 'pay'"), 6, 'the name, not the bytes');
  });

  t.test('a block that breaks off is refused and leaves nothing', async (t) => {
    const block = spanBlock('torn', [
      { traceId: 'cc', spanId: '1', service: 'torn', startMs: atMs },
    ]);
    const fault = await faultOf(
      store.insertBlock({ ...block, segments: block.segments.slice(0, -1) }),
    );
    t.match(fault, { code: 'ERR_INSERT_REFUSED', remedy: 'reject' });
    t.equal(await count(store, 'otel_traces', "ServiceName = 'torn'"), 0);
  });

  t.test('a block with an empty segment and days far apart is stored whole', async (t) => {
    const spans = Array.from({ length: 110 }, (_, day) => ({
      traceId: 'far',
      spanId: `${day}`,
      service: 'far',
      startMs: atMs + day * 86_400_000,
    }));
    const block = spanBlock('far', spans);
    await store.insertBlock({ ...block, segments: [new Uint8Array(0), ...block.segments] });
    t.equal(await count(store, 'otel_traces', "ServiceName = 'far'"), 110);
  });

  t.test('rows are stored once per token and unknown columns are refused', async (t) => {
    const row = {
      At: new Date(atMs).toISOString(),
      AlertId: 'a-1',
      RuleId: 'f/g/r',
      Labels: { severity: 'critical' },
      Values: { p99: 0.8 },
      FiredAt: null,
    };
    await store.insertRows('alert_events', [row], 'transition-1');
    await store.insertRows('alert_events', [row], 'transition-1');
    await store.insertRows('alert_events', [row], 'transition-2');
    await store.insertRows('alert_events', [], 'nothing');
    t.strictSame(
      await store.query(
        'SELECT toUnixTimestamp64Milli(At) AS at, Labels, Values, FiredAt FROM alert_events',
        { timeoutMs },
      ),
      [1, 2].map(() => ({
        at: String(atMs),
        Labels: { severity: 'critical' },
        Values: { p99: 0.8 },
        FiredAt: null,
      })),
    );
    const fault = await faultOf(store.insertRows('alert_events', [{ Att: 1 }], 'typo'));
    t.match(fault, { code: 'ERR_INSERT_REFUSED', remedy: 'reject' });
    t.match(fault.message, /Att/);
  });

  t.test('a series keeps its number whatever order its attributes come in', async (t) => {
    const point = (attributes: string, resource: string) =>
      `('cpu', ${attributes}, ${resource}, toDateTime64('2026-11-21 09:00:00', 9))`;
    await store.command(
      'INSERT INTO otel.otel_metrics_gauge (MetricName, Attributes, ResourceAttributes, TimeUnix) ' +
        "SETTINGS async_insert = 0, insert_deduplication_token = 'series' VALUES " +
        [
          point("{'a':'1','b':'2'}", "{'host':'x','pod':'y'}"),
          point("{'b':'2','a':'1'}", "{'pod':'y','host':'x'}"),
          point("{'a':'2','b':'1'}", "{'host':'x','pod':'y'}"),
          point("{'host':'x','pod':'y'}", "{'a':'1','b':'2'}"),
        ].join(),
    );
    const rows = await store.query(
      'SELECT toUInt32(count()) AS points FROM otel_metrics_gauge GROUP BY SeriesId ORDER BY points DESC',
      { timeoutMs },
    );
    t.strictSame(rows, [{ points: 2 }, { points: 1 }, { points: 1 }]);
  });

  t.test('a query takes parameters and gives exact numbers', async (t) => {
    const rows = await store.query(
      "SELECT {text:String} AS text, {flag:Bool} AS flag, length({list:Array(String)}) AS n, toUInt64('18446744073709551615') AS large, 0/0 AS none",
      { parameters: { text: "it's\n\\ \t", flag: true, list: ['a', "b'"] }, timeoutMs },
    );
    t.strictSame(rows, [
      { text: "it's\n\\ \t", flag: true, n: '2', large: '18446744073709551615', none: null },
    ]);
    const long = 'x'.repeat(100_000);
    const [row] = await store.query<{ n: number }>('SELECT toUInt32(length({long:String})) AS n', {
      parameters: { long },
      timeoutMs,
    });
    t.equal(row?.n, 100_000, 'longer than a URL may be');
  });

  t.test('failures say whether trying again can help', async (t) => {
    const cases: readonly (readonly [string, string, Record<string, string | number>, string])[] = [
      ['syntax', 'SELEC 1', {}, 'ERR_QUERY_REFUSED reject SYNTAX_ERROR'],
      ['no table', 'SELECT 1 FROM nowhere', {}, 'ERR_QUERY_REFUSED reject UNKNOWN_TABLE'],
      ['no column', 'SELECT nix FROM otel_logs', {}, 'ERR_QUERY_REFUSED reject UNKNOWN_IDENTIFIER'],
      ['types', "SELECT 1 + 'a'", {}, 'ERR_QUERY_REFUSED reject ILLEGAL_TYPE_OF_ARGUMENT'],
      ['a write', "INSERT INTO audit_log (Actor) SELECT 'x'", {}, 'ERR_QUERY_REFUSED reject'],
      ['a drop', 'DROP TABLE audit_log', {}, 'ERR_QUERY_REFUSED reject'],
      [
        'memory',
        'SELECT groupArray(number) AS a FROM numbers(10000000)',
        { max_memory_usage: 1_000_000 },
        'ERR_QUERY_FAILED retry MEMORY_LIMIT_EXCEEDED',
      ],
      [
        'rows',
        'SELECT number FROM numbers(2000000)',
        {},
        'ERR_QUERY_FAILED retry TOO_MANY_ROWS_OR_BYTES',
      ],
      [
        'after rows were produced',
        'SELECT throwIf(number = 900000) AS x FROM numbers(1000000)',
        { max_block_size: 1_000, max_threads: 1 },
        'ERR_QUERY_REFUSED reject FUNCTION_THROW_IF_VALUE_IS_NON_ZERO',
      ],
    ];
    for (const [title, sql, settings, expected] of cases) {
      const fault = await faultOf(store.query(sql, { settings, timeoutMs }));
      const [type = ''] = fault.message.split(':');
      t.equal(`${fault.code} ${fault.remedy} ${type}`.slice(0, expected.length), expected, title);
    }
    t.equal(await count(store, 'audit_log'), 0, 'nothing was written');
  });

  t.test('a query past its time is killed in the engine', async (t) => {
    const slow = 'SELECT sleepEachRow(0.2) AS s FROM numbers(300) SETTINGS max_block_size = 1';
    const running = () =>
      store.inspect(
        "SELECT query_id FROM system.processes WHERE query LIKE '%sleepEachRow(0.2) AS s%300%' AND query NOT LIKE '%system.processes%'",
        { timeoutMs },
      );
    const late = store.query(slow, { timeoutMs: 200 });
    t.match(await faultOf(late), { code: 'ERR_QUERY_FAILED', remedy: 'retry', message: /200 ms/ });
    await until(async () => (await running()).length === 0);

    const controller = new AbortController();
    const aborted = faultOf(store.query(slow, { timeoutMs, signal: controller.signal }));
    await until(async () => (await running()).length === 1);
    controller.abort();
    t.match(await aborted, { code: 'ERR_QUERY_FAILED', message: /cancelled/ });
    await until(async () => (await running()).length === 0);
  });

  t.test('an insert past its time is killed in the engine and may be tried again', async (t) => {
    await store.command('CREATE TABLE otel.slow (n UInt8) ENGINE = MergeTree ORDER BY n');
    await store.command(
      'CREATE MATERIALIZED VIEW otel.slow_mv (s UInt8) ENGINE = MergeTree ORDER BY s ' +
        'AS SELECT sleepEachRow(0.3) AS s FROM otel.slow',
    );
    const hasty = openStore(t, engine, { limits: { insertTimeoutMs: 200 } });
    const rows = Array.from({ length: 9 }, (_, n) => ({ n }));
    t.match(await faultOf(hasty.insertRows('slow', rows, 'slow-1')), {
      code: 'ERR_INSERT_FAILED',
      remedy: 'retry',
      message: /200 ms/,
    });
    const running = () =>
      store.inspect(
        "SELECT query_id FROM system.processes WHERE query LIKE 'INSERT INTO `slow`%' AND is_cancelled = 0",
        { timeoutMs },
      );
    await until(async () => (await running()).length === 0);
  });

  t.test('queries that take every connection do not hold up an insert', async (t) => {
    const narrow = openStore(t, engine, { limits: { queriesInFlightMax: 2, waitingMax: 1 } });
    const controller = new AbortController();
    const slow = () =>
      faultOf(
        narrow.query('SELECT sleepEachRow(0.2) FROM numbers(150) SETTINGS max_block_size = 1', {
          timeoutMs: 30_000,
          signal: controller.signal,
        }),
      );
    const slowOnes = [slow(), slow(), slow()];
    t.match(await slow(), { code: 'ERR_STORE_BUSY', remedy: 'retry' }, 'the queue is bounded');
    await narrow.insertBlock(
      spanBlock('quick', [{ traceId: 'dd', spanId: '1', service: 'quick', startMs: atMs }]),
    );
    t.equal(await count(store, 'otel_traces', "ServiceName = 'quick'"), 1);
    controller.abort();
    const faults = await Promise.all(slowOnes);
    t.strictSame(
      faults.map((it) => it.code),
      Array(3).fill('ERR_QUERY_FAILED'),
    );
  });

  t.test('a server that hangs up or is away may be tried again', async (t) => {
    const deaf = createServer((socket) => void socket.once('data', () => socket.destroy()));
    await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
    const address = deaf.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const away = openStore(t, { ...engine, url: `http://127.0.0.1:${port}` });
    const block = spanBlock('lost', [{ traceId: 'e', spanId: '1', service: 'e', startMs: atMs }]);
    t.match(await faultOf(away.insertBlock(block)), { code: 'ERR_INSERT_FAILED', remedy: 'retry' });
    await new Promise((resolve) => deaf.close(resolve));
    t.match(await faultOf(away.insertBlock(block)), { code: 'ERR_INSERT_FAILED', remedy: 'retry' });
    t.match(await faultOf(away.ping()), { code: 'ERR_QUERY_FAILED', remedy: 'retry' });
  });

  t.test('ping tells a wrong password from an engine that is away', async (t) => {
    const stranger = openStore(t, { ...engine, password: 'wrong' });
    t.match(await faultOf(stranger.ping()), { code: 'ERR_QUERY_REFUSED', remedy: 'reject' });
    await store.ping();
  });
});
