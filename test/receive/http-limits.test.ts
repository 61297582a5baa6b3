import { once } from 'node:events';
import { connect } from 'node:net';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { Fault } from '../../src/lib/fault.ts';
import { until } from '../support/until.ts';
import { type Doors, gatedIngest, openHttp, post, readStatus } from './doors.ts';

const kibibyte = 1024;
const limits = { bodyBytesMax: 64 * kibibyte };
const atLimit = Buffer.alloc(limits.bodyBytesMax, 'abc');
const beyond = Buffer.alloc(limits.bodyBytesMax + 1, 'abc');

/** A connection on which the test writes bytes itself. `text` is all that came back so far. */
const dial = async (door: Doors) => {
  const socket = connect(door.address.port, door.address.host);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return { socket, text: () => text, closed };
};

const head = (...lines: readonly string[]): string =>
  ['POST /v1/traces HTTP/1.1', 'host: x', 'content-type: application/json', ...lines, '', ''].join(
    '\r\n',
  );

// biome-ignore format: one case per line.
const sizes: readonly (readonly [string, Readonly<Record<string, string>>, (body: Buffer) => Buffer])[] = [
  ['announced',           {},                                (it) => it],
  ['sent in chunks',      { 'transfer-encoding': 'chunked' }, (it) => it],
  ['after gzip',          { 'content-encoding': 'gzip' },    (it) => gzipSync(it)],
  ['after deflate',       { 'content-encoding': 'deflate' }, (it) => deflateSync(it)],
  ['after zstd',          { 'content-encoding': 'zstd' },    (it) => zstdCompressSync(it)],
  ['after two zstd frames', { 'content-encoding': 'zstd' },  (it) => Buffer.concat([zstdCompressSync(it.subarray(0, 99)), zstdCompressSync(it.subarray(99))])],
];

for (const [name, headers, encode] of sizes) {
  t.test(`a body of the largest size ${name} is taken and one byte more is 413`, async (t) => {
    const door = await openHttp(t, { limits });
    t.equal((await post(door, { headers, body: encode(atLimit) })).status, 200);
    const answer = await post(door, { headers, body: encode(beyond) });
    t.equal(answer.status, 413);
    t.equal(answer.headers['retry-after'], undefined);
    t.match(readStatus(answer.body), { code: 8, message: /65536/ });
    t.equal(door.taken.length, 1);
    t.equal(door.metric('tocsin_receive_body_held'), 0);
  });
}

t.test('the default limit is the 64 MiB that the specification recommends', async (t) => {
  const door = await openHttp(t);
  const { socket, text } = await dial(door);
  socket.write(head(`content-length: ${64 * kibibyte * kibibyte + 1}`));
  await until(() => text().includes('HTTP/1.1 413'));
  socket.destroy();
});

t.test('an announced size over the limit is refused before the body is sent', async (t) => {
  const door = await openHttp(t, { limits });
  const { socket, text } = await dial(door);
  socket.write(head(`content-length: ${beyond.length}`));
  await until(() => text().includes('HTTP/1.1 413') && text().includes('"code":8'));
  socket.destroy();
});

t.test('a sender that never stops reads its 413 and then loses the connection', async (t) => {
  const door = await openHttp(t, { limits: { ...limits, lingerMsMax: 100 } });
  const { socket, text, closed } = await dial(door);
  socket.write(head('transfer-encoding: chunked'));
  const chunk = `${beyond.length.toString(16)}\r\n${beyond.toString()}\r\n`;
  const more = (): void => {
    if (socket.writable) socket.write(chunk, more);
  };
  more();
  await closed;
  t.match(text(), /^HTTP\/1\.1 413 /);
  t.equal(door.taken.length, 0);
});

t.test('a sender that reads only after it has sent everything still finds its 413', async (t) => {
  const door = await openHttp(t, { limits });
  const { socket, text } = await dial(door);
  socket.pause();
  const body = Buffer.alloc(16 * kibibyte * kibibyte);
  socket.write(head(`content-length: ${body.length}`));
  const failure = await new Promise((resolve) => socket.write(body, resolve));
  t.notOk(failure, 'nothing was reset');
  socket.resume();
  await until(() => text().startsWith('HTTP/1.1 413'));
  socket.destroy();
});

t.test('a connection outlives a refusal when the rest of the request was small', async (t) => {
  const door = await openHttp(t);
  const { socket, text } = await dial(door);
  socket.write(head('content-length: 9', 'content-encoding: br') + 'x'.repeat(9));
  await until(() => text().includes('HTTP/1.1 415'));
  socket.write(`${head('content-length: 2')}{}`);
  await until(() => text().includes('HTTP/1.1 200'));
  socket.destroy();
});

t.test(
  'bytes held by slow storage make others wait with a Retry-After, until it catches up',
  async (t) => {
    const { ingest, entered, release } = gatedIngest();
    const door = await openHttp(t, { ingest, limits: { heldBytesMax: 10 * kibibyte } });
    const first = post(door, { body: Buffer.alloc(8 * kibibyte) });
    await entered;
    t.equal(door.metric('tocsin_receive_body_held'), 8 * kibibyte);
    const second = await post(door, { body: Buffer.alloc(4 * kibibyte) });
    t.equal(second.status, 503);
    t.equal(second.headers['retry-after'], '1');
    t.match(readStatus(second.body), { code: 14, retryMs: 1_000 });
    release();
    t.equal((await first).status, 200);
    t.equal((await post(door, { body: Buffer.alloc(4 * kibibyte) })).status, 200);
    t.equal(door.metric('tocsin_receive_requests_answered', { status: '503' }), 1);
    t.equal(door.metric('tocsin_receive_body_held'), 0);
  },
);

t.test('one request too many under way is asked to come back', async (t) => {
  const { ingest, entered, release } = gatedIngest();
  const door = await openHttp(t, { ingest, limits: { requestsMax: 1 } });
  const first = post(door, { body: 'x' });
  await entered;
  const second = await post(door, { body: 'x' });
  t.equal(second.status, 503);
  t.equal(second.headers['retry-after'], '1');
  release();
  t.equal((await first).status, 200);
});

t.test('one connection too many is closed and counted', async (t) => {
  const door = await openHttp(t, { limits: { connectionsMax: 2 } });
  const dials = [await dial(door), await dial(door), await dial(door)];
  await dials.at(-1)?.closed;
  t.equal(door.metric('tocsin_receive_connections_refused', { reason: 'too-many' }), 1);
  t.equal(door.metric('tocsin_receive_connections_open'), 2);
  for (const { socket } of dials) socket.destroy();
});

t.test('headers that dribble in are cut off with 408 and a Status', async (t) => {
  const door = await openHttp(t, { limits: { headersMsMax: 60 } });
  const { socket, text, closed } = await dial(door);
  socket.write('POST /v1/traces HTTP/1.1\r\nhost: x\r\n');
  await closed;
  t.match(text(), /^HTTP\/1\.1 408 [^]*"message":"/);
});

t.test('a body that dribbles in is cut off with an answer that senders retry', async (t) => {
  const door = await openHttp(t, { limits: { bodyMsMax: 60, lingerMsMax: 60 } });
  const { socket, text, closed } = await dial(door);
  socket.write(`${head('content-length: 1000')}{`);
  await closed;
  t.match(text(), /^HTTP\/1\.1 503 [^]*retry-after: 1/i);
  t.equal(door.metric('tocsin_receive_requests_refused', { code: 'ERR_RECEIVE_SLOW' }), 1);
  t.equal(door.metric('tocsin_receive_body_held'), 0);
});

t.test('a sender that aborts in the middle leaves nothing behind', async (t) => {
  const door = await openHttp(t);
  const { socket } = await dial(door);
  socket.write(head('content-length: 5000') + 'x'.repeat(4000));
  await until(() => door.metric('tocsin_receive_body_held') > 0);
  socket.destroy();
  await until(() => door.metric('tocsin_receive_requests_open') === 0);
  t.equal(door.metric('tocsin_receive_body_held'), 0);
  t.equal(door.metric('tocsin_receive_requests_answered', { status: 'gone' }), 1);
  t.equal(door.taken.length, 0);
});

t.test('a sender that aborts while its data is stored does not harm the storing', async (t) => {
  const { ingest, entered, release } = gatedIngest();
  const door = await openHttp(t, { ingest });
  const { socket } = await dial(door);
  socket.write(`${head('content-length: 2')}{}`);
  await entered;
  socket.destroy();
  await until(() => door.metric('tocsin_receive_connections_open') === 0);
  t.equal(door.metric('tocsin_receive_requests_open'), 1, 'the bytes are still accounted');
  release();
  await until(() => door.metric('tocsin_receive_requests_open') === 0);
  t.equal(door.metric('tocsin_receive_items_accepted'), 1);
});

t.test('a sender that has closed its side still gets its answer', async (t) => {
  const door = await openHttp(t);
  const { socket, text, closed } = await dial(door);
  socket.end(`${head('content-length: 2')}{}`);
  await closed;
  t.match(text(), /^HTTP\/1\.1 200 /);
});

t.test('whoever asks before sending is told to go on, or why not', async (t) => {
  const door = await openHttp(t, { limits });
  const wanted = await dial(door);
  wanted.socket.write(head('expect: 100-continue', 'content-length: 2'));
  await until(() => wanted.text().includes('HTTP/1.1 100 Continue'));
  wanted.socket.write('{}');
  await until(() => wanted.text().includes('HTTP/1.1 200'));
  const unwanted = await dial(door);
  unwanted.socket.write(head('expect: 100-continue', `content-length: ${beyond.length}`));
  await unwanted.closed;
  t.match(unwanted.text(), /^HTTP\/1\.1 413 /);
  wanted.socket.destroy();
});

// biome-ignore format: one case per line.
const broken: readonly (readonly [string, string, RegExp])[] = [
  ['what is not HTTP',       'hello there\r\n\r\n',                              /^HTTP\/1\.1 400 [^]*"code":3/],
  ['too many header bytes',  head(`x-long: ${'x'.repeat(20_000)}`),              /^HTTP\/1\.1 431 [^]*"code":3/],
  ['two lengths of a body',  head('content-length: 2', 'transfer-encoding: chunked'), /^HTTP\/1\.1 400 /],
  ['a chunk without a size', `${head('transfer-encoding: chunked')}zz\r\n`,      /^HTTP\/1\.1 400 /],
];

for (const [name, bytes, answer] of broken) {
  t.test(`${name} is refused and harms nobody else`, async (t) => {
    const door = await openHttp(t);
    const { socket, text, closed } = await dial(door);
    socket.write(bytes);
    await closed;
    t.match(text(), answer);
    await until(() => door.metric('tocsin_receive_requests_open') === 0);
    t.equal((await post(door, { body: 'x' })).status, 200);
  });
}

t.test('a sender gone wrong does not flood the log', async (t) => {
  const door = await openHttp(t);
  for (let i = 0; i < 20; i += 1) await post(door, { path: '/wrong' });
  t.equal(door.lines.filter((it) => it.event === 'request_refused').length, 1);
});

t.test('stop lets requests under way end, tells the rest to go, and is safe twice', async (t) => {
  const { ingest, entered, release } = gatedIngest();
  const door = await openHttp(t, { ingest, limits: { drainMsMax: 5_000 } });
  const idle = await dial(door);
  const busy = await dial(door);
  busy.socket.write(`${head('content-length: 2')}{}`);
  await entered;
  const stopped = Promise.all([door.server.stop(), door.server.stop()]);
  await idle.closed;
  await t.rejects(post(door, { body: 'x' }), { code: 'ECONNREFUSED' });
  release();
  await Promise.all([busy.closed, stopped]);
  t.match(busy.text(), /^HTTP\/1\.1 200 [^]*connection: close/i);
});

t.test('stop does not wait for ever', async (t) => {
  const { ingest, entered } = gatedIngest();
  const door = await openHttp(t, { ingest, limits: { drainMsMax: 50 } });
  const { socket, closed } = await dial(door);
  socket.write(`${head('content-length: 2')}{}`);
  await entered;
  await door.server.stop();
  await closed;
  t.match(door.lines.at(-1), { event: 'requests_abandoned', fields: { requests: 1 } });
});

t.test('a request that arrives during the drain is not taken', async (t) => {
  const { ingest, entered, release } = gatedIngest();
  const door = await openHttp(t, { ingest, limits: { drainMsMax: 5_000 } });
  const { socket, closed } = await dial(door);
  socket.write(`${head('content-length: 2')}{}`);
  await entered;
  const stopped = door.server.stop();
  socket.write(`${head('content-length: 2')}{}`);
  const refused = { code: 'ERR_RECEIVE_STOPPING' };
  await until(() => door.metric('tocsin_receive_requests_refused', refused) === 1);
  release();
  await Promise.all([closed, stopped]);
  t.equal(door.taken.length, 1);
});

t.test('a port in use is a fault that names the port and the key', async (t) => {
  const door = await openHttp(t);
  const failure = await openHttp(t, { listen: door.address }).catch((error: unknown) => error);
  t.ok(failure instanceof Fault);
  t.match(failure, {
    code: 'ERR_PORT_IN_USE',
    message: new RegExp(`${door.address.port}.*listen\\.otlp_http`),
  });
});

t.test('an address of another machine is a fault that names the key', async (t) => {
  const failure = await openHttp(t, { listen: { host: '203.0.113.1', port: 0 } }).catch(
    (it: unknown) => it,
  );
  t.match(failure, { code: 'ERR_LISTEN_FAILED', message: /listen\.otlp_http/ });
});
