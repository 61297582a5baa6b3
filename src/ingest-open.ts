import { randomUUID } from 'node:crypto';
import { createIngestPath, type IngestPath } from './ingest.ts';
import type { WorkerSetup } from './ingest-messages.ts';
import type { Random } from './lib/backoff.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import type { Meter } from './lib/meter.ts';
import { Secret } from './lib/secret.ts';
import { connectStore } from './store/client.ts';
import { createInserter } from './store/insert.ts';

export interface IngestParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
}

/**
 * Columns, batches and the way to ClickHouse, made from plain data: the same in a worker thread and
 * in the main one. `drain` ends the connections as well.
 */
export const openIngest = async (setup: WorkerSetup, parts: IngestParts): Promise<IngestPath> => {
  const { password, ...clickhouse } = setup.clickhouse;
  const store = connectStore({
    ...parts,
    ...clickhouse,
    password: password === undefined ? undefined : new Secret(password),
    newId: randomUUID,
  });
  const path = createIngestPath({
    ...parts,
    insert: createInserter({ ...parts, store }).insertBlock,
    limits: setup.batch,
    rules: setup.rules,
    instanceId: setup.instanceId,
  });
  return {
    ingest: path.ingest,
    drain: async () => {
      await path.drain();
      await store.close();
    },
  };
};
