import type { Random } from '../lib/backoff.ts';
import type { Cancel, Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { Block, ColumnBuilder, InsertBlock } from '../model/block.ts';
import type { Acceptance, Encoding, Signal, WireBody } from '../model/ingest.ts';
import { batchInstruments, type CutReason } from './batch-instruments.ts';
import { createBatchSender, type SenderLimits } from './batch-sender.ts';
import { defaultFateLimits } from './fate.ts';
import type { Journal } from './journal/journal.ts';
import { type GrowingRange, openRange } from './journal/range.ts';
import { cutTime, type PaceLimits } from './pace.ts';
import type { Decompress } from './redecode.ts';

export interface JournaledBatchLimits extends PaceLimits, SenderLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** How long `drain` waits for ClickHouse; what is not stored then is stored after the next start. */
  readonly drainMsMax: number;
}

export const defaultBatchLimits: JournaledBatchLimits = {
  ...defaultFateLimits,
  rowsMax: 65_536,
  bytesMax: 32 * 1024 * 1024,
  lingerMs: 100,
  spacingMs: 1_000,
  ageMsMax: 1_000,
  heldBytesMax: 64 * 1024 * 1024,
  inFlightBatchesMax: 2,
  drainMsMax: 5_000,
  firstMs: 250,
  maxMs: 3_000,
};

export interface JournaledBatcherOptions {
  /** Only one batcher of a journal may have it. */
  readonly signal: Signal;
  readonly journal: Journal;
  /** First for what comes; then, whenever there is a backlog, for what is decoded again. */
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
  /**
   * Stores what can be stored in time; the rest stays in the journal, which may be closed then. Call
   * when `accept` is unreachable. Safe twice.
   */
  readonly drain: () => Promise<void>;
}

interface Filling {
  readonly openedMs: number;
  readonly range: GrowingRange;
}

/** What was left out is for the journal alone: the answer is remembered, and goes to other threads. */
const answerOf = (acceptance: Acceptance): Acceptance => {
  const { leftOut, ...answer } = acceptance;
  return leftOut === undefined ? acceptance : answer;
};

/**
 * Joins acknowledged requests into batches. Columns in memory are only a faster way to what the
 * journal holds: when there is no room for them, or they hold a request that could not be written,
 * they are dropped and decoded again.
 */
export const createJournaledBatcher = (options: JournaledBatcherOptions): JournaledBatcher => {
  const { signal, journal, clock, log } = options;
  const limits = { ...defaultBatchLimits, ...options.limits };
  const builder = options.createBuilder();
  let filling: Filling | undefined;
  /** Cut, and not yet wholly on disk. */
  const sealing = new Set<Promise<void>>();
  let cutMs = Number.NEGATIVE_INFINITY;
  let cancelTimer: Cancel = () => {};

  const count = batchInstruments(options.meter, signal, {
    heldBytes: () => builder.bytes() + sender.heldBytes(),
    heldRows: builder.rows,
    inFlightBlocks: () => sender.inFlight(),
    queuedBlocks: () => sender.waiting(),
    lateBatches: () => sender.late(),
  });

  const accept: JournaledBatcher['accept'] = (encoding, body, wire) => {
    const { coding, bytes } = wire ?? ({ coding: 'identity', bytes: body } as const);
    const kind = { signal, encoding, coding };
    return journal.once(kind, bytes, async (hash) => {
      journal.admit(bytes.length);
      const acceptance = decode(encoding, body);
      if (acceptance.accepted === (acceptance.sampledOut ?? 0)) return acceptance;
      const isFirst = filling === undefined;
      const { range } = (filling ??= open());
      const written = journal.append({ ...kind, bytes, hash, acceptance }, range);
      const full = fullness(builder);
      if (full) cut(full);
      else if (isFirst) consider();
      await written;
      return answerOf(acceptance);
    });
  };

  /** Its name is on disk with each of its requests, so that a replay can give them no other. */
  const open = (): Filling => ({
    openedMs: clock.monotonicMs(),
    range: openRange(signal, options.names()),
  });

  const decode = (encoding: Encoding, body: Uint8Array): Acceptance => {
    const first = builder.append(encoding, body);
    if (first !== 'full') return first;
    cut('full');
    const second = builder.append(encoding, body);
    if (second !== 'full') return second;
    throw new Fault('ERR_OTLP_TOO_LARGE', `${body.length} bytes do not fit into an empty block`, {
      remedy: 'reject',
    });
  };

  const fullness = (of: ColumnBuilder): CutReason | undefined => {
    if (of.rows() >= limits.rowsMax) return 'rows';
    return of.bytes() >= limits.bytesMax ? 'bytes' : undefined;
  };

  /** Cuts what is being filled when its time has come, or comes back then or when a slot is free. */
  const consider = (): void => {
    cancelTimer();
    const under = sender.inFlight() + sender.waiting() + sealing.size;
    if (!filling || under >= limits.inFlightBatchesMax) return;
    const state = { openedMs: filling.openedMs, cutMs, idle: under === 0 };
    const { atMs, reason } = cutTime(state, limits);
    const waitMs = atMs - clock.monotonicMs();
    if (waitMs <= 0) cut(reason);
    else cancelTimer = clock.after(waitMs, consider);
  };

  const cut = (reason: CutReason): void => {
    cancelTimer();
    const batch = filling;
    if (!batch) return;
    filling = undefined;
    cutMs = clock.monotonicMs();
    const blocks = sender.hasRoom(builder.bytes()) ? finish(batch.range.name) : undefined;
    // Those that nobody could hold, or what a builder that broke is left with.
    count.cut(reason, blocks ?? builder.discard());
    const sealed = seal(batch.range, blocks).finally(() => {
      sealing.delete(sealed);
      consider();
    });
    sealing.add(sealed);
  };

  /** A builder that breaks here has a bug; the requests are in the journal all the same. */
  const finish = (name: string): readonly Block[] | undefined => {
    try {
      return builder.finish();
    } catch (error) {
      log.error('batch_not_finished', { signal, name, error });
      return undefined;
    }
  };

  /** Nothing is sent before all of it is on disk, or refused. Never rejects. */
  const seal = async (range: GrowingRange, blocks: readonly Block[] | undefined): Promise<void> => {
    const { name } = range;
    const held = blocks && sender.hold(blocks, name);
    try {
      await journal.settled();
    } catch (error) {
      // Only a closed journal refuses; the requests are in it and wait for the next start.
      log.warn('batch_not_cut', { signal, name, error });
      return;
    }
    // Rows of a request that was refused must not be stored: it will come again.
    const usable = range.failed === 0;
    if (!usable && held) sender.forget(held);
    if (range.requests > 0) sender.add(range, name, usable ? held : undefined);
  };

  const sender = createBatchSender({
    ...options,
    limits,
    isFull: (it) => fullness(it) !== undefined,
    onProgress: () => consider(),
    onSetAside: count.lost,
  });

  const drain = async (): Promise<void> => {
    cut('drain');
    const late = new AbortController();
    const idle = Promise.all(sealing).then(() => sender.idle());
    await Promise.race([idle, clock.sleep(limits.drainMsMax, late.signal)]);
    late.abort();
    sender.stop();
    cancelTimer();
    const left = sender.inFlight() + sender.waiting() + sealing.size;
    if (left > 0) log.warn('batches_left_in_journal', { signal, batches: left });
  };
  let drained: Promise<void> | undefined;

  return { accept, drain: () => (drained ??= drain()) };
};
