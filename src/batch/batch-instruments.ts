import { type Meter, secondsBounds } from '../lib/meter.ts';
import type { TableRows } from '../model/block.ts';
import type { Signal } from '../model/ingest.ts';

/** Why a batch was closed. */
export type CutReason = 'rows' | 'bytes' | 'full' | 'linger' | 'age' | 'drain' | 'tail';

/** What is held just now. */
interface Levels {
  readonly heldBytes: () => number;
  readonly heldRows: () => number;
  readonly inFlightBlocks: () => number;
  readonly queuedBlocks: () => number;
  readonly lateBatches: () => number;
}

/** Adds up over signals and threads; above 0 while inserts do not keep up. */
export const lateBatchesMetric = 'tocsin_batch_batches_late';

/** Every metric of a batcher, in one place. */
export const batchInstruments = (meter: Meter, signal: Signal, levels: Levels) => {
  const attributes = { signal };
  meter.gauge(
    'tocsin_batch_bytes_held',
    { description: 'Bytes that are not stored yet, in columns and blocks', unit: 'By' },
    () => [{ value: levels.heldBytes(), attributes }],
  );
  meter.gauge(
    'tocsin_batch_rows_filling',
    { description: 'Rows in the batch that is being filled', unit: '{row}' },
    () => [{ value: levels.heldRows(), attributes }],
  );
  meter.gauge(
    'tocsin_batch_blocks_running',
    { description: 'Blocks on their way to ClickHouse', unit: '{block}' },
    () => [{ value: levels.inFlightBlocks(), attributes }],
  );
  meter.gauge(
    'tocsin_batch_blocks_waiting',
    { description: 'Blocks that wait to be sent', unit: '{block}' },
    () => [{ value: levels.queuedBlocks(), attributes }],
  );
  meter.gauge(
    lateBatchesMetric,
    { description: 'Batches that were cut over 10 s ago and are not stored', unit: '{batch}' },
    () => [{ value: levels.lateBatches(), attributes }],
  );
  const batches = meter.counter('tocsin_batch_batches_cut', {
    description: 'Batches closed, by reason',
    unit: '{batch}',
  });
  const rows = meter.counter('tocsin_batch_rows_cut', {
    description: 'Rows in closed batches, by table',
    unit: '{row}',
  });
  const refused = meter.counter('tocsin_batch_requests_refused', {
    description: 'Requests refused at once because too much was held',
    unit: '{request}',
  });
  const lost = meter.counter('tocsin_batch_requests_failed', {
    description: 'Requests in batches that could not be stored; their senders were told to retry',
    unit: '{request}',
  });
  const wait = meter.histogram('tocsin_batch_wait_duration', {
    description: 'Time from decoding a request until its rows were stored',
    unit: 's',
    bounds: secondsBounds,
  });
  return {
    cut: (reason: CutReason, tables: readonly TableRows[]) => {
      batches(1, { signal, reason });
      for (const it of tables) rows(it.rows, { signal, table: it.table });
    },
    refused: () => refused(1, attributes),
    lost: (requests: number) => lost(requests, attributes),
    stored: (seconds: number) => wait(seconds, attributes),
  };
};
