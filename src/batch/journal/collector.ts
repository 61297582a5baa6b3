import { open, rename } from 'node:fs/promises';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { ActiveSegment } from './active-segment.ts';
import { removeFile, seenPath } from './directory.ts';
import { plainSeal, type RequestRecord, requestHead, sealed } from './record.ts';
import type { Segment, SegmentBook } from './segment-book.ts';
import { encodeSegmentHeader } from './segment-header.ts';
import { openSegmentReader } from './segment-reader.ts';
import type { Spares } from './spares.ts';
import type { Writer } from './writer.ts';

export interface Collector {
  /** Removes, in the background, segments of which nothing is left to be stored. */
  readonly collect: () => void;
  /** Files of earlier runs that say which requests were seen. */
  readonly adopt: (files: readonly SeenFile[]) => void;
  /** On a full disk: gives up the older half of those files. */
  readonly makeRoom: () => Promise<void>;
  /** Collects for the last time, the segment written last included. */
  readonly finish: () => Promise<void>;
}

interface SeenFile {
  readonly id: number;
  readonly path: string;
}

export interface CollectorOptions {
  readonly dir: string;
  readonly key: Buffer;
  readonly rememberMs: number;
  readonly segmentBytesMax: number;
  readonly book: SegmentBook;
  readonly spares: Spares;
  readonly active: ActiveSegment;
  readonly writer: Writer;
  readonly onCollected: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Of a stored segment only the hashes of its youngest requests are kept, in a small file of its own,
 * so that a request repeated after a restart is still recognised.
 */
export const createCollector = (options: CollectorOptions): Collector => {
  const { dir, key, book, active, writer, clock, log } = options;
  let seen: { readonly path: string; readonly untilMs: number }[] = [];
  let running: Promise<void> | undefined;
  let again = false;

  /** The active segment goes too when it is large and done: else an idle daemon would keep it. */
  const next = (): Segment | undefined => {
    const oldest = book.oldest();
    if (!oldest || oldest.pending > 0) return undefined;
    const worthIt = oldest.id !== active.id() || oldest.bytes > options.segmentBytesMax / 4;
    return worthIt ? oldest : undefined;
  };

  const run = async (): Promise<void> => {
    for (let segment = next(); segment; segment = next()) {
      const { id } = segment;
      // The mark that all of it is stored must be safe before the requests go.
      await writer.between(() => (active.id() === id ? active.retire() : active.sync()));
      if ((book.get(id)?.pending ?? 1) > 0) return;
      await keepHashes(segment);
      await options.spares.give(segment);
      book.remove(id);
      options.onCollected();
    }
    await forgetOld();
  };

  const keepHashes = async (segment: Segment): Promise<void> => {
    const sinceMs = clock.nowMs() - options.rememberMs;
    if (segment.youngestMs < sinceMs) return;
    const path = seenPath(dir, segment.id);
    try {
      const file = await open(`${path}.new`, 'w', 0o600);
      try {
        const { id } = segment;
        const header = { id, createdMs: clock.nowMs(), key, previousId: 0, previousBytes: 0 };
        await file.writeFile(encodeSegmentHeader(header));
        for await (const head of seenHeads(segment, sinceMs)) await file.writeFile(head);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
      seen.push({ path, untilMs: segment.youngestMs + options.rememberMs });
    } catch (error) {
      // Room for new requests is worth more than recognising old ones.
      log.warn('journal_seen_not_kept', { segment: segment.id, error });
      await removeFile(`${path}.new`).catch(() => {});
    }
  };

  async function* seenHeads(segment: Segment, sinceMs: number) {
    const seal = plainSeal(key);
    for await (const records of requestsOf(segment)) {
      const young = records.filter((it) => it.atMs >= sinceMs);
      const heads = young.map((it) => requestHead({ ...it, kind: 'seen', batch: '' }, 0));
      yield Buffer.concat(heads.map((it) => sealed(seal, it)));
    }
  }

  /** From memory, or else from the file: a reading for each of them. */
  async function* requestsOf(segment: Segment): AsyncGenerator<readonly RequestRecord[]> {
    const known = book.requestsOf(segment.id);
    for (let at = 0; at < (known?.length ?? 0); at += 1_000)
      yield known?.slice(at, at + 1_000) ?? [];
    if (known) return;
    const reader = await openSegmentReader(segment.path, { key, end: segment.bytes });
    try {
      let records: RequestRecord[] = [];
      for (let piece = await reader.next(); piece; piece = await reader.next()) {
        if (piece.kind === 'damage' || piece.head.record.kind !== 'request') continue;
        records.push(piece.head.record);
        if (records.length < 1_000) continue;
        yield records;
        records = [];
      }
      yield records;
    } finally {
      await reader.close();
    }
  }

  const forgetOld = async (): Promise<void> => {
    const nowMs = clock.nowMs();
    const old = seen.filter((it) => it.untilMs < nowMs);
    if (old.length === 0) return;
    seen = seen.filter((it) => it.untilMs >= nowMs);
    for (const { path } of old) await removeFile(path);
  };

  const collect = (): void => {
    again = true;
    running ??= (async () => {
      try {
        while (again) {
          again = false;
          await run();
        }
      } catch (error) {
        // A disk that will not let go of a file now will be asked again with the next batch.
        log.warn('journal_segment_not_removed', { error });
      } finally {
        running = undefined;
      }
    })();
  };

  return {
    collect,
    adopt: (files) => {
      const untilMs = clock.nowMs() + options.rememberMs;
      seen.push(...files.map(({ path }) => ({ path, untilMs })));
    },
    makeRoom: async () => {
      const given = seen.slice(0, Math.ceil(seen.length / 2));
      seen = seen.slice(given.length);
      await options.spares.clear();
      for (const { path } of given) await removeFile(path);
      if (given.length > 0) log.warn('journal_seen_given_up', { files: given.length });
    },
    finish: async () => {
      collect();
      await running;
      await options.spares.clear();
    },
  };
};
