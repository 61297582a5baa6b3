import t, { type Test } from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { silentLog } from '../../src/lib/log.ts';
import { type Meter, noopMeter } from '../../src/lib/meter.ts';
import { redisKeys } from '../../src/model/keys.ts';
import type { InsertRows } from '../../src/model/query.ts';
import { createLedger, ledgerRowsMax } from '../../src/notify/ledger.ts';
import { openRedis } from '../support/notifier.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const table = 'notification_log';

interface Sent {
  readonly token: string;
  readonly rows: readonly unknown[];
}

const ledgerOn = (t: Test, server: TestRedis, insertRows: InsertRows, meter: Meter = noopMeter) => {
  const redis = openRedis(t, server);
  const ledger = createLedger({ redis, insertRows, clock: systemClock, log: silentLog, meter });
  return { redis, ledger };
};

t.test('rows are stored in order, in one batch, and leave Redis', async (t) => {
  const sent: Sent[] = [];
  const { redis, ledger } = ledgerOn(t, await startRedis(t), async (_, rows, token) => {
    sent.push({ token, rows });
  });
  for (const n of [1, 2, 3]) await ledger.append(table, { n });
  await ledger.stop();
  t.match(sent, [
    { token: /^ledger-notification_log-\d+-\d+$/, rows: [{ n: 1 }, { n: 2 }, { n: 3 }] },
  ]);
  t.equal(await redis.xlen(redisKeys.ledger(table)), 0);
  t.equal(await redis.get(redisKeys.ledgerCut(table)), null);
});

t.test('a batch whose end was not seen is sent again as it was, under the same name', async (t) => {
  const sent: Sent[] = [];
  const sentBefore: unknown[] = [];
  let fails = true;
  const { ledger } = ledgerOn(t, await startRedis(t), async (_, rows, token, before) => {
    sent.push({ token, rows });
    sentBefore.push(before);
    if (fails) throw new Error('the answer was lost');
  });
  await ledger.append(table, { n: 1 });
  await ledger.stop();
  // More rows come meanwhile: they must not slip into the named batch.
  await ledger.append(table, { n: 2 });
  fails = false;
  await ledger.stop();
  const [first, second, third] = sent;
  t.strictSame(second, first);
  t.strictSame(third?.rows, [{ n: 2 }]);
  t.not(third?.token, first?.token);
  t.strictSame(sentBefore, [false, true, false]);
});

t.test('two replicas send the same batch under the same name', async (t) => {
  const server = await startRedis(t);
  const sent: Sent[] = [];
  const gate = Promise.withResolvers<void>();
  const insertRows: InsertRows = async (_, rows, token) => {
    sent.push({ token, rows });
    await gate.promise;
  };
  const one = ledgerOn(t, server, insertRows).ledger;
  const two = ledgerOn(t, server, insertRows).ledger;
  await one.append(table, { n: 1 });
  const stopping = [one.stop()];
  await until(() => sent.length === 1);
  await two.append(table, { n: 2 });
  stopping.push(two.stop());
  await until(() => sent.length === 2);
  gate.resolve();
  await Promise.all(stopping);
  t.strictSame(sent[1], sent[0]);
  t.strictSame(sent[2]?.rows, [{ n: 2 }]);
});

t.test('rows that ClickHouse can never take do not hold up those behind them', async (t) => {
  const stored: unknown[] = [];
  const { ledger } = ledgerOn(t, await startRedis(t), async (_, rows) => {
    const [row] = rows;
    if (row?.['bad'] === true) {
      throw new Fault('ERR_INSERT_REFUSED', 'no such column', { remedy: 'reject' });
    }
    stored.push(...rows);
  });
  await ledger.append(table, { bad: true });
  await ledger.stop();
  await ledger.append(table, { n: 1 });
  await ledger.stop();
  t.strictSame(stored, [{ n: 1 }]);
});

t.test('over the limit the oldest rows are lost, and counted', async (t) => {
  let dropped = 0;
  const meter: Meter = {
    ...noopMeter,
    counter: (name) => (add) => {
      if (name === 'tocsin_notify_ledger_dropped') dropped += add;
    },
  };
  const { redis, ledger } = ledgerOn(t, await startRedis(t), async () => {}, meter);
  const fill = redis.pipeline();
  for (let n = 0; n < ledgerRowsMax; n += 1) {
    fill.xadd(redisKeys.ledger(table), '*', 'row', `{"n":${n}}`);
  }
  await fill.exec();
  await ledger.append(table, { n: 'new' });
  await ledger.append(table, { n: 'newer' });
  t.equal(await redis.xlen(redisKeys.ledger(table)), ledgerRowsMax);
  const [oldest] = await redis.xrange(redisKeys.ledger(table), '-', '+', 'COUNT', 1);
  t.strictSame(oldest?.[1], ['row', '{"n":2}']);
  await ledger.stop();
  t.equal(dropped, 2);
});
