import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { callGrpc, type Doors, openGrpc } from './doors.ts';

/** RFC 9113: what a frame's type byte says. */
const types = { headers: 1, reset: 3, settings: 4, ping: 6, continuation: 9 } as const;

const frame = (
  type: keyof typeof types,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(types[type], 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

const endHeaders = 4;
const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame('settings', 0, 0),
]);
/** A field that is not indexed: a one-byte name, a text. */
const field = (name: string, value: string) =>
  Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
const post = Buffer.concat([
  field(':method', 'POST'),
  field(':scheme', 'http'),
  field(':path', '/opentelemetry.proto.collector.trace.v1.TraceService/Export'),
  field('content-type', 'application/grpc'),
]);

/** Of each flood, the frames of its n-th round; a round is about a thousand of them. */
const floods: Readonly<Record<string, (round: number) => Buffer>> = {
  'calls that are reset at once': (round) =>
    Buffer.concat(
      Array.from({ length: 500 }, (_, index) => {
        const stream = (round * 500 + index) * 2 + 1;
        return Buffer.concat([
          frame('headers', endHeaders, stream, post),
          frame('reset', 0, stream, Buffer.from([0, 0, 0, 8])),
        ]);
      }),
    ),
  'headers that never end': (round) =>
    Buffer.concat([
      ...(round === 0 ? [frame('headers', 0, 1, post)] : []),
      ...Array.from({ length: 1_000 }, () =>
        frame('continuation', 0, 1, field('a', 'x'.repeat(100))),
      ),
    ]),
};

/** Of these the answers are not read; they must not be kept for ever. */
const unread: Readonly<Record<string, Buffer>> = {
  'pings whose answers nobody reads': frame('ping', 0, 0, Buffer.alloc(8)),
  'settings whose acknowledgements nobody reads': frame(
    'settings',
    0,
    0,
    Buffer.from([0, 3, 0, 0, 0, 100]),
  ),
};

const dial = async (
  t: { readonly teardown: (end: () => unknown) => void },
  { address }: Doors,
): Promise<Socket> => {
  const socket = connect({ port: address.port, host: '127.0.0.1' });
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(preface);
  return socket;
};

for (const [what, rounds] of Object.entries(floods)) {
  t.test(`a flood of ${what} ends its connection and harms nobody else`, async (t) => {
    const door = await openGrpc(t);
    const socket = await dial(t, door);
    socket.resume();
    let closed = false;
    socket.once('close', () => (closed = true));
    let round = 0;
    for (; !closed && round < 200; round += 1) {
      socket.write(rounds(round));
      await systemClock.sleep(1);
    }
    t.ok(closed, `after ${round} rounds`);
    t.equal((await callGrpc(t, door)).code, 0);
    t.equal(door.metric('tocsin_receive_requests_open'), 0);
  });
}

const mebibyte = 1024 * 1024;

for (const [what, one] of Object.entries(unread)) {
  t.test(`a flood of ${what} is not kept in memory`, async (t) => {
    const door = await openGrpc(t);
    const socket = await dial(t, door);
    socket.pause();
    const many = Buffer.concat(Array.from({ length: 20_000 }, () => one));
    const before = process.memoryUsage().rss;
    let closed = false;
    socket.once('close', () => (closed = true));
    let sent = 0;
    // A server that does not read any more is as good as one that hangs up.
    for (let stalled = false; !closed && !stalled && sent < 100; sent += 1) {
      if (socket.write(many)) continue;
      const drained = once(socket, 'drain').then(
        () => false,
        () => true,
      );
      stalled = await Promise.race([systemClock.sleep(2_000).then(() => true), drained]);
    }
    t.ok(sent < 100 || closed, `${sent} times 20,000`);
    const grown = process.memoryUsage().rss - before;
    t.ok(grown < 100 * mebibyte, `${Math.round(grown / mebibyte)} MiB`);
    t.equal((await callGrpc(t, door)).code, 0);
  });
}
