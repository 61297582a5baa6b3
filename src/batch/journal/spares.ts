import { rename, stat } from 'node:fs/promises';
import { removeFile, sparePath, syncDirectory } from './directory.ts';
import { errnoOf } from './disk-fault.ts';

/**
 * Files of segments that are done, to be written over: their blocks and their pages are there already, so
 * that a write costs half the CPU, and a sync has no metadata to write.
 */
export interface Spares {
  /**
   * Takes a segment's file away from under its name, for later or for good. What is in it may be written
   * over from then on.
   */
  readonly give: (segment: { readonly id: number; readonly path: string }) => Promise<void>;
  /** One to be renamed and written over. */
  readonly take: () => Spare | undefined;
  /** Gives their room back. */
  readonly clear: () => Promise<void>;
}

interface Spare {
  readonly path: string;
  readonly bytes: number;
}

export interface SparesOptions {
  readonly dir: string;
  readonly filesMax: number;
  /** Whether the journal has this room to spare. */
  readonly hasRoom: (bytes: number) => boolean;
  /** The first segment of this process: what an earlier one wrote may be sealed as any other. */
  readonly firstId: number;
}

export const createSpares = ({ dir, filesMax, hasRoom, firstId }: SparesOptions): Spares => {
  let spares: readonly Spare[] = [];

  return {
    give: async ({ id, path }) => {
      const { bytes, names } = await look(path);
      // A damaged one has another name, under which it is kept.
      const isFit = id >= firstId && names === 1 && spares.length < filesMax && hasRoom(bytes);
      const spare = { path: sparePath(dir, id), bytes };
      if (isFit) await rename(path, spare.path);
      else await removeFile(path);
      // Nothing is written over before this name is gone for good.
      await syncDirectory(dir);
      if (isFit) spares = [...spares, spare];
    },
    take: () => {
      const [spare, ...rest] = spares;
      spares = rest;
      return spare;
    },
    clear: async () => {
      const given = spares;
      spares = [];
      for (const { path } of given) await removeFile(path);
    },
  };
};

/** A file that somebody removed has no name. */
const look = async (path: string): Promise<{ readonly bytes: number; readonly names: number }> => {
  try {
    const { size, nlink } = await stat(path);
    return { bytes: size, names: nlink };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { bytes: 0, names: 0 };
    throw error;
  }
};
