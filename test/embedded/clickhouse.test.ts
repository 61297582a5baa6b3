import { readdir, readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import t from 'tap';
import { startEmbeddedClickHouse } from '../../src/embedded/clickhouse.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { engineOptions } from '../support/embedded-options.ts';
import { until } from '../support/until.ts';

/** One engine for the whole file: what its users can do and cannot. */
const engine = await startClickHouse(t);
const daemon = createClient({ ...engine, log: { level: ClickHouseLogLevel.OFF } });
t.teardown(() => daemon.close());
await daemon.command({ query: 'CREATE DATABASE otel' });
await daemon.command({
  query: 'CREATE TABLE otel.otel_traces (id UInt64, name String) ENGINE = MergeTree ORDER BY id',
});
await daemon.command({
  query: 'INSERT INTO otel.otel_traces SELECT number, toString(number) FROM numbers(1000)',
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

const post = async (
  user: string,
  password: string,
  sql: string,
  parameters = '',
): Promise<Answer> => {
  const headers = { 'x-clickhouse-user': user, 'x-clickhouse-key': password, connection: 'close' };
  const answer = await fetch(`${engine.sqlUrl}/?${parameters}`, {
    method: 'POST',
    headers,
    body: sql,
  });
  return { status: answer.status, text: await answer.text() };
};

const asViewer = (sql: string, parameters?: string) =>
  post('viewer', engine.viewer.password, sql, parameters);

t.test('an unmodified @clickhouse/client inserts, streams, binds and reports errors', async (t) => {
  await daemon.command({
    query:
      'CREATE TABLE otel.c (id UInt32, tags Map(String, String)) ENGINE = MergeTree ORDER BY id',
  });
  await daemon.insert({
    table: 'otel.c',
    values: [{ id: 1, tags: { a: 'é' } }],
    format: 'JSONEachRow',
  });
  const bound = await daemon.query({
    query: 'SELECT tags FROM otel.c WHERE id = {id: UInt32}',
    query_params: { id: 1 },
    format: 'JSONEachRow',
  });
  t.same(await bound.json(), [{ tags: { a: 'é' } }]);
  let rows = 0;
  const streamed = await daemon.query({
    query: 'SELECT number FROM numbers(50000)',
    format: 'JSONEachRow',
  });
  for await (const chunk of streamed.stream()) rows += chunk.length;
  t.equal(rows, 50_000);
  await t.rejects(daemon.query({ query: 'SELECT * FROM otel.nothing' }), { code: '60' });
});

t.test('the engine gives way to the daemon, as a process and as a session', async (t) => {
  const status = await readFile(join(engine.dataDir, 'clickhouse/data/status'), 'utf8');
  const pid = Number(/^PID: (\d+)/m.exec(status)?.[1]);
  t.equal(getPriority(pid), Math.min(19, getPriority() + 5));
  const session = await readFile(`/proc/${pid}/autogroup`, 'utf8').catch(() => undefined);
  if (session !== undefined) t.match(session, / nice 5$/m);
  const threads = await readdir(`/proc/${pid}/task`);
  const slower = threads.filter((it) => getPriority(Number(it)) === getPriority(pid));
  t.ok(slower.length > threads.length / 2, 'threads of the engine inherit it');
});

t.test('viewer reads, as curl with user and password does', async (t) => {
  const answer = await asViewer('SELECT count() FROM otel.otel_traces');
  t.same(answer, { status: 200, text: '1000\n' });
  const query = encodeURIComponent('SELECT max(id) FROM otel.otel_traces');
  const { password } = engine.viewer;
  const got = await fetch(`${engine.sqlUrl}/?user=viewer&password=${password}&query=${query}`);
  t.equal(await got.text(), '999\n');
  const credentials = await readFile(join(engine.dataDir, 'sql.credentials'), 'utf8');
  t.equal(credentials, `user=viewer\npassword=${password}\n`);
});

t.test('viewer sees what a data source needs to list tables and columns', async (t) => {
  const tables = await asViewer("SELECT name FROM system.tables WHERE name = 'otel_traces'");
  t.equal(tables.text, 'otel_traces\n');
  const columns = await asViewer(
    "SELECT name, type FROM system.columns WHERE table = 'otel_traces' ORDER BY name",
  );
  t.equal(columns.text, 'id\tUInt64\nname\tString\n');
  t.equal((await asViewer("SELECT getSetting('max_execution_time')")).text, '60\n');
  t.equal((await asViewer('SHOW DATABASES')).text, 'otel\n');
  t.equal((await asViewer('SELECT 1 SETTINGS max_execution_time = 65')).status, 200);
});

const denied = /ACCESS_DENIED/;
const constrained = /SETTING_CONSTRAINT_VIOLATION/;
const unavailable = /FUNCTION_THROW_IF_VALUE_IS_NON_ZERO/;

// biome-ignore format: one case per line.
const refusals: readonly (readonly [string, string, RegExp])[] = [
  ['drop a table',                 'DROP TABLE otel.otel_traces',                                   denied],
  ['insert',                       'INSERT INTO otel.otel_traces VALUES (1, \'\')',                 denied],
  ['create a table',               'CREATE TABLE otel.x (a Int8) ENGINE = Memory',                  denied],
  ['delete rows',                  'ALTER TABLE otel.otel_traces DELETE WHERE 1',                   denied],
  ['kill queries of others',       'KILL QUERY WHERE 1',                                            denied],
  ['stop the listener',            'SYSTEM STOP LISTEN HTTP',                                       denied],
  ['read files as a table',        "SELECT * FROM file('/etc/passwd', 'LineAsString')",             denied],
  ['read files by name',           'SELECT * FROM `/etc/passwd`',                                   denied],
  ['describe files',               "DESCRIBE file('/etc/passwd')",                                  denied],
  ['read files as a value',        "SELECT file('/etc/passwd')",                                    unavailable],
  ['read files through apply',     "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",              unavailable],
  ['read files through arrayMap',  "SELECT arrayMap(file, ['/etc/passwd'])",                        unavailable],
  ['read files, old analyzer',     "SELECT file('/etc/passwd') SETTINGS enable_analyzer = 0",       constrained],
  ['read files, old version',      "SELECT * APPLY(file) FROM (SELECT '/etc/passwd') SETTINGS compatibility = '23.1'", constrained],
  ['read files as a template',     "SELECT 1 FORMAT Template SETTINGS format_template_resultset = '/etc/passwd'",      constrained],
  ['read files as a row template', "SELECT 1 FORMAT Template SETTINGS format_template_row = '/etc/passwd'",            constrained],
  ['read files as a schema',       "SELECT 1 FORMAT Protobuf SETTINGS format_schema = '/etc/passwd:x'",                constrained],
  ['write files of errors',        "SELECT 1 SETTINGS input_format_record_errors_file_path = '/tmp/x'",                constrained],
  ['write files',                  "INSERT INTO FUNCTION file('/tmp/x') SELECT 1",                  denied],
  ['fetch URLs',                   "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",      denied],
  ['ask other servers',            "SELECT * FROM remote('127.0.0.1:1', system.one)",               denied],
  ['read S3',                      "SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'TSV', 'a Int8')", denied],
  ['ask other databases',          "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",   denied],
  ['run programs',                 "SELECT * FROM executable('id', 'TSV', 'a String')",             denied],
  ['see users',                    'SELECT * FROM system.users',                                    denied],
  ['see grants',                   'SELECT * FROM system.grants',                                   denied],
  ['see queries of others',        'SELECT * FROM system.processes',                                denied],
  ['see the query log',            'SELECT * FROM system.query_log',                                denied],
  ['back up',                      "BACKUP TABLE otel.otel_traces TO File('x')",                    denied],
  ['make a user',                  'CREATE USER x',                                                 denied],
  ['make a function',              'CREATE FUNCTION f AS x -> x',                                   denied],
  ['get more memory',              'SELECT 1 SETTINGS max_memory_usage = 100000000000',             constrained],
  ['get unlimited memory',         'SELECT 1 SETTINGS max_memory_usage = 0',                        constrained],
  ['get more time',                'SELECT 1 SETTINGS max_execution_time = 121',                     constrained],
  ['get unlimited time',           'SELECT 1 SETTINGS max_execution_time = 0',                      constrained],
  ['get more rows',                'SELECT 1 SETTINGS max_result_rows = 1000001',                   constrained],
  ['spill without bound',          'SELECT 1 SETTINGS max_temporary_data_on_disk_size_for_user = 0', constrained],
  ['leave read-only mode',         'SET readonly = 0',                                              /READONLY/],
  ['read too many rows',           'SELECT number FROM numbers(1000002)',                           /TOO_MANY_ROWS_OR_BYTES/],
  ['take too much memory',         'SELECT groupArray(number) FROM numbers(100000000)',             /MEMORY_LIMIT_EXCEEDED/],
];

await daemon.command({ query: 'SYSTEM FLUSH LOGS' });
for (const [what, sql, reason] of refusals) {
  t.test(`viewer cannot ${what}`, async (t) => {
    const answer = await asViewer(sql, 'wait_end_of_query=1');
    t.not(answer.status, 200);
    t.match(answer.text, reason);
    t.notMatch(answer.text, /root:/);
  });
}

t.test('nobody on this machine can use the boot user', async (t) => {
  for (const user of ['default', '']) {
    t.match(await post(user, '', 'SELECT 1'), { status: 500, text: /SESSION_LIMIT_EXCEEDED/ });
  }
  const stop = await post('default', '', 'SYSTEM STOP LISTEN HTTP', 'session_id=x');
  t.match(stop.text, /SESSION_LIMIT_EXCEEDED/);
  t.equal((await asViewer('SELECT 1')).status, 200, 'the listener is still there');
});

t.test('the daemon cannot be made to read files or URLs either', async (t) => {
  const { username, password } = engine;
  t.match((await post(username, password, "SELECT * FROM file('/etc/passwd')")).text, denied);
  t.match((await post(username, password, "SELECT file('/etc/passwd')")).text, unavailable);
  t.match((await post(username, password, "SELECT * FROM url('http://127.0.0.1:1')")).text, denied);
  t.match((await post(username, 'wrong', 'SELECT 1')).text, /AUTHENTICATION_FAILED/);
});

t.test('the daemon may define, change and watch everything in its databases', async (t) => {
  // biome-ignore format: one statement per line.
  const statements = [
    'CREATE DATABASE d',
    'CREATE TABLE d.t (a UInt64, at DateTime) ENGINE = MergeTree ORDER BY a TTL at + INTERVAL 1 DAY',
    'CREATE TABLE d.s (a UInt64, n AggregateFunction(count)) ENGINE = AggregatingMergeTree ORDER BY a',
    'CREATE MATERIALIZED VIEW d.m TO d.s AS SELECT a, countState() AS n FROM d.t GROUP BY a',
    'CREATE VIEW d.v AS SELECT a, countMerge(n) AS n FROM d.s GROUP BY a',
    'INSERT INTO d.t SELECT number, now() FROM numbers(10)',
    'ALTER TABLE d.t ADD COLUMN b String',
    'ALTER TABLE d.t UPDATE b = \'x\' WHERE a = 1 SETTINGS mutations_sync = 1',
    'OPTIMIZE TABLE d.t FINAL',
    'SYSTEM FLUSH LOGS',
    'KILL QUERY WHERE query_id = \'none\'',
    'SELECT * FROM d.v FORMAT Null',
    'SELECT * FROM system.parts, system.merges, system.mutations, system.processes FORMAT Null',
    'TRUNCATE TABLE d.t',
    'RENAME TABLE d.t TO d.u',
    'DROP DATABASE d',
  ];
  for (const statement of statements) {
    t.match(await post(engine.username, engine.password, statement), { status: 200 }, statement);
  }
});

t.test('a slow query of viewer does not block an insert', async (t) => {
  const slow = asViewer(
    'SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))',
    'query_id=slow&max_execution_time=20',
  );
  const running = async (): Promise<boolean> => {
    const answer = await daemon.query({
      query: "SELECT 1 FROM system.processes WHERE query_id = 'slow'",
      format: 'TabSeparated',
    });
    return (await answer.text()) !== '';
  };
  await until(running);
  const times: number[] = [];
  for (let id = 0; id < 10; id += 1) {
    const startMs = performance.now();
    await daemon.insert({
      table: 'otel.otel_traces',
      values: [{ id, name: '' }],
      format: 'JSONEachRow',
    });
    times.push(performance.now() - startMs);
  }
  t.ok(await running(), 'the query still runs');
  t.ok(Math.max(...times) < 2_000, `the slowest insert took ${Math.max(...times)} ms`);
  await daemon.command({ query: "KILL QUERY WHERE query_id = 'slow' SYNC" });
  t.match((await slow).text, /QUERY_WAS_CANCELLED/);
});

t.test('a port in use is a fault that names the port and the key', async (t) => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  t.teardown(() => holder.close());
  const address = holder.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const httpListen = { host: '127.0.0.1', port };
  await t.rejects(startEmbeddedClickHouse({ ...engineOptions(t.testdir()), httpListen }), {
    code: 'ERR_PORT_IN_USE',
    remedy: 'reject',
    message: new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use.*listen\\.sql`),
  });
});

t.test('a directory that another engine uses is a fault', async (t) => {
  const limits = { startMsMax: 20_000 };
  await t.rejects(startEmbeddedClickHouse({ ...engineOptions(engine.dataDir), limits }), {
    code: 'ERR_DATA_DIR_LOCKED',
  });
});

// biome-ignore format: one case per line.
const mishaps: readonly (readonly [string, string | Buffer])[] = [
  ['bytes that are no HTTP',       '\0\x01\x02garbage\r\n\r\n'],
  ['a TLS handshake',              Buffer.from('1603010100010000fc0303', 'hex')],
  ['a length beyond 64 bits',      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n'],
  ['a length of almost 64 bits',   'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n'],
  ['a negative length',            'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n'],
  ['two lengths',                  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ['a broken chunk',               'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx'],
  ['an endless header',            `GET / HTTP/1.1\r\nX: ${'a'.repeat(2_000_000)}\r\n\r\n`],
  ['a body that ends early',       'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nSELE'],
  ['a broken escape in the path',  'GET /%zz?query=%zz HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['broken credentials',           'GET /?query=x HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %%%\r\n\r\n'],
  ['an upgrade',                   'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
];

for (const [what, bytes] of mishaps) {
  t.test(`the engine survives ${what}`, async (t) => {
    const { hostname, port } = new URL(engine.sqlUrl);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.end(bytes);
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    t.equal((await asViewer('SELECT 1')).text, '1\n');
  });
}

t.test(
  'people meet the engine itself: large answers, compression, errors on the way',
  async (t) => {
    const { viewer, sqlUrl: url } = engine;
    const client = createClient({
      url,
      ...viewer,
      compression: { response: true },
      log: { level: ClickHouseLogLevel.OFF },
    });
    t.teardown(() => client.close());
    const large = await client.query({
      query: 'SELECT number, toString(number) AS s FROM numbers(200000)',
      format: 'JSONCompactEachRow',
    });
    let rows = 0;
    for await (const chunk of large.stream()) rows += chunk.length;
    t.equal(rows, 200_000);
    const broken = client.query({
      query: 'SELECT throwIf(number = 3000000), toString(number) FROM numbers(900000000)',
      format: 'JSONCompactEachRow',
      clickhouse_settings: { max_result_rows: '0' },
    });
    await t.rejects(
      broken.then(async (it) => {
        for await (const _ of it.stream());
      }),
    );
  },
);

t.test('a query ends when the person who asked goes away', async (t) => {
  const leave = new AbortController();
  const asked = fetch(`${engine.sqlUrl}/?query_id=left`, {
    method: 'POST',
    headers: {
      'x-clickhouse-user': 'viewer',
      'x-clickhouse-key': engine.viewer.password,
    },
    body: 'SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))',
    signal: leave.signal,
  });
  asked.catch(() => {});
  const count = async (): Promise<string> => {
    const query = "SELECT count() FROM system.processes WHERE query_id = 'left'";
    return (await daemon.query({ query, format: 'TabSeparated' })).text();
  };
  await until(async () => (await count()) === '1\n');
  leave.abort();
  await until(async () => (await count()) === '0\n');
  await t.rejects(asked);
});

t.test('a database by any name is the one that viewer reads', async (t) => {
  const database = 'odd`<n>\\ame';
  const other = await startEmbeddedClickHouse({ ...engineOptions(t.testdir()), database });
  t.teardown(other.stop);
  const ask = async (user: string, password: string, sql: string): Promise<string> => {
    const headers = {
      'x-clickhouse-user': user,
      'x-clickhouse-key': password,
      connection: 'close',
    };
    const address = `http://${other.httpAddress}`;
    return (await fetch(address, { method: 'POST', headers, body: sql })).text();
  };
  const quoted = '`odd\\`<n>\\\\ame`';
  await ask(other.username, other.password.reveal(), `CREATE DATABASE ${quoted}`);
  await ask(other.username, other.password.reveal(), `CREATE VIEW ${quoted}.v AS SELECT 7 AS a`);
  const { viewer } = other;
  t.equal(await ask('viewer', viewer.password.reveal(), `SELECT a FROM ${quoted}.v`), '7\n');
});

t.test('stopping does not wait for what people ask', async (t) => {
  const other = await startEmbeddedClickHouse(engineOptions(t.testdir()));
  t.teardown(other.stop);
  const slow = fetch(
    `http://${other.httpAddress}/?user=viewer&password=${other.viewer.password.reveal()}`,
    {
      method: 'POST',
      body: 'SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))',
    },
  ).then(
    (it) => it.text(),
    () => 'cut off',
  );
  const client = createClient({ ...other, password: other.password.reveal() });
  const count = async (): Promise<string> => {
    const answer = await client.query({
      query: "SELECT count() FROM system.processes WHERE user = 'viewer'",
      format: 'TabSeparated',
    });
    return answer.text();
  };
  await until(async () => (await count()) === '1\n');
  await client.close();
  const startMs = performance.now();
  await other.stop();
  t.ok(performance.now() - startMs < 4_500, `took ${Math.round(performance.now() - startMs)} ms`);
  t.match(await slow, /QUERY_WAS_CANCELLED|cut off/);
});
