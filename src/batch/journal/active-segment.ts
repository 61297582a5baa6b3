import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../../lib/clock.ts';
import { removeFile, segmentPath, syncDirectory } from './directory.ts';
import type { JournalInstruments } from './journal-instruments.ts';
import type { SegmentBook } from './segment-book.ts';
import { encodeSegmentHeader, segmentHeaderBytes } from './segment-header.ts';

/** The segment at whose end records are written. Calls must not overlap. */
export interface ActiveSegment {
  readonly id: () => number | undefined;
  /**
   * Writes everything at once, in a new segment when it does not fit, and syncs it if asked to.
   * Rejects with the system's error; then nothing of it counts.
   */
  readonly write: (chunks: readonly Uint8Array[], bytes: number, sync: boolean) => Promise<Written>;
  readonly sync: () => Promise<void>;
  /** Syncs and closes; the next write begins a new segment. */
  readonly retire: () => Promise<void>;
}

export interface Written {
  readonly segment: number;
  readonly offset: number;
}

export interface ActiveSegmentOptions {
  readonly dir: string;
  readonly key: Buffer;
  readonly firstId: number;
  /** What was found at the start. */
  readonly previous: { readonly id: number; readonly bytes: number };
  readonly segmentBytesMax: number;
  readonly book: SegmentBook;
  readonly count: JournalInstruments;
  readonly clock: Clock;
}

interface OpenSegment {
  readonly id: number;
  readonly file: FileHandle;
}

export const createActiveSegment = (options: ActiveSegmentOptions): ActiveSegment => {
  const { dir, key, book, count, clock } = options;
  let nextId = options.firstId;
  let active: OpenSegment | undefined;
  let { previous } = options;
  let dirty = false;

  const bytesOf = (id: number): number => book.get(id)?.bytes ?? 0;

  const begin = async (): Promise<OpenSegment> => {
    const id = nextId;
    nextId += 1;
    const path = segmentPath(dir, id);
    const file = await open(path, 'wx', 0o600);
    try {
      const header = encodeSegmentHeader({
        id,
        createdMs: clock.nowMs(),
        key,
        previousId: previous.id,
        previousBytes: previous.bytes,
      });
      await writeFully(file, [header], 0);
      await file.datasync();
      await syncDirectory(dir);
    } catch (error) {
      await file.close().catch(() => {});
      await removeFile(path).catch(() => {});
      throw error;
    }
    book.add({ id, path, bytes: segmentHeaderBytes, pending: 0, youngestMs: 0 });
    return (active = { id, file });
  };

  const sync = async (): Promise<void> => {
    if (!dirty || !active) return;
    const sinceMs = clock.monotonicMs();
    try {
      await active.file.datasync();
    } catch (error) {
      await abandon(active);
      throw error;
    }
    dirty = false;
    count.synced((clock.monotonicMs() - sinceMs) / 1000);
  };

  const leave = async (segment: OpenSegment): Promise<void> => {
    previous = { id: segment.id, bytes: bytesOf(segment.id) };
    active = undefined;
    dirty = false;
    await segment.file.close();
  };

  /**
   * After a failed write or sync nobody knows what the file holds beyond what counted before, and a
   * second sync would lie. The rest is cut off; if even that fails, the next segment's header says
   * where this one ends.
   */
  const abandon = async (segment: OpenSegment): Promise<void> => {
    await segment.file.truncate(bytesOf(segment.id)).catch(() => {});
    await leave(segment).catch(() => {});
  };

  const retire = async (): Promise<void> => {
    await sync();
    if (active) await leave(active);
  };

  const write: ActiveSegment['write'] = async (chunks, bytes, mustSync) => {
    if (active) {
      const held = bytesOf(active.id);
      if (held > segmentHeaderBytes && held + bytes > options.segmentBytesMax) await retire();
    }
    const segment = active ?? (await begin());
    const offset = bytesOf(segment.id);
    try {
      await writeFully(segment.file, chunks, offset);
    } catch (error) {
      await abandon(segment);
      throw error;
    }
    dirty = true;
    if (mustSync) await sync();
    return { segment: segment.id, offset };
  };

  return { id: () => active?.id, write, sync, retire };
};

const writeFully = async (
  file: FileHandle,
  chunks: readonly Uint8Array[],
  offset: number,
): Promise<void> => {
  let position = offset;
  let rest = chunks;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev([...rest], position);
    position += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
};

/** A disk that is nearly full takes a part; the next attempt tells why. */
const behind = (chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] => {
  let skipped = 0;
  for (const [index, chunk] of chunks.entries()) {
    if (skipped + chunk.length > bytes) {
      return [chunk.subarray(bytes - skipped), ...chunks.slice(index + 1)];
    }
    skipped += chunk.length;
  }
  return [];
};
