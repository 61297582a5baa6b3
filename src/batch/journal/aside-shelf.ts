import { open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '../../lib/fault.ts';
import type { Signal } from '../../model/ingest.ts';
import { textOf, writeLabel } from './aside.ts';
import {
  type AsideFolder,
  type AsideLabel,
  asideFolders,
  asideSuffix,
  labelPath,
  type ReadLabel,
  readLabel,
} from './aside-label.ts';
import { contentHash } from './content-hash.ts';
import { removeFile, syncDirectory } from './directory.ts';
import type { StoredRequest } from './range-reader.ts';
import { decodeSegmentHeader, segmentHeaderBytes } from './segment-header.ts';
import { openSegmentReader } from './segment-reader.ts';

/** One file that was set aside, by whichever journal. */
export interface AsideFile {
  readonly path: string;
  /** Relative to where the journals lie: `0/rejected/NAME.segment`. */
  readonly place: string;
  readonly folder: AsideFolder;
  readonly label: ReadLabel;
  readonly bytes: number;
  readonly changedMs: number;
}

/** What the journals in a directory set aside, as it lies on disk: nothing is remembered here. */
export interface AsideShelf {
  readonly list: () => Promise<readonly AsideFile[]>;
  /** Under which its requests are stored once. */
  readonly nameOf: (file: AsideFile) => Promise<string>;
  /** The requests that can be trusted; `onDamage` is told of each place that cannot. */
  readonly requests: (file: AsideFile, onDamage: () => void) => AsyncGenerator<StoredRequest>;
  readonly relabel: (file: AsideFile, label: AsideLabel) => Promise<void>;
  readonly remove: (file: AsideFile) => Promise<void>;
}

/** `journalsDir` holds one directory for each journal. */
export const createAsideShelf = (journalsDir: string): AsideShelf => {
  const inFolder = async (journal: string, folder: AsideFolder): Promise<readonly AsideFile[]> => {
    const names = await namesIn(join(journalsDir, journal, folder));
    const files: AsideFile[] = [];
    for (const name of names.filter((it) => it.endsWith(asideSuffix))) {
      const place = join(journal, folder, name);
      const path = join(journalsDir, place);
      const found = await stat(path).catch(() => undefined);
      if (!found) continue;
      const label = readLabel(await textOf(labelPath(path)));
      files.push({ path, place, folder, label, bytes: found.size, changedMs: found.mtimeMs });
    }
    return files;
  };

  return {
    list: async () => {
      const files: AsideFile[] = [];
      for (const journal of await namesIn(journalsDir)) {
        for (const folder of asideFolders) files.push(...(await inFolder(journal, folder)));
      }
      return files;
    },
    nameOf: async ({ path, label, place }) =>
      // Written by a version that gave none: the file's own, made unique by its time.
      label.name ?? `${place.replaceAll('/', '-')}-${(await headerOf(path)).createdMs}`,
    requests: async function* requests({ path, bytes }, onDamage) {
      const { key } = await headerOf(path);
      const reader = await openSegmentReader(path, { key, end: bytes });
      try {
        for (let piece = await reader.next(); piece; piece = await reader.next()) {
          const record = piece.kind === 'record' ? piece.head.record : undefined;
          if (record?.kind !== 'request') {
            onDamage();
            continue;
          }
          const body = await reader.body();
          const place = { segment: 0, offset: piece.offset, bytes: piece.end - piece.offset };
          if (contentHash(key, record, body).equals(record.hash)) yield { record, place, body };
          else onDamage();
        }
      } finally {
        await reader.close();
      }
    },
    relabel: ({ path }, label) => writeLabel(path, label),
    remove: async ({ path }) => {
      await removeFile(path);
      await removeFile(labelPath(path));
      await syncDirectory(dirname(path));
    },
  };
};

/** The signal that a file holds, when its label does not say. */
export const signalOf = async (shelf: AsideShelf, file: AsideFile): Promise<Signal | undefined> => {
  if (file.label.signal) return file.label.signal;
  for await (const { record } of shelf.requests(file, () => {})) return record.signal;
  return undefined;
};

const namesIn = (dir: string): Promise<readonly string[]> => readdir(dir).catch(() => []);

const headerOf = async (path: string) => {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(segmentHeaderBytes), 0);
    const header = decodeSegmentHeader(buffer.subarray(0, bytesRead));
    if (header !== undefined && typeof header !== 'number') return header;
  } finally {
    await file.close();
  }
  throw new Fault('ERR_SET_ASIDE_UNREADABLE', `${path} has no header that can be read`, {
    remedy: 'reject',
  });
};
