import { type BackoffLimits, backoffMs, type Random } from '../lib/backoff.ts';
import type { Cancel, Clock } from '../lib/clock.ts';
import { remedyOf } from '../lib/fault.ts';
import { freeBytes } from '../lib/free-bytes.ts';
import type { Log } from '../lib/log.ts';
import type { Block, ColumnBuilder, InsertBlock, NamedBlock } from '../model/block.ts';
import type { Signal } from '../model/ingest.ts';
import { type Failures, type FateLimits, fateOf, noFailures, withFailure } from './fate.ts';
import type { Journal } from './journal/journal.ts';
import type { Range } from './journal/range.ts';
import { namedGroups } from './named-groups.ts';
import { type Decompress, decodeNext, type RedecodeOptions, redecodeBatch } from './redecode.ts';

export interface SenderLimits extends BackoffLimits, FateLimits {
  /** Blocks that wait or are on their way; batches beyond it are dropped and decoded again in their turn. */
  readonly heldBytesMax: number;
  readonly inFlightBatchesMax: number;
}

export interface BatchSenderOptions {
  readonly signal: Signal;
  readonly journal: Journal;
  readonly createBuilder: () => ColumnBuilder;
  readonly decompress: Decompress;
  readonly insert: InsertBlock;
  readonly limits: SenderLimits;
  /** Whether a batch that is cut late holds enough. */
  readonly isFull: (builder: ColumnBuilder) => boolean;
  readonly names: () => string;
  /** A slot may have become free. */
  readonly onProgress: () => void;
  readonly onSetAside: (requests: number) => void;
  readonly prepare?: RedecodeOptions['prepare'];
  /** Requests became the blocks of a batch, `again` if they were before, or did not: `failed`. */
  readonly onDecoded?: (how: 'first' | 'again' | 'failed', blocks: readonly Block[]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface BatchSender {
  /** Whether blocks of so many bytes would be held just now. */
  readonly hasRoom: (bytes: number) => boolean;
  /** Names the blocks and keeps them, if there is room; else frees them: they are decoded again in their turn. */
  readonly hold: (blocks: readonly Block[], name: string) => readonly NamedBlock[] | undefined;
  /**
   * Takes a batch that is cut on disk; its blocks are what `hold` gave for it. One without a name is a
   * run of requests that is yet to be decoded and cut.
   */
  readonly add: (
    range: Range,
    name: string | undefined,
    blocks: readonly NamedBlock[] | undefined,
  ) => void;
  /** Frees blocks that were held and not added. */
  readonly forget: (blocks: readonly NamedBlock[]) => void;
  readonly inFlight: () => number;
  readonly waiting: () => number;
  /** Batches that were cut longer ago than a working system takes to store them. */
  readonly late: () => number;
  readonly heldBytes: () => number;
  /** Resolves when nothing is left to send. */
  readonly idle: () => Promise<void>;
  /** Begins nothing new. */
  readonly stop: () => void;
}

/** Cut longer ago than this and not stored: inserts do not keep up. */
const lateMs = 10_000;

/** A builder that decodes again is kept for this long after it did; making another costs milliseconds. */
const builderKeptMs = 30_000;

/** Requests that are, or will be, stored together under one name. */
interface Batch {
  readonly range: Range;
  /** When it came here, by the monotonic clock. */
  readonly sinceMs: number;
  /** Undefined for a run that is yet to be cut. */
  readonly name: string | undefined;
  /** Not stored yet; undefined when they must be decoded again. */
  readonly blocks: readonly NamedBlock[] | undefined;
  readonly failures: Failures;
  /** How many were stored when it failed first. */
  readonly storedBefore: number;
  /** Some of its blocks may have reached ClickHouse, in this process or an earlier one. */
  readonly sentBefore: boolean;
}

/**
 * Sends batches in their order until each is stored or given up, beginning with what an earlier
 * process left. While inserts fail, one batch at a time finds out whether it is over.
 */
export const createBatchSender = (options: BatchSenderOptions): BatchSender => {
  const { signal, journal, limits, clock, log } = options;
  const { batches, uncut } = journal.leftover(signal);
  const newBatch = (range: Range, name: string | undefined, blocks: Batch['blocks']): Batch => ({
    ...{ range, name, blocks, failures: noFailures, storedBefore: 0, sentBefore: false },
    sinceMs: clock.monotonicMs(),
  });
  const waiting: Batch[] = [
    ...batches.map(({ name, range }) => ({
      ...newBatch(range, name, undefined),
      sentBefore: true,
    })),
    ...uncut.map((range) => newBatch(range, undefined, undefined)),
  ];
  let builder: ColumnBuilder | undefined;
  let cancelRelease: Cancel = () => {};
  let decoding = Promise.resolve();
  const sending = new Set<Batch>();
  let heldBytes = 0;
  let stored = 0;
  /** Failures in a row, of whatever batch. */
  let trouble = 0;
  let notBeforeMs = 0;
  let stopped = false;
  let cancelRetry: Cancel = () => {};
  let idle = Promise.withResolvers<void>();

  const sendNext = (): void => {
    cancelRetry();
    while (!stopped && waiting.length > 0) {
      if (sending.size >= (trouble > 0 ? 1 : limits.inFlightBatchesMax)) return;
      const waitMs = trouble > 0 ? notBeforeMs - clock.monotonicMs() : 0;
      if (waitMs > 0) {
        cancelRetry = clock.after(waitMs, sendNext);
        return;
      }
      const batch = waiting.shift();
      if (batch) void send(batch);
    }
    if (sending.size === 0 && waiting.length === 0) idle.resolve();
  };

  /** Never rejects. */
  const send = async (given: Batch): Promise<void> => {
    sending.add(given);
    let batch = given;
    try {
      batch = await ready(given);
      batch = await insertAll(batch);
      if (batch.blocks?.length === 0) succeeded(batch);
    } catch (error) {
      await failed(batch, error);
    }
    sending.delete(given);
    sendNext();
    options.onProgress();
  };

  /** The same batch with a name and blocks. */
  const ready = async (batch: Batch): Promise<Batch> => {
    if (batch.blocks) return batch;
    const decoded = await alone(
      batch.name === undefined ? cutAndDecode(batch) : decode(batch, batch.name),
    );
    heldBytes += bytesOf(decoded.blocks ?? []);
    return decoded;
  };

  const decode = (batch: Batch, name: string) => async (redecode: RedecodeOptions) => {
    const groups = await redecodeBatch(redecode, batch.range);
    options.onDecoded?.('again', groups.flat());
    const blocks = namedGroups(groups, name);
    return { ...batch, blocks: batch.sentBefore ? blocks.map(doubtful) : blocks };
  };

  const cutAndDecode = (batch: Batch) => async (redecode: RedecodeOptions) => {
    const full = () => options.isFull(redecode.builder);
    const next = await decodeNext(redecode, batch.range, full);
    const name = options.names();
    await journal.cut(next.range, name);
    options.onDecoded?.('first', next.blocks);
    const { sinceMs } = batch;
    if (next.rest) waiting.unshift({ ...newBatch(next.rest, undefined, undefined), sinceMs });
    return { ...newBatch(next.range, name, named(next.blocks, name)), sinceMs };
  };

  /** One batch at a time is decoded again: there is one builder for it. */
  const alone = <T>(work: (redecode: RedecodeOptions) => Promise<T>): Promise<T> => {
    const result = decoding.then(() => {
      cancelRelease();
      builder ??= options.createBuilder();
      const { read, keep } = journal;
      const { decompress, prepare } = options;
      return work({ builder, read, undecodable: keep, decompress, prepare });
    });
    decoding = result.then(release, () => {
      options.onDecoded?.('failed', []);
      release();
    });
    return result;
  };

  /** Its memory is as large as that of the one that fills, and only a backlog needs it. */
  const release = (): void => {
    cancelRelease();
    if (stopped) return;
    cancelRelease = clock.after(builderKeptMs, () => {
      builder = undefined;
    });
  };

  /** Tries every block once; the batch has those left that could not be stored. */
  const insertAll = async (batch: Batch): Promise<Batch> => {
    const failures = (await Promise.all((batch.blocks ?? []).map(tryInsert))).flat();
    const blocks = failures.map((it) => doubtful(it.block));
    heldBytes -= bytesOf(batch.blocks ?? []) - bytesOf(blocks);
    const left = { ...batch, blocks };
    const [failure] = failures;
    if (failure) await failed(left, failure.error);
    return left;
  };

  const tryInsert = async (block: NamedBlock) => {
    try {
      await options.insert(block);
      return [];
    } catch (error) {
      return [{ block, error }];
    }
  };

  const succeeded = ({ range, name = '' }: Batch): void => {
    journal.stored(range, name);
    stored += 1;
    trouble = 0;
  };

  const failed = async (batch: Batch, error: unknown): Promise<void> => {
    const { range, name } = batch;
    trouble += 1;
    const waitMs = backoffMs(trouble - 1, limits, options.random);
    notBeforeMs = clock.monotonicMs() + waitMs;
    const again = afterFailure(batch, error, stored);
    const { failures } = again;
    const fields = { signal, name, requests: range.requests, ...failures, error };
    log.warn('batch_not_stored', { ...fields, wait_ms: waitMs });
    const fate = fateOf(failures, limits);
    if (fate !== 'try-again' && name !== undefined && (await setAside(batch, name, error))) {
      log.error('batch_set_aside', { ...fields, reason: fate });
      forget(batch.blocks ?? []);
      return;
    }
    // A step back with each failure: one bad batch does not stand in the way of the others.
    waiting.splice(
      failures.failed + failures.refused,
      0,
      heldBytes > limits.heldBytesMax ? dropped(again) : again,
    );
  };

  const setAside = async (
    { range, blocks }: Batch,
    name: string,
    error: unknown,
  ): Promise<boolean> => {
    try {
      const missing = blocks?.map((it) => ({ name: it.name, table: it.table }));
      await journal.setAside(range, name, error, missing);
      options.onSetAside(range.requests);
      return true;
    } catch (asideError) {
      log.error('batch_not_set_aside', { signal, name, error: asideError });
      return false;
    }
  };

  const dropped = (batch: Batch): Batch => {
    forget(batch.blocks ?? []);
    return { ...batch, blocks: undefined };
  };

  const forget = (blocks: readonly NamedBlock[]): void => {
    heldBytes -= bytesOf(blocks);
  };

  /** Behind a batch that must be decoded again blocks would lie for as long as the backlog takes. */
  const hasRoom = (bytes: number): boolean =>
    heldBytes + bytes <= limits.heldBytesMax && waiting.every((it) => it.blocks);

  sendNext();
  return {
    hasRoom,
    hold: (blocks, name) => {
      const bytes = bytesOf(blocks);
      if (!hasRoom(bytes)) return free(blocks);
      heldBytes += bytes;
      return named(blocks, name);
    },
    add: (range, name, blocks) => {
      waiting.push(newBatch(range, name, blocks));
      sendNext();
    },
    forget: (blocks) => {
      forget(blocks);
      free(blocks);
    },
    inFlight: () => sending.size,
    waiting: () => waiting.length,
    late: () => {
      const beforeMs = clock.monotonicMs() - lateMs;
      return [...sending, ...waiting].filter((it) => it.sinceMs < beforeMs).length;
    },
    heldBytes: () => heldBytes,
    idle: () => {
      idle = Promise.withResolvers();
      sendNext();
      return idle.promise;
    },
    stop: () => {
      stopped = true;
      cancelRetry();
      cancelRelease();
    },
  };
};

const afterFailure = (batch: Batch, error: unknown, stored: number): Batch => {
  const { failed, refused } = batch.failures;
  const storedBefore = failed + refused > 0 ? batch.storedBefore : stored;
  const failures = {
    ...withFailure(batch.failures, remedyOf(error)),
    othersStored: stored - storedBefore,
  };
  return {
    ...batch,
    failures,
    storedBefore,
    sentBefore: batch.sentBefore || batch.blocks !== undefined,
  };
};

const doubtful = (block: NamedBlock): NamedBlock => ({ ...block, sentBefore: true });

const named = (blocks: readonly Block[], name: string): readonly NamedBlock[] =>
  blocks.map((it) => ({ ...it, name }));

/** Only of blocks that were never sent: a connection that broke may still be reading others. */
const free = (blocks: readonly Block[]): undefined => {
  for (const { segments } of blocks) segments.forEach(freeBytes);
};

const bytesOf = (blocks: readonly Block[]): number => blocks.reduce((sum, it) => sum + it.bytes, 0);
