import { type BackoffLimits, backoffMs, type Random } from '../lib/backoff.ts';
import type { Cancel, Clock } from '../lib/clock.ts';
import { Fault, remedyOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { Block, ColumnBuilder, InsertBlock, NamedBlock } from '../model/block.ts';
import type { Acceptance, Encoding, Signal, WireBody } from '../model/ingest.ts';
import { batchInstruments, type CutReason } from './batch-instruments.ts';
import {
  defaultFateLimits,
  type Failures,
  type FateLimits,
  fateOf,
  noFailures,
  withFailure,
} from './fate.ts';
import type { Journal } from './journal/journal.ts';
import { type GrowingRange, openRange, type Range } from './journal/range.ts';
import { cutTime, type PaceLimits } from './pace.ts';
import { type Decompress, decodeNext, redecodeBatch } from './redecode.ts';

export interface JournaledBatchLimits extends PaceLimits, BackoffLimits, FateLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** Decoded blocks that wait; batches beyond it are dropped here and decoded again in their turn. */
  readonly heldBytesMax: number;
  readonly inFlightBatchesMax: number;
  /** How long `drain` waits for ClickHouse; what is not stored then is stored after the next start. */
  readonly drainMsMax: number;
}

const defaultLimits: JournaledBatchLimits = {
  ...defaultFateLimits,
  rowsMax: 65_536,
  bytesMax: 32 * 1024 * 1024,
  lingerMs: 100,
  spacingMs: 250,
  ageMsMax: 1_000,
  heldBytesMax: 96 * 1024 * 1024,
  inFlightBatchesMax: 3,
  drainMsMax: 5_000,
  firstMs: 250,
  maxMs: 10_000,
};

export interface JournaledBatcherOptions {
  /** Only one batcher of a journal may have it. */
  readonly signal: Signal;
  readonly journal: Journal;
  /** Called twice at most: for what comes, and for what is decoded again. */
  readonly createBuilder: () => ColumnBuilder;
  readonly decompress: Decompress;
  readonly insert: InsertBlock;
  readonly limits?: Partial<JournaledBatchLimits>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** A new name at each call, never used before by any daemon: it is what makes a block unique. */
  readonly names: () => string;
}

export interface JournaledBatcher {
  /**
   * Resolves when the request is in the journal; its rows will be stored once, whatever happens. The
   * answer to the same bytes within minutes is the same. Rejects with the builder's Fault (`reject`)
   * for a request that can never be taken and with the journal's (`retry`) when it cannot be written.
   */
  readonly accept: (encoding: Encoding, body: Uint8Array, wire?: WireBody) => Promise<Acceptance>;
  /** Stores what can be stored in time; the rest stays in the journal. Safe twice. */
  readonly drain: () => Promise<void>;
}

/** Requests that are, or will be, stored together under one name. */
interface Batch {
  readonly range: Range;
  /** Undefined for a run that is yet to be cut. */
  readonly name: string | undefined;
  /** Not stored yet; undefined when they must be decoded again. */
  readonly blocks: readonly NamedBlock[] | undefined;
  readonly failures: Failures;
  /** How many were stored when it failed first. */
  readonly storedBefore: number;
}

interface Filling {
  readonly openedMs: number;
  readonly range: GrowingRange;
}

/**
 * Joins acknowledged requests into batches. Columns in memory are only a faster way to what the
 * journal holds: when there is no room for them, or they hold a request that could not be written,
 * they are dropped and decoded again. Begins with what an earlier process left.
 */
export const createJournaledBatcher = (options: JournaledBatcherOptions): JournaledBatcher => {
  const { signal, journal, clock, random, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const builder = options.createBuilder();
  let second: ColumnBuilder | undefined;
  let decoding = Promise.resolve();

  const { batches, uncut } = journal.leftover(signal);
  const waiting: Batch[] = [
    ...batches.map(({ name, range }) => newBatch(range, name)),
    ...uncut.map((range) => newBatch(range, undefined)),
  ];
  let filling: Filling | undefined;
  /** Cut, and not yet known to be so on disk. */
  let sealing = 0;
  let inFlight = 0;
  let heldBytes = 0;
  let stored = 0;
  let cutMs = Number.NEGATIVE_INFINITY;
  /** Failures in a row, of whatever batch. */
  let trouble = 0;
  let notBeforeMs = 0;
  let stopped = false;
  let cancelPace: Cancel = () => {};
  let cancelRetry: Cancel = () => {};
  let idle = Promise.withResolvers<void>();

  const count = batchInstruments(options.meter, signal, {
    heldBytes: () => builder.bytes() + heldBytes,
    heldRows: builder.rows,
    inFlightBlocks: () => inFlight,
    queuedBlocks: () => waiting.length,
  });

  const accept: JournaledBatcher['accept'] = (encoding, body, wire) => {
    const { coding, bytes } = wire ?? ({ coding: 'identity', bytes: body } as const);
    const kind = { signal, encoding, coding };
    return journal.once(kind, bytes, async (hash) => {
      journal.admit(bytes.length);
      const acceptance = decode(encoding, body);
      if (acceptance.accepted === 0) return acceptance;
      const { range } = (filling ??= { openedMs: clock.monotonicMs(), range: openRange(signal) });
      const first = range.lastSeq < 0;
      const written = journal.append({ ...kind, bytes, hash, acceptance }, range);
      const full = fullness(builder);
      if (full) cut(full);
      else if (first) pace();
      await written;
      return acceptance;
    });
  };

  const decode = (encoding: Encoding, body: Uint8Array): Acceptance => {
    const first = builder.append(encoding, body);
    if (first !== 'full') return first;
    cut('full');
    const again = builder.append(encoding, body);
    if (again !== 'full') return again;
    throw new Fault('ERR_OTLP_TOO_LARGE', `${body.length} bytes do not fit into an empty block`, {
      remedy: 'reject',
    });
  };

  const fullness = (of: ColumnBuilder): CutReason | undefined => {
    if (of.rows() >= limits.rowsMax) return 'rows';
    return of.bytes() >= limits.bytesMax ? 'bytes' : undefined;
  };

  /** Cuts what is being filled when its time has come, or comes back then or when a slot is free. */
  const pace = (): void => {
    cancelPace();
    if (!filling || inFlight + waiting.length + sealing >= limits.inFlightBatchesMax) return;
    const { openedMs } = filling;
    const { atMs, reason } = cutTime({ openedMs, cutMs, idle: inFlight === 0 }, limits);
    const waitMs = atMs - clock.monotonicMs();
    if (waitMs <= 0) cut(reason);
    else cancelPace = clock.after(waitMs, pace);
  };

  const cut = (reason: CutReason): void => {
    cancelPace();
    const batch = filling;
    if (!batch) return;
    filling = undefined;
    cutMs = clock.monotonicMs();
    const name = options.names();
    const blocks = finish(name);
    count.cut(reason, blocks ?? []);
    // Journal first, in the order of the requests: what is sent is known by its name for ever.
    void seal(batch.range, name, blocks);
  };

  /** A builder that breaks here has a bug; the requests are in the journal all the same. */
  const finish = (name: string): readonly NamedBlock[] | undefined => {
    try {
      const blocks = named(builder.finish(), name);
      const bytes = bytesOf(blocks);
      if (heldBytes + bytes > limits.heldBytesMax) return undefined;
      heldBytes += bytes;
      return blocks;
    } catch (error) {
      log.error('batch_not_finished', { signal, name, error });
      return undefined;
    }
  };

  const seal = async (
    range: Range,
    name: string,
    blocks: readonly NamedBlock[] | undefined,
  ): Promise<void> => {
    sealing += 1;
    try {
      await journal.cut(range, name);
    } catch (error) {
      // Only a closed journal refuses; the requests are in it and wait for the next start.
      log.warn('batch_not_cut', { signal, name, error });
      return;
    } finally {
      sealing -= 1;
    }
    const batch = { ...newBatch(range, name), blocks };
    // Rows of a request that was refused must not be stored: it will come again.
    if (range.requests > 0) waiting.push(range.failed > 0 ? forget(batch) : batch);
    else forget(batch);
    sendNext();
    pace();
  };

  const forget = (batch: Batch): Batch => {
    if (batch.blocks) heldBytes -= bytesOf(batch.blocks);
    return { ...batch, blocks: undefined };
  };

  const sendNext = (): void => {
    cancelRetry();
    const waitMs = notBeforeMs - clock.monotonicMs();
    // In trouble one batch at a time finds out whether it is over.
    while (!stopped && inFlight < (trouble > 0 ? 1 : limits.inFlightBatchesMax)) {
      if (waiting.length > 0 && trouble > 0 && waitMs > 0) {
        cancelRetry = clock.after(waitMs, sendNext);
        break;
      }
      const batch = waiting.shift();
      if (!batch) break;
      inFlight += 1;
      void send(batch);
    }
    if (inFlight + waiting.length + sealing === 0) idle.resolve();
  };

  /** Never rejects. */
  const send = async (first: Batch): Promise<void> => {
    let batch = first;
    try {
      batch = await ready(first);
      batch = await insertAll(batch);
      journal.stored(batch.range, batch.name ?? '');
      stored += 1;
      trouble = 0;
    } catch (error) {
      if (error instanceof Unstored) await failed(error.batch, error.cause);
      else await failed(batch, error);
    }
    inFlight -= 1;
    sendNext();
    pace();
  };

  /** With a name and blocks. */
  const ready = async (batch: Batch): Promise<Batch> => {
    if (batch.blocks) return batch;
    return alone(async (reader) => {
      const redecode = {
        builder: reader,
        read: journal.read,
        decompress: options.decompress,
        undecodable: journal.keep,
      };
      const { name } = batch;
      if (name !== undefined) {
        const groups = await redecodeBatch(redecode, batch.range);
        const blocks = groups.flatMap((it, index) =>
          named(it, index === 0 ? name : `${name}.${index}`),
        );
        return hold({ ...batch, blocks });
      }
      const full = () => fullness(reader) !== undefined;
      const next = await decodeNext(redecode, batch.range, full);
      const newName = options.names();
      await journal.cut(next.range, newName);
      if (next.rest) waiting.unshift(newBatch(next.rest, undefined));
      return hold({ ...newBatch(next.range, newName), blocks: named(next.blocks, newName) });
    });
  };

  const hold = (batch: Batch): Batch => {
    heldBytes += bytesOf(batch.blocks ?? []);
    return batch;
  };

  /** One batch at a time is decoded again: there is one builder for it. */
  const alone = <T>(work: (reader: ColumnBuilder) => Promise<T>): Promise<T> => {
    const result = decoding.then(() => work((second ??= options.createBuilder())));
    decoding = result.then(
      () => {},
      () => {},
    );
    return result;
  };

  const insertAll = async (batch: Batch): Promise<Batch> => {
    const left = await Promise.all((batch.blocks ?? []).map((it) => tryInsert(it)));
    const failures = left.filter((it) => it !== undefined);
    const [failure] = failures;
    heldBytes -= bytesOf(batch.blocks ?? []) - bytesOf(failures.map((it) => it.block));
    const rest = { ...batch, blocks: failures.map((it) => it.block) };
    if (failure) throw new Unstored(rest, failure.error);
    return rest;
  };

  const tryInsert = async (block: NamedBlock) => {
    try {
      await options.insert(block);
      return undefined;
    } catch (error) {
      return { block, error };
    }
  };

  const failed = async (batch: Batch, error: unknown): Promise<void> => {
    const { range, name } = batch;
    const known = batch.failures.failed + batch.failures.refused > 0;
    const storedBefore = known ? batch.storedBefore : stored;
    const othersStored = stored - storedBefore;
    const failures = { ...withFailure(batch.failures, remedyOf(error)), othersStored };
    const fate = fateOf(failures, limits);
    const fields = { signal, name, requests: range.requests, ...failures, error };
    trouble += 1;
    const waitMs = backoffMs(trouble - 1, limits, random);
    notBeforeMs = clock.monotonicMs() + waitMs;
    log.warn('batch_not_stored', { ...fields, wait_ms: waitMs });
    if (fate !== 'try-again' && name !== undefined) {
      try {
        await journal.setAside(range, name, error);
        forget(batch);
        count.lost(range.requests);
        log.error('batch_set_aside', { ...fields, reason: fate });
        return;
      } catch (asideError) {
        log.error('batch_not_set_aside', { signal, name, error: asideError });
      }
    }
    // A step back with each failure: one bad batch does not stand in the way of the others.
    const kept = heldBytes > limits.heldBytesMax ? forget(batch) : batch;
    const place = failures.failed + failures.refused;
    waiting.splice(place, 0, { ...kept, failures, storedBefore });
  };

  sendNext();
  return {
    accept,
    drain: async () => {
      cut('drain');
      idle = Promise.withResolvers();
      sendNext();
      const late = new AbortController();
      await Promise.race([idle.promise, clock.sleep(limits.drainMsMax, late.signal)]);
      late.abort();
      stopped = true;
      cancelRetry();
      cancelPace();
      const left = inFlight + waiting.length + sealing;
      if (left > 0) log.warn('batches_left_in_journal', { signal, batches: left });
    },
  };
};

/** Carries what is left of a batch whose blocks were not all stored. */
class Unstored extends Error {
  readonly batch: Batch;

  constructor(batch: Batch, cause: unknown) {
    super('not stored', { cause });
    this.batch = batch;
  }
}

const newBatch = (range: Range, name: string | undefined): Batch => ({
  range,
  name,
  blocks: undefined,
  failures: noFailures,
  storedBefore: 0,
});

const named = (blocks: readonly Block[], name: string): readonly NamedBlock[] =>
  blocks.map((it) => ({ ...it, name }));

const bytesOf = (blocks: readonly Block[]): number => blocks.reduce((sum, it) => sum + it.bytes, 0);
