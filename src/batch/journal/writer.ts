import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../lib/fault.ts';
import type { Log } from '../../lib/log.ts';
import type { ActiveSegment, WholeRecord } from './active-segment.ts';
import { diskFault, errnoOf } from './disk-fault.ts';
import type { JournalInstruments } from './journal-instruments.ts';
import type { JournalLimits } from './limits.ts';
import type { GrowingRange } from './range.ts';
import type { RequestRecord } from './record.ts';
import type { Reserve } from './reserve.ts';
import type { SegmentBook } from './segment-book.ts';

/**
 * `always`: acknowledged is synced. `interval`: synced a moment later, so that a loss of power loses
 * that moment. `off`: whenever the system likes. None loses anything when only a process dies.
 */
export type Fsync = 'always' | 'interval' | 'off';

/** What the disk takes: everything, only marks (it is full), nothing. */
export type DiskState = 'fine' | 'full' | 'failing';

export interface WriterOptions {
  readonly fsync: Fsync;
  readonly limits: JournalLimits;
  readonly active: ActiveSegment;
  readonly reserve: Reserve;
  readonly book: SegmentBook;
  readonly count: JournalInstruments;
  /** Removes what the journal can do without. */
  readonly makeRoom: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Writer {
  /** Resolves when the request is as safe as `fsync` says; rejects with a Fault (`retry`). */
  readonly request: (request: WrittenRequest, range: GrowingRange) => Promise<void>;
  /**
   * Resolves when it is written (and synced, if `durable`), or kept in memory because the disk does
   * not take it: then false. Rejects with ERR_JOURNAL_CLOSED.
   */
  readonly mark: (head: Buffer, durable: boolean) => Promise<boolean>;
  /** Resolves when all that was asked before is done, or refused. Rejects with ERR_JOURNAL_CLOSED. */
  readonly settled: () => Promise<void>;
  /** Runs alone, after everything that was asked before. */
  readonly between: (action: () => Promise<void>) => Promise<void>;
  readonly disk: () => DiskState;
  /** Why requests are refused now. */
  readonly trouble: () => Fault | undefined;
  readonly waitingBytes: () => number;
  /** Writes what waits; afterwards nothing is taken. */
  readonly close: () => Promise<void>;
}

/** A request's record, its head yet to be sealed. */
export interface WrittenRequest extends WholeRecord {
  readonly body: Uint8Array;
  readonly record: RequestRecord;
}

interface Write extends WholeRecord {
  readonly kind: 'request' | 'mark';
  readonly bytes: number;
  readonly record?: RequestRecord;
  readonly durable: boolean;
  readonly range?: GrowingRange;
  readonly settle: (failure?: Fault) => void;
}

interface Control {
  readonly kind: 'control';
  readonly run: () => Promise<void>;
}

/** Group commit: what comes while the disk works is written and synced together afterwards. */
export const createWriter = (options: WriterOptions): Writer => {
  const { fsync, limits, active, reserve, book, count, clock, log } = options;
  const queue: (Write | Control)[] = [];
  /** Marks that the disk would not take; they are few, because nothing new is taken meanwhile. */
  let kept: Write[] = [];
  let waitingBytes = 0;
  let disk: DiskState = 'fine';
  let trouble: unknown;
  let pumping = false;
  let closed = false;
  let cancelSync: (() => void) | undefined;
  let cancelProbe: (() => void) | undefined;

  const push = (item: Write | Control): void => {
    queue.push(item);
    if (item.kind !== 'control') waitingBytes += item.bytes;
    if (!pumping) void pump();
  };

  const pump = async (): Promise<void> => {
    pumping = true;
    // What is asked for in the same turn shares the first group too.
    await Promise.resolve();
    while (queue.length > 0) {
      const [head] = queue;
      if (head?.kind === 'control') {
        queue.shift();
        await head.run();
      } else {
        await writeGroup(takeGroup());
      }
    }
    pumping = false;
  };

  const takeGroup = (): readonly Write[] => {
    const group: Write[] = [];
    let bytes = 0;
    for (const item of queue) {
      if (item.kind === 'control' || group.length >= limits.groupRecordsMax) break;
      if (group.length > 0 && bytes + item.bytes > limits.groupBytesMax) break;
      group.push(item);
      bytes += item.bytes;
    }
    queue.splice(0, group.length);
    return group;
  };

  const writeGroup = async (group: readonly Write[]): Promise<void> => {
    const taken = group.filter((it) => disk === 'fine' || (disk === 'full' && it.kind === 'mark'));
    const refused = group.filter((it) => !taken.includes(it));
    fail(refused, trouble);
    if (taken.length === 0) return;
    try {
      await commit(taken);
    } catch (error) {
      await diskFailed(error);
      const marks = disk === 'full' ? taken.filter((it) => it.kind === 'mark') : [];
      queue.unshift(...marks);
      fail(
        taken.filter((it) => !marks.includes(it)),
        error,
      );
    }
  };

  const commit = async (group: readonly Write[]): Promise<void> => {
    const bytes = group.reduce((sum, it) => sum + it.bytes, 0);
    const sync = fsync === 'always' && group.some((it) => it.durable);
    const { segment, offset } = await active.write(group, bytes, sync);
    let at = offset;
    const requests: RequestRecord[] = [];
    for (const it of group) {
      it.range?.written({ segment, offset: at, bytes: it.bytes });
      at += it.bytes;
      if (it.record) requests.push(it.record);
    }
    book.wrote(segment, bytes, requests);
    count.group(requests.length, bytes);
    waitingBytes -= bytes;
    for (const it of group) it.settle();
    if (fsync === 'interval') cancelSync ??= clock.after(limits.syncEveryMs, syncSoon);
  };

  const syncSoon = (): void => {
    cancelSync = undefined;
    push({
      kind: 'control',
      run: () => active.sync().catch((error: unknown) => diskFailed(error)),
    });
  };

  const fail = (group: readonly Write[], error: unknown): void => {
    for (const it of group) {
      waitingBytes -= it.bytes;
      if (it.kind === 'mark') kept.push(it);
      it.range?.notWritten();
      it.settle(diskFault(error, limits.probeEveryMs));
    }
  };

  const diskFailed = async (error: unknown): Promise<void> => {
    const errno = errnoOf(error);
    count.diskFailed(errno);
    const was = disk;
    trouble = error;
    disk = isFull(error) && was !== 'failing' && (await reserve.release()) ? 'full' : 'failing';
    if (was === 'fine') log.error('journal_disk_failed', { disk, errno, error });
    cancelProbe ??= clock.after(limits.probeEveryMs, () => {
      cancelProbe = undefined;
      push({ kind: 'control', run: probe });
    });
  };

  /** Room for the reserve and for what was kept back: then the disk is believed again. */
  const probe = async (): Promise<void> => {
    const marks = kept;
    const bytes = marks.reduce((sum, it) => sum + it.bytes, 0);
    try {
      await reserve.fill();
      const { segment } = await active.write(marks, bytes, true);
      book.wrote(segment, bytes, []);
      kept = [];
      disk = 'fine';
      log.info('journal_disk_recovered', { marks: marks.length });
    } catch (error) {
      await diskFailed(error);
      if (isFull(error)) await options.makeRoom().catch(() => {});
    }
  };

  const submit = (write: Omit<Write, 'settle' | 'bytes'>): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const bytes = write.head.length + (write.body?.length ?? 0);
    const settle = (failure?: Fault) => (failure ? reject(failure) : resolve());
    if (closed) {
      write.range?.notWritten();
      reject(closedFault());
    } else {
      push({ ...write, bytes, settle });
    }
    return promise;
  };

  const between = (action: () => Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      push({ kind: 'control', run: () => action().then(resolve, reject) });
    });

  return {
    request: (request, range) => submit({ kind: 'request', ...request, range, durable: true }),
    mark: (head, durable) =>
      submit({ kind: 'mark', head, durable }).then(
        () => true,
        (fault: Fault) => {
          if (closed) throw fault;
          return false;
        },
      ),
    settled: () => (closed ? Promise.reject(closedFault()) : between(async () => {})),
    between,
    disk: () => disk,
    trouble: () => (disk === 'fine' ? undefined : diskFault(trouble, limits.probeEveryMs)),
    waitingBytes: () => waitingBytes,
    close: async () => {
      closed = true;
      await between(() => active.retire());
      cancelSync?.();
      cancelProbe?.();
    },
  };
};

const closedFault = (): Fault =>
  new Fault('ERR_JOURNAL_CLOSED', 'the journal is closed', { remedy: 'retry' });

const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errnoOf(error));
