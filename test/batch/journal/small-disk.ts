import { spawnSync } from 'node:child_process';
import type { Test } from 'tap';
import { temporaryDir } from './open-journal.ts';

export interface SmallDisk {
  readonly dir: string;
  readonly setReadOnly: (readOnly: boolean) => void;
}

/** A file system of its own in memory; undefined where mounting is not allowed. */
export const mountSmallDisk = (t: Test, kibibytes: number): SmallDisk | undefined => {
  const dir = temporaryDir(t);
  const mount = (...args: readonly string[]) =>
    spawnSync('mount', [...args], { stdio: 'ignore' }).status === 0;
  if (!mount('-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', dir)) return undefined;
  t.teardown(() => spawnSync('umount', ['-l', dir], { stdio: 'ignore' }));
  return {
    dir,
    setReadOnly: (readOnly) => {
      if (!mount('-o', `remount,${readOnly ? 'ro' : 'rw'}`, dir)) throw new Error('not remounted');
    },
  };
};
