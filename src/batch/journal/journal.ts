import { createHash, randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { Fault, messageOf } from '../../lib/fault.ts';
import type { Log } from '../../lib/log.ts';
import type { Meter } from '../../lib/meter.ts';
import { diskTrouble } from '../../lib/on-disk.ts';
import type { Acceptance, Signal } from '../../model/ingest.ts';
import { retryAfterMs } from '../drain-rate.ts';
import { createActiveSegment } from './active-segment.ts';
import { createAside } from './aside.ts';
import type { AsideLabel } from './aside-label.ts';
import { createCollector } from './collector.ts';
import { type ContentKind, contentHash } from './content-hash.ts';
import { listFiles, makeDirectory, removeFile } from './directory.ts';
import { errnoOf } from './disk-fault.ts';
import { journalInstruments } from './journal-instruments.ts';
import type { Leftover } from './leftovers.ts';
import { defaultJournalLimits, type JournalLimits } from './limits.ts';
import type { GrowingRange, Range } from './range.ts';
import { createRangeReader, type StoredRequest } from './range-reader.ts';
import { markHead, plainSeal, requestHead, sealed } from './record.ts';
import { createRemembered } from './remembered.ts';
import { createReserve } from './reserve.ts';
import { openRoom } from './room.ts';
import { type Damage, scanJournal } from './scan.ts';
import { createSegmentBook } from './segment-book.ts';
import { encodeSegmentHeader, keyBytes } from './segment-header.ts';
import type { JournalShare } from './shared.ts';
import { createSpares } from './spares.ts';
import { createWriter, type Fsync } from './writer.ts';

export interface JournalOptions {
  /** Of this journal alone; made when missing. No other process may use it meanwhile. */
  readonly dir: string;
  readonly fsync: Fsync;
  /** `bytesMax` is for all journals of the share. */
  readonly limits?: Partial<JournalLimits>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** What it has in common with other journals of this process; without it, it is alone. */
  readonly share?: JournalShare | undefined;
  /** Who recognises requests that an earlier process took; this journal itself when left out. */
  readonly recognise?: Journal['recognise'] | undefined;
}

/** A request's bytes as they are kept, with the answer its sender gets. */
export interface JournalEntry extends ContentKind {
  readonly bytes: Uint8Array;
  readonly hash: Buffer;
  readonly acceptance: Acceptance;
}

export interface Journal {
  /** Throws the Fault (`retry`, or `reject` for one that is too large) that a request meets now. */
  readonly admit: (bytes: number) => void;
  /**
   * Runs a request, or gives the answer that the same bytes got before; they share a hash. Rejects
   * with `Elsewhere` when another thread of the share may have it.
   */
  readonly once: (
    kind: ContentKind,
    bytes: Uint8Array,
    run: (hash: Buffer) => Promise<Acceptance>,
  ) => Promise<Acceptance>;
  /** From now on this is the answer to requests of this hash: another journal has taken one. */
  readonly recognise: (hash: Buffer, acceptance: Acceptance) => void;
  /**
   * Resolves when the request is safe. It belongs to `range` from the call on, and with it on disk
   * lies the range's name.
   */
  readonly append: (entry: JournalEntry, range: GrowingRange) => Promise<void>;
  /** Resolves when all that was appended is written or refused. Rejects with ERR_JOURNAL_CLOSED. */
  readonly settled: () => Promise<void>;
  /**
   * For requests that were written without a name. Resolves when it is on disk that they are the
   * batch of this name, or when the disk is broken and nobody knows for how long: then a crash before
   * it works again stores them twice. Rejects with ERR_JOURNAL_CLOSED.
   */
  readonly cut: (range: Range, name: string) => Promise<void>;
  /** The batch is stored; its segments may go. */
  readonly stored: (range: Range, name: string) => void;
  /**
   * Copies the batch into `rejected/`, then treats it as stored. `missing` are the blocks that are not
   * stored; all of them when left out. Rejects when it cannot: ERR_JOURNAL_ASIDE_FULL (`retry`).
   */
  readonly setAside: (
    range: Range,
    name: string,
    reason: unknown,
    missing?: AsideLabel['missing'],
  ) => Promise<void>;
  /** Copies one request into `rejected/`; it still belongs to its batch. */
  readonly keep: (request: StoredRequest, reason: unknown) => Promise<void>;
  /** Requests of a range, oldest first, but for those that were lost, which are counted. */
  readonly read: (range: Range) => AsyncIterable<StoredRequest>;
  /** What an earlier process left, to be stored by whoever takes care of the signal. */
  readonly leftover: (signal: Signal) => Leftover;
  /** Writes what waits and closes the files. Nothing is lost by not calling it. */
  readonly close: () => Promise<void>;
}

const nothingLeft: Leftover = { batches: [], uncut: [] };

/**
 * Opens or makes a journal: what is acknowledged is in its files until it is stored. Rejects with
 * ERR_JOURNAL_UNUSABLE when the directory cannot be made or read, ERR_JOURNAL_VERSION when a later
 * program wrote it. A disk that takes no writes does not hinder it.
 */
export const openJournal = async (options: JournalOptions): Promise<Journal> => {
  const { dir, clock } = options;
  const log = options.log.child({ part: 'journal' });
  const { share } = options;
  const limits = withinReason({ ...defaultJournalLimits, ...options.limits }, share?.threads ?? 1);
  const book = createSegmentBook();
  const room = share?.room ?? openRoom();
  const remembered = createRemembered({
    windowMs: limits.rememberMs,
    requestsMax: limits.rememberedRequestsMax,
    monotonicMs: clock.monotonicMs,
    onRepeated: () => count.repeated(),
    claims: share?.claims,
  });
  const recognise = options.recognise ?? remembered.restore;

  const scan = await found(dir, () => {
    const sinceMs = clock.nowMs() - limits.rememberMs;
    return scanJournal(dir, ({ hash, acceptance, atMs }) => {
      if (atMs >= sinceMs) recognise(hash, acceptance);
    });
  });
  for (const segment of scan.segments) book.add(segment);
  const key = scan.key ?? share?.key ?? randomBytes(keyBytes);
  // Journals may have one secret.
  const identity = createHash('sha256')
    .update(key)
    .update(basename(dir))
    .digest('hex')
    .slice(0, 12);
  const last = scan.segments.at(-1);

  const count = journalInstruments(options.meter, {
    bytes: book.bytes,
    // Levels of journals add up; one that is only emptied takes nothing.
    bytesMax: options.recognise ? 0 : Math.floor(limits.bytesMax / (share?.threads ?? 1)),
    segments: book.count,
    pendingRequests: book.pendingRequests,
    waitingBytes: () => writer.waitingBytes(),
    remembered: remembered.size,
    writable: () => (writer.disk() === 'fine' ? 1 : 0),
  });
  const aside = createAside({
    ...limits,
    dir,
    nowMs: clock.nowMs,
    onRefused: (folder) => count.asideRefused(folder),
    log,
  });
  await aside.tidy();
  const reserve = createReserve(dir, limits.reserveBytes);
  const firstId = scan.lastId + 1;
  const spares = createSpares({
    dir,
    filesMax: limits.spareFilesMax,
    // Files in use and to spare stay below `bytesMax` together: these are used up before new ones.
    hasRoom: (bytes) => held() + room.heldByOthers() + bytes < limits.bytesMax / 2,
    firstId,
  });
  for (const { path } of await listFiles(dir, 'spare')) await removeFile(path);
  const active = createActiveSegment({
    ...limits,
    dir,
    key,
    firstId,
    spares,
    syncsEachWrite: options.fsync === 'always',
    previous: { id: last?.id ?? 0, bytes: last?.bytes ?? 0 },
    book,
    count,
    clock,
  });
  const makeRoom = () => collector.makeRoom();
  const writer = createWriter({ ...options, limits, active, reserve, book, count, makeRoom, log });
  const known = new Set<string>();
  const damaged = async ({ path, segment, offset, bytes, torn }: Damage): Promise<void> => {
    if (known.has(`${segment}:${offset}`)) return;
    known.add(`${segment}:${offset}`);
    const fields = { file: path, segment, offset, bytes };
    if (torn) {
      count.torn(bytes);
      log.warn('journal_tail_torn', fields);
      return;
    }
    count.damaged(bytes);
    log.error('journal_damaged', fields);
    await aside.quarantine(path, { offset, bytes });
  };
  for (const damage of scan.damages) await damaged(damage);
  const read = createRangeReader({ key, book, count, log, damaged });
  const held = () => book.bytes() + writer.waitingBytes();
  const tellHeld = () => room.hold(held());
  const collector = createCollector({
    ...limits,
    ...{ dir, key, book, active, spares, writer, clock, log },
    onCollected: tellHeld,
  });
  collector.adopt(scan.seen);
  await reserve.fill().catch((error: unknown) => {
    log.warn('journal_without_reserve', { errno: errnoOf(error), error });
  });
  tellHeld();
  collector.collect();

  let seq = scan.lastSeq;

  const refuse = (code: `ERR_${string}`, message: string, waitMs: number): never => {
    count.refused(code);
    throw new Fault(code, message, { remedy: 'retry', retryAfterMs: Math.round(waitMs) });
  };

  const admit = (bytes: number): void => {
    if (bytes > limits.recordBytesMax) {
      count.refused('ERR_JOURNAL_RECORD_TOO_LARGE');
      throw new Fault(
        'ERR_JOURNAL_RECORD_TOO_LARGE',
        `a request of ${bytes} bytes is more than the ${limits.recordBytesMax} that are taken`,
        { remedy: 'reject' },
      );
    }
    const trouble = writer.trouble();
    if (trouble) refuse(trouble.code, trouble.message, limits.retryAfterMsMin);
    const allHeld = held() + room.heldByOthers();
    if (allHeld + bytes > limits.bytesMax) {
      // Time for a tenth to be stored: by then there is room for a while.
      const perSecond = room.bytesPerSecond(clock.nowMs());
      const waitMs = retryAfterMs(limits.bytesMax / 10, perSecond, limits);
      refuse('ERR_JOURNAL_FULL', `${allHeld} bytes wait in the journal to be stored`, waitMs);
    }
    if (writer.waitingBytes() > 0 && writer.waitingBytes() + bytes > limits.waitingBytesMax) {
      refuse('ERR_JOURNAL_BUSY', 'the disk does not keep up', limits.retryAfterMsMin);
    }
  };

  const append: Journal['append'] = async (entry, range) => {
    const { signal, encoding, coding, bytes, hash, acceptance } = entry;
    const atMs = clock.nowMs();
    seq += 1;
    range.claim(seq);
    const kind = { signal, encoding, coding } as const;
    const batch = range.name;
    const record = { kind: 'request', ...kind, seq, atMs, acceptance, hash, batch } as const;
    const head = requestHead(record, bytes.length);
    const sinceMs = clock.monotonicMs();
    const written = writer.request({ head, body: bytes, record }, range);
    tellHeld();
    try {
      await written;
    } finally {
      tellHeld();
    }
    count.appended((clock.monotonicMs() - sinceMs) / 1000);
  };

  const mark = (kind: 'cut' | 'stored' | 'set-aside', range: Range, name: string) => {
    const { signal, firstSeq, lastSeq } = range;
    const head = markHead({ kind, signal, name, firstSeq, lastSeq });
    return writer.mark(head, kind === 'cut');
  };

  const settle = (kind: 'stored' | 'set-aside', range: Range, name: string): void => {
    // All threads have this time, and no other.
    room.drained(range.bytes, clock.nowMs());
    book.settle(range);
    // Without it the batch is sent again under its name, and ClickHouse drops it.
    mark(kind, range, name).catch(() => {});
    collector.collect();
  };

  return {
    admit,
    once: (kind, bytes, run) => {
      const hash = contentHash(key, kind, bytes);
      return remembered.once(hash, () => run(hash));
    },
    recognise: remembered.restore,
    append,
    settled: writer.settled,
    cut: async (range, name) => {
      const recorded = await mark('cut', range, name);
      if (!recorded) log.error('journal_cut_not_recorded', { name, requests: range.requests });
    },
    stored: (range, name) => settle('stored', range, name),
    setAside: async (range, name, reason, missing) => {
      await aside.admit(range.bytes);
      const copied = tallied(read(range));
      await aside.reject(name, asSegment(key, clock.nowMs(), copied.requests), () => ({
        ...({ kind: 'batch', name, signal: range.signal, atMs: clock.nowMs() } as const),
        ...copied.tally(),
        ...(missing && { missing }),
        ...plain(reason),
      }));
      count.setAside(range.requests);
      settle('set-aside', range, name);
    },
    keep: async (request, reason) => {
      const { signal, seq, atMs } = request.record;
      // Its number may come again when the journal was empty meanwhile; the secret's may not.
      const name = `${identity}-${signal}-${seq}-${atMs}`;
      await aside.admit(request.place.bytes);
      const copied = tallied([request]);
      const isNew = await aside.reject(
        name,
        asSegment(key, clock.nowMs(), copied.requests),
        () => ({
          ...({ kind: 'request', name, signal, atMs: clock.nowMs() } as const),
          ...copied.tally(),
          ...plain(reason),
        }),
      );
      if (!isNew) return;
      count.setAside(1);
      log.error('journal_request_undecodable', { signal, seq, reason });
    },
    read,
    leftover: (signal) => scan.leftovers.get(signal) ?? nothingLeft,
    close: async () => {
      await writer.close();
      await collector.finish();
    },
  };
};

const withinReason = (limits: JournalLimits, journals: number): JournalLimits => ({
  ...limits,
  segmentBytesMax: Math.min(limits.segmentBytesMax, Math.ceil(limits.bytesMax / 8 / journals)),
});

const found = async <T>(dir: string, scan: () => Promise<T>): Promise<T> => {
  try {
    await makeDirectory(dir);
    return await scan();
  } catch (error) {
    if (error instanceof Fault) throw error;
    const message = `cannot open the journal: ${messageOf(diskTrouble(dir, error))}`;
    throw new Fault('ERR_JOURNAL_UNUSABLE', message, { remedy: 'retry', cause: error });
  }
};

/** The same requests, counted while somebody reads them. */
const tallied = (requests: AsyncIterable<StoredRequest> | Iterable<StoredRequest>) => {
  const tally = { requests: 0, items: 0 };
  async function* counting() {
    for await (const request of requests) {
      tally.requests += 1;
      tally.items += request.record.acceptance.accepted;
      yield request;
    }
  }
  return { requests: counting(), tally: () => ({ ...tally }) };
};

/** A file of its own that reads like a segment. */
async function* asSegment(
  key: Buffer,
  nowMs: number,
  requests: AsyncIterable<StoredRequest> | Iterable<StoredRequest>,
) {
  yield encodeSegmentHeader({ id: 0, createdMs: nowMs, key, previousId: 0, previousBytes: 0 });
  for await (const { record, body } of requests) {
    yield sealed(plainSeal(key), requestHead(record, body.length));
    yield body;
  }
}

const plain = (reason: unknown): Readonly<Record<string, unknown>> =>
  reason instanceof Fault
    ? { code: reason.code, message: reason.message }
    : { message: String(reason) };
