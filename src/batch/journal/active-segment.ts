import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import type { Clock } from '../../lib/clock.ts';
import { removeFile, segmentPath, syncDirectory } from './directory.ts';
import type { JournalInstruments } from './journal-instruments.ts';
import { endHead, sealed, segmentSeal } from './record.ts';
import type { SegmentBook } from './segment-book.ts';
import { encodeSegmentHeader, segmentHeaderBytes } from './segment-header.ts';
import type { Spares } from './spares.ts';

/** The segment at whose end records are written. Calls must not overlap. */
export interface ActiveSegment {
  readonly id: () => number | undefined;
  /**
   * Seals and writes everything at once, in a new segment when it does not fit, and syncs it if asked
   * to. Rejects with the system's error; then nothing of it counts.
   */
  readonly write: (
    records: readonly WholeRecord[],
    bytes: number,
    sync: boolean,
  ) => Promise<Written>;
  readonly sync: () => Promise<void>;
  /** Syncs and closes; the next write begins a new segment. */
  readonly retire: () => Promise<void>;
}

/** A head that is yet to be sealed, and its body. */
export interface WholeRecord {
  readonly head: Buffer;
  readonly body?: Uint8Array;
}

interface Written {
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
  /** The system syncs each write by itself: half as many calls that other threads are woken for. */
  readonly syncsEachWrite: boolean;
  readonly spares: Spares;
  readonly book: SegmentBook;
  readonly count: JournalInstruments;
  readonly clock: Clock;
}

interface OpenSegment {
  readonly id: number;
  readonly file: FileHandle;
  /** Of the records in it. */
  readonly seal: number;
  /** What lay in the file before reaches to here. */
  readonly usedUntil: number;
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
    const spare = options.spares.take();
    const file = await open(spare?.path ?? path, spare ? flags : newFile, 0o600);
    const seal = segmentSeal(key, id);
    const usedUntil = spare?.bytes ?? 0;
    try {
      const header = encodeSegmentHeader({
        id,
        createdMs: clock.nowMs(),
        key,
        previousId: previous.id,
        previousBytes: previous.bytes,
      });
      await writeFully(file, spare ? [header, sealed(seal, endHead())] : [header], 0);
      await file.datasync();
      if (spare) await rename(spare.path, path);
      await syncDirectory(dir);
    } catch (error) {
      await file.close().catch(() => {});
      for (const it of [path, spare?.path ?? path]) await removeFile(it).catch(() => {});
      throw error;
    }
    book.add({ id, path, bytes: segmentHeaderBytes, pending: 0, youngestMs: 0 });
    return (active = { id, file, seal, usedUntil });
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

  const write: ActiveSegment['write'] = async (records, bytes, mustSync) => {
    if (active) {
      const held = bytesOf(active.id);
      if (held > segmentHeaderBytes && held + bytes > options.segmentBytesMax) await retire();
    }
    const segment = active ?? (await begin());
    const offset = bytesOf(segment.id);
    const sinceMs = clock.monotonicMs();
    try {
      await writeFully(segment.file, chunksFor(segment, records, offset + bytes), offset);
    } catch (error) {
      await abandon(segment);
      throw error;
    }
    if (options.syncsEachWrite) {
      count.synced((clock.monotonicMs() - sinceMs) / 1000);
    } else {
      dirty = true;
      if (mustSync) await sync();
    }
    return { segment: segment.id, offset };
  };

  const flags = constants.O_WRONLY | (options.syncsEachWrite ? constants.O_DSYNC : 0);
  const newFile = flags | constants.O_CREAT | constants.O_EXCL;

  return { id: () => active?.id, write, sync, retire };
};

/** All as it will lie in the file, with an end behind it if something else would follow. */
const chunksFor = (
  { seal, usedUntil }: OpenSegment,
  records: readonly WholeRecord[],
  end: number,
): readonly Uint8Array[] => {
  const chunks: Uint8Array[] = [];
  for (const { head, body } of records) {
    chunks.push(sealed(seal, head, chunks.length === 0));
    if (body && body.length > 0) chunks.push(body);
  }
  if (end < usedUntil) chunks.push(sealed(seal, endHead()));
  return chunks;
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
