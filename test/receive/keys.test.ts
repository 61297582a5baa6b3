import { credentials, Metadata } from '@grpc/grpc-js';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import t from 'tap';
import { createKeyring } from '../../src/access/keyring.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { testKey } from '../support/keys.ts';
import { finishedSpans } from '../support/spans.ts';
import { callGrpc, type Doors, openGrpc, openHttp, post, readStatus } from './doors.ts';

const shop = testKey('shop', { attributes: { tenant: 'shop' } });
const stale = testKey('stale', { expiresAtMs: 1 });
const person = testKey('person', { scopes: ['api'] });
const slow = testKey('slow', { limits: { requestsPerSecond: 0.1 } });

const keyring = () =>
  createKeyring({
    keys: [shop.key, stale.key, person.key, slow.key],
    clock: systemClock,
    meter: noopMeter,
  });
const admit = () => ({ admit: keyring().admit('ingest') });
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

// biome-ignore format: one refusal per line.
const refusals = [
  ['no key',           {},                   401, 16, 'ERR_KEY_MISSING', 'Bearer realm="tocsin"'],
  ['a wrong key',      bearer('tk_wrong'),   401, 16, 'ERR_KEY_UNKNOWN', 'Bearer realm="tocsin", error="invalid_token"'],
  ['an expired key',   bearer(stale.text),   401, 16, 'ERR_KEY_EXPIRED', 'Bearer realm="tocsin", error="invalid_token"'],
  ['a key of the API', bearer(person.text),  403, 7,  'ERR_KEY_SCOPE',   'Bearer realm="tocsin", error="insufficient_scope"'],
] as const;

for (const [name, headers, status, code, fault, challenge] of refusals) {
  t.test(
    `${name} over HTTP is ${status} with a Status in the encoding of the request`,
    async (t) => {
      const door = await openHttp(t, admit());
      const body = 'x'.repeat(100_000);
      const protobuf = await post(door, { headers, body });
      t.equal(protobuf.status, status);
      t.equal(protobuf.headers['content-type'], 'application/x-protobuf');
      t.equal(protobuf.headers['www-authenticate'], challenge);
      t.equal(readStatus(protobuf.body).code, code);
      const type = { 'content-type': 'application/json' };
      const json = await post(door, { headers: { ...type, ...headers }, body });
      t.equal(json.status, status);
      t.match(JSON.parse(json.body.toString()), { code, message: /key/ });
      t.equal(door.taken.length, 0);
      t.equal(door.metric('tocsin_receive_requests_refused', { code: fault }), 2);
      const said = door.lines.filter((it) => it.event === 'request_refused');
      t.equal(said.length, 1, 'the log hears of the first one only');
      t.notMatch(JSON.stringify(door.lines), /tk_/);
    },
  );

  t.test(`${name} over gRPC is status ${code}, with details`, async (t) => {
    const door = await openGrpc(t, admit());
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
    const answer = await callGrpc(t, door, { metadata, credentials: credentials.createInsecure() });
    t.equal(answer.code, code);
    const details = answer.metadata.get('grpc-status-details-bin')[0];
    t.equal(readStatus(details as Buffer).code, code);
    t.equal(door.taken.length, 0);
    t.equal(door.metric('tocsin_receive_requests_refused', { code: fault }), 1);
  });
}

t.test('a key is judged before the body is read', async (t) => {
  const door = await openHttp(t, admit());
  const headers = { 'content-length': '1000000', expect: '100-continue' };
  t.equal((await post(door, { headers })).status, 401);
  t.equal(door.metric('tocsin_receive_body_held'), 0);
});

t.test('a browser may ask what is allowed without a key, and a probe how gRPC is', async (t) => {
  const door = await openHttp(t, {
    ...admit(),
    cors: { originsAllowed: ['https://shop.example'] },
  });
  const preflight = await post(door, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://shop.example',
      'access-control-request-headers': 'authorization,content-type',
    },
  });
  t.equal(preflight.status, 204);
  t.equal(preflight.headers['access-control-allow-headers'], 'authorization,content-type');
  const grpc = await openGrpc(t, admit());
  const path = '/grpc.health.v1.Health/Check';
  t.equal((await callGrpc(t, grpc, { path })).code, 0);
});

t.test(
  'more than a key may send is 429 with Retry-After, and RESOURCE_EXHAUSTED with RetryInfo',
  async (t) => {
    const http = await openHttp(t, admit());
    const headers = bearer(slow.text);
    t.equal((await post(http, { headers })).status, 200);
    const refused = await post(http, { headers });
    t.equal(refused.status, 429);
    t.equal(refused.headers['retry-after'], '10');
    t.match(readStatus(refused.body), { code: 8, message: /the key slow may send 0.1 requests/ });
    t.ok((readStatus(refused.body).retryMs ?? 0) > 9_000);

    const grpc = await openGrpc(t, admit());
    const metadata = new Metadata();
    metadata.set('authorization', headers.authorization);
    t.equal((await callGrpc(t, grpc, { metadata })).code, 0);
    const answer = await callGrpc(t, grpc, { metadata });
    t.equal(answer.code, 8);
    const details = answer.metadata.get('grpc-status-details-bin')[0] as Buffer;
    t.ok((readStatus(details).retryMs ?? 0) > 9_000);
  },
);

const exporterFor = (
  t: Parameters<typeof openHttp>[0],
  protocol: string,
  { address }: Doors,
  headers: Record<string, string>,
): SpanExporter => {
  const base = `http://${address.host}:${address.port}`;
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  const exporter =
    protocol === 'grpc'
      ? new GrpcTraces({ url: base, metadata, timeoutMillis: 5_000 })
      : new (protocol === 'http/json' ? JsonTraces : ProtobufTraces)({
          url: `${base}/v1/traces`,
          headers,
          timeoutMillis: 5_000,
        });
  t.teardown(() => exporter.shutdown());
  return exporter;
};

for (const protocol of ['http/protobuf', 'http/json', 'grpc']) {
  t.test(
    `an exporter over ${protocol} gets in with its key in a header, and not without`,
    async (t) => {
      const door = await (protocol === 'grpc' ? openGrpc : openHttp)(t, admit());
      const send = (headers: Record<string, string>) =>
        new Promise<number>((resolve) => {
          const exporter = exporterFor(t, protocol, door, headers);
          exporter.export(finishedSpans(), ({ code }) => resolve(code));
        });
      t.equal(await send({}), 1);
      t.equal(door.taken.length, 0);
      t.equal(await send(bearer(shop.text)), 0);
      t.strictSame(door.taken[0]?.resourceAttributes, { tenant: 'shop' });
    },
  );
}
