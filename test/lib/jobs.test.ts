import t, { type Test } from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { createJobQueue, type JobRetention } from '../../src/lib/jobs/queue.ts';
import { createJobWorker, type JobContext } from '../../src/lib/jobs/worker.ts';
import { silentLog } from '../../src/lib/log.ts';
import { type Meter, noopMeter, type Observation } from '../../src/lib/meter.ts';
import { connectRedis } from '../../src/lib/redis.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

interface Note {
  readonly n: number;
}

const retention: JobRetention = {
  completedAgeMs: 60_000,
  completedMax: 100,
  failedAgeMs: 60_000,
  failedMax: 100,
};
const parts = { clock: systemClock, log: silentLog, meter: noopMeter, prefix: '{test}' };

const openQueue = (t: Test, redisUrl: string) => {
  const queue = createJobQueue<Note>({ ...parts, name: 'notes', redisUrl, retention });
  t.teardown(() => queue.close());
  return queue;
};

type Handler = (data: Note, context: JobContext) => Promise<void>;

const openWorker = (t: Test, redisUrl: string, handler: Handler, more = {}) => {
  const worker = createJobWorker<Note>({
    ...parts,
    name: 'notes',
    redisUrl,
    concurrency: 5,
    lockDurationMs: 1_000,
    stalledIntervalMs: 500,
    maxStalledCount: 5,
    graceMs: 1_000,
    backoff: () => 20,
    handler,
    ...more,
  });
  t.teardown(() => worker.close());
  return worker;
};

t.test('a job added twice runs once', async (t) => {
  const { url } = await startRedis(t);
  const queue = openQueue(t, url);
  const seen: number[] = [];
  openWorker(t, url, async ({ n }) => void seen.push(n));
  await queue.addBulk([{ id: 'a', data: { n: 1 } }]);
  await until(async () => (await queue.counts()).completed === 1);
  await queue.addBulk([
    { id: 'a', data: { n: 2 } },
    { id: 'b', data: { n: 3 } },
  ]);
  await until(async () => (await queue.counts()).completed === 2);
  t.strictSame(seen, [1, 3]);
});

t.test('while one job of a deduplication id runs another is not added', async (t) => {
  const { url } = await startRedis(t);
  const queue = openQueue(t, url);
  const go = Promise.withResolvers<void>();
  const seen: number[] = [];
  openWorker(t, url, async ({ n }) => {
    seen.push(n);
    await go.promise;
  });
  await queue.addBulk([{ id: 'g-1', data: { n: 1 }, deduplicationId: 'g' }]);
  await until(async () => seen.length === 1);
  await queue.addBulk([{ id: 'g-2', data: { n: 2 }, deduplicationId: 'g' }]);
  go.resolve();
  await until(async () => (await queue.counts()).completed === 1);
  await queue.addBulk([{ id: 'g-3', data: { n: 3 }, deduplicationId: 'g' }]);
  await until(async () => (await queue.counts()).completed === 2);
  t.strictSame(seen, [1, 3]);
});

t.test('the last job added while one runs is run after it where asked', async (t) => {
  const { url } = await startRedis(t);
  const queue = openQueue(t, url);
  const go = Promise.withResolvers<void>();
  const seen: number[] = [];
  openWorker(t, url, async ({ n }) => {
    seen.push(n);
    await go.promise;
  });
  const job = (n: number) => ({
    id: `g-${n}`,
    data: { n },
    deduplicationId: 'g',
    keepLastIfActive: true,
  });
  await queue.addBulk([job(1)]);
  await until(async () => seen.length === 1);
  await queue.addBulk([job(2)]);
  await queue.addBulk([job(3)]);
  go.resolve();
  await until(async () => (await queue.counts()).completed === 2);
  t.strictSame(seen, [1, 3]);
});

t.test('a fault to reject buries the job at once, and it can be dug up', async (t) => {
  const { url } = await startRedis(t);
  const queue = openQueue(t, url);
  let good = false;
  openWorker(t, url, async () => {
    if (!good) throw new Fault('ERR_NO', 'never', { remedy: 'reject' });
  });
  await queue.addBulk([{ id: 'a', data: { n: 1 }, attempts: 9 }]);
  await until(async () => (await queue.counts()).failed === 1);
  const [dead] = await queue.failed({ from: 0, count: 10 });
  t.match(dead, { id: 'a', data: { n: 1 }, reason: 'never', attempts: 1 });
  good = true;
  await queue.retryFailed(10);
  await until(async () => (await queue.counts()).completed === 1);
  t.equal((await queue.counts()).failed, 0);
});

t.test(
  'a buried job does not stand in the way of the next with its deduplication id',
  async (t) => {
    const { url } = await startRedis(t);
    const queue = openQueue(t, url);
    openWorker(t, url, async ({ n }) => {
      if (n === 1) throw new Fault('ERR_BUSY', 'busy', { remedy: 'retry' });
    });
    await queue.addBulk([{ id: 'g-1', data: { n: 1 }, deduplicationId: 'g' }]);
    await until(async () => (await queue.counts()).failed === 1);
    await queue.addBulk([{ id: 'g-2', data: { n: 2 }, deduplicationId: 'g' }]);
    await until(async () => (await queue.counts()).completed === 1);
  },
);

t.test('a fault to retry is tried again as often as told, then buried', async (t) => {
  const { url } = await startRedis(t);
  const queue = openQueue(t, url);
  const attempts: [number, boolean][] = [];
  openWorker(t, url, async (_, { attempt, lastAttempt }) => {
    attempts.push([attempt, lastAttempt]);
    throw new Fault('ERR_BUSY', 'busy', { remedy: 'retry' });
  });
  await queue.addBulk([{ id: 'a', data: { n: 1 }, attempts: 3 }]);
  await until(async () => (await queue.counts()).failed === 1);
  t.strictSame(attempts, [
    [1, false],
    [2, false],
    [3, true],
  ]);
});

t.test('the delay a peer asked for goes before our own', async (t) => {
  const { url } = await startRedis(t);
  const queue = openQueue(t, url);
  const atMs: number[] = [];
  openWorker(
    t,
    url,
    async () => {
      atMs.push(systemClock.monotonicMs());
      if (atMs.length === 1) {
        throw new Fault('ERR_BUSY', 'busy', { remedy: 'retry', retryAfterMs: 150 });
      }
    },
    { backoff: () => 60_000 },
  );
  await queue.addBulk([{ id: 'a', data: { n: 1 }, attempts: 3 }]);
  await until(async () => atMs.length === 2);
  const [first = 0, second = 0] = atMs;
  t.ok(second - first >= 145 && second - first < 2_000);
});

t.test('a delayed job does not use up an attempt', async (t) => {
  const { url } = await startRedis(t);
  const queue = openQueue(t, url);
  const attempts: number[] = [];
  openWorker(t, url, async (_, { attempt, delay }) => {
    attempts.push(attempt);
    if (attempts.length < 4) throw await delay(systemClock.nowMs() + 10);
  });
  await queue.addBulk([{ id: 'a', data: { n: 1 }, attempts: 2 }]);
  await until(async () => (await queue.counts()).completed === 1);
  t.strictSame(attempts, [1, 1, 1, 1]);
});

t.test('a waiting or delayed job can be removed', async (t) => {
  const queue = openQueue(t, (await startRedis(t)).url);
  await queue.addBulk([{ id: 'a', data: { n: 1 }, delayMs: 60_000 }]);
  t.equal((await queue.counts()).delayed, 1);
  t.equal(await queue.remove('a'), true);
  t.equal((await queue.counts()).delayed, 0);
});

t.test('a stopping worker hands its job to another', async (t) => {
  const { url } = await startRedis(t);
  const queue = openQueue(t, url);
  const seen: string[] = [];
  const leaving = openWorker(
    t,
    url,
    async (_, { signal }) => {
      seen.push('leaving');
      await systemClock.sleep(30_000, signal);
      signal.throwIfAborted();
    },
    { graceMs: 50 },
  );
  await queue.addBulk([{ id: 'a', data: { n: 1 } }]);
  await until(async () => seen.length === 1);
  await leaving.close();
  openWorker(t, url, async (_, { attempt }) => void seen.push(`staying ${attempt}`));
  await until(async () => seen.length === 2);
  t.strictSame(seen, ['leaving', 'staying 1']);
});

t.test('a job whose lease was lost is told to stop, and its worker goes on', async (t) => {
  const { url } = await startRedis(t);
  const queue = openQueue(t, url);
  const { redis, close } = connectRedis({ ...parts, url, role: 'commands', name: 'test' });
  t.teardown(() => close());
  const stopped: string[] = [];
  openWorker(t, url, async ({ n }, { signal }) => {
    if (n > 1 || stopped.length > 0) return;
    await redis.del('{test}:notes:a:lock');
    await systemClock.sleep(10_000, signal);
    stopped.push((signal.reason as Error).message);
    signal.throwIfAborted();
  });
  await queue.addBulk([{ id: 'a', data: { n: 1 } }]);
  await until(() => stopped.length === 1);
  t.strictSame(stopped, ['the lease was lost']);
  await queue.addBulk([{ id: 'b', data: { n: 2 } }]);
  await until(async () => (await queue.counts()).completed === 2);
});

t.test('how many jobs a queue holds is measured', async (t) => {
  const { url } = await startRedis(t);
  let observe: () => number | readonly Observation[] = () => [];
  const meter: Meter = {
    ...noopMeter,
    gauge: (name, _options, it) => {
      if (name === 'tocsin_jobs_held') observe = it;
    },
  };
  const options = { ...parts, meter, name: 'notes', redisUrl: url, retention };
  const first = createJobQueue<Note>(options);
  await first.addBulk([{ id: 'a', data: { n: 1 }, delayMs: 60_000 }]);
  await first.close();
  const second = createJobQueue<Note>(options);
  t.teardown(() => second.close());
  await until(() => JSON.stringify(observe()).includes('delayed'));
  const held = observe();
  t.strictSame(Array.isArray(held) && held.find((it) => it.attributes.state === 'delayed'), {
    value: 1,
    attributes: { queue: 'notes', state: 'delayed' },
  });
});

t.test('ids that BullMQ would misread are refused', async (t) => {
  const queue = openQueue(t, (await startRedis(t)).url);
  await t.rejects(queue.addBulk([{ id: '12', data: { n: 1 } }]), TypeError);
  await t.rejects(queue.addBulk([{ id: 'a:b', data: { n: 1 } }]), TypeError);
});

t.test('jobs go on after Redis was away, and neither side hangs meanwhile', async (t) => {
  const first = await startRedis(t);
  const queue = openQueue(t, first.url);
  const seen: number[] = [];
  const worker = openWorker(t, first.url, async ({ n }) => void seen.push(n));
  await queue.addBulk([{ id: 'a', data: { n: 1 } }]);
  await until(async () => seen.length === 1);
  await first.stop();
  await t.rejects(queue.addBulk([{ id: 'b', data: { n: 2 } }]), {
    code: 'ERR_JOBS_UNAVAILABLE',
    remedy: 'retry',
  });
  await first.start();
  await until(async () => {
    await queue.addBulk([{ id: 'c', data: { n: 3 } }]).catch(() => {});
    return seen.includes(3);
  });
  await first.stop();
  const startMs = systemClock.monotonicMs();
  await Promise.all([queue.close(), worker.close()]);
  t.ok(systemClock.monotonicMs() - startMs < 8_000);
});
