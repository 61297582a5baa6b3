import { type BackoffLimits, backoffMs, type Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { Fault, messageOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import { type Meter, secondsBounds } from '../lib/meter.ts';
import type { InsertBlock } from '../model/block.ts';
import type { InsertRows } from '../model/query.ts';

export interface InsertLimits extends BackoffLimits {
  readonly attemptsMax: number;
  /** No attempt begins later than this after the first. */
  readonly retryMsMax: number;
}

/**
 * The sender waits meanwhile, and exporters wait 10 s by default: past that they send the same data
 * in another request, which would be stored beside this one.
 */
const defaultInsertLimits: InsertLimits = {
  firstMs: 100,
  maxMs: 2_000,
  attemptsMax: 20,
  retryMsMax: 8_000,
};

export interface InserterOptions {
  /** One attempt each; a Store's. */
  readonly store: { readonly insertBlock: InsertBlock; readonly insertRows: InsertRows };
  readonly limits?: Partial<InsertLimits>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** Aborting ends the waiting between attempts: what fails then has failed. */
  readonly signal?: AbortSignal;
}

export interface Inserter {
  readonly insertBlock: InsertBlock;
  readonly insertRows: InsertRows;
}

interface Delivery {
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
  readonly token: string;
}

/**
 * Inserts that try again under the same name, so that what was stored by an attempt whose answer got
 * lost is not stored again. Rejects with ERR_INSERT_REFUSED (`reject`) at once, or ERR_INSERT_GAVE_UP
 * (`retry`) when attempts or time ran out; the cause is the last attempt's Fault.
 */
export const createInserter = (options: InserterOptions): Inserter => {
  const { store, clock, random, log, signal } = options;
  const limits = { ...defaultInsertLimits, ...options.limits };
  const count = instruments(options.meter);

  const deliver = async (
    delivery: Delivery,
    attempt: (again: boolean) => Promise<void>,
  ): Promise<void> => {
    const { table, token } = delivery;
    const sinceMs = clock.monotonicMs();
    const seconds = () => (clock.monotonicMs() - sinceMs) / 1000;
    for (let attempts = 1; ; attempts += 1) {
      try {
        await attempt(attempts > 1);
        count.stored(delivery, seconds());
        return;
      } catch (error) {
        const waitMs = Math.max(
          backoffMs(attempts - 1, limits, random),
          error instanceof Fault ? (error.retryAfterMs ?? 0) : 0,
        );
        const next = decide(error, attempts, seconds() * 1000 + waitMs, limits, signal);
        if (next !== 'retry') {
          count.failed(table, next, seconds());
          throw next === 'gave-up' ? gaveUp(delivery, attempts, error) : error;
        }
        count.retried(table, error);
        log.warn('insert_retried', { table, token, attempts, wait_ms: waitMs, error });
        await clock.sleep(waitMs, signal);
      }
    }
  };

  return {
    insertBlock: (block) => {
      const { table, rows, bytes, name, sentBefore } = block;
      return deliver({ table, rows, bytes, token: name }, (again) =>
        store.insertBlock(again && !sentBefore ? { ...block, sentBefore: true } : block),
      );
    },
    insertRows: (table, rows, token, sentBefore) =>
      deliver({ table, rows: rows.length, bytes: 0, token }, (again) =>
        store.insertRows(table, rows, token, again || sentBefore),
      ),
  };
};

type Next = 'retry' | 'refused' | 'unforeseen' | 'gave-up';

const decide = (
  error: unknown,
  attempts: number,
  nextAtMs: number,
  limits: InsertLimits,
  signal: AbortSignal | undefined,
): Next => {
  if (!(error instanceof Fault)) return 'unforeseen';
  if (error.remedy === 'reject') return 'refused';
  const over = attempts >= limits.attemptsMax || nextAtMs > limits.retryMsMax;
  return over || signal?.aborted ? 'gave-up' : 'retry';
};

const gaveUp = ({ table, rows, token }: Delivery, attempts: number, cause: unknown): Fault =>
  new Fault(
    'ERR_INSERT_GAVE_UP',
    `${rows} rows for ${table} (${token}) not stored after ${attempts} attempts: ${messageOf(cause)}`,
    { remedy: 'retry', cause },
  );

const instruments = (meter: Meter) => {
  const rows = meter.counter('tocsin_store_insert_rows_stored', {
    description: 'Rows stored in ClickHouse, by table',
    unit: '{row}',
  });
  const bytes = meter.counter('tocsin_store_insert_bytes_stored', {
    description: 'Bytes of blocks stored in ClickHouse, by table',
    unit: 'By',
  });
  const retries = meter.counter('tocsin_store_insert_attempts_failed', {
    description: 'Attempts at an insert that failed and were tried again, by table and error',
    unit: '{attempt}',
  });
  const duration = meter.histogram('tocsin_store_insert_duration', {
    description: 'Time from the first attempt at an insert to its end, by table and outcome',
    unit: 's',
    bounds: secondsBounds,
  });
  return {
    stored: (delivery: Delivery, seconds: number) => {
      const { table } = delivery;
      rows(delivery.rows, { table });
      bytes(delivery.bytes, { table });
      duration(seconds, { table, outcome: 'stored' });
    },
    failed: (table: string, outcome: Next, seconds: number) =>
      duration(seconds, { table, outcome }),
    retried: (table: string, error: unknown) =>
      retries(1, { table, code: error instanceof Fault ? error.code : 'unforeseen' }),
  };
};
