import { spawnSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { temporaryDir } from './open-journal.ts';

export interface SmallDisk {
  readonly dir: string;
  readonly setReadOnly: (readOnly: boolean) => void;
}

/** A file system of its own in memory; undefined where mounting is not allowed. */
export const mountSmallDisk = (t: Test, kibibytes: number): SmallDisk | undefined => {
  const dir = temporaryDir(t);
  const mount = (...args: readonly string[]) => run('mount', ...args).status === 0;
  if (!mount('-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', dir)) return undefined;
  t.teardown(() => run('umount', '-l', dir));
  return {
    dir,
    setReadOnly: (readOnly) => {
      if (!mount('-o', `remount,${readOnly ? 'ro' : 'rw'}`, dir)) throw new Error('not remounted');
    },
  };
};

export interface ThinDisk {
  readonly dir: string;
  /** Makes the disk under it as large as it says it is. */
  readonly grow: () => void;
  /** Forgets everything that is not on disk, as a loss of power does. */
  readonly remount: () => void;
}

/**
 * A file system on a disk smaller than it believes: writes succeed, syncs fail. Undefined where
 * mounting is not allowed.
 */
export const mountThinDisk = (t: Test, kibibytes: number): ThinDisk | undefined => {
  const under = mountSmallDisk(t, kibibytes);
  if (!under) return undefined;
  const image = join(under.dir, 'image');
  writeFileSync(image, '');
  truncateSync(image, 64 * 1024 * 1024);
  const device = run('losetup', '-f', '--show', image).stdout?.trim();
  if (!device) return undefined;
  const dir = temporaryDir(t);
  t.teardown(() => {
    run('umount', '-l', dir);
    run('losetup', '-d', device);
  });
  const options = '^has_journal';
  if (run('mkfs.ext4', '-q', '-O', options, '-E', 'nodiscard', device).status !== 0)
    return undefined;
  const mount = () => run('mount', device, dir).status === 0;
  if (!mount()) return undefined;
  return {
    dir,
    grow: () => run('mount', '-o', 'remount,size=80m', under.dir),
    remount: () => {
      run('umount', dir);
      if (!mount()) throw new Error('not mounted again');
    },
  };
};

const run = (command: string, ...args: readonly string[]) =>
  spawnSync(command, [...args], { encoding: 'utf8' });
