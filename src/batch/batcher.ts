import type { Cancel, Clock } from '../lib/clock.ts';
import { Fault, messageOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { ColumnBuilder, InsertBlock, NamedBlock } from '../model/block.ts';
import type { Acceptance, Encoding, Signal } from '../model/ingest.ts';
import { batchInstruments, type CutReason } from './batch-instruments.ts';
import { createDrainRate, type RetryLimits, retryAfterMs } from './drain-rate.ts';

export interface BatchLimits extends RetryLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** A request waits this long for company while nothing is being stored… */
  readonly lingerMs: number;
  /** …but two batches cut for that reason lie this far apart: each insert costs about 6 ms of CPU. */
  readonly spacingMs: number;
  /** A request waits this long while other blocks are being stored and a slot is free. */
  readonly ageMsMax: number;
  /** In the columns, in the queue and on their way; beyond it requests are refused at once. */
  readonly heldBytesMax: number;
  readonly inFlightBlocksMax: number;
}

const defaultBatchLimits: BatchLimits = {
  rowsMax: 65_536,
  bytesMax: 32 * 1024 * 1024,
  lingerMs: 100,
  spacingMs: 250,
  ageMsMax: 1_000,
  heldBytesMax: 128 * 1024 * 1024,
  inFlightBlocksMax: 3,
  retryAfterMsMin: 1_000,
  retryAfterMsMax: 15_000,
};

export interface BatcherOptions {
  /** Names the batcher in metrics and logs. */
  readonly signal: Signal;
  readonly builder: ColumnBuilder;
  readonly insert: InsertBlock;
  readonly limits?: Partial<BatchLimits>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** A new name at each call, never used before by any daemon: it is what makes a block unique. */
  readonly names: () => string;
}

export interface Batcher {
  /**
   * Resolves when the rows of this request are stored, in all their tables. Rejects with the
   * builder's Fault (`reject`) for a request that can never be taken, with ERR_BATCH_FULL (`retry`)
   * at once when too much is held, with ERR_BATCH_NOT_STORED (`retry`) when the insert of the batch
   * that carries it gave up.
   */
  readonly accept: (encoding: Encoding, body: Uint8Array) => Promise<Acceptance>;
  /** Sends what is held and waits until every batch is settled. Call when `accept` is unreachable. */
  readonly drain: () => Promise<void>;
}

interface Batch {
  readonly openedMs: number;
  readonly outcome: PromiseWithResolvers<void>;
  requests: number;
  /** Blocks that are not settled yet. */
  open: number;
  failure: unknown;
}

/**
 * Joins requests into blocks as large as the load allows. A request settles with the batch that
 * carries it, so what was acknowledged is stored, and what was not is sent again by its sender.
 */
export const createBatcher = (options: BatcherOptions): Batcher => {
  const { builder, insert, clock, log, signal } = options;
  const limits = { ...defaultBatchLimits, ...options.limits };
  const rate = createDrainRate();
  const unsettled = new Set<Promise<void>>();
  const queue: { readonly block: NamedBlock; readonly batch: Batch }[] = [];
  let filling: Batch | undefined;
  let sentBytes = 0;
  let inFlight = 0;
  let cutMs = Number.NEGATIVE_INFINITY;
  let cancelTimer: Cancel = () => {};

  const heldBytes = (): number => builder.bytes() + sentBytes;
  const count = batchInstruments(options.meter, signal, {
    heldBytes,
    heldRows: builder.rows,
    inFlightBlocks: () => inFlight,
    queuedBlocks: () => queue.length,
  });
  const backlogMs = (): number =>
    retryAfterMs(heldBytes(), rate.bytesPerSecond(clock.monotonicMs()), limits);

  const accept = async (encoding: Encoding, body: Uint8Array): Promise<Acceptance> => {
    const held = heldBytes();
    if (held > 0 && held + body.length > limits.heldBytesMax) {
      count.refused();
      throw new Fault('ERR_BATCH_FULL', `${held} bytes of ${signal} wait to be stored`, {
        remedy: 'retry',
        retryAfterMs: backlogMs(),
      });
    }
    const acceptance = append(encoding, body);
    const stored = acceptance.accepted - (acceptance.sampledOut ?? 0);
    if (builder.rows() === 0 || stored === 0) return acceptance;
    const batch = (filling ??= openBatch());
    batch.requests += 1;
    const full = fullness();
    if (full) cut(full);
    else if (batch.requests === 1) consider();
    const sinceMs = clock.monotonicMs();
    await batch.outcome.promise;
    count.stored((clock.monotonicMs() - sinceMs) / 1000);
    return acceptance;
  };

  const append = (encoding: Encoding, body: Uint8Array): Acceptance => {
    const first = builder.append(encoding, body);
    if (first !== 'full') return first;
    cut('full');
    const second = builder.append(encoding, body);
    if (second !== 'full') return second;
    throw new Fault('ERR_OTLP_TOO_LARGE', `${body.length} bytes do not fit into an empty block`, {
      remedy: 'reject',
    });
  };

  const fullness = (): CutReason | undefined => {
    if (builder.rows() >= limits.rowsMax) return 'rows';
    return builder.bytes() >= limits.bytesMax ? 'bytes' : undefined;
  };

  const openBatch = (): Batch => {
    const outcome = Promise.withResolvers<void>();
    const settled = outcome.promise.catch(() => {}).finally(() => unsettled.delete(settled));
    unsettled.add(settled);
    const openedMs = clock.monotonicMs();
    return { openedMs, outcome, requests: 0, open: 0, failure: undefined };
  };

  /** Cuts what is being filled when its time has come, or comes back then or when a slot is free. */
  const consider = (): void => {
    cancelTimer();
    if (!filling || inFlight + queue.length >= limits.inFlightBlocksMax) return;
    const idle = inFlight === 0;
    const latestMs = filling.openedMs + limits.ageMsMax;
    const soonestMs = Math.max(filling.openedMs + limits.lingerMs, cutMs + limits.spacingMs);
    const waitMs = (idle ? Math.min(soonestMs, latestMs) : latestMs) - clock.monotonicMs();
    if (waitMs <= 0) cut(idle ? 'linger' : 'age');
    else cancelTimer = clock.after(waitMs, consider);
  };

  const cut = (reason: CutReason): void => {
    cancelTimer();
    const batch = filling;
    if (!batch) return;
    filling = undefined;
    cutMs = clock.monotonicMs();
    const blocks = finish(batch);
    count.cut(reason, blocks);
    batch.open = blocks.length;
    if (batch.open === 0) settle(batch);
    for (const block of blocks) {
      queue.push({ block, batch });
      sentBytes += block.bytes;
    }
    sendNext();
  };

  /** A builder that breaks here has a bug; its senders must hear of it all the same. */
  const finish = (batch: Batch): readonly NamedBlock[] => {
    try {
      const name = options.names();
      return builder.finish().map((it) => ({ ...it, name }));
    } catch (error) {
      log.error('batch_not_finished', { signal, requests: batch.requests, error });
      batch.failure = error;
      return [];
    }
  };

  const sendNext = (): void => {
    while (inFlight < limits.inFlightBlocksMax) {
      const next = queue.shift();
      if (!next) return;
      inFlight += 1;
      void send(next.block, next.batch);
    }
  };

  /** Never rejects: the batch carries the failure. */
  const send = async (block: NamedBlock, batch: Batch): Promise<void> => {
    try {
      await insert(block);
      rate.drained(block.bytes, clock.monotonicMs());
    } catch (error) {
      batch.failure ??= error;
      const { table, name, rows } = block;
      log.error('block_not_stored', { signal, table, name, rows, requests: batch.requests, error });
    }
    batch.open -= 1;
    if (batch.open === 0) settle(batch);
    inFlight -= 1;
    sentBytes -= block.bytes;
    sendNext();
    consider();
  };

  const settle = (batch: Batch): void => {
    if (batch.failure === undefined) return batch.outcome.resolve();
    count.lost(batch.requests);
    // Whatever the store's trouble is, it is not the sender's fault: it may send the same again.
    const text = `could not be stored: ${messageOf(batch.failure)}`;
    const fault = { remedy: 'retry', retryAfterMs: backlogMs(), cause: batch.failure } as const;
    batch.outcome.reject(new Fault('ERR_BATCH_NOT_STORED', text, fault));
  };

  return {
    accept,
    drain: async () => {
      cut('drain');
      await Promise.all(unsettled);
    },
  };
};
