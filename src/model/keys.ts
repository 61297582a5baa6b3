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
  /** Hash: notification id → JSON of how it ended, for one alert. */
  settled: (alertId: string) => `${redisPrefix}:settled:${alertId}`,
  /** Hash: notification id → JSON of a delivery that was given up. */
  deadLetters: `${redisPrefix}:dead`,
  /** There while ingest of any process does not keep up. */
  ingestBehind: `${redisPrefix}:ingest-behind`,
  /** Held by the daemon that is changing tables. */
  tablesLock: `${redisPrefix}:tables-lock`,
  /** Stream of rows on their way to a table of ClickHouse, JSON in the field `row`. */
  ledger: (table: string) => `${redisPrefix}:ledger:${table}`,
  /** Id of the last row of the batch that is being stored. */
  ledgerCut: (table: string) => `${redisPrefix}:ledger-cut:${table}`,
} as const;
