/**
 * Every Redis key, in one place. The prefix is a hash tag, so that state, outbox and queues share a
 * slot and one Lua call may touch them together in Redis Cluster too.
 */
export const redisPrefix = '{tocsin}';

export const redisKeys = {
  /** Hash: fingerprint → JSON of the alert's state. */
  ruleState: (ruleId: string) => `${redisPrefix}:st:${ruleId}`,
  /** Hash: `ver`, `slot`. */
  ruleMeta: (ruleId: string) => `${redisPrefix}:m:${ruleId}`,
  /** Set of rule ids that have state. */
  rulesWithState: `${redisPrefix}:rules`,
  /** Stream of OutboxRecord. */
  outbox: `${redisPrefix}:outbox`,
  /** Hash: silence id → JSON. */
  silences: `${redisPrefix}:silences`,
  /** Hash: alert id → JSON of Acknowledgement. */
  acknowledgements: `${redisPrefix}:acks`,
  /** Hash: alert id → JSON of what the notifier owes and has told. */
  told: `${redisPrefix}:told`,
} as const;
