import { randomBytes } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile } from './directory.ts';

/** A file whose only use is to be removed when the disk is full, so that marks can be written. */
export interface Reserve {
  /** Makes sure that it is there, on disk. */
  readonly fill: () => Promise<void>;
  /** Gives its room back; false when there is none to give. */
  readonly release: () => Promise<boolean>;
}

export const createReserve = (dir: string, bytes: number): Reserve => {
  const path = join(dir, 'reserve');
  const size = async (): Promise<number> => {
    try {
      return (await stat(path)).size;
    } catch {
      return 0;
    }
  };
  return {
    fill: async () => {
      if ((await size()) >= bytes) return;
      const file = await open(path, 'w', 0o600);
      try {
        // Random, so that no file system stores it in less.
        await file.writeFile(randomBytes(bytes));
        await file.datasync();
      } catch (error) {
        await removeFile(path).catch(() => {});
        throw error;
      } finally {
        await file.close();
      }
    },
    release: async () => {
      if ((await size()) === 0) return false;
      try {
        await removeFile(path);
        return true;
      } catch {
        return false;
      }
    },
  };
};
