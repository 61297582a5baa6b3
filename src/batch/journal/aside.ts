import { link, open, readdir, readFile, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Fault } from '../../lib/fault.ts';
import type { Log } from '../../lib/log.ts';
import {
  type AsideFolder,
  type AsideLabel,
  asideFolders,
  asidePath,
  asideSuffix,
  labelPath,
  readLabel,
} from './aside-label.ts';
import { makeDirectory, removeFile, syncDirectory } from './directory.ts';
import { errnoOf } from './disk-fault.ts';

/**
 * What is kept beside the journal until a person decides. Nothing is given up for want of room: then
 * a batch stays in the journal, and of a damaged segment only the log tells.
 */
export interface Aside {
  /** Removes what a crash left half written. Never rejects. */
  readonly tidy: () => Promise<void>;
  /** Keeps a damaged segment as it is, whatever becomes of the original. Never rejects. */
  readonly quarantine: (
    path: string,
    damage: { readonly offset: number; readonly bytes: number },
  ) => Promise<void>;
  /** Rejects with ERR_JOURNAL_ASIDE_FULL (`retry`) when there is no room for so many bytes. */
  readonly admit: (bytes: number) => Promise<void>;
  /**
   * Keeps requests that cannot be stored. `label` is asked when all of `parts` were written. Rejects
   * when it cannot; then there is nothing. False when they were there already.
   */
  readonly reject: (
    name: string,
    parts: AsyncIterable<Uint8Array>,
    label: () => AsideLabel,
  ) => Promise<boolean>;
}

export interface AsideOptions {
  readonly dir: string;
  readonly damagedBytesMax: number;
  readonly rejectedBytesMax: number;
  readonly asideFilesMax: number;
  readonly nowMs: () => number;
  readonly onRefused: (folder: AsideFolder) => void;
  readonly log: Log;
}

/** Places of damage told in one label. */
const damagesMax = 100;

export const createAside = (options: AsideOptions): Aside => {
  const { dir, log } = options;
  const bytesMax = { rejected: options.rejectedBytesMax, damaged: options.damagedBytesMax };

  const admit = async (folder: AsideFolder, bytes: number): Promise<void> => {
    const sizes = await sizesIn(join(dir, folder));
    const held = sizes.reduce((sum, it) => sum + it, 0);
    const full = held + bytes > bytesMax[folder] || sizes.length >= 2 * options.asideFilesMax;
    if (!full) return;
    options.onRefused(folder);
    throw new Fault(
      'ERR_JOURNAL_ASIDE_FULL',
      `${sizes.length} files of ${held} bytes lie in ${join(dir, folder)}; retry or drop some with tocsin dead-letters`,
      { remedy: 'retry' },
    );
  };

  /** Its place among those kept: a number may come again when the journal was empty meanwhile. */
  const placeFor = async (
    path: string,
  ): Promise<{ readonly kept: string; readonly isNew: boolean }> => {
    const { ino } = await stat(path);
    for (let n = 0; ; n += 1) {
      const name = basename(path, asideSuffix);
      const kept = asidePath(dir, 'damaged', n === 0 ? name : `${name}-${n}`);
      const known = await inodeOf(kept);
      if (known === undefined || known === ino) return { kept, isNew: known === undefined };
    }
  };

  return {
    tidy: async () => {
      for (const folder of asideFolders) {
        const names = await readdir(join(dir, folder)).catch(() => []);
        for (const name of names.filter((it) => it.endsWith('.new'))) {
          await removeFile(join(dir, folder, name)).catch(() => {});
        }
      }
    },
    quarantine: async (path, damage) => {
      try {
        await makeDirectory(join(dir, 'damaged'));
        const { kept, isNew } = await placeFor(path);
        if (isNew) {
          await admit('damaged', (await stat(path)).size);
          await link(path, kept);
          log.error('journal_segment_quarantined', { file: kept });
        }
        const known = readLabel(isNew ? undefined : await textOf(labelPath(kept)));
        await writeLabel(kept, {
          ...known,
          kind: 'damage',
          atMs: known.atMs ?? options.nowMs(),
          damages: [...(known.damages ?? []), damage].slice(0, damagesMax),
          code: 'ERR_JOURNAL_DAMAGED',
          message: 'parts of this file cannot be trusted; the rest of it went on',
        });
      } catch (error) {
        log.error('journal_not_quarantined', { path, errno: errnoOf(error), error });
      }
    },
    admit: (bytes) => admit('rejected', bytes),
    reject: async (name, parts, label) => {
      await makeDirectory(join(dir, 'rejected'));
      const path = asidePath(dir, 'rejected', name.replaceAll(/[^\w.~-]/g, '_'));
      if ((await inodeOf(path)) !== undefined) return false;
      try {
        await writeNew(`${path}.new`, parts);
        await writeLabel(path, label());
        await rename(`${path}.new`, path);
      } catch (error) {
        await removeFile(`${path}.new`).catch(() => {});
        throw error;
      }
      await syncDirectory(join(dir, 'rejected'));
      return true;
    },
  };
};

/** Whole or not at all. */
export const writeLabel = async (path: string, label: AsideLabel): Promise<void> => {
  const to = labelPath(path);
  await writeNew(`${to}.new`, [Buffer.from(`${JSON.stringify(label)}\n`)]);
  await rename(`${to}.new`, to);
};

const writeNew = async (
  path: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> => {
  const file = await open(path, 'w', 0o600);
  try {
    for await (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
};

const sizesIn = async (folder: string): Promise<readonly number[]> => {
  const names = await readdir(folder).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return Promise.all(sizes);
};

const inodeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ ino }) => ino,
    () => undefined,
  );

export const textOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(() => undefined);
