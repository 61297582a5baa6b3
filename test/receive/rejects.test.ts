import { once } from 'node:events';
import { connect } from 'node:http2';
import t from 'tap';
import { Fault } from '../../src/lib/fault.ts';
import type { Reject } from '../../src/model/rejects.ts';
import { failingIngest, openGrpc, openHttp, post, readStatus } from './doors.ts';

const body = Buffer.from('as many bytes');

const malformed = new Fault('ERR_OTLP_MALFORMED', 'malformed OTLP request at byte 3', {
  remedy: 'reject',
});

/** Collects what a door reports. */
const books = () => {
  const rejects: Reject[] = [];
  return { rejects, rejected: (it: Reject) => void rejects.push(it) };
};

t.test('rejected items are reported with their sender and counted by reason', async (t) => {
  const { rejects, rejected } = books();
  const rejection = {
    code: 'ERR_SPAN_TRACE_ID',
    reason: 'a trace id that is all zero',
    count: 2,
    sample: 'name="x"',
    serviceName: 'shop',
  };
  const other = { ...rejection, code: 'ERR_ITEM_TIME', count: 1 };
  const rejections = [rejection, other];
  const ingest = async () => ({ accepted: 5, rejected: 3, message: 'why', rejections });
  const door = await openHttp(t, { ingest, rejected });
  const headers = { 'content-type': 'application/json' };
  t.equal((await post(door, { headers, body })).status, 200);
  const sender = {
    transport: 'http',
    peer: '127.0.0.1',
    key: '',
    encoding: 'json',
    signal: 'traces',
  };
  t.strictSame(
    rejects.map((it) => ({ ...it })),
    rejections.map((it) => ({ ...it, ...sender, unit: 'item', requestBytes: body.length })),
  );
  const name = 'tocsin_receive_items_rejected';
  t.equal(door.metric(name, { code: 'ERR_SPAN_TRACE_ID' }), 2);
  t.equal(door.metric(name, { code: 'ERR_ITEM_TIME' }), 1);
  t.equal(door.metric(name), 3);
});

t.test('a request refused whole is reported when it will not be sent again', async (t) => {
  const { rejects, rejected } = books();
  const limits = { bodyBytesMax: 100 };
  const door = await openHttp(t, { ingest: failingIngest(malformed), rejected, limits });
  const large = Buffer.alloc(101);
  const answers = [
    await post(door, { body }),
    await post(door, { path: '/v1/logs', body: large }),
    await post(door, { headers: { 'content-type': 'text/plain' }, body }),
    await post(door, { path: '/v2/traces', body }),
  ];
  t.strictSame(
    answers.map((it) => it.status),
    [400, 413, 415, 404],
  );
  t.match(rejects, [
    {
      ...{ unit: 'request', count: 1, signal: 'traces', encoding: 'protobuf', peer: '127.0.0.1' },
      ...{ code: 'ERR_OTLP_MALFORMED', reason: /at byte 3/, requestBytes: body.length },
    },
    // Refused by its announced size, unread: the path tells what it would have been.
    { unit: 'request', code: 'ERR_OTLP_TOO_LARGE', signal: 'logs', encoding: 'protobuf' },
    { unit: 'request', code: 'ERR_OTLP_TYPE', signal: 'traces', encoding: 'none', requestBytes: 0 },
    { unit: 'request', code: 'ERR_OTLP_PATH', signal: 'none' },
  ]);
});

t.test('what may be sent again is not reported', async (t) => {
  const { rejects, rejected } = books();
  const full = new Fault('ERR_BATCH_FULL', 'full', { remedy: 'retry' });
  const door = await openHttp(t, { ingest: failingIngest(full), rejected });
  t.equal((await post(door, { body })).status, 503);
  t.strictSame(rejects, []);
});

t.test('a mistake of ours loses the request as well, and is reported', async (t) => {
  const { rejects, rejected } = books();
  const door = await openHttp(t, { ingest: failingIngest(new TypeError('oops')), rejected });
  const { status, body: text } = await post(door, { body });
  t.equal(status, 500);
  t.match(rejects, [{ unit: 'request', code: 'ERR_INTERNAL', reason: readStatus(text).message }]);
});

t.test('a gRPC call refused by its headers is noted with the signal of its path', async (t) => {
  const { rejects, rejected } = books();
  const door = await openGrpc(t, { rejected });
  const session = connect(`http://${door.address.host}:${door.address.port}`);
  t.teardown(() => session.destroy());
  const call = async (path: string): Promise<void> => {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' },
      ...{ te: 'trailers', 'grpc-encoding': 'br' },
    });
    await once(stream.end().resume(), 'close');
  };
  const services = '/opentelemetry.proto.collector';
  await call(`${services}.logs.v1.LogsService/Export`);
  await call(`${services}.nothing.v1.Service/Export`);
  t.match(rejects, [
    { code: 'ERR_OTLP_CODING', signal: 'logs', encoding: 'protobuf', transport: 'grpc' },
    { code: 'ERR_OTLP_PATH', signal: 'none', encoding: 'none' },
  ]);
});
