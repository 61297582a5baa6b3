import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of the journal with the number in its name. */
export interface NumberedFile {
  readonly id: number;
  readonly path: string;
  readonly bytes: number;
}

export const segmentPath = (dir: string, id: number): string => join(dir, `${padded(id)}.segment`);
export const seenPath = (dir: string, id: number): string => join(dir, `${padded(id)}.seen`);

export const sparePath = (dir: string, id: number): string => join(dir, `${padded(id)}.spare`);

const padded = (id: number): string => String(id).padStart(12, '0');

/** Files of one kind, oldest first. */
export const listFiles = async (
  dir: string,
  kind: 'segment' | 'seen' | 'spare',
): Promise<readonly NumberedFile[]> => {
  const names = (await readdir(dir)).filter(
    (it) => /^\d{12}\./.test(it) && it.endsWith(`.${kind}`),
  );
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(dir, name);
      return { id: Number.parseInt(name, 10), path, bytes: (await stat(path)).size };
    }),
  );
  return files.toSorted((a, b) => a.id - b.id);
};

/** Makes created, renamed and removed names survive a loss of power. */
export const syncDirectory = async (dir: string): Promise<void> => {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Bodies are private telemetry. */
export const makeDirectory = async (dir: string): Promise<void> => {
  await mkdir(dir, { recursive: true, mode: 0o700 });
};

export const removeFile = (path: string): Promise<void> => rm(path, { force: true });
