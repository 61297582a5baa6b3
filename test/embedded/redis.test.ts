import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/embedded/redis.ts';
import { askRedis } from '../../src/embedded/resp.ts';
import { redisOptions } from '../support/embedded-options.ts';
import { descendantsOf, isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

const scratch = async (t: Test): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'tocsin-embedded-redis-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
};

const start = async (t: Test, dir: string): Promise<EmbeddedRedis> => {
  const redis = await startEmbeddedRedis(redisOptions(dir));
  t.teardown(redis.stop);
  return redis;
};

const ask = (redis: { readonly socketPath: string }, ...command: string[]): Promise<string> =>
  askRedis(redis.socketPath, command, AbortSignal.timeout(5_000));

/** The server itself; the supervised process is the shell that guards it. */
const serverPid = (redis: EmbeddedRedis): number =>
  descendantsOf(redis.pid() ?? 0).find((pid) => isServer(pid)) ?? 0;

const isServer = (pid: number): boolean => {
  const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  return /^\S*(?:redis|valkey)-server/.test(stdout.trim());
};

t.test('Redis serves on a socket that only its owner can use, and never evicts', async (t) => {
  const redis = await start(t, await scratch(t));
  t.equal(await ask(redis, 'PING'), '+PONG');
  t.equal(redis.url, `unix://${redis.socketPath}`);
  t.same(redis.state(), { kind: 'running' });
  const config = await readFile(join(redis.socketPath, '../redis.conf'), 'utf8');
  t.match(config, /^maxmemory 67108864$/m);
  t.match(config, /^maxmemory-policy noeviction$/m);
  t.match(config, /^port 0$/m);
});

t.test('what was written is there after an orderly stop', async (t) => {
  const dir = await scratch(t);
  const first = await startEmbeddedRedis(redisOptions(dir));
  t.equal(await ask(first, 'SET', 'k', 'v'), '+OK');
  const pid = serverPid(first);
  t.ok(isAlive(pid));
  await first.stop();
  t.notOk(isAlive(pid), 'the server is gone when stop resolves');
  t.same(first.state(), { kind: 'stopped' });
  const second = await start(t, dir);
  t.equal(await ask(second, 'STRLEN', 'k'), ':1');
});

t.test('kill -9 of the server leads to a new one with the data', async (t) => {
  const redis = await start(t, await scratch(t));
  await ask(redis, 'SET', 'k', 'v');
  const pid = serverPid(redis);
  process.kill(pid, 'SIGKILL');
  await until(() => redis.restartCount() === 1 && redis.state().kind === 'running');
  t.not(serverPid(redis), pid);
  t.equal(await ask(redis, 'STRLEN', 'k'), ':1');
});

t.test('an orphan on the socket is told to save and go', async (t) => {
  const dir = await scratch(t);
  const first = await startEmbeddedRedis(redisOptions(dir));
  const config = join(dir, 'redis', 'redis.conf');
  await first.stop();
  const orphan = spawn('redis-server', [config], { stdio: 'ignore' });
  t.teardown(() => orphan.kill('SIGKILL'));
  const gone = once(orphan, 'exit');
  await until(() =>
    ask(first, 'SET', 'k', 'v').then(
      (it) => it === '+OK',
      () => false,
    ),
  );
  const second = await start(t, dir);
  await gone;
  t.equal(await ask(second, 'STRLEN', 'k'), ':1');
});

t.test('a data directory too deep for a socket gets a short one elsewhere', async (t) => {
  const dir = join(await scratch(t), 'd'.repeat(100));
  const runtimeDir = await scratch(t);
  const redis = await startEmbeddedRedis({ ...redisOptions(dir), runtimeDir });
  t.teardown(redis.stop);
  t.ok(redis.socketPath.startsWith(runtimeDir));
  t.equal(await ask(redis, 'PING'), '+PONG');
  await redis.stop();
  await chmod(join(redis.socketPath, '..'), 0o755);
  await t.rejects(startEmbeddedRedis({ ...redisOptions(dir), runtimeDir }), {
    code: 'ERR_REDIS_SOCKET',
  });
});

t.test('without a server program the message says how to get one', async (t) => {
  const dir = await scratch(t);
  const fault = {
    code: 'ERR_REDIS_MISSING',
    message: /apt-get install -y redis-server[^]*brew install valkey[^]*redis\.url/,
  };
  await t.rejects(startEmbeddedRedis({ ...redisOptions(dir), searchPath: dir }), fault);
  const nowhere = join(dir, 'nowhere');
  await t.rejects(startEmbeddedRedis({ ...redisOptions(dir), binary: nowhere }), fault);
});

t.test('valkey-server is preferred, and a server that cannot start says why', async (t) => {
  const dir = await scratch(t);
  const bin = join(dir, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'valkey-server'), '#!/bin/sh\necho no such luck >&2; exit 3\n', {
    mode: 0o755,
  });
  const searchPath = `${bin}:${redisOptions(dir).searchPath}`;
  await t.rejects(startEmbeddedRedis({ ...redisOptions(dir), searchPath }), {
    code: 'ERR_CHILD_START',
    message: /redis ended with exit code 3: no such luck/,
  });
});
