import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { createByteBudget } from '../../src/receive/budget.ts';
import { decideShare, type ShareDecision, type ShareState } from '../../src/receive/share.ts';
import { manualClock } from '../support/clock.ts';
import { allGood, openGrpc, openHttp, post } from './doors.ts';

/** Of 100: what all hold, what this sender holds, whether elsewhere too, how many send, what it wants. */
// biome-ignore format: one case per line.
const table: readonly (readonly [string, number, number, boolean, number, number, ShareDecision])[] = [
  ['plenty is left',                                    40, 40, true,  1, 35, 'take'],
  ['a lone sender leaves a quarter for others',         75, 75, true,  1,  1, 'full'],
  ['its only request may have what is left',            75, 75, false, 1, 25, 'take'],
  ['but not more than there is',                        75, 75, false, 1, 26, 'full'],
  ['beside a greedy one a modest one goes on',          75, 10, true,  2, 23, 'take'],
  ['up to its share, with one more who may come',       75, 10, true,  2, 24, 'over-share'],
  ['the greedy one does not',                           80, 70, true,  2,  1, 'over-share'],
  ['who comes new goes on',                             99,  0, false, 9,  1, 'take'],
  ['nothing is left, whoever asks',                    100,  0, false, 9,  1, 'full'],
  ['and a greedy one hears that first',                100, 90, true,  2,  1, 'full'],
  ['of many, each may hold a little',                   90,  4, true, 19,  1, 'take'],
  ['and not more',                                      90,  5, true, 19,  1, 'over-share'],
];

t.test('who is turned away when little is left', async (t) => {
  for (const [title, held, own, hasOthers, senders, wanted, expected] of table) {
    const state: ShareState = { max: 100, held, own, hasOthers, senders };
    t.equal(decideShare(state, wanted), expected, title);
  }
  const one: ShareState = { max: 3, held: 2, own: 2, hasOthers: true, senders: 1 };
  t.equal(decideShare(one, 1), 'take', 'of three, none is kept back');
});

t.test('what is held is known by its sender, until its requests end', async (t) => {
  const budget = createByteBudget(1_000, manualClock());
  const greedy = [budget.open('a'), budget.open('b'), budget.open('b')];
  greedy[0]?.belongTo('b');
  t.equal(budget.senders(), 1);
  for (const it of greedy) it.take(240);
  t.throws(() => greedy[0]?.take(40), { code: 'ERR_RECEIVE_OVERLOADED', remedy: 'retry' });
  const modest = [budget.open('c'), budget.open('c')];
  t.throws(() => greedy[0]?.take(40), { code: 'ERR_RECEIVE_SHARE', remedy: 'retry' });
  for (const it of modest) it.take(100);
  t.equal(budget.heldBytes(), 920);
  greedy[0]?.end();
  greedy[0]?.end();
  t.equal(budget.heldBytes(), 680);
  greedy[1]?.take(70);
  for (const it of [...greedy, ...modest]) it.end();
  t.strictSame([budget.heldBytes(), budget.senders()], [0, 0]);
});

const grantOf = (authorization: string | undefined) => ({
  ...{ key: authorization, attributes: {} },
  ...{ bytesTaken: () => {}, itemsTaken: () => {} },
});

t.test('ingest is told whose turn a request takes: of a key, or else of an address', async (t) => {
  const body = Buffer.from('x');
  const byAddress = await openHttp(t);
  await post(byAddress, { body });
  const byKey = await openHttp(t, { admit: grantOf });
  for (const authorization of ['acme', 'other']) {
    await post(byKey, { body, headers: { authorization } });
  }
  const senders = [byAddress, byKey].map(({ taken }) => taken.map(({ sender }) => sender));
  t.strictSame(senders, [['127.0.0.1'], ['key acme', 'key other']]);
});

/** Takes its time, as a disk does. */
const ingest = async () => {
  await systemClock.sleep(20);
  return allGood;
};

t.test('one who sends all it can does not keep others from sending a little', async (t) => {
  const heldBytesMax = 1024 * 1024;
  const door = await openHttp(t, { admit: grantOf, ingest, limits: { heldBytesMax } });
  const send = async (authorization: string, bytes: number) =>
    (await post(door, { headers: { authorization }, body: Buffer.alloc(bytes, 'x') })).status;
  let going = true;
  const greedy: (number | undefined)[] = [];
  const push = async (): Promise<void> => {
    while (going) greedy.push(await send('greedy', 64 * 1024));
  };
  const pushing = Array.from({ length: 40 }, push);
  const modestly = async (_: unknown, n: number) => {
    const statuses: (number | undefined)[] = [];
    for (let sent = 0; sent < 30; sent += 1) statuses.push(await send(`m${n}`, 16 * 1024));
    return statuses;
  };
  const modest = (await Promise.all(Array.from({ length: 4 }, modestly))).flat();
  going = false;
  await Promise.all(pushing);
  t.equal(modest.filter((it) => it === 200).length, 120, 'nobody else is turned away');
  t.ok(greedy.includes(200), 'the greedy one has what is left');
  const refused = door.metric('tocsin_receive_requests_refused', { code: 'ERR_RECEIVE_SHARE' });
  t.ok(refused > 0, `${refused} times told to wait`);
  t.equal(greedy.filter((it) => it === 429).length, refused);
});

t.test('too many requests are those of who has the most under way', async (t) => {
  const gate = Promise.withResolvers<void>();
  const held = async () => {
    await gate.promise;
    return allGood;
  };
  const door = await openHttp(t, { admit: grantOf, ingest: held, limits: { requestsMax: 8 } });
  const send = (authorization: string) =>
    post(door, { headers: { authorization }, body: Buffer.from('x') });
  const first = ['modest', ...Array<string>(5).fill('greedy')].map(send);
  while (door.taken.length < 6) await systemClock.sleep(1);
  const answer = await send('greedy');
  t.equal(answer.status, 429);
  t.match(answer.headers['retry-after'], /^\d+$/);
  const others = ['modest', 'other'].map(send);
  while (door.taken.length < 8) await systemClock.sleep(1);
  t.equal((await send('third')).status, 503, 'then there is no room for anybody');
  gate.resolve();
  const all = await Promise.all([...first, ...others]);
  t.ok(all.every((it) => it.status === 200));
});

/** From an address of its own; undefined where loopback has only one. */
const dialFrom = async (port: number, localAddress: string): Promise<Socket | undefined> => {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  try {
    await once(socket, 'connect');
  } catch {
    return undefined;
  }
  t.teardown(() => socket.destroy());
  return socket.on('error', () => {}).resume();
};

for (const [protocol, open] of [
  ['HTTP', openHttp],
  ['gRPC', openGrpc],
] as const) {
  t.test(`${protocol}: who opens the most connections loses one to who comes new`, async (t) => {
    const door = await open(t, { limits: { connectionsMax: 4 } });
    const { port } = door.address;
    const refused = (reason: string) =>
      door.metric('tocsin_receive_connections_refused', { reason });
    const greedy: (Socket | undefined)[] = [];
    for (let n = 0; n < 4; n += 1) greedy.push(await dialFrom(port, '127.0.0.1'));
    const modest = await dialFrom(port, '127.0.0.2');
    if (!modest) return t.comment('loopback has one address here');
    await once(greedy[3] ?? modest, 'close');
    t.strictSame([refused('over-share'), refused('too-many')], [1, 0]);
    const again = await dialFrom(port, '127.0.0.1');
    if (again) await once(again, 'close');
    t.strictSame([refused('over-share'), refused('too-many')], [1, 1]);
    t.equal(door.metric('tocsin_receive_connections_open'), 4);
    t.notOk(modest.closed);
    for (const it of [...greedy, modest]) it?.destroy();
    return undefined;
  });
}
