import { parentPort, workerData } from 'node:worker_threads';
import { openJournal } from '../../src/batch/journal/journal.ts';
import type { WorkerData } from '../../src/ingest/messages.ts';
import { decompressAgain } from '../../src/ingest/open.ts';
import { createIngestPath } from '../../src/ingest/path.ts';
import { serveIngest } from '../../src/ingest/serve.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { freeBytes } from '../../src/lib/free-bytes.ts';

/** A worker as in production up to the insert: blocks are made, called stored, and dropped. */
if (!parentPort) throw new TypeError('runs as a worker thread only');
const { setup, decoding } = workerData as WorkerData;
const clock = systemClock;

await serveIngest({
  port: parentPort,
  data: { setup, decoding },
  clock,
  open: async (thread) => {
    const { dir, fsync, bytesMax } = setup.journal;
    const parts = { ...thread, clock, random: Math.random };
    return createIngestPath({
      ...parts,
      journal: await openJournal({ ...parts, dir, fsync, limits: { bytesMax } }),
      decompress: decompressAgain,
      insert: async ({ segments }) => segments.forEach(freeBytes),
      limits: setup.batch,
      bodyBytesMax: setup.bodyBytesMax,
      rules: setup.rules,
      instanceId: setup.instanceId,
    });
  },
});
