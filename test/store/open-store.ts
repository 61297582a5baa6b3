import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { RetentionMs } from '../../src/model/retention.ts';
import { connectStore, type Store, type StoreOptions } from '../../src/store/client.ts';

const dayMs = 86_400_000;

export const retention: RetentionMs = {
  traces: { raw: 14 * dayMs, summaries: 90 * dayMs },
  metrics: { raw: 7 * dayMs, '1m': 30 * dayMs, '1h': 365 * dayMs, '1d': 1_825 * dayMs },
  spans: { '1m': 30 * dayMs, '1h': 365 * dayMs, '1d': 1_825 * dayMs },
  logs: 30 * dayMs,
  alerts: 365 * dayMs,
  audit: 365 * dayMs,
};

/** Long enough for rows of a fixed day to outlive these tests. */
const decadeMs = 3_650 * dayMs;
const longRetention: RetentionMs = {
  traces: { raw: decadeMs, summaries: decadeMs },
  metrics: { raw: decadeMs, '1m': decadeMs, '1h': decadeMs, '1d': decadeMs },
  spans: { '1m': decadeMs, '1h': decadeMs, '1d': decadeMs },
  logs: decadeMs,
  alerts: decadeMs,
  audit: decadeMs,
};

/** A store on a running engine, closed with the test. */
export const openStore = (
  t: Pick<Test, 'teardown'>,
  server: { readonly url: string; readonly username: string; readonly password: string },
  overrides: Partial<StoreOptions> = {},
): Store => {
  const store = connectStore({
    url: server.url,
    username: server.username,
    password: new Secret(server.password),
    database: 'otel',
    clock: systemClock,
    log: silentLog,
    meter: noopMeter,
    newId: randomUUID,
    ...overrides,
  });
  t.teardown(() => store.close());
  return store;
};

export const migrateOptions = {
  database: 'otel',
  retention: longRetention,
  dryRun: false,
  clock: systemClock,
} as const;
