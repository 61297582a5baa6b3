import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import process from 'node:process';
import { gunzipSync, gzipSync } from 'node:zlib';
import { openJournal } from '../../../src/batch/journal/journal.ts';
import { createJournaledBatcher } from '../../../src/batch/journaled-batcher.ts';
import { createColumnBuilder } from '../../../src/decode/builder.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { noopMeter } from '../../../src/lib/meter.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { connectStore } from '../../../src/store/client.ts';
import { createInserter } from '../../../src/store/insert.ts';
import { seededRandom } from '../../support/random.ts';
import { metricRequest, traceRequest } from './requests.ts';

/** What the process is told; see `killed.test.ts`. */
export interface IngestOrder {
  readonly dir: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly seed: number;
  /** Sent first: what the process before did not answer. */
  readonly again: readonly string[];
  /** Ends by itself when that is stored; otherwise sends until it is killed. */
  readonly final: boolean;
}

// biome-ignore-start format: one thought per line
const order = JSON.parse(process.argv[2] ?? '') as IngestOrder;
// biome-ignore-end format: one thought per line
const random = seededRandom(order.seed);
const shared = { clock: systemClock, random, log: silentLog, meter: noopMeter };

const store = connectStore({
  ...shared,
  url: order.url,
  username: order.username,
  password: new Secret(order.password),
  database: 'otel',
  newId: randomUUID,
});
const inserter = createInserter({ ...shared, store, limits: { attemptsMax: 1 } });

const journal = await openJournal({
  ...shared,
  dir: order.dir,
  fsync: 'always',
  limits: { segmentBytesMax: 12 * 1024 },
});

const batcherOf = (signal: 'traces' | 'metrics') =>
  createJournaledBatcher({
    ...shared,
    signal,
    journal,
    createBuilder: () => createColumnBuilder(signal),
    decompress: async (_coding, bytes) => gunzipSync(bytes),
    insert: async (block) => {
      const luck = order.final ? 1 : random();
      if (luck < 0.1) throw new Error('ClickHouse is away');
      await inserter.insertBlock(block);
      if (luck < 0.3) throw new Error('the answer got lost');
    },
    names: randomUUID,
    // Little room, so that many batches are decoded again.
    limits: {
      rowsMax: 40,
      lingerMs: 5,
      spacingMs: 10,
      ageMsMax: 30,
      heldBytesMax: 20_000,
      firstMs: 5,
      maxMs: 30,
      drainMsMax: 20_000,
    },
  });
const batchers = { traces: batcherOf('traces'), metrics: batcherOf('metrics') };

const say = (word: string, name: string) => writeSync(1, `${word} ${name}\n`);

const send = async (name: string): Promise<void> => {
  const traces = name.includes('traces');
  const body = traces ? traceRequest(name) : metricRequest(name);
  const wire = { coding: 'gzip', bytes: gzipSync(body) } as const;
  const batcher = traces ? batchers.traces : batchers.metrics;
  const acceptance = await batcher.accept('json', body, name.endsWith('0') ? undefined : wire);
  if (acceptance.accepted === (traces ? 1 : 2)) say('acknowledged', name);
};

say('begun', String(process.pid));
for (const name of order.again) {
  await send(name);
  if (random() < 0.3) await send(name);
}

const sender = async (signal: string): Promise<void> => {
  for (let n = 0; ; n += 1) {
    const name = `${order.seed}-${signal}-${n}`;
    say('sent', name);
    await send(name);
  }
};

if (order.final) {
  await Promise.all([batchers.traces.drain(), batchers.metrics.drain()]);
  await journal.close();
  await store.close();
} else {
  await Promise.all(['traces-a', 'traces-b', 'metrics-a', 'metrics-b'].map(sender));
}
