import { type ChildProcess, spawn } from 'node:child_process';
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
  /** Kills it with -9. */
  readonly stop: () => Promise<void>;
  /** Starts it again on the same socket; its data is there again if `persist` was asked for. */
  readonly start: () => Promise<void>;
}

/** A real redis-server of its own on a unix socket, gone when the test ends. */
export const startRedis = async (
  t: Pick<Test, 'teardown'>,
  { persist = false } = {},
): Promise<TestRedis> => {
  const dir = mkdtempSync(join(tmpdir(), 'tocsin-redis-'));
  const path = join(dir, 'r.sock');
  let server: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const appendOnly = persist ? ['yes', '--appendfsync', 'always'] : ['no'];
    server = spawn(
      'redis-server',
      ['--port', '0', '--unixsocket', path, '--dir', dir, '--save', ''].concat(
        ['--appendonly', ...appendOnly, '--maxmemory-policy', 'noeviction'],
        ['--hz', '100', '--logfile', '/dev/null'],
      ),
      { stdio: 'ignore' },
    );
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if (await answers(path)) return;
      await sleep(25);
    }
    throw new Error('redis-server did not start');
  };

  const stop = async (): Promise<void> => {
    const child = server;
    server = undefined;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill('SIGKILL')) await gone;
  };

  t.teardown(async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  });
  await start();
  return { path, url: `unix://${path}`, stop, start };
};

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
