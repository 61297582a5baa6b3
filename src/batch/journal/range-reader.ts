import { Fault } from '../../lib/fault.ts';
import type { Log } from '../../lib/log.ts';
import { contentHash } from './content-hash.ts';
import { diskFault, errnoOf } from './disk-fault.ts';
import type { JournalInstruments } from './journal-instruments.ts';
import type { Place, Range } from './range.ts';
import type { RequestRecord } from './record.ts';
import type { Damage } from './scan.ts';
import type { Segment, SegmentBook } from './segment-book.ts';
import { segmentHeaderBytes } from './segment-header.ts';
import { openSegmentReader } from './segment-reader.ts';

/** A request as it was acknowledged. */
export interface StoredRequest {
  readonly record: RequestRecord;
  readonly place: Place;
  /** Only until the next one is asked for. */
  readonly body: Buffer;
}

export interface RangeReaderOptions {
  readonly key: Buffer;
  readonly book: SegmentBook;
  readonly count: JournalInstruments;
  readonly log: Log;
  readonly damaged: (damage: Damage) => Promise<void>;
}

/**
 * Reads the requests of a range again, in the order in which they were written. Those that cannot be
 * trusted any more are left out, counted and logged. Rejects with a Fault (`retry`) when the disk
 * does not answer.
 */
export const createRangeReader = (options: RangeReaderOptions) => {
  const { key, book, count, log } = options;
  /** A batch may be read several times; a loss counts once. */
  const reported = new WeakSet<Range>();

  async function* readSegment(segment: Segment, from: number, range: Range) {
    const reader = await openSegmentReader(segment.path, { key, from, end: segment.bytes });
    try {
      for (let piece = await reader.next(); piece; piece = await reader.next()) {
        if (piece.kind === 'damage') continue;
        const { record } = piece.head;
        if (record.kind !== 'request' || record.signal !== range.signal) continue;
        if (record.seq < range.firstSeq) continue;
        if (record.seq > range.lastSeq) return;
        if (record.batch !== range.name) continue;
        const body = await reader.body();
        const place = {
          segment: segment.id,
          offset: piece.offset,
          bytes: piece.end - piece.offset,
        };
        if (contentHash(key, record, body).equals(record.hash)) yield { record, place, body };
        else await options.damaged({ ...place, path: segment.path, torn: false });
      }
    } finally {
      await reader.close();
    }
  }

  return async function* read(range: Range): AsyncGenerator<StoredRequest> {
    if (!range.from) return;
    let found = 0;
    for (const segment of book.since(range.from.segment)) {
      if (!range.parts.has(segment.id)) continue;
      const from = segment.id === range.from.segment ? range.from.offset : segmentHeaderBytes;
      try {
        for await (const request of readSegment(segment, from, range)) {
          found += 1;
          yield request;
        }
      } catch (error) {
        if (error instanceof Fault) throw error;
        // Without the file nothing is gained by trying again.
        if (errnoOf(error) !== 'ENOENT') throw diskFault(error, 1_000);
        log.error('journal_segment_missing', { file: segment.path });
      }
    }
    if (found >= range.requests || reported.has(range)) return;
    reported.add(range);
    const { signal, firstSeq, lastSeq } = range;
    count.lost(range.requests - found);
    log.error('journal_requests_lost', {
      signal,
      requests: range.requests - found,
      first_seq: firstSeq,
      last_seq: lastSeq,
    });
  };
};
