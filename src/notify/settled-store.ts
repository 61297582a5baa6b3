import { defineScript, type Redis } from '../lib/redis.ts';
import { redisKeys } from '../model/keys.ts';
import { answered } from './answered.ts';
import { appendRowsLua } from './ledger.ts';
import type { LedgerRow } from './ledger-rows.ts';

/** How one message ended. */
export interface Settled {
  readonly outcome: 'delivered' | 'refused' | 'dead' | 'skipped';
  /** What the channel answered, by which a later message can refer to it. */
  readonly reference?: string;
  readonly atMs: number;
}

export interface SettledStore {
  /** Notification id → how it ended, of all messages about one alert. */
  readonly read: (alertId: string) => Promise<ReadonlyMap<string, Settled>>;
  /** Remembers the end and writes its ledger row in one step. */
  readonly settle: (
    alertId: string,
    notificationId: string,
    settled: Settled,
    row: LedgerRow,
  ) => Promise<void>;
  /** So that it may be sent again. */
  readonly forget: (alertId: string, notificationId: string) => Promise<void>;
}

/** An alert that fires for longer than this is told of its end outside of its thread. */
const keptMs = 90 * 86_400_000;

const settleScript = defineScript(`
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
${appendRowsLua(2, 4)}
return 1`);

export const createSettledStore = (redis: Redis): SettledStore => ({
  read: async (alertId) => {
    const texts = await answered(redis.hgetall(redisKeys.settled(alertId)));
    return new Map(Object.entries(texts).map(([id, it]) => [id, JSON.parse(it) as Settled]));
  },
  settle: async (alertId, notificationId, settled, row) => {
    const keys = [redisKeys.settled(alertId), redisKeys.ledger('notification_log')];
    const values = [notificationId, JSON.stringify(settled), keptMs, JSON.stringify(row)];
    await settleScript(redis, keys, values);
  },
  forget: async (alertId, notificationId) => {
    await answered(redis.hdel(redisKeys.settled(alertId), notificationId));
  },
});
