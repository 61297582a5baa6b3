import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { connectRedis } from '../../src/lib/redis.ts';
import { createSharedPressure } from '../../src/rollup/shared-pressure.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const limitMs = 20_000;
const redis = await startRedis(t);

const processOf = (isBehindHere: () => boolean) => {
  const parts = { clock: systemClock, log: silentLog };
  const { redis: connected, close } = connectRedis({
    ...parts,
    meter: noopMeter,
    url: redis.url,
    role: 'commands',
    name: 'pressure',
  });
  const pressure = createSharedPressure({ ...parts, redis: connected, isBehindHere, everyMs: 100 });
  t.teardown(async () => {
    pressure.stop();
    await close();
  });
  pressure.start();
  return pressure;
};

t.test('processes hear of each other that ingest is behind', async (t) => {
  let [isFirstBehind, isSecondBehind] = [false, false];
  const [first, second] = [processOf(() => isFirstBehind), processOf(() => isSecondBehind)];
  const jobs = processOf(() => false);
  t.notOk(jobs.isBehind());

  isFirstBehind = true;
  t.ok(first.isBehind(), 'its own process knows at once');
  await until(async () => jobs.isBehind() && second.isBehind(), limitMs);

  isSecondBehind = true;
  await until(async () => second.isBehind(), limitMs);
  isFirstBehind = false;
  const untilMs = Date.now() + 1_000;
  await until(async () => {
    if (!jobs.isBehind()) t.fail('the other one is behind still');
    return Date.now() > untilMs;
  }, limitMs);

  isSecondBehind = false;
  await until(async () => !jobs.isBehind() && !first.isBehind(), limitMs);
});

t.test('one that ends while it is behind is not heard for long', async () => {
  const jobs = processOf(() => false);
  const ending = processOf(() => true);
  await until(async () => jobs.isBehind(), limitMs);
  ending.stop();
  await until(async () => !jobs.isBehind(), limitMs);
});

t.test('without Redis each process counts for itself', async (t) => {
  const failing = async () => {
    throw new Error('away');
  };
  let isAway = false;
  const told: string[] = [];
  let isBehindHere = false;
  const pressure = createSharedPressure({
    redis: { set: failing, exists: async () => (isAway ? failing() : 1) },
    isBehindHere: () => isBehindHere,
    clock: systemClock,
    log: {
      ...silentLog,
      error: (event) => void told.push(event),
      warn: (event) => void told.push(event),
    },
    everyMs: 20,
  });
  t.teardown(pressure.stop);
  pressure.start();
  await until(async () => pressure.isBehind(), limitMs);
  isAway = true;
  await until(async () => !pressure.isBehind(), limitMs);
  t.strictSame(told, ['ingest_pressure_unknown'], 'said once');
  isBehindHere = true;
  t.ok(pressure.isBehind());
});
