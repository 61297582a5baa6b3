import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';

export interface TestRedis {
  /** Unix socket. */
  readonly path: string;
  readonly url: string;
}

/** A real redis-server of its own on a unix socket, gone when the test ends. */
export const startRedis = async (t: Pick<Test, 'teardown'>): Promise<TestRedis> => {
  const dir = mkdtempSync(join(tmpdir(), 'tocsin-redis-'));
  const path = join(dir, 'r.sock');
  const server = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', path, '--dir', dir, '--save', '', '--appendonly', 'no'].concat([
      '--maxmemory-policy',
      'noeviction',
      '--hz',
      '100',
      '--logfile',
      '/dev/null',
    ]),
    { stdio: 'ignore' },
  );
  t.teardown(async () => {
    const gone = new Promise((resolve) => server.once('exit', resolve));
    if (server.exitCode === null && server.kill('SIGKILL')) await gone;
    rmSync(dir, { recursive: true, force: true });
  });
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await answers(path)) return { path, url: `unix://${path}` };
    await sleep(25);
  }
  throw new Error('redis-server did not start');
};

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
