import type { Redis } from '../lib/redis.ts';
import { redisKeys } from '../model/keys.ts';
import type { Acknowledgement } from '../model/suppression.ts';
import { answered } from './answered.ts';

export interface Acknowledgements {
  readonly get: (alertId: string) => Promise<Acknowledgement | undefined>;
  readonly list: () => Promise<readonly Acknowledgement[]>;
  readonly put: (acknowledgement: Acknowledgement) => Promise<void>;
  readonly remove: (alertIds: readonly string[]) => Promise<void>;
}

/** Who has taken which alert on; the next episode of the same alert is another alert. */
export const createAcknowledgements = (redis: Redis): Acknowledgements => ({
  get: async (alertId) => {
    const text = await answered(redis.hget(redisKeys.acknowledgements, alertId));
    return text === null ? undefined : (JSON.parse(text) as Acknowledgement);
  },
  list: async () => {
    const texts = await answered(redis.hvals(redisKeys.acknowledgements));
    return texts.map((it) => JSON.parse(it) as Acknowledgement);
  },
  put: async (acknowledgement) => {
    const { alertId } = acknowledgement;
    await answered(
      redis.hset(redisKeys.acknowledgements, alertId, JSON.stringify(acknowledgement)),
    );
  },
  remove: async (alertIds) => {
    if (alertIds.length > 0) await answered(redis.hdel(redisKeys.acknowledgements, ...alertIds));
  },
});
