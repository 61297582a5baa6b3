import { open } from 'node:fs/promises';
import { Fault } from '../../lib/fault.ts';
import type { Signal } from '../../model/ingest.ts';
import { contentHash, signals } from './content-hash.ts';
import { listFiles, type NumberedFile } from './directory.ts';
import { createLastWrite } from './last-write.ts';
import { type GrowingRange, openRange, type Range } from './range.ts';
import { isMark, type MarkRecord, type RequestRecord } from './record.ts';
import type { Segment } from './segment-book.ts';
import { decodeSegmentHeader, type SegmentHeader, segmentHeaderBytes } from './segment-header.ts';
import { openSegmentReader, type Piece } from './segment-reader.ts';

/** A batch that has its name and is not stored. */
export interface CutBatch {
  readonly name: string;
  readonly range: Range;
}

/** What is still to be stored of one signal. */
export interface Leftover {
  readonly batches: readonly CutBatch[];
  /** Without a name and never cut; not neighbours, so that each is read alone. */
  readonly uncut: readonly Range[];
}

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
    lastSeq: 0,
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
    return { ...found, segments, damages, key, seen, lastId: last, leftovers: new Map() };
  }

  for (const file of seen) {
    await eachPiece(file, key, (piece) => {
      if (piece.kind === 'record' && piece.head.record.kind === 'seen') onSeen(piece.head.record);
    });
  }
  const youngest = files.at(-1);
  const ends = new Map<SegmentFile, number>();
  let lost: ReadonlySet<number> = new Set();
  for (const file of files) {
    const damage = ({ offset, end }: Pick<Piece, 'offset' | 'end'>, torn: boolean) =>
      found.damages.push({ path: file.path, segment: file.id, offset, bytes: end - offset, torn });
    const learn = (piece: Piece): void => {
      if (piece.kind === 'damage') return void damage(piece, false);
      const { record } = piece.head;
      if (record.kind === 'request') {
        found.lastSeq = Math.max(found.lastSeq, record.seq);
        onSeen(record);
      } else if (isMark(record)) {
        found.lastSeq = Math.max(found.lastSeq, record.lastSeq);
        found.marks.add(record);
      }
    };
    const tornHeader = file === youngest && file.bytes < segmentHeaderBytes;
    if (!file.header && file.bytes > 0) {
      damage({ offset: 0, end: Math.min(segmentHeaderBytes, file.bytes) }, tornHeader);
    }
    let end = tornHeader ? 0 : Math.min(segmentHeaderBytes, file.end);
    const last = createLastWrite();
    await eachPiece(file, key, (piece) => {
      end = piece.end;
      for (const it of last.behind(piece)) learn(it);
    });
    if (file === youngest) {
      const torn = await tornOf(file, key, last.pieces());
      for (const it of torn) damage(it, true);
      for (const it of last.pieces()) if (!torn.includes(it)) learn(it);
      for (const it of torn.toReversed()) if (it.end === end) end = it.offset;
      lost = new Set(torn.map((it) => it.offset));
    } else last.pieces().forEach(learn);
    ends.set(file, end);
  }

  const sorter = new Sorter(found.marks);
  for (const file of files) {
    let pending = 0;
    let youngestMs = 0;
    const end = ends.get(file) ?? file.end;
    await eachPiece({ ...file, end }, key, (piece) => {
      if (piece.kind === 'damage' || piece.head.record.kind !== 'request') return;
      if (file === youngest && lost.has(piece.offset)) return;
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
    leftovers: sorter.leftovers(),
  };
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

interface KnownBatch {
  readonly mark: MarkRecord;
  readonly done: boolean;
}

/** Marks of all signals; what is finished may have lost its cut, but never the other way round. */
class Marks {
  readonly #bySignal = new Map<Signal, Map<number, KnownBatch>>(
    signals.map((it) => [it, new Map<number, KnownBatch>()]),
  );
  readonly #done = new Set<string>();

  add(mark: MarkRecord): void {
    const known = this.#bySignal.get(mark.signal);
    const done = mark.kind !== 'cut' || (known?.get(mark.firstSeq)?.done ?? false);
    known?.set(mark.firstSeq, { mark, done });
    if (mark.kind !== 'cut') this.#done.add(mark.name);
  }

  isDone(name: string): boolean {
    return this.#done.has(name);
  }

  batches(): ReadonlyMap<Signal, readonly KnownBatch[]> {
    return new Map(
      [...this.#bySignal].map(([signal, known]) => [
        signal,
        [...known.values()].toSorted((a, b) => a.mark.firstSeq - b.mark.firstSeq),
      ]),
    );
  }
}

/** Gives each request to the batch that it names or was cut into, or to a run of the others. */
class Sorter {
  readonly #marks: Marks;
  readonly #batches: ReadonlyMap<Signal, readonly KnownBatch[]>;
  readonly #named = new Map<string, GrowingRange>();
  readonly #ranges = new Map<KnownBatch, GrowingRange>();
  readonly #uncut = new Map<Signal, GrowingRange[]>();
  readonly #growing = new Map<Signal, GrowingRange>();

  constructor(marks: Marks) {
    this.#marks = marks;
    this.#batches = marks.batches();
  }

  /** True when the request is still to be stored. */
  place(record: RequestRecord, place: Parameters<GrowingRange['written']>[0]): boolean {
    const { signal, seq, batch: name } = record;
    if (name !== '') {
      this.#growing.delete(signal);
      if (this.#marks.isDone(name)) return false;
      const range = getOrAdd(this.#named, name, () => openRange(signal, name));
      range.claim(seq);
      range.written(place);
      return true;
    }
    const batch = lastAtOrBefore(this.#batches.get(signal) ?? [], seq);
    if (batch && seq <= batch.mark.lastSeq) {
      this.#growing.delete(signal);
      if (batch.done) return false;
      getOrAdd(this.#ranges, batch, () => openRange(signal)).written(place);
      this.#ranges.get(batch)?.claim(seq);
      return true;
    }
    const range = getOrAdd(this.#growing, signal, () => {
      const opened = openRange(signal);
      getOrAdd(this.#uncut, signal, () => []).push(opened);
      return opened;
    });
    range.claim(seq);
    range.written(place);
    return true;
  }

  leftovers(): ReadonlyMap<Signal, Leftover> {
    return new Map(
      signals.map((signal) => [
        signal,
        {
          batches: [...this.#cutBatches(signal), ...this.#namedBatches(signal)],
          uncut: this.#uncut.get(signal) ?? [],
        },
      ]),
    );
  }

  #cutBatches(signal: Signal): readonly CutBatch[] {
    return (this.#batches.get(signal) ?? []).flatMap((batch) => {
      const range = this.#ranges.get(batch);
      // The names and bounds of the mark, whatever of the requests is left.
      const { name, firstSeq, lastSeq } = batch.mark;
      return range ? [{ name, range: { ...range, firstSeq, lastSeq } }] : [];
    });
  }

  #namedBatches(signal: Signal): readonly CutBatch[] {
    const ranges = [...this.#named.values()].filter((it) => it.signal === signal);
    return ranges.map((range) => ({ name: range.name, range }));
  }
}

const getOrAdd = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
};

const lastAtOrBefore = (batches: readonly KnownBatch[], seq: number): KnownBatch | undefined => {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((batches[middle]?.mark.firstSeq ?? 0) <= seq) low = middle + 1;
    else high = middle;
  }
  return batches[low - 1];
};
