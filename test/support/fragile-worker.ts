import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerData } from '../../src/ingest/messages.ts';
import { openIngest } from '../../src/ingest/open.ts';
import { serveIngest } from '../../src/ingest/serve.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { OtlpRequest } from '../../src/model/ingest.ts';

/** A worker as in production, but for bodies that say how the thread shall break. */
if (!parentPort) throw new TypeError('runs as a worker thread only');
const data = workerData as WorkerData;
const clock = systemClock;

const breakAs: Readonly<Record<string, () => unknown>> = {
  'break:exit': () => process.exit(3),
  'break:throw': () => queueMicrotask(() => void Promise.reject(new Error('not caught'))),
  'break:memory': () => {
    const held: unknown[] = [];
    for (;;) held.push(Array.from({ length: 1_000 }, (_, index) => ({ index })));
  },
  'break:hang': () => {
    for (;;);
  },
};

if (data.setup.batch.rowsMax === 13) throw new Error('this one never starts');

await serveIngest({
  port: parentPort,
  data,
  clock,
  open: async (thread) => {
    const path = await openIngest(data.setup, { ...thread, clock, random: Math.random });
    const ingest = async (request: OtlpRequest) => {
      const text = request.body.length < 20 ? Buffer.from(request.body).toString() : '';
      const [kind = ''] = text.split(' ');
      if (kind === 'break:bug') throw new RangeError('a bug');
      await breakAs[kind]?.();
      if (kind.startsWith('break:')) return new Promise<never>(() => {});
      return path.ingest(request);
    };
    return { ...path, ingest };
  },
});
