import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../lib/clock.ts';
import type { WorkerData } from './messages.ts';
import { openIngest } from './open.ts';
import { serveIngest } from './serve.ts';

/** Entry of a worker thread: decode, batch and store with connections of its own. */
if (!parentPort) throw new TypeError('runs as a worker thread only');
const data = workerData as WorkerData;
const clock = systemClock;

await serveIngest({
  port: parentPort,
  data,
  clock,
  open: (thread) => openIngest(data.setup, { ...thread, clock, random: Math.random }),
});
