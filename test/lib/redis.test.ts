import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault, messageOf } from '../../src/lib/fault.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { connectRedis, defineScript, type RedisRole } from '../../src/lib/redis.ts';
import { startRedis } from '../support/redis.ts';

const connect = (url: string, role: RedisRole = 'commands') =>
  connectRedis({ url, role, name: 'test', clock: systemClock, log: silentLog, meter: noopMeter });

t.test('a script runs whether or not the server knows it already', async (t) => {
  const { redis, close } = connect((await startRedis(t)).url);
  t.teardown(() => close());
  const script = defineScript("return redis.call('INCRBY', KEYS[1], ARGV[1])");
  t.equal(await script(redis, ['n'], [2]), 2);
  t.equal(await script(redis, ['n'], ['3']), 5);
  await redis.script('FLUSH');
  t.equal(await script(redis, ['n'], [1]), 6);
});

t.test('a failing script is a fault to retry', async (t) => {
  const { redis, close } = connect((await startRedis(t)).url);
  t.teardown(() => close());
  await redis.set('text', 'x');
  const script = defineScript("return redis.call('INCR', KEYS[1])");
  const error = await script(redis, ['text'], []).catch((it: unknown) => it);
  t.ok(error instanceof Fault);
  t.match(error, { code: 'ERR_REDIS_COMMAND', remedy: 'retry', message: /not an integer/ });
});

t.test('a producer fails at once while Redis is away', async (t) => {
  const { redis, close } = connect('unix:///nowhere/r.sock', 'producer');
  t.teardown(() => close());
  await t.rejects(redis.get('x'), /isn't writeable/);
});

t.test('commands fail after one reconnect rather than hang', async (t) => {
  const { redis, close } = connect('unix:///nowhere/r.sock');
  t.teardown(() => close());
  await t.rejects(redis.get('x'), /max retries/i);
});

t.test('closing does not hang while Redis is away', async (t) => {
  const { redis, close } = connect('unix:///nowhere/r.sock', 'worker');
  const pending = redis.get('x').catch((error: unknown) => error);
  await close(200);
  await close(200);
  t.match(await pending, /closed/);
});

t.test('an address that is none is refused without repeating it', async (t) => {
  for (const url of ['localhost', 'http://:hunter2@h', '']) {
    try {
      connect(url);
      t.fail(`${url} was accepted`);
    } catch (error) {
      t.match(error, { code: 'ERR_REDIS_URL', remedy: 'reject' });
      t.notMatch(messageOf(error), /hunter2/);
    }
  }
});

t.test('user, password and database number come from the address', async (t) => {
  const { redis, close } = connect('rediss://tocsin:p%40ss@[::1]:7000/3');
  t.teardown(() => close());
  const { host, port, username, password, db, tls } = redis.options;
  t.match(
    { host, port, username, password, db },
    {
      host: '::1',
      port: 7000,
      username: 'tocsin',
      password: 'p@ss',
      db: 3,
    },
  );
  t.ok(tls);
});
