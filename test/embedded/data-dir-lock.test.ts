import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { acquireDataDirLock } from '../../src/embedded/data-dir-lock.ts';
import { systemClock } from '../../src/lib/clock.ts';

const scratch = async (t: Test): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'tocsin-lock-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return join(dir, 'data');
};

const program = `
import { acquireDataDirLock } from ${JSON.stringify(fileURLToPath(new URL('../../src/embedded/data-dir-lock.ts', import.meta.url)))};
import { systemClock } from ${JSON.stringify(fileURLToPath(new URL('../../src/lib/clock.ts', import.meta.url)))};
try {
  await acquireDataDirLock(process.argv[1], systemClock);
  process.stdout.write('locked\\n');
  process.stdin.resume();
} catch (error) {
  process.stdout.write(error.code + ' ' + error.message + '\\n');
}
`;

/** Another process that takes the lock and keeps it until its input ends. */
const contender = (t: Test, dir: string) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const said = once(child.stdout, 'data').then(([chunk]) => String(chunk).trim());
  return { child, said };
};

t.test('a second daemon is told which process holds the directory', async (t) => {
  const dir = await scratch(t);
  const first = contender(t, dir);
  t.equal(await first.said, 'locked');
  await t.rejects(acquireDataDirLock(dir, systemClock), {
    code: 'ERR_DATA_DIR_LOCKED',
    remedy: 'reject',
    message: new RegExp(`in use by process ${first.child.pid};`),
  });
});

t.test('the same process cannot take the lock twice, and can after a release', async (t) => {
  const dir = await scratch(t);
  const lock = await acquireDataDirLock(dir, systemClock);
  await t.rejects(acquireDataDirLock(dir, systemClock), { code: 'ERR_DATA_DIR_LOCKED' });
  lock.release();
  lock.release();
  const again = await acquireDataDirLock(dir, systemClock);
  again.release();
});

t.test('kill -9 of the holder frees the directory at once', async (t) => {
  const dir = await scratch(t);
  const { child, said } = contender(t, dir);
  t.equal(await said, 'locked');
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  const lock = await acquireDataDirLock(dir, systemClock);
  lock.release();
});

t.test('of many that start at once exactly one gets the lock', async (t) => {
  const dir = await scratch(t);
  const said = await Promise.all(Array.from({ length: 6 }, () => contender(t, dir).said));
  t.equal(said.filter((it) => it === 'locked').length, 1);
  t.equal(said.filter((it) => it.startsWith('ERR_DATA_DIR_LOCKED')).length, 5);
});

t.test('a process id left by an earlier life is not trusted', async (t) => {
  const dir = await scratch(t);
  const lock = await acquireDataDirLock(dir, systemClock);
  lock.release();
  // Process 1 lives, as would any process that got the old id.
  await writeFile(join(dir, 'daemon.pid'), '1\n');
  const again = await acquireDataDirLock(dir, systemClock);
  again.release();
});
