import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { AskSql } from '../../bench/load/verify.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { daemonDirOnDisk, startDaemon } from '../support/daemon.ts';
import { type InsertFate, startFaultyProxy } from '../support/faulty-proxy.ts';
import {
  checkNothingLost,
  fixedPorts,
  ingestOnly,
  openFire,
} from '../support/ingest-under-fire.ts';
import { seededRandom } from '../support/random.ts';
import { checkViewOfTraces, keepParts } from '../support/view-of-traces.ts';

const seed = Number(process.env['TOCSIN_CRASH_SEED'] ?? 1);
const loadMs = Number(process.env['TOCSIN_CRASH_SECONDS'] ?? 3) * 1000;
const itemsPerSecond = 1_500;

/** Half pass, so that there is progress; each other fate has a tenth. */
const fates: readonly InsertFate[] = [
  ...Array.from({ length: 5 }, () => 'pass' as const),
  'lost-answer',
  'lying-error',
  'lost-request',
  'error',
  'slow',
];

/** Then everything meets the same for a while. */
const troubles = ['error', 'lost-answer', 'lying-error', 'slow'] as const;
const troubleMs = loadMs / 3;

const spoiledInserts = async (t: Test): Promise<void> => {
  const random = seededRandom(seed);
  const engine = await startClickHouse(t);
  const mixed = (): InsertFate => fates[Math.floor(random() * fates.length)] ?? 'pass';
  let fateOf = mixed;
  const proxy = await startFaultyProxy(t, engine.url, () => fateOf());
  const dir = daemonDirOnDisk(t, ingestOnly);
  const environment = {
    ...(await fixedPorts()),
    TOCSIN_CLICKHOUSE_URL: proxy.url,
    TOCSIN_CLICKHOUSE_USERNAME: engine.username,
    TOCSIN_CLICKHOUSE_PASSWORD: engine.password,
  };
  const ask: AskSql = async (sql) => {
    const headers = { 'X-ClickHouse-User': engine.username, 'X-ClickHouse-Key': engine.password };
    const answer = await fetch(engine.url, { method: 'POST', body: sql, headers });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.text();
  };
  await startDaemon(t, dir, environment);
  await keepParts(ask);
  const fire = openFire(t, { seed: seed + 2, rate: itemsPerSecond, environment });
  await sleep(loadMs);
  for (const trouble of troubles) {
    fateOf = () => trouble;
    await sleep(troubleMs);
  }
  fateOf = () => 'pass';
  const ceased = await fire.cease();
  t.comment(`inserts met ${JSON.stringify(proxy.met)}`);
  for (const [fate, count] of Object.entries(proxy.met)) t.ok(count > 0, `${count} met ${fate}`);
  await checkNothingLost(t, ceased, join(dir, 'data'), ask);
  await checkViewOfTraces(t, ask);
};

const timeout = 90_000 + loadMs;
t.setTimeout(timeout);
t.test('inserts whose answers are lost or wrong are stored once', { timeout }, spoiledInserts);
