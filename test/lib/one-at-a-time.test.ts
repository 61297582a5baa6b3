import { randomUUID } from 'node:crypto';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { oneAtATime } from '../../src/lib/one-at-a-time.ts';
import { connectRedis } from '../../src/lib/redis.ts';
import { underRedisLock } from '../../src/lib/redis-lock.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

t.test('work runs one at a time, and one run serves all who asked before it began', async (t) => {
  const ends: (() => void)[] = [];
  let runs = 0;
  const ask = oneAtATime(async () => {
    runs += 1;
    const run = runs;
    await new Promise<void>((resolve) => ends.push(resolve));
    if (run === 2) throw new Error('two');
    return run;
  });
  const first = ask();
  await until(() => ends.length === 1);
  const [second, third] = [ask(), ask()];
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(runs, 1, 'the second waits');
  ends[0]?.();
  t.equal(await first, 1);
  await until(() => ends.length === 2);
  const fourth = ask();
  ends[1]?.();
  await t.rejects(second, /two/);
  await t.rejects(third, /two/);
  await until(() => ends.length === 3);
  ends[2]?.();
  t.equal(await fourth, 3, 'a failed run ends like any other');
});

t.test('a lock in Redis lets one process work at a time', async (t) => {
  const server = await startRedis(t);
  const parts = { clock: systemClock, log: silentLog, meter: noopMeter };
  const connections = ['a', 'b'].map((name) =>
    connectRedis({ ...parts, url: server.url, role: 'commands', name }),
  );
  t.teardown(() => Promise.all(connections.map((it) => it.close())));
  const lockOf = (index: number, ttlMs = 300, waitMsMax = 20_000) => {
    const redis = connections[index]?.redis;
    if (!redis) throw new Error('no connection');
    return { redis, key: 'lock', newToken: randomUUID, clock: systemClock, ttlMs, waitMsMax };
  };

  t.test('for longer than the lease, while it lives', async (t) => {
    const told: string[] = [];
    const first = underRedisLock(lockOf(0), async () => {
      told.push('a begins');
      await systemClock.sleep(1_000);
      told.push('a ends');
      return 'a';
    });
    await until(() => told.length > 0);
    const second = underRedisLock(lockOf(1), async () => told.push('b begins'));
    t.equal(await first, 'a');
    await second;
    t.strictSame(told, ['a begins', 'a ends', 'b begins']);
  });

  t.test('and gives it up when the work fails', async (t) => {
    const failing = underRedisLock(lockOf(0), async () => {
      throw new Error('failed');
    });
    await t.rejects(failing, /failed/);
    t.equal(await underRedisLock(lockOf(1, 300, 0), async () => 'b'), 'b');
  });

  t.test('waits for one that died, and not for ever for one that lives', async (t) => {
    await connections[0]?.redis.set('lock', 'somebody', 'PX', 60_000);
    await t.rejects(
      underRedisLock(lockOf(1, 300, 200), async () => 'b'),
      { code: 'ERR_LOCK_TAKEN' },
    );
    t.equal(await connections[0]?.redis.get('lock'), 'somebody', 'nobody else gives it back');
    await connections[0]?.redis.pexpire('lock', 300);
    t.equal(await underRedisLock(lockOf(1), async () => 'b'), 'b');
  });
});
