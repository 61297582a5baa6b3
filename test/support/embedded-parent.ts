/**
 * A process that starts an embedded ClickHouse and Redis in the directory given as its argument, as the
 * daemon would, says so on a line of JSON, and waits to be killed.
 */
import { startEmbeddedClickHouse } from '../../src/embedded/clickhouse.ts';
import { acquireDataDirLock } from '../../src/embedded/data-dir-lock.ts';
import { startEmbeddedRedis } from '../../src/embedded/redis.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { engineOptions, redisOptions } from './embedded-options.ts';

const [, , dataDir = ''] = process.argv;
await acquireDataDirLock(dataDir, systemClock);
const [clickhouse, redis] = await Promise.all([
  startEmbeddedClickHouse(engineOptions(dataDir)),
  startEmbeddedRedis(redisOptions(dataDir)),
]);
const { url, username, httpAddress } = clickhouse;
const password = clickhouse.password.reveal();
console.log(JSON.stringify({ url, username, password, httpAddress, socketPath: redis.socketPath }));
