import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { daemonDirOnDisk, startDaemon } from '../support/daemon.ts';
import {
  checkNothingLost,
  fixedPorts,
  ingestOnly,
  openFire,
  someMoment,
  strike,
  type Victim,
  victims,
} from '../support/ingest-under-fire.ts';
import { seededRandom } from '../support/random.ts';
import { inspectable } from '../support/worker-kill.ts';

/*
 * TOCSIN_CRASH_ROUNDS=50 TOCSIN_CRASH_SEED=7 node test/crash/ingest.test.ts is the long run; whatever
 * it finds is found again with its seed, as far as the moments of processes repeat.
 */
const rounds = Number(process.env['TOCSIN_CRASH_ROUNDS'] ?? victims.length);
const seed = Number(process.env['TOCSIN_CRASH_SEED'] ?? 1);
const isLong = rounds > victims.length;
const itemsPerSecond = 1_500;
const stoppedMs = isLong ? 10_000 : 1_500;

const killedAtRandom = async (t: Test): Promise<void> => {
  const random = seededRandom(seed);
  const dir = daemonDirOnDisk(t, ingestOnly);
  const environment = { ...(await fixedPorts()), ...inspectable };
  let daemon = await startDaemon(t, dir, environment);
  const fire = openFire(t, { seed, rate: itemsPerSecond, environment });
  const order = shuffled(random);
  for (let round = 0; round < rounds; round += 1) {
    await someMoment(random, 200, isLong ? 2_000 : 900);
    const victim: Victim = order[round % order.length] ?? 'daemon';
    t.comment(`round ${round + 1}: ${victim}`);
    daemon = await strike(t, daemon, { victim, stoppedMs }, environment);
  }
  await sleep(500);
  await checkNothingLost(t, await fire.cease(), join(dir, 'data'), daemon.sql);
};

/** Every victim in a seeded order, over and over. */
const shuffled = (random: () => number): readonly Victim[] =>
  victims
    .map((victim) => ({ victim, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map((it) => it.victim);

t.setTimeout(isLong ? 3_600_000 : 90_000);
t.test(
  'killing any process or worker and stopping the engine loses and doubles nothing',
  { timeout: isLong ? 3_600_000 : 90_000 },
  killedAtRandom,
);
