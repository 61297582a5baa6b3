import { open } from 'node:fs/promises';
import { Fault } from '../../lib/fault.ts';
import type { Signal } from '../../model/ingest.ts';
import { contentHash } from './content-hash.ts';
import { listFiles, type NumberedFile } from './directory.ts';
import { createLastWrite } from './last-write.ts';
import { type Leftover, Marks, Sorter } from './leftovers.ts';
import { isMark, type RequestRecord } from './record.ts';
import type { Segment } from './segment-book.ts';
import { decodeSegmentHeader, type SegmentHeader, segmentHeaderBytes } from './segment-header.ts';
import { openSegmentReader, type Piece } from './segment-reader.ts';

export interface Damage {
  readonly path: string;
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
  /** The end of the last segment: what a crash leaves of a write that nobody was told about. */
  readonly torn: boolean;
}

export interface ScanResult {
  readonly key: Buffer | undefined;
  readonly segments: readonly Segment[];
  readonly seen: readonly NumberedFile[];
  readonly lastId: number;
  readonly lastSeq: number;
  readonly leftovers: ReadonlyMap<Signal, Leftover>;
  readonly damages: readonly Damage[];
}

interface SegmentFile extends NumberedFile {
  readonly header: SegmentHeader | undefined;
  /** How much of it counts. */
  readonly end: number;
}

/**
 * Reads what a journal holds, in two passes over the heads of records: marks first, because a batch
 * may have been cut long after its requests came. Rejects with ERR_JOURNAL_VERSION (`reject`) when a
 * later program wrote it. `onSeen` is told of each request, oldest first.
 */
export const scanJournal = async (
  dir: string,
  onSeen: (record: RequestRecord) => void,
): Promise<ScanResult> => {
  const files = await readHeaders(await listFiles(dir, 'segment'));
  const seen = await readHeaders(await listFiles(dir, 'seen'));
  const key = [...files, ...seen].find((it) => it.header)?.header?.key;
  const found = {
    segments: [] as Segment[],
    damages: [] as Damage[],
    marks: new Marks(),
  };
  if (!key) {
    // Without the secret no checksum can be told from damage.
    const damages = files
      .filter((it) => it.bytes > 0)
      .map(({ path, id, bytes }) => {
        return { path, segment: id, offset: 0, bytes, torn: bytes < segmentHeaderBytes };
      });
    const segments = files.map(({ path, id, bytes }) => {
      return { id, path, bytes, pending: 0, youngestMs: 0 };
    });
    const last = lastId([...files, ...seen]);
    return {
      ...found,
      segments,
      damages,
      key,
      seen,
      lastId: last,
      lastSeq: 0,
      leftovers: new Map(),
    };
  }

  for (const file of seen) {
    await eachPiece(file, key, (piece) => {
      if (piece.kind === 'record' && piece.head.record.kind === 'seen') onSeen(piece.head.record);
    });
  }
  const youngest = files.at(-1);
  const learned = new Map<SegmentFile, Learned>();
  for (const file of files) {
    learned.set(file, await learn(file, key, { ...found, isLast: file === youngest, onSeen }));
  }
  const lastSeq = Array.from(learned.values()).reduce((max, it) => Math.max(max, it.lastSeq), 0);

  const sorter = new Sorter(found.marks);
  for (const file of files) {
    let pending = 0;
    let youngestMs = 0;
    const { end = file.end, torn } = learned.get(file) ?? {};
    await eachPiece({ ...file, end }, key, (piece) => {
      if (piece.kind === 'damage' || piece.head.record.kind !== 'request') return;
      if (torn?.has(piece.offset)) return;
      const { record } = piece.head;
      youngestMs = Math.max(youngestMs, record.atMs);
      const place = { segment: file.id, offset: piece.offset, bytes: piece.end - piece.offset };
      if (sorter.place(record, place)) pending += 1;
    });
    found.segments.push({ id: file.id, path: file.path, bytes: end, pending, youngestMs });
  }
  return {
    ...found,
    key,
    seen,
    lastId: lastId([...files, ...seen]),
    lastSeq,
    leftovers: sorter.leftovers(),
  };
};

/** What the first pass finds in a segment. */
interface Learned {
  /** Where the last piece ends that counts. */
  readonly end: number;
  readonly lastSeq: number;
  /** Where pieces of the last write lie that did not all reach the disk. */
  readonly torn: ReadonlySet<number>;
}

interface LearnOptions {
  readonly damages: Damage[];
  readonly marks: Marks;
  readonly isLast: boolean;
  readonly onSeen: (record: RequestRecord) => void;
}

const learn = async (
  file: SegmentFile,
  key: Buffer,
  { damages, marks, isLast, onSeen }: LearnOptions,
): Promise<Learned> => {
  const { path, id: segment } = file;
  let lastSeq = 0;
  const damage = ({ offset, end }: Pick<Piece, 'offset' | 'end'>, torn: boolean): void => {
    damages.push({ path, segment, offset, bytes: end - offset, torn });
  };
  const sound = (piece: Piece): void => {
    if (piece.kind === 'damage') return damage(piece, false);
    const { record } = piece.head;
    if (record.kind === 'request') {
      lastSeq = Math.max(lastSeq, record.seq);
      onSeen(record);
    } else if (isMark(record)) {
      lastSeq = Math.max(lastSeq, record.lastSeq);
      marks.add(record);
    }
  };
  const isCut = isLast && file.bytes < segmentHeaderBytes;
  if (!file.header && file.bytes > 0) {
    damage({ offset: 0, end: Math.min(segmentHeaderBytes, file.bytes) }, isCut);
  }
  let end = isCut ? 0 : Math.min(segmentHeaderBytes, file.end);
  const last = createLastWrite();
  await eachPiece(file, key, (piece) => {
    end = piece.end;
    last.behind(piece).forEach(sound);
  });
  const torn = isLast ? await tornOf(file, key, last.pieces()) : [];
  for (const it of torn) damage(it, true);
  for (const it of last.pieces()) if (!torn.includes(it)) sound(it);
  for (const it of torn.toReversed()) if (it.end === end) end = it.offset;
  return { end, lastSeq, torn: new Set(torn.map((it) => it.offset)) };
};

const lastId = (files: readonly NumberedFile[]): number =>
  files.reduce((max, it) => Math.max(max, it.id), 0);

const readHeaders = async (files: readonly NumberedFile[]): Promise<readonly SegmentFile[]> => {
  const headers: (SegmentHeader | undefined)[] = [];
  for (const { path } of files) headers.push(await readHeader(path));
  const ends = new Map(headers.map((it) => [it?.previousId, it?.previousBytes]));
  return files.map((file, index) => ({
    ...file,
    header: headers[index],
    end: Math.min(file.bytes, ends.get(file.id) ?? file.bytes),
  }));
};

/** Undefined when it is damaged. Rejects with ERR_JOURNAL_VERSION (`reject`). */
export const readHeader = async (path: string): Promise<SegmentHeader | undefined> => {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(segmentHeaderBytes), 0);
    const header = decodeSegmentHeader(buffer.subarray(0, bytesRead));
    if (typeof header !== 'number') return header;
    throw new Fault(
      'ERR_JOURNAL_VERSION',
      `${path} has format version ${header}, which a later version of tocsin wrote`,
      { remedy: 'reject' },
    );
  } finally {
    await file.close();
  }
};

/** Of what was written last, pieces that cannot be trusted; other bodies are checked when they are read. */
const tornOf = async (
  file: SegmentFile,
  key: Buffer,
  written: readonly Piece[],
): Promise<readonly Piece[]> => {
  const [first] = written;
  if (!first) return [];
  const sound = new Set<number>();
  await eachPiece(
    file,
    key,
    async (piece, body) => {
      if (piece.kind === 'damage') return;
      const { record } = piece.head;
      const isSound =
        record.kind !== 'request' || contentHash(key, record, await body()).equals(record.hash);
      if (isSound) sound.add(piece.offset);
    },
    first.offset,
  );
  return written.filter((it) => !sound.has(it.offset));
};

const eachPiece = async (
  file: SegmentFile,
  key: Buffer,
  visit: (piece: Piece, body: () => Promise<Buffer>) => void | Promise<void>,
  from = segmentHeaderBytes,
): Promise<void> => {
  const reader = await openSegmentReader(file.path, { key, from, end: file.end });
  try {
    for (let piece = await reader.next(); piece; piece = await reader.next()) {
      await visit(piece, reader.body);
    }
  } finally {
    await reader.close();
  }
};
