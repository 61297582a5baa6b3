import type { Journal } from '../batch/journal/journal.ts';
import { createJournaledBatcher, type JournaledBatcher } from '../batch/journaled-batcher.ts';
import type { Decompress } from '../batch/redecode.ts';
import { createTailBatcher } from '../batch/tail-batcher.ts';
import { createColumnBuilder } from '../decode/builder.ts';
import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { freeBytes } from '../lib/free-bytes.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { ColumnBuilder, InsertBlock } from '../model/block.ts';
import type { Ingest, Signal } from '../model/ingest.ts';
import type { SharedSeries } from '../model/series.ts';
import type { TraceGossip } from '../model/tail.ts';
import { createIngestBuilder, type IngestRules } from './builder.ts';
import { plainBody } from './plain-body.ts';
import type { IngestTail } from './tail.ts';

export interface IngestOptions {
  readonly journal: Journal;
  readonly decompress: Decompress;
  readonly insert: InsertBlock;
  readonly limits: {
    readonly rowsMax: number;
    readonly bytesMax: number;
    readonly ageMsMax: number;
  };
  /** Of one body without its coding. */
  readonly bodyBytesMax: number;
  readonly rules: IngestRules;
  /** What is known of the series of metrics; without it, they may be any number. */
  readonly series?: SharedSeries | undefined;
  /** Given when rules decide about whole traces; all paths of a thread share it. */
  readonly tail?: (IngestTail & { readonly verdictsDir: string }) | undefined;
  /** Unique among all daemons of all times: block names begin with it. */
  readonly instanceId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
}

export interface IngestPath {
  readonly ingest: Ingest;
  /** Stores what can be stored in time; call when nothing can come in any more. */
  readonly drain: () => Promise<void>;
  /** Given when other threads should know what is learned of traces here. */
  readonly gossip?: TraceGossip | undefined;
}

const signals: readonly Signal[] = ['traces', 'metrics', 'logs'];

/**
 * Joins decode and batch: a request's bytes become columns and stand in the journal, columns become
 * blocks, blocks are stored. What an earlier process left in the journal is stored as well.
 */
export const createIngestPath = (options: IngestOptions): IngestPath => {
  const batchers = new Map<Signal, JournaledBatcher>(
    signals.map((signal) => [signal, batcherFor(signal, options)]),
  );
  return {
    ingest: async (request) => {
      const batcher = batchers.get(request.signal);
      if (!batcher) throw new TypeError(`no batcher for ${request.signal}`);
      const { encoding, body, wire } = plainBody(request, options.bodyBytesMax);
      const plainBytes = body.length;
      try {
        const acceptance = await batcher.accept(encoding, body, wire);
        return request.coding ? { ...acceptance, plainBytes } : acceptance;
      } finally {
        // Made for this request alone.
        if (body !== request.body) freeBytes(body);
      }
    },
    drain: async () => {
      await Promise.all(Array.from(batchers.values(), (it) => it.drain()));
      await options.journal.close();
    },
  };
};

const batcherFor = (signal: Signal, options: IngestOptions): JournaledBatcher => {
  let blocks = 0;
  let builders = 0;
  const names = () => `${options.instanceId}-${signal}-${(blocks += 1)}`;
  const { tail, limits } = options;
  if (tail && signal === 'traces') {
    const { waitMs, traces, verdictsDir } = tail;
    return createTailBatcher({
      ...options,
      tail: traces,
      verdictsDir,
      limits: { ...limits, waitMs },
      names,
    });
  }
  return createJournaledBatcher({
    ...options,
    signal,
    createBuilder: () => builderFor(signal, options, (builders += 1)),
    names,
  });
};

/** The first is for what comes in; what is decoded again was counted then. */
const builderFor = (signal: Signal, options: IngestOptions, nth: number): ColumnBuilder =>
  nth === 1
    ? createIngestBuilder(signal, options)
    : createColumnBuilder(signal, { nowMs: options.clock.nowMs, ...options.rules });
