import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  Client,
  compressionAlgorithms,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import t from 'tap';
import { Fault } from '../../src/lib/fault.ts';
import type { Reject } from '../../src/model/rejects.ts';
import { until } from '../support/until.ts';
import {
  type Doors,
  failingIngest,
  gatedIngest,
  openGrpc,
  readExportResponse,
  readStatus,
} from './doors.ts';

const service = (name: string): string => `/opentelemetry.proto.collector.${name}/Export`;
const tracesPath = service('trace.v1.TraceService');
const small = Buffer.from('a few bytes that stand for spans');

interface Outcome {
  readonly code: number;
  readonly message: string;
  readonly details: ReturnType<typeof readStatus> | undefined;
  readonly response: Buffer | undefined;
}

interface CallOptions {
  readonly path?: string;
  readonly body?: Buffer;
  readonly gzip?: boolean;
  readonly deadlineMs?: number;
}

/** One call with the client that Node programs use. Resolves with what the caller sees. */
const call = (t: { readonly teardown: (end: () => unknown) => void }, { address }: Doors) => {
  const target = `${address.host}:${address.port}`;
  const clients = [compressionAlgorithms.identity, compressionAlgorithms.gzip].map(
    (compression) =>
      new Client(target, credentials.createInsecure(), {
        'grpc.max_send_message_length': -1,
        'grpc.default_compression_algorithm': compression,
      }),
  );
  t.teardown(() => {
    for (const client of clients) client.close();
  });
  return ({
    path = tracesPath,
    body = small,
    gzip = false,
    deadlineMs = 5_000,
  }: CallOptions = {}) =>
    new Promise<Outcome>((resolve) => {
      const client = clients[gzip ? 1 : 0] as Client;
      const same = (bytes: Buffer): Buffer => bytes;
      const done = (error: ServiceError | null, response?: Buffer): void => {
        const [details] = error?.metadata.get('grpc-status-details-bin') ?? [];
        resolve({
          code: error?.code ?? 0,
          message: error?.details ?? '',
          details: details === undefined ? undefined : readStatus(details as Buffer),
          response,
        });
      };
      const deadline = new Date(Date.now() + deadlineMs);
      client.makeUnaryRequest(path, same, same, body, new Metadata(), { deadline }, done);
    });
};

/** A raw HTTP/2 connection, for calls that no gRPC library would make. */
const dial = async (t: { readonly teardown: (end: () => unknown) => void }, { address }: Doors) => {
  const session = connect(`http://${address.host}:${address.port}`);
  session.on('error', () => {});
  t.teardown(() => session.destroy());
  await once(session, 'connect');
  return session;
};

const open = (
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  endStream = false,
) => {
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': tracesPath,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    },
    { endStream },
  );
  const answer = new Promise<IncomingHttpHeaders>((resolve) => {
    let seen: IncomingHttpHeaders = {};
    stream.on('response', (it) => (seen = { ...seen, ...it }));
    stream.on('trailers', (it) => (seen = { ...seen, ...it }));
    stream.on('error', () => {});
    stream.on('close', () => resolve(seen));
    stream.resume();
  });
  return { stream, answer };
};

const framed = (message: Buffer, flag = 0, length = message.length): Buffer => {
  const prefix = Buffer.from([flag, 0, 0, 0, 0]);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
};

t.test('each service is its signal, with and without gzip, small and large', async (t) => {
  const door = await openGrpc(t);
  const send = call(t, door);
  for (const name of [
    'trace.v1.TraceService',
    'metrics.v1.MetricsService',
    'logs.v1.LogsService',
  ]) {
    for (const gzip of [false, true]) {
      for (const body of [small, Buffer.alloc(9_000_000, 'abcdefg')]) {
        const { code, response } = await send({ path: service(name), gzip, body });
        t.equal(code, 0);
        t.equal(response?.length, 0);
        t.ok(body.equals(door.taken.at(-1)?.body ?? Buffer.alloc(0)), `${name} ${body.length}`);
      }
    }
  }
  t.strictSame(
    [...new Set(door.taken.map(({ signal, encoding }) => `${signal} ${encoding}`))],
    ['traces protobuf', 'metrics protobuf', 'logs protobuf'],
  );
  t.equal(door.metric('tocsin_receive_body_held'), 0);
});

t.test('an empty message over gRPC is a success', async (t) => {
  const door = await openGrpc(t);
  t.equal((await call(t, door)({ body: Buffer.alloc(0) })).code, 0);
  t.equal((await call(t, door)({ body: Buffer.alloc(0), gzip: true })).code, 0);
});

t.test('a call refused whole is reported with the address of its caller', async (t) => {
  const rejects: Reject[] = [];
  const fault = new Fault('ERR_OTLP_MALFORMED', 'cut at byte 3', { remedy: 'reject' });
  const door = await openGrpc(t, {
    ingest: failingIngest(fault),
    rejected: (it) => void rejects.push(it),
  });
  await call(t, door)();
  t.match(rejects, [
    {
      ...{ unit: 'request', count: 1, transport: 'grpc', peer: '127.0.0.1', signal: 'traces' },
      ...{ code: 'ERR_OTLP_MALFORMED', reason: 'cut at byte 3', requestBytes: small.length },
    },
  ]);
});

t.test('partial success over gRPC is OK with counts and reason', async (t) => {
  const door = await openGrpc(t, {
    ingest: async () => ({ accepted: 5, rejected: 2, message: 'two ids were empty' }),
  });
  const { code, response } = await call(t, door)();
  t.equal(code, 0);
  t.strictSame(readExportResponse(response ?? small), {
    partialSuccess: { rejected: 2, errorMessage: 'two ids were empty' },
  });
});

t.test('a warning over gRPC is a count of 0 and a message', async (t) => {
  const door = await openGrpc(t, {
    ingest: async () => ({ accepted: 5, rejected: 0, message: 'is a clock wrong?' }),
  });
  const { code, response } = await call(t, door)();
  t.equal(code, 0);
  t.strictSame(readExportResponse(response ?? small), {
    partialSuccess: { errorMessage: 'is a clock wrong?' },
  });
});

t.test('no answer over gRPC is longer than 64 KiB, whatever there is to say', async (t) => {
  // Each is three bytes, nine in grpc-message.
  const endless = '✗'.repeat(5_000_000);
  const rejected = Number.MAX_SAFE_INTEGER;
  const partial = await openGrpc(t, {
    ingest: async () => ({ accepted: 1, rejected, message: endless }),
  });
  const { code, response } = await call(t, partial)();
  t.equal(code, 0);
  t.ok(response && response.length < 64 * 1024, `${response?.length} bytes`);
  t.match(readExportResponse(response ?? small), {
    partialSuccess: { rejected, errorMessage: /^✗+…$/ },
  });
  for (const error of [
    new Fault('ERR_OTLP_MALFORMED', endless, { remedy: 'reject' }),
    new Fault('ERR_JOURNAL_FULL', endless, { remedy: 'retry', retryAfterMs: 1e15 }),
    new Error(endless),
  ]) {
    const door = await openGrpc(t, { ingest: failingIngest(error) });
    const { stream, answer } = open(await dial(t, door));
    stream.end(framed(small));
    const length = JSON.stringify(await answer).length;
    t.ok(length < 8 * 1024, `${length} bytes of headers, of which clients take 8 KiB or more`);
  }
});

const busy = new Fault('ERR_JOURNAL_FULL', 'the journal is full', {
  remedy: 'retry',
  retryAfterMs: 2_500,
});
const bad = new Fault('ERR_OTLP_MALFORMED', 'spans[2]: 100 % wrong ✗', { remedy: 'reject' });
const huge = new Fault('ERR_OTLP_TOO_LARGE', 'one resource is larger than a block', {
  remedy: 'reject',
});

// biome-ignore format: one case per line.
const failures: readonly (readonly [string, Fault, number, Readonly<Record<string, unknown>>])[] = [
  ['malformed data is INVALID_ARGUMENT with a BadRequest',               bad,  3,  { violations: [bad.message] }],
  ['data too large for the store is RESOURCE_EXHAUSTED, not to be retried', huge, 8,  {}],
  ['a full journal is UNAVAILABLE with a RetryInfo',                     busy, 14, { retryMs: 2_500 }],
];

for (const [name, fault, code, details] of failures) {
  t.test(name, async (t) => {
    const door = await openGrpc(t, { ingest: failingIngest(fault) });
    const outcome = await call(t, door)();
    t.equal(outcome.code, code);
    t.equal(outcome.message, fault.message);
    t.strictSame(outcome.details, { code, message: fault.message, ...details });
  });
}

t.test('a mistake of ours is INTERNAL without details, and the log has its stack', async (t) => {
  const door = await openGrpc(t, { ingest: failingIngest(new TypeError('x is undefined')) });
  const { code, message } = await call(t, door)();
  t.equal(code, 13);
  t.notMatch(message, 'x is undefined');
  const line = door.lines.find((it) => it.event === 'request_failed');
  t.match(line?.fields['error'], TypeError);
  t.match(message, String(line?.fields['request_id']));
});

t.test('an unknown method is UNIMPLEMENTED', async (t) => {
  const door = await openGrpc(t);
  const send = call(t, door);
  t.equal((await send({ path: service('profiles.v1development.ProfilesService') })).code, 12);
  t.equal((await send({ path: '/constructor' })).code, 12);
});

// biome-ignore format: one case per line.
const odd: readonly (readonly [string, OutgoingHttpHeaders, Buffer, IncomingHttpHeaders])[] = [
  ['another content-type is 415',        { 'content-type': 'application/json' }, small,      { ':status': '415', 'grpc-status': '12' }],
  ['grpc-web is 415',                    { 'content-type': 'application/grpc-web' }, small,  { ':status': '415', 'grpc-status': '12' }],
  ['a content-type with +proto is fine', { 'content-type': 'application/grpc+proto' }, framed(small), { ':status': '200', 'grpc-status': '0' }],
  ['PUT is 405',                         { ':method': 'PUT' }, framed(small),                { ':status': '405', allow: 'POST' }],
  ['an unknown encoding is UNIMPLEMENTED with the list of known ones', { 'grpc-encoding': 'snappy' }, framed(small, 1), { ':status': '200', 'grpc-status': '12', 'grpc-accept-encoding': 'zstd,gzip,deflate,identity' }],
  ['zstd is taken',                      { 'grpc-encoding': 'zstd' }, framed(zstdCompressSync(small), 1), { 'grpc-status': '0' }],
  ['a plain message in a gzip call is taken', { 'grpc-encoding': 'gzip' }, framed(small), { 'grpc-status': '0' }],
  ['a compressed flag without grpc-encoding is INTERNAL', {}, framed(small, 1),              { 'grpc-status': '13' }],
  ['an undefined flag is INTERNAL',      {}, framed(small, 2),                               { 'grpc-status': '13' }],
  ['broken gzip is INVALID_ARGUMENT',    { 'grpc-encoding': 'gzip' }, framed(small, 1),      { 'grpc-status': '3' }],
  ['no message is UNIMPLEMENTED',        {}, Buffer.alloc(0),                                { 'grpc-status': '12' }],
  ['two messages are UNIMPLEMENTED',     {}, Buffer.concat([framed(small), framed(small)]),  { 'grpc-status': '12' }],
  ['half a prefix is INTERNAL',          {}, framed(small).subarray(0, 3),                   { 'grpc-status': '13' }],
  ['half a message is INTERNAL',         {}, framed(small).subarray(0, 9),                   { 'grpc-status': '13' }],
  ['a malformed grpc-timeout is INTERNAL', { 'grpc-timeout': '5 seconds' }, framed(small),   { 'grpc-status': '13' }],
];

for (const [name, headers, bytes, expected] of odd) {
  t.test(`gRPC: ${name}`, async (t) => {
    const door = await openGrpc(t);
    const { stream, answer } = open(await dial(t, door), headers);
    stream.end(bytes);
    const seen = await answer;
    t.match({ ...seen, ':status': String(seen[':status']) }, expected);
    await until(() => door.metric('tocsin_receive_requests_open') === 0);
    t.equal(door.metric('tocsin_receive_body_held'), 0);
  });
}

t.test('a message cut into DATA frames anywhere is put together', async (t) => {
  const door = await openGrpc(t);
  const session = await dial(t, door);
  const bytes = framed(small);
  for (const cut of [1, 4, 5, 6, bytes.length - 1]) {
    const { stream, answer } = open(session);
    stream.write(bytes.subarray(0, cut));
    await new Promise((resolve) => stream.write(Buffer.alloc(0), resolve));
    stream.end(bytes.subarray(cut));
    t.match(await answer, { 'grpc-status': '0' });
    t.ok(small.equals(door.taken.at(-1)?.body ?? Buffer.alloc(0)));
  }
});

const limits = { bodyBytesMax: 64 * 1024 };

t.test(
  'a message of the largest size is taken, one byte more is RESOURCE_EXHAUSTED without RetryInfo',
  async (t) => {
    const door = await openGrpc(t, { limits });
    const send = call(t, door);
    for (const gzip of [false, true]) {
      t.equal((await send({ gzip, body: Buffer.alloc(limits.bodyBytesMax, 'abc') })).code, 0);
      const { code, details } = await send({
        gzip,
        body: Buffer.alloc(limits.bodyBytesMax + 1, 'abc'),
      });
      t.equal(code, 8);
      t.equal(details?.retryMs, undefined);
      t.match(details?.message, /65536/);
    }
    t.equal(door.taken.length, 2);
  },
);

t.test('a message is judged by its announced size, before it is sent', async (t) => {
  const door = await openGrpc(t);
  const { stream, answer } = open(await dial(t, door));
  stream.write(framed(small, 0, 64 * 1024 * 1024 + 1));
  t.match(await answer, { 'grpc-status': '8' });
  t.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
});

t.test('a bomb is stopped at the limit', async (t) => {
  const door = await openGrpc(t, { limits });
  const { stream, answer } = open(await dial(t, door), { 'grpc-encoding': 'gzip' });
  stream.end(framed(gzipSync(Buffer.alloc(64 * 1024 * 1024)), 1));
  t.match(await answer, { 'grpc-status': '8' });
  t.equal(door.metric('tocsin_receive_body_held'), 0);
});

t.test('bytes held by slow storage make gRPC callers wait with a RetryInfo', async (t) => {
  const { ingest, entered, release } = gatedIngest();
  const door = await openGrpc(t, { ingest, limits: { heldBytesMax: 10 * 1024 } });
  const send = call(t, door);
  const first = send({ body: Buffer.alloc(8 * 1024) });
  await entered;
  const { code, details } = await send({ body: Buffer.alloc(4 * 1024) });
  t.equal(code, 14);
  t.equal(details?.retryMs, 1_000);
  release();
  t.equal((await first).code, 0);
});

t.test("the caller's deadline is kept, and what is being stored is stored", async (t) => {
  const { ingest, entered, release } = gatedIngest();
  const door = await openGrpc(t, { ingest });
  const { stream, answer } = open(await dial(t, door), { 'grpc-timeout': '60m' });
  stream.end(framed(small));
  await entered;
  t.match(await answer, { 'grpc-status': '4' });
  t.equal(door.metric('tocsin_receive_requests_open'), 1);
  release();
  await until(() => door.metric('tocsin_receive_requests_open') === 0);
  t.equal(door.metric('tocsin_receive_items_accepted'), 1);
  t.equal(door.metric('tocsin_receive_requests_answered'), 1);
  t.equal(door.metric('tocsin_receive_requests_refused'), 1);
});

t.test('a deadline in the middle of a message is one refusal', async (t) => {
  const door = await openGrpc(t);
  const { stream, answer } = open(await dial(t, door), { 'grpc-timeout': '30m' });
  stream.write(framed(small, 0, 5_000));
  t.match(await answer, { 'grpc-status': '4' });
  await until(() => door.metric('tocsin_receive_requests_open') === 0);
  t.equal(door.metric('tocsin_receive_requests_refused'), 1);
  t.equal(door.metric('tocsin_receive_body_held'), 0);
});

t.test('a mistake of ours after the deadline still reaches the log', async (t) => {
  const gate = Promise.withResolvers<never>();
  const door = await openGrpc(t, { ingest: () => gate.promise });
  const { stream, answer } = open(await dial(t, door), { 'grpc-timeout': '30m' });
  stream.end(framed(small));
  t.match(await answer, { 'grpc-status': '4' });
  gate.reject(new TypeError('x is undefined'));
  await until(() => door.lines.some((it) => it.event === 'request_failed'));
});

t.test(
  'a caller that never closes its side is cut off with a status that senders retry',
  async (t) => {
    const door = await openGrpc(t, { limits: { bodyMsMax: 60 } });
    const { stream, answer } = open(await dial(t, door));
    stream.write(framed(small));
    t.match(await answer, { 'grpc-status': '4' });
    t.equal(door.metric('tocsin_receive_body_held'), 0);
    t.equal(door.taken.length, 0);
  },
);

/** The frames of a call up to its reset, without the END_STREAM that node's client sends before it. */
const resetCall = (bytes: Buffer): Buffer => {
  const frame = (type: number, flags: number, streamId: number, payload: Buffer): Buffer => {
    const prefix = Buffer.alloc(9);
    prefix.writeUIntBE(payload.length, 0, 3);
    prefix.writeUInt8(type, 3);
    prefix.writeUInt8(flags, 4);
    prefix.writeUInt32BE(streamId, 5);
    return Buffer.concat([prefix, payload]);
  };
  const text = (it: string): Buffer => Buffer.concat([Buffer.from([it.length]), Buffer.from(it)]);
  const headers = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'x'],
    [':path', tracesPath],
    ['content-type', 'application/grpc'],
  ].flatMap(([name = '', value = '']) => [Buffer.from([0]), text(name), text(value)]);
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(4, 0, 0, Buffer.alloc(0)),
    frame(1, 4, 1, Buffer.concat(headers)),
    frame(0, 0, 1, bytes),
    frame(3, 0, 1, Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL])),
  ]);
};

for (const [name, bytes] of [
  ['in the middle of its message', framed(small, 0, 5_000)],
  ['after its message', framed(small)],
] as const) {
  t.test(`a call that is reset ${name} leaves nothing behind`, async (t) => {
    const door = await openGrpc(t);
    const socket = connectTcp(door.address.port, door.address.host);
    socket.write(resetCall(bytes));
    await until(() => door.metric('tocsin_receive_requests_answered', { status: 'gone' }) === 1);
    t.equal(door.metric('tocsin_receive_body_held'), 0);
    t.equal(door.taken.length, 0);
    socket.destroy();
  });
}

t.test('a connection lost in the middle leaves nothing behind', async (t) => {
  const door = await openGrpc(t);
  const session = await dial(t, door);
  for (let i = 0; i < 10; i += 1) open(session).stream.write(framed(small, 0, 5_000));
  await until(() => door.metric('tocsin_receive_requests_open') === 10);
  session.destroy();
  await until(() => door.metric('tocsin_receive_requests_open') === 0);
  t.equal(door.metric('tocsin_receive_body_held'), 0);
});

t.test('more calls than the limit of a connection wait their turn and all succeed', async (t) => {
  const door = await openGrpc(t, { limits: { streamsMax: 8 } });
  const session = await dial(t, door);
  await until(() => session.remoteSettings.maxConcurrentStreams === 8);
  const answers = Array.from({ length: 200 }, () => {
    const { stream, answer } = open(session);
    stream.end(framed(small));
    return answer;
  });
  const codes = (await Promise.all(answers)).map((it) => it['grpc-status']);
  t.strictSame([...new Set(codes)], ['0']);
  t.equal(door.taken.length, 200);
});

t.test('many large messages at once share the windows of one connection', async (t) => {
  const door = await openGrpc(t);
  const session = await dial(t, door);
  const body = framed(Buffer.alloc(3 * 1024 * 1024, 'abc'));
  const answers = Array.from({ length: 24 }, () => {
    const { stream, answer } = open(session);
    stream.end(body);
    return answer;
  });
  const codes = (await Promise.all(answers)).map((it) => it['grpc-status']);
  t.strictSame([...new Set(codes)], ['0']);
});

t.test('one connection too many is closed and counted, on the gRPC port too', async (t) => {
  const door = await openGrpc(t, { limits: { connectionsMax: 1 } });
  const { host, port } = door.address;
  const first = connectTcp(port, host);
  await once(first, 'connect');
  const second = connectTcp(port, host);
  await once(second, 'close');
  t.equal(door.metric('tocsin_receive_connections_refused', { reason: 'too-many' }), 1);
  first.destroy();
});

t.test('what is not HTTP/2 only loses its own connection', async (t) => {
  const door = await openGrpc(t);
  const stranger = connectTcp(door.address.port, door.address.host);
  stranger.on('error', () => {});
  stranger.resume();
  stranger.write('POST /v1/traces HTTP/1.1\r\nhost: x\r\n\r\n');
  await new Promise((resolve) => stranger.once('close', resolve));
  t.equal(door.metric('tocsin_receive_connections_refused', { reason: 'broken' }), 1);
  t.equal((await call(t, door)()).code, 0);
});

t.test('a caller that opens no window for its answer is not waited for', async (t) => {
  const door = await openGrpc(t, { limits: { bodyMsMax: 60 } });
  const { host, port } = door.address;
  const session = connect(`http://${host}:${port}`, { settings: { initialWindowSize: 0 } });
  session.on('error', () => {});
  t.teardown(() => session.destroy());
  const { stream } = open(session);
  stream.end(framed(small));
  await until(() => door.taken.length === 1);
  await until(() => door.metric('tocsin_receive_requests_open') === 0);
});

t.test('an idle connection is closed with GOAWAY', async (t) => {
  const door = await openGrpc(t, { limits: { idleMsMax: 50 } });
  const session = await dial(t, door);
  await Promise.all([once(session, 'goaway'), once(session, 'close')]);
  await until(() => door.metric('tocsin_receive_connections_open') === 0);
});

t.test('the standard health check is answered', async (t) => {
  const door = await openGrpc(t);
  const { code, response } = await call(
    t,
    door,
  )({ path: '/grpc.health.v1.Health/Check', body: Buffer.alloc(0) });
  t.equal(code, 0);
  t.strictSame([...(response ?? [])], [8, 1]);
});

t.test('stop sends GOAWAY, lets calls under way end and refuses others', async (t) => {
  const { ingest, entered, release } = gatedIngest();
  const door = await openGrpc(t, { ingest, limits: { drainMsMax: 5_000 } });
  const session = await dial(t, door);
  const { stream, answer } = open(session);
  stream.end(framed(small));
  await entered;
  const goaway = once(session, 'goaway');
  const stopped = Promise.all([door.server.stop(), door.server.stop()]);
  await goaway;
  t.match(await call(t, door)(), { code: 14 });
  release();
  t.match(await answer, { 'grpc-status': '0' });
  await stopped;
});

t.test('stop of the gRPC server does not wait for ever', async (t) => {
  const { ingest, entered } = gatedIngest();
  const door = await openGrpc(t, { ingest, limits: { drainMsMax: 50 } });
  const { stream, answer } = open(await dial(t, door));
  stream.end(framed(small));
  await entered;
  await door.server.stop();
  await answer;
  t.match(door.lines.at(-1), { event: 'requests_abandoned', fields: { requests: 1 } });
});

t.test('a port in use is a fault that names the port and listen.otlp_grpc', async (t) => {
  const door = await openGrpc(t);
  const failure = await openGrpc(t, { listen: door.address }).catch((error: unknown) => error);
  t.match(failure, {
    code: 'ERR_PORT_IN_USE',
    message: new RegExp(`${door.address.port}.*listen\\.otlp_grpc`),
  });
});
