import type { Clock } from '../lib/clock.ts';
import { messageOf, remedyOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import { defineScript, firstOf, type Redis } from '../lib/redis.ts';
import { redisKeys } from '../model/keys.ts';
import type { InsertRows } from '../model/query.ts';
import type { LedgerRow, LedgerTable } from './ledger-rows.ts';
import { createLoop } from './loop.ts';

/** Rows a table may be behind while ClickHouse is away; then the oldest are lost, and counted. */
export const ledgerRowsMax = 50_000;
const batchRowsMax = 1_000;
const batchesMax = 50;
/** What is not stored by then stays in Redis for the next process. */
const stopMsMax = 3_000;
const shipEveryMs = 500;
const tables: readonly LedgerTable[] = ['alert_events', 'notification_log'];

export interface Ledger {
  readonly append: (table: LedgerTable, row: LedgerRow) => Promise<void>;
  readonly start: () => void;
  /** Tries once more to store what is there. */
  readonly stop: () => Promise<void>;
}

/**
 * Lua that appends ARGV from `first` on to the stream at KEYS[key] and drops the oldest over the
 * limit, for scripts that write something else in the same step. What it dropped adds up in Redis
 * until a ledger counts it.
 */
export const appendRowsLua = (key: number, first: number): string => `
for i = ${first}, #ARGV do redis.call('XADD', KEYS[${key}], '*', 'row', ARGV[i]) end
if #ARGV >= ${first} then
  local dropped = redis.call('XTRIM', KEYS[${key}], 'MAXLEN', ${ledgerRowsMax})
  if dropped > 0 then redis.call('INCRBY', KEYS[${key}] .. ':dropped', dropped) end
end
`;

const appendRow = defineScript(appendRowsLua(1, 1));

/** Names the batch before it is sent, so that whoever sends it again sends the same rows. */
const cutBatch = defineScript(`
local cut = redis.call('GET', KEYS[2])
local named = cut and 1 or 0
if not cut then
  local rows = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])
  if #rows == 0 then return {} end
  cut = rows[#rows][1]
  redis.call('SET', KEYS[2], cut)
end
local batch = {cut, named}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', cut)) do batch[#batch + 1] = entry[2][2] end
return batch`);

const endBatch = defineScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local ms, seq = string.match(ARGV[1], '(%d+)-(%d+)')
redis.call('XTRIM', KEYS[1], 'MINID', ms .. '-' .. string.format('%d', seq + 1))
return redis.call('DEL', KEYS[2])`);

/** Where it ends, whether somebody may have sent it before (1) or not (0), its rows. */
type Batch = readonly [cut: string, named: 0 | 1, ...rows: string[]];

export interface LedgerOptions {
  readonly redis: Redis;
  readonly insertRows: InsertRows;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/**
 * What happened, on its way to ClickHouse: rows wait in Redis, so neither a crash of ours nor an
 * outage of ClickHouse loses them or holds a notification up. Every replica stores; a batch has the
 * same rows and the same token whoever sends it.
 */
export const createLedger = (options: LedgerOptions): Ledger => {
  const { redis, insertRows, clock, log, meter } = options;
  const waiting = new Map<LedgerTable, number>();
  const countDropped = createDropCounter(meter);
  meter.gauge(
    'tocsin_notify_ledger_waiting',
    { description: 'Rows not yet stored in ClickHouse, by table.', unit: '{row}' },
    () => [...waiting].map(([table, value]) => ({ value, attributes: { table } })),
  );

  const shipBatch = async (table: LedgerTable): Promise<boolean> => {
    const keys = [redisKeys.ledger(table), redisKeys.ledgerCut(table)];
    const batch = (await cutBatch(redis, keys, [batchRowsMax])) as readonly [] | Batch;
    const [cut, named, ...texts] = batch;
    if (cut === undefined) return false;
    const rows = texts.map((it) => JSON.parse(it) as LedgerRow);
    try {
      if (rows.length > 0) await insertRows(table, rows, `ledger-${table}-${cut}`, named === 1);
    } catch (error) {
      if (remedyOf(error) !== 'reject') throw error;
      // The same rows would be refused for ever, and everything behind them with them.
      log.error('ledger_rows_refused', { table, rows: rows.length, error: messageOf(error) });
      countDropped(rows.length, { table });
    }
    await endBatch(redis, keys, [cut]);
    return true;
  };

  const ship = async (): Promise<void> => {
    for (const table of tables) {
      // Bounded, so that a table that grows as fast as it is stored does not starve the other.
      for (let batch = 0; batch < batchesMax && (await shipBatch(table)); batch += 1);
      waiting.set(table, await redis.xlen(redisKeys.ledger(table)));
      const dropped = Number(await redis.getdel(`${redisKeys.ledger(table)}:dropped`));
      if (dropped > 0) log.error('ledger_rows_dropped', { table, rows: dropped });
      countDropped(dropped, { table });
    }
  };

  const loop = createLoop({ name: 'ledger_shipping', everyMs: shipEveryMs, run: ship, clock, log });
  return {
    append: async (table, row) => {
      await appendRow(redis, [redisKeys.ledger(table)], [JSON.stringify(row)]);
    },
    start: loop.start,
    stop: async () => {
      const last = loop
        .stop()
        .then(ship)
        .catch((error: unknown) => log.warn('ledger_rows_left', { error: messageOf(error) }));
      await firstOf(clock, stopMsMax, last);
    },
  };
};

const createDropCounter = (meter: Meter): ((rows: number, at: { table: string }) => void) => {
  const count = meter.counter('tocsin_notify_ledger_dropped', {
    description: 'Rows lost because ClickHouse was away too long or refused them, by table.',
    unit: '{row}',
  });
  return (rows, at) => {
    if (rows > 0) count(rows, at);
  };
};
