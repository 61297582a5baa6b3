import { defineScript, type Redis } from '../lib/redis.ts';
import type { Told } from '../model/delivery.ts';
import { redisKeys } from '../model/keys.ts';
import { answered } from './answered.ts';
import { appendRowsLua } from './ledger.ts';
import type { LedgerRow } from './ledger-rows.ts';

/** What is known of one alert, with the exact text it was read from: the version of the state. */
export interface ToldEntry {
  readonly alertId: string;
  /** Empty when nothing is stored. */
  readonly text: string;
  readonly told: Told | undefined;
}

export interface ToldStore {
  readonly read: (alertId: string) => Promise<ToldEntry>;
  readonly readMany: (alertIds: readonly string[]) => Promise<readonly ToldEntry[]>;
  /** Every alert, in pages, each at least once. */
  readonly all: () => AsyncGenerator<readonly ToldEntry[]>;
  /**
   * Writes `told` (undefined: forgets) and the ledger rows in one step, unless somebody else wrote
   * since `before` was read; then undefined.
   */
  readonly commit: (
    before: ToldEntry,
    told: Told | undefined,
    rows: readonly LedgerRow[],
  ) => Promise<ToldEntry | undefined>;
}

const pageSize = 200;

const compareAndSet = defineScript(`
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
${appendRowsLua(2, 4)}
return 1`);

/** The notifier's memory, shared by all replicas. */
export const createToldStore = (redis: Redis): ToldStore => {
  const readMany = async (alertIds: readonly string[]): Promise<readonly ToldEntry[]> => {
    if (alertIds.length === 0) return [];
    const texts = await answered(redis.hmget(redisKeys.told, ...alertIds));
    return alertIds.map((alertId, index) => entryOf(alertId, texts[index] ?? ''));
  };
  return {
    readMany,
    read: async (alertId) => (await readMany([alertId]))[0] ?? entryOf(alertId, ''),
    all: async function* () {
      let cursor = '0';
      do {
        const [next, flat] = await answered(redis.hscan(redisKeys.told, cursor, 'COUNT', pageSize));
        cursor = next;
        const page: ToldEntry[] = [];
        for (let i = 0; i < flat.length; i += 2)
          page.push(entryOf(flat[i] ?? '', flat[i + 1] ?? ''));
        yield page;
      } while (cursor !== '0');
    },
    commit: async (before, told, rows) => {
      const text = told ? JSON.stringify(told) : '';
      const done = await compareAndSet(
        redis,
        [redisKeys.told, redisKeys.ledger('notification_log')],
        [before.alertId, before.text, text, ...rows.map((it) => JSON.stringify(it))],
      );
      return done === 1 ? { alertId: before.alertId, text, told } : undefined;
    },
  };
};

const entryOf = (alertId: string, text: string): ToldEntry => ({
  alertId,
  text,
  told: text === '' ? undefined : (JSON.parse(text) as Told),
});
