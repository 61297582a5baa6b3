import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Signal } from '../../src/model/ingest.ts';
import type { LoadRecord } from './record.ts';
import { type LoadReport, quantile, runLoad } from './run.ts';
import type { LoadCoding, LoadProtocol } from './send.ts';
import { type AskSql, isSound, verdictLine, verifyLoad } from './verify.ts';

const loadHelp = `npm run bench -- load [options]

  --endpoint URL     http://127.0.0.1:4318; any OTLP receiver
  --protocol P       http or grpc (grpc: port 4317 unless the endpoint says otherwise)
  --coding C         identity or gzip; gzip costs this process more than it costs the receiver
  --signal S         traces, metrics or logs
  --rate N           items a second; 0 is as fast as possible
  --seconds N        --batch N items a request        --seed N decides every id
  --connections N    --streams N calls at once on one gRPC connection
  --insist N         seconds for which a request that was not taken is sent again
  --header K:V       may be repeated
  --record FILE      what became of each request, for "verify" (default load-<signal>-<seed>.json)`;

/** The load generator's command line; resolves with the exit code. */
export const loadCommand = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      endpoint: { type: 'string' },
      protocol: { type: 'string', default: 'http' },
      coding: { type: 'string', default: 'identity' },
      signal: { type: 'string', default: 'traces' },
      rate: { type: 'string', default: '20000' },
      seconds: { type: 'string', default: '30' },
      batch: { type: 'string', default: '512' },
      seed: { type: 'string', default: '1' },
      connections: { type: 'string', default: '16' },
      streams: { type: 'string', default: '4' },
      insist: { type: 'string', default: '60' },
      header: { type: 'string', multiple: true, default: [] },
      record: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(loadHelp);
    return 0;
  }
  const protocol = oneOf<LoadProtocol>('protocol', values.protocol, ['http', 'grpc']);
  const signal = oneOf<Signal>('signal', values.signal, ['traces', 'metrics', 'logs']);
  const report = await runLoad({
    endpoint: new URL(values.endpoint ?? `http://127.0.0.1:${protocol === 'grpc' ? 4317 : 4318}`),
    protocol,
    signal,
    coding: oneOf<LoadCoding>('coding', values.coding, ['identity', 'gzip']),
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    batch: Number(values.batch),
    seed: Number(values.seed),
    connections: Number(values.connections),
    streams: Number(values.streams),
    insistMs: Number(values.insist) * 1000,
    headers: Object.fromEntries(values.header.map((it) => it.split(/:\s*(.*)/s).slice(0, 2))),
  });
  for (const line of reportLines(report)) console.log(line);
  const file = values.record ?? `${report.record.run}.json`;
  writeFileSync(file, JSON.stringify(report.record));
  console.log(`recorded in ${file}`);
  return 0;
};

const reportLines = (report: LoadReport): readonly string[] => {
  const { itemsAcknowledged, seconds, attempts, troubles, latenciesMs, sinceDueMs } = report;
  const spread = (sorted: readonly number[]) =>
    [0.5, 0.9, 0.99, 1].map((p) => quantile(sorted, p).toFixed(1)).join(' / ');
  return [
    `${report.requests} requests, ${itemsAcknowledged} items acknowledged in ${seconds.toFixed(1)} s` +
      `: ${Math.round(itemsAcknowledged / seconds)} items/s, ${(report.bytesSent / 2 ** 20 / seconds).toFixed(1)} MiB/s`,
    `attempts ${JSON.stringify(attempts)}, troubles ${JSON.stringify(troubles)}`,
    `acknowledged after ms (p50 / p90 / p99 / max): ${spread(latenciesMs)}; since due: ${spread(sinceDueMs)}`,
    `the generator itself: ${report.cpuMicrosPerItem.toFixed(2)} µs CPU per item`,
  ];
};

const verifyHelp = `npm run bench -- verify [options] RECORD...

  --sql URL             http://127.0.0.1:8123
  --credentials FILE    data/sql.credentials, as "tocsin up" writes it
  --user U --password P instead of a file
  --database D          otel`;

/** Compares records of runs with ClickHouse; resolves with 1 when something is missing, twice or extra. */
export const verifyCommand = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      sql: { type: 'string', default: 'http://127.0.0.1:8123' },
      credentials: { type: 'string' },
      user: { type: 'string', default: 'viewer' },
      password: { type: 'string', default: '' },
      database: { type: 'string', default: 'otel' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || positionals.length === 0) {
    console.log(verifyHelp);
    return values.help ? 0 : 2;
  }
  const text = values.credentials === undefined ? '' : readFileSync(values.credentials, 'utf8');
  const entry = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1];
  const user = entry('user') ?? values.user;
  const ask = httpSql(values.sql, user, entry('password') ?? values.password);
  let sound = true;
  for (const file of positionals) {
    const record = JSON.parse(readFileSync(file, 'utf8')) as LoadRecord;
    const verdict = await verifyLoad(record, ask, values.database);
    sound &&= isSound(verdict);
    console.log(`${isSound(verdict) ? 'sound' : 'BAD'}: ${record.run}: ${verdictLine(verdict)}`);
    const { missing, doubled, extra } = verdict;
    if (!isSound(verdict)) {
      console.log(JSON.stringify({ missing, doubled, extra }, undefined, 1).slice(0, 4_000));
    }
  }
  return sound ? 0 : 1;
};

const httpSql =
  (url: string, user: string, password: string): AskSql =>
  async (sql) => {
    const headers = { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password };
    const answer = await fetch(url, { method: 'POST', body: sql, headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`ClickHouse says ${answer.status}: ${text.slice(0, 500)}`);
    return text;
  };

const oneOf = <T extends string>(name: string, value: string, known: readonly T[]): T => {
  const found = known.find((it) => it === value);
  if (found === undefined) throw new Error(`--${name} is one of ${known.join(', ')}, not ${value}`);
  return found;
};
