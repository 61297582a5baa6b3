import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { mountSmallDisk } from '../batch/journal/small-disk.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const skip = mountSmallDisk(t, 16) ? false : 'mounting is not allowed here';

const occupy = (dir: string, leftBytes: number): void => {
  const { bavail, bsize } = statfsSync(dir);
  const file = openSync(join(dir, 'most'), 'w');
  writeSync(file, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)));
  closeSync(file);
};

/** `tocsin up`, which is to end by itself; its exit code and the last thing it says. */
const start = async (dataDir: string): Promise<readonly [number | null, string]> => {
  const free = ['OTLP_HTTP', 'OTLP_GRPC', 'CONSOLE', 'SQL'].map(
    (it) => [`TOCSIN_LISTEN_${it}`, '127.0.0.1:0'] as const,
  );
  const child = spawn(process.execPath, [main, 'up', '--data-dir', dataDir], {
    env: { ...process.env, ...Object.fromEntries(free) },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  t.teardown(() => child.kill('SIGKILL'));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const said = await text(child.stderr);
  return [await exited, said.trim().split('\n').at(-1) ?? ''];
};

t.test('a start on a disk that takes nothing says where and what to do', { skip }, async (t) => {
  const cases: readonly (readonly [string, number, string, RegExp])[] = [
    ['nothing left for the directory', 0, 'data', /no room left on the disk of DIR\/\w+/],
    [
      'the engine cannot write what it reads',
      12_288,
      'data',
      /no room left on the disk of DIR\/data\/\w+ /,
    ],
    [
      'no room for its tables',
      400_000,
      'data',
      /no room left on the disk of DIR\/data\/clickhouse \(NOT_ENOUGH_SPACE/,
    ],
  ];
  const told = cases.map(async ([title, leftBytes, name, expected]) => {
    const disk = mountSmallDisk(t, 1_024);
    if (!disk) throw new Error('not mounted');
    occupy(disk.dir, leftBytes);
    const [code, said] = await start(join(disk.dir, name));
    t.equal(code, 1, title);
    t.match(said.replaceAll(disk.dir, 'DIR'), expected, title);
    t.match(said, /make room there .* set data_dir/, title);
  });
  await Promise.all(told);
});

t.test('a start on a disk that is read-only says so', { skip }, async (t) => {
  const disk = mountSmallDisk(t, 1_024);
  if (!disk) throw new Error('not mounted');
  mkdirSync(join(disk.dir, 'there'));
  disk.setReadOnly(true);
  const told = ['there', 'missing'].map(async (name) => {
    const [code, said] = await start(join(disk.dir, name));
    t.equal(code, 1);
    t.match(said, join(disk.dir, name), said);
    t.match(said, /set data_dir|takes writes/);
  });
  await Promise.all(told);
});
