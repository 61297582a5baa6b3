import { type Batcher, createBatcher } from './batch/batcher.ts';
import { createIngestBuilder, type IngestRules } from './ingest-builder.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import type { Meter } from './lib/meter.ts';
import type { InsertBlock } from './model/block.ts';
import type { Ingest, Signal } from './model/ingest.ts';

export interface IngestOptions {
  readonly insert: InsertBlock;
  readonly limits: {
    readonly rowsMax: number;
    readonly bytesMax: number;
    readonly ageMsMax: number;
  };
  readonly rules: IngestRules;
  /** Unique among all daemons of all times: block names begin with it. */
  readonly instanceId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface IngestPath {
  readonly ingest: Ingest;
  /** Stores what is held; call when nothing can come in any more. */
  readonly drain: () => Promise<void>;
}

const signals: readonly Signal[] = ['traces', 'metrics', 'logs'];

/** Joins decode and batch: a request's bytes become columns, columns become blocks, blocks are stored. */
export const createIngestPath = (options: IngestOptions): IngestPath => {
  const batchers = new Map<Signal, Batcher>(
    signals.map((signal) => [signal, batcherFor(signal, options)]),
  );
  return {
    ingest: async ({ signal, encoding, body }) => {
      const batcher = batchers.get(signal);
      if (!batcher) throw new TypeError(`no batcher for ${signal}`);
      return batcher.accept(encoding, body);
    },
    drain: async () => {
      await Promise.all(Array.from(batchers.values(), (it) => it.drain()));
    },
  };
};

const batcherFor = (signal: Signal, options: IngestOptions): Batcher => {
  let blocks = 0;
  return createBatcher({
    ...options,
    signal,
    builder: createIngestBuilder(signal, options),
    names: () => `${options.instanceId}-${signal}-${(blocks += 1)}`,
  });
};
