import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import t, { type Test } from 'tap';
import { startEmbeddedClickHouse } from '../../src/embedded/clickhouse.ts';
import { startEmbeddedRedis } from '../../src/embedded/redis.ts';
import { askRedis } from '../../src/embedded/resp.ts';
import { engineOptions, redisOptions } from '../support/embedded-options.ts';
import { descendantsOf, isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

const scratch = async (t: Test): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'tocsin-crash-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
};

/** Quiet about errors, and without idle connections for which an engine would wait when it stops. */
const connect = (
  t: Test,
  { url, username, password }: Pick<Parent, 'url' | 'username' | 'password'>,
) => {
  const client = createClient({
    url,
    username,
    password,
    keep_alive: { enabled: false },
    log: { level: ClickHouseLogLevel.OFF },
  });
  t.teardown(() => client.close());
  return client;
};

interface Parent {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly httpAddress: string;
  readonly socketPath: string;
}

const parentProgram = fileURLToPath(new URL('../support/embedded-parent.ts', import.meta.url));

/** A process with both children, in the place of the daemon. */
const startParent = async (t: Test, dir: string) => {
  const parent = spawn(process.execPath, [parentProgram, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => parent.kill('SIGKILL'));
  const [line] = await once(parent.stdout, 'data');
  const said: Parent = JSON.parse(String(line));
  return { parent, said, below: descendantsOf(parent.pid ?? 0) };
};

t.test('kill -9 of the parent leaves no process', async (t) => {
  const { parent, below } = await startParent(t, await scratch(t));
  t.ok(below.length >= 3, 'the engine, the guard and Redis run');
  parent.kill('SIGKILL');
  await until(() => !below.some(isAlive));
});

t.test(
  'after kill -9 of a busy parent the next start succeeds at once and finds all data',
  async (t) => {
    const dir = await scratch(t);
    const { parent, said, below } = await startParent(t, dir);
    const client = connect(t, said);
    await client.command({ query: 'CREATE DATABASE otel' });
    await client.command({ query: 'CREATE TABLE otel.t (a UInt64) ENGINE = MergeTree ORDER BY a' });
    await client.insert({ table: 'otel.t', values: [{ a: 1 }, { a: 2 }], format: 'JSONEachRow' });
    await askRedis(said.socketPath, ['SET', 'k', 'v'], AbortSignal.timeout(5_000));
    // An engine that is busy must notice too.
    const busy = client.query({
      query: 'SELECT count() FROM numbers_mt(1000000000000) WHERE NOT ignore(sipHash64(number))',
    });
    busy.catch(() => {});
    await until(async () => (await running(client)) > 0);

    parent.kill('SIGKILL');
    // At once, as an impatient operator would: what still dies must not be in the way.
    const redis = await startEmbeddedRedis(redisOptions(dir));
    t.teardown(redis.stop);
    const port = Number(said.httpAddress.split(':')[1]);
    const options = { ...engineOptions(dir), httpListen: { host: '127.0.0.1', port } };
    const engine = await startEmbeddedClickHouse(options);
    t.teardown(engine.stop);
    await until(() => !below.some(isAlive));

    t.equal(engine.password.reveal(), said.password, 'passwords stay');
    const after = connect(t, { ...engine, password: engine.password.reveal() });
    const answer = await after.query({ query: 'SELECT sum(a) AS s FROM otel.t' });
    t.match(await answer.json(), { data: [{ s: '3' }] });
    t.equal(await askRedis(redis.socketPath, ['STRLEN', 'k'], AbortSignal.timeout(5_000)), ':1');
  },
);

const running = async (client: ReturnType<typeof connect>): Promise<number> => {
  const answer = await client.query({
    query: `SELECT toUInt32(count()) AS n FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'`,
    format: 'JSONEachRow',
  });
  const [row] = await answer.json<{ n: number }>();
  return row?.n ?? 0;
};

t.test(
  'kill -9 of the engine leads to a new one on the same addresses with the data',
  async (t) => {
    const dir = await scratch(t);
    const engine = await startEmbeddedClickHouse(engineOptions(dir));
    t.teardown(engine.stop);
    const client = connect(t, { ...engine, password: engine.password.reveal() });
    await client.command({ query: 'CREATE DATABASE otel' });
    await client.command({ query: 'CREATE TABLE otel.t (a UInt64) ENGINE = MergeTree ORDER BY a' });
    await client.insert({ table: 'otel.t', values: [{ a: 7 }], format: 'JSONEachRow' });

    const pid = engine.pid() ?? 0;
    process.kill(pid, 'SIGKILL');
    await until(() => engine.restartCount() === 1 && engine.state().kind === 'running');
    t.not(engine.pid(), pid);
    const answer = await client.query({ query: 'SELECT a FROM otel.t', format: 'JSONEachRow' });
    t.same(await answer.json(), [{ a: '7' }]);
  },
);

t.test('an engine that lives but does not listen any more is replaced', async (t) => {
  const dir = await scratch(t);
  const limits = { probeEveryMs: 50, probeMsMax: 500, probeFailuresMax: 2 };
  const engine = await startEmbeddedClickHouse({ ...engineOptions(dir), limits });
  t.teardown(engine.stop);
  const client = connect(t, { ...engine, password: engine.password.reveal() });
  await client.command({ query: 'SYSTEM STOP LISTEN HTTP' }).catch(() => {});
  await until(() => engine.restartCount() === 1 && engine.state().kind === 'running');
  t.equal(await client.ping().then((it) => it.success), true);
});

t.test('an engine that hangs is replaced', async (t) => {
  const dir = await scratch(t);
  const limits = { probeEveryMs: 50, probeMsMax: 200, probeFailuresMax: 2 };
  const engine = await startEmbeddedClickHouse({ ...engineOptions(dir), limits });
  t.teardown(engine.stop);
  const pid = engine.pid() ?? 0;
  spawnSync('kill', ['-STOP', String(pid)]);
  await until(() => engine.restartCount() === 1 && engine.state().kind === 'running');
  t.notOk(isAlive(pid));
});

t.test('passwords are in files that only the owner can read', async (t) => {
  const dir = await scratch(t);
  const engine = await startEmbeddedClickHouse(engineOptions(dir));
  await engine.stop();
  await engine.stop();
  t.same(engine.state(), { kind: 'stopped' });
  t.same((await readdir(dir)).toSorted(), ['clickhouse', 'sql.credentials']);
  const listing = spawnSync(
    'find',
    [dir, '-type', 'f', '(', '-name', '*.credentials', '-o', '-name', '*.xml', ')'].concat([
      '-perm',
      '/077',
    ]),
    { encoding: 'utf8' },
  );
  t.equal(listing.stdout, '', 'no file with passwords or their hashes is open to others');
});
