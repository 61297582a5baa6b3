import { inspect } from 'node:util';
import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/lib/document.ts';
import { createLog } from '../../src/lib/log.ts';

interface Given {
  readonly text?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly mode?: 'up' | 'serve';
}

const files: Readonly<Record<string, string>> = { 'etc/password': 'hush\n', 'etc/empty': '\n' };

const load = ({ text, environment = {}, mode = 'up' }: Given) =>
  loadConfig({
    ...(text === undefined ? {} : { file: { path: 'etc/tocsin.yaml', text } }),
    environment,
    mode,
    readFile: (path) => {
      const found = files[path];
      if (found === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return found;
    },
  });

const problems = (given: Given): readonly string[] => {
  const reading = load(given);
  return reading.ok ? [] : reading.problems.map(formatProblem);
};

const config = (given: Given) => {
  const reading = load(given);
  if (!reading.ok) throw new Error(reading.problems.map(formatProblem).join('\n'));
  return reading.config;
};

const server = 'clickhouse: {url: http://db:8123}\nredis: {url: redis://r:6379}\n';

t.test('up needs no file: everything local, everything embedded', async (t) => {
  t.match(config({}), {
    dataDir: 'data',
    listen: {
      otlpGrpc: { host: '127.0.0.1', port: 4317 },
      otlpHttp: { host: '127.0.0.1', port: 4318 },
      console: { host: '127.0.0.1', port: 9900 },
      sql: { host: '127.0.0.1', port: 8123 },
    },
    clickhouse: { kind: 'embedded', database: 'otel' },
    redis: { kind: 'embedded' },
    ingest: { batch: { rowsMax: 65_536, bytesMax: 33_554_432, ageMsMax: 1_000 } },
    retention: { traces: { raw: 1_209_600_000 }, metrics: { '1d': 157_680_000_000 } },
    rules: { files: ['rules/*.yaml'], intervalMs: 30_000, queryOffset: 'auto' },
    alerting: { file: 'alerting.yaml', fileGiven: false },
    telemetry: { export: 'self', intervalMs: 15_000 },
  });
});

t.test('serve listens for other machines, except for SQL, once told that it may', async (t) => {
  t.match(config({ text: `${server}auth: {open: true}`, mode: 'serve' }).listen, {
    otlpGrpc: { host: '0.0.0.0' },
    otlpHttp: { host: '0.0.0.0' },
    console: { host: '0.0.0.0' },
    sql: { host: '127.0.0.1' },
  });
});

type Row = readonly [name: string, given: Given, expected: string | RegExp];

const openMessage =
  'can be reached from other machines and nobody has to show a key: listen on 127.0.0.1, or say auth.open: true where the network keeps strangers out';
const openConsoleMessage = openMessage.replace(
  'key: ',
  'key: give auth.keys one with the scope api, or tls.client_ca_file, ',
);
const addressMessage =
  'expected host:port such as 127.0.0.1:4318, [::1]:4318 or :4318; port 0 picks a free one';

// biome-ignore format: one mistake per line.
const mistakes: readonly Row[] = [
  ['an unknown key',            { text: 'listn: {}' },                               'etc/tocsin.yaml:1:8 listn: unknown key; did you mean listen?'],
  ['an unknown nested key',     { text: 'ingest:\n  batch:\n    max_row: 5' },         'etc/tocsin.yaml:3:14 ingest.batch.max_row: unknown key; did you mean max_rows?'],
  ['a section of a wrong type', { text: 'listen: 5' },                               /^etc\/tocsin.yaml:1:9 listen: .*expected object/],
  ['an address without a port', { text: 'listen:\n  console: localhost' },           `etc/tocsin.yaml:2:12 listen.console: ${addressMessage}`],
  ['an IPv6 host without brackets', { text: 'listen: {console: "::1:99"}' },         `etc/tocsin.yaml:1:19 listen.console: ${addressMessage}`],
  ['a port out of range',       { text: 'listen: {console: "127.0.0.1:65536"}' },    `etc/tocsin.yaml:1:19 listen.console: ${addressMessage}`],
  ['an open listener',          { text: 'listen: {console: "0.0.0.0:9900"}' },       `etc/tocsin.yaml:1:19 listen.console: 0.0.0.0:9900 ${openConsoleMessage}`],
  ['an open SQL listener',      { text: 'listen: {sql: "[::]:1"}' },                 `etc/tocsin.yaml:1:15 listen.sql: [::]:1 ${openMessage}`],
  ['a port given twice',        { text: 'listen: {console: ":4317"}' },              'etc/tocsin.yaml:1:19 listen.console: listen.otlp_grpc has this port already'],
  ['a duration without a unit', { text: 'rules: {interval: 30}' },                   'etc/tocsin.yaml:1:19 rules.interval: expected a duration longer than 0, such as 200ms, 30s, 5m, 1h or 7d'],
  ['a duration of nothing',     { text: 'ingest: {batch: {max_age: 0s}}' },          /max_age: expected a duration longer than 0/],
  ['a size in furlongs',        { text: 'ingest: {batch: {max_bytes: 1fur}}' },      /max_bytes: expected a size such as 64KiB, 16MiB or 2GiB/],
  ['a count that is no count',  { text: 'ingest: {batch: {max_rows: many}}' },       /max_rows: .*expected number/],
  ['fewer workers than none',   { text: 'ingest: {workers: -1}' },                   /ingest.workers: .*>=0/],
  ['limits that contradict',    { text: 'ingest: {limits: {max_request_bytes: 2GiB}}' }, /ingest.limits.max_pending_bytes: must be at least max_request_bytes/],
  ['an unknown log level',      { text: 'telemetry: {log_level: loud}' },            /telemetry.log_level: .*"debug"\|"info"/],
  ['a URL of another protocol', { text: 'clickhouse: {url: "tcp://db:9000"}' },      'etc/tocsin.yaml:1:19 clickhouse.url: expected embedded or a URL that starts with http:// or https://'],
  ['a Redis URL that is none',  { text: 'redis: {url: localhost}' },                 /redis.url: expected embedded, redis:\/\/host:6379/],
  ['a database with a quote',   { text: 'clickhouse: {database: "o`tel"}' },         /clickhouse.database: expected a plain name/],
  ['sentinels before they work', { text: 'redis: {sentinels: [a]}' },                /redis.sentinels: Redis Sentinel is not supported yet/],
  ['a cluster of one',          { text: 'clickhouse: {cluster: main}' },             /clickhouse.cluster: .*the embedded server is one alone/],
  ['a cluster with a blank',    { text: 'clickhouse: {cluster: "a b"}' },            /clickhouse.cluster: .*name of a cluster/],
  ['serve without servers',     { mode: 'serve', text: 'auth: {open: true}\nredis: {url: "redis://r"}' },     'etc/tocsin.yaml:1:1 clickhouse.url: tocsin serve needs the address of a server, such as http://clickhouse:8123'],
  ['serve with an engine of its own', { mode: 'serve', text: `auth: {open: true}\nclickhouse: {url: embedded}\nredis: {url: "redis://r"}` }, /clickhouse.url: embedded is for tocsin up/],
  ['credentials for an embedded server', { text: 'redis: {password: x}' },           'etc/tocsin.yaml:1:8 redis: the embedded server makes its own users: set url, or no credentials'],
  ['credentials twice',         { text: 'redis: {url: "redis://:x@r", password: y}' }, /redis.url: credentials are in the URL and beside it/],
  ['a secret twice',            { text: 'redis: {url: "redis://r", password: x, password_file: password}' }, /redis.password_file: give either password or password_file, not both/],
  ['a secret in a missing file', { text: 'redis: {url: "redis://r", password_file: nope}' }, /redis.password_file: this file cannot be read: ENOENT/],
  ['a secret in an empty file', { text: 'redis: {url: "redis://r", password_file: empty}' }, /redis.password_file: this file is empty/],
  ['a variable that is not set', { text: 'data_dir: ${NOPE}' },                      'etc/tocsin.yaml:1:11 environment variable NOPE is not set; set it or write ${NOPE:-default}'],
  ['broken YAML',               { text: 'listen: [' },                               /^etc\/tocsin.yaml:1:\d+ not valid YAML/],
  ['an unknown variable',       { environment: { TOCSIN_DATADIR: 'x' } },            'TOCSIN_DATADIR: no configuration key has this name; did you mean TOCSIN_DATA_DIR?'],
  ['a bad value in a variable', { environment: { TOCSIN_LISTEN_SQL: 'x' } },         `TOCSIN_LISTEN_SQL: listen.sql: ${addressMessage}`],
  ['an open listener by variable', { environment: { TOCSIN_LISTEN_SQL: '0.0.0.0:1' } }, `TOCSIN_LISTEN_SQL: listen.sql: 0.0.0.0:1 ${openMessage}`],
  ['keys by variable',          { environment: { TOCSIN_AUTH_KEYS: 'x' } },                  /^TOCSIN_AUTH_KEYS: auth.keys\[0\]: .*expected object/],
  ['a bad list item by variable', { environment: { TOCSIN_INGEST_BATCH_MAX_ROWS: 'x' } }, /^TOCSIN_INGEST_BATCH_MAX_ROWS: ingest.batch.max_rows: .*expected number/],
];

for (const [name, given, expected] of mistakes) {
  t.test(`${name} is one problem with its place`, async (t) => {
    const found = problems(given);
    t.equal(found.length, 1, found.join('\n'));
    if (typeof expected === 'string') t.equal(found[0], expected);
    else t.match(found[0], expected);
  });
}

t.test('problems of file and environment are reported together', async (t) => {
  const found = problems({
    text: 'listen:\n  sql: a\n  consol: b\nrules:\n  interval: 5\n',
    environment: { TOCSIN_REDIS_URL: 'nowhere', TOCSIN_X: '1' },
  });
  t.match(found, [
    /^TOCSIN_REDIS_URL: redis.url/,
    /^TOCSIN_X/,
    /:2:8 listen.sql/,
    /:3:11 listen.consol:/,
    /:5:13 rules.interval/,
  ]);
});

t.test('the environment wins over the file', async (t) => {
  const text = 'data_dir: there\nlisten: {console: ":1"}\nrules: {files: [a.yaml], interval: 1m}\n';
  const environment = {
    TOCSIN_DATA_DIR: 'here',
    TOCSIN_LISTEN_CONSOLE: '[::1]:0',
    TOCSIN_RULES_FILES: 'x/*.yaml, y.yaml',
    TOCSIN_RULES_QUERY_OFFSET: '10s',
    TOCSIN_INGEST_BATCH_MAX_ROWS: '10',
    TOCSIN_AUTH_OPEN: 'true',
    TOCSIN_TELEMETRY_TRACE_RATIO: '0.5',
    TOCSIN_URL: 'http://for.the.command.line',
  };
  t.match(config({ text, environment }), {
    dataDir: 'here',
    listen: { console: { host: '::1', port: 0 } },
    auth: { open: true },
    ingest: { batch: { rowsMax: 10 } },
    rules: { files: ['x/*.yaml', 'y.yaml'], intervalMs: 60_000, queryOffset: 10_000 },
    telemetry: { traceRatio: 0.5 },
  });
});

t.test('ingest has as many workers as the machine allows, or as it is told', async (t) => {
  t.equal(config({ text: '' }).ingest.workers, undefined);
  t.equal(config({ environment: { TOCSIN_INGEST_WORKERS: '0' } }).ingest.workers, 0);
  t.equal(config({ text: 'ingest: {workers: 3}' }).ingest.workers, 3);
});

t.test('paths in a file are meant from where the file is', async (t) => {
  const text =
    'data_dir: d\nrules: {files: [r/*.yaml, /abs/*.yaml]}\nalerting: {file: ../a.yaml}\n';
  t.match(config({ text }), {
    dataDir: 'etc/d',
    rules: { files: ['etc/r/*.yaml', '/abs/*.yaml'], filesGiven: true },
    alerting: { file: 'a.yaml', fileGiven: true },
  });
});

t.test('a section whose keys are all commented out keeps its defaults', async (t) => {
  t.strictSame(config({ text: 'listen:\nrules:\n  # interval: 1m\n' }).rules.intervalMs, 30_000);
});

t.test('variables are replaced before values are read, with defaults', async (t) => {
  const text = [
    'data_dir: ${BASE}/tocsin',
    'ingest: {batch: {max_rows: "${ROWS:-7}"}}',
    'rules:',
    '  interval: ${EVERY:-1m}',
    '  files: ["$${literal}.yaml", "${EMPTY:-e}.yaml"]',
  ];
  t.match(problems({ text: text.join('\n'), environment: { BASE: '/var' } }), [/max_rows/]);
  const plain = text.join('\n').replace('"${ROWS:-7}"', '5');
  t.match(config({ text: plain, environment: { BASE: '/var', EMPTY: '' } }), {
    dataDir: '/var/tocsin',
    rules: { intervalMs: 60_000, files: ['etc/${literal}.yaml', 'etc/e.yaml'] },
  });
});

t.test('a secret comes from its key, its file or the URL, and is never printed', async (t) => {
  const texts = [
    'clickhouse: {url: "http://db", username: u, password: hush}',
    'clickhouse: {url: "http://db", username: u, password_file: password}',
    'clickhouse: {url: "http://u:hush@db"}',
  ];
  for (const text of texts) {
    const { clickhouse } = config({ text });
    t.match(clickhouse, { kind: 'server', url: 'http://db', username: 'u' });
    t.equal(clickhouse.kind === 'server' && clickhouse.password?.reveal(), 'hush');
    let logged = '';
    const stream = {
      write: (line: string) => (logged += line),
    } as unknown as NodeJS.WritableStream;
    createLog({ level: 'info', readable: false, stream }).info('config', { clickhouse });
    for (const printed of [inspect(clickhouse, { depth: 9 }), JSON.stringify(clickhouse), logged]) {
      t.match(printed, '<secret>');
      t.notMatch(printed, 'hush');
    }
  }
});

t.test('no problem shows the value of a secret', async (t) => {
  const text = 'clickhouse: {url: "ftp://u:hush@db", password: {a: hush}}\nredis: {url: "x:hush"}';
  const found = problems({ text }).join('\n');
  t.match(found, /clickhouse.url[^]*clickhouse.password[^]*redis.url/);
  t.notMatch(found, 'hush');
});

t.test('an IPv6 or named loopback is no open listener', async (t) => {
  for (const host of ['[::1]', 'localhost', '127.3.2.1']) {
    t.strictSame(problems({ text: `listen: {console: "${host}:0"}` }), []);
  }
});

t.test('what Kubernetes says about a service named tocsin is no configuration', async (t) => {
  const environment = {
    TOCSIN_SERVICE_HOST: '10.0.0.1',
    TOCSIN_SERVICE_PORT: '4318',
    TOCSIN_SERVICE_PORT_OTLP_HTTP: '4318',
    TOCSIN_PORT: 'tcp://10.0.0.1:4318',
    TOCSIN_PORT_4318_TCP: 'tcp://10.0.0.1:4318',
    TOCSIN_PORT_4318_TCP_ADDR: '10.0.0.1',
    TOCSIN_INGEST_SERVICE_HOST: '10.0.0.2',
    TOCSIN_INGEST_PORT: 'tcp://10.0.0.2:4317',
  };
  t.strictSame(problems({ environment }), []);
  t.match(problems({ environment: { TOCSIN_PORT: '4318' } }), [
    /^TOCSIN_PORT: no configuration key/,
  ]);
});
