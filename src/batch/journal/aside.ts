import { link, open, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Log } from '../../lib/log.ts';
import { makeDirectory, removeFile, syncDirectory } from './directory.ts';
import { errnoOf } from './disk-fault.ts';

/** What is kept beside the journal for people to look at, the oldest given up beyond the limit. */
export interface Aside {
  /** Keeps a damaged segment as it is, whatever becomes of the original. Never rejects. */
  readonly quarantine: (path: string) => Promise<void>;
  /** Keeps a batch that will never be stored, with the reason beside it. Rejects when it cannot. */
  readonly reject: (
    name: string,
    reason: Readonly<Record<string, unknown>>,
    parts: AsyncIterable<Uint8Array>,
  ) => Promise<void>;
}

export interface AsideOptions {
  readonly dir: string;
  readonly damagedBytesMax: number;
  readonly rejectedBytesMax: number;
  readonly log: Log;
}

export const createAside = (options: AsideOptions): Aside => {
  const { log } = options;
  const damaged = join(options.dir, 'damaged');
  const rejected = join(options.dir, 'rejected');

  /** Removes the oldest files until the rest is within the limit. */
  const bound = async (dir: string, bytesMax: number): Promise<void> => {
    const names = await readdir(dir);
    const files = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(join(dir, name));
        return { name, size, mtimeMs };
      }),
    );
    let bytes = files.reduce((sum, it) => sum + it.size, 0);
    const oldestFirst = files.toSorted((a, b) => a.mtimeMs - b.mtimeMs);
    for (const { name, size } of oldestFirst.slice(0, -1)) {
      if (bytes <= bytesMax) return;
      await removeFile(join(dir, name));
      bytes -= size;
      log.error('journal_aside_dropped', { file: join(dir, name), bytes: size });
    }
  };

  return {
    quarantine: async (path) => {
      const kept = join(damaged, basename(path));
      try {
        await makeDirectory(damaged);
        await link(path, kept);
        log.error('journal_segment_quarantined', { file: kept });
        await bound(damaged, options.damagedBytesMax);
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') log.error('journal_not_quarantined', { path, error });
      }
    },
    reject: async (name, reason, parts) => {
      await makeDirectory(rejected);
      const path = join(rejected, `${name.replaceAll(/[^\w.~-]/g, '_')}.segment`);
      const file = await open(path, 'w', 0o600);
      try {
        for await (const part of parts) await file.writeFile(part);
        await file.sync();
      } finally {
        await file.close();
      }
      await writeFile(`${path}.json`, `${JSON.stringify(reason)}\n`, { mode: 0o600 });
      await syncDirectory(rejected);
      await bound(rejected, options.rejectedBytesMax);
    },
  };
};
