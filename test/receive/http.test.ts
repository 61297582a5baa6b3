import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { Fault } from '../../src/lib/fault.ts';
import type { Ingest } from '../../src/model/ingest.ts';
import { failingIngest, openHttp, post, readExportResponse, readStatus } from './doors.ts';

const json = { 'content-type': 'application/json' };
const small = Buffer.from('a few bytes that stand for spans');
const large = Buffer.alloc(3_000_000, 'the same bytes again and again ');
const halves = (bytes: Buffer): [Buffer, Buffer] => [bytes.subarray(0, 9), bytes.subarray(9)];

// biome-ignore format: one case per line.
const bodies: readonly (readonly [string, string, (body: Buffer) => Buffer])[] = [
  ['no compression',             'identity', (it) => it],
  ['no compression, named none', 'none',     (it) => it],
  ['gzip',                       'gzip',     (it) => gzipSync(it)],
  ['gzip in capitals',           'GZIP',     (it) => gzipSync(it)],
  ['gzip of two members',        'gzip',     (it) => Buffer.concat(halves(it).map((half) => gzipSync(half)))],
  ['deflate',                    'deflate',  (it) => deflateSync(it)],
  ['deflate without its header', 'deflate',  (it) => deflateRawSync(it)],
  ['zstd',                       'zstd',     (it) => zstdCompressSync(it)],
  ['zstd of two frames',         'zstd',     (it) => Buffer.concat(halves(it).map((half) => zstdCompressSync(half)))],
];

for (const [name, coding, encode] of bodies) {
  t.test(`${name} is taken, small and large`, async (t) => {
    const door = await openHttp(t);
    for (const body of [small, large]) {
      const headers = { 'content-encoding': coding };
      const answer = await post(door, { headers, body: encode(body) });
      t.equal(answer.status, 200);
      t.ok(body.equals(door.taken.at(-1)?.body ?? small.subarray(1)), 'the same bytes arrive');
    }
    t.equal(door.metric('tocsin_receive_body_held'), 0);
  });
}

t.test('the path names the signal and the Content-Type the encoding, on one port', async (t) => {
  const door = await openHttp(t);
  for (const path of ['/v1/traces', '/v1/metrics', '/v1/logs?x=1']) {
    await post(door, { path, body: small });
    await post(door, {
      path,
      body: '{}',
      headers: { 'content-type': 'application/JSON; charset=utf-8' },
    });
  }
  t.strictSame(
    door.taken.map(({ signal, encoding }) => `${signal} ${encoding}`),
    [
      'traces protobuf',
      'traces json',
      'metrics protobuf',
      'metrics json',
      'logs protobuf',
      'logs json',
    ],
  );
});

t.test(
  'a body belongs to ingest alone, whatever its size, so that it may be transferred',
  async (t) => {
    const door = await openHttp(t);
    for (const bytes of [1, 5_000, 70_000, 3_000_000]) {
      await post(door, { body: Buffer.alloc(bytes, 1) });
    }
    for (const { body } of door.taken) {
      const { byteLength } = body.buffer;
      t.ok(byteLength <= body.length * 1.25 + 1024, `${byteLength} bytes for ${body.length}`);
      structuredClone(body, { transfer: [body.buffer as ArrayBuffer] });
    }
    t.equal((await post(door, { body: small })).status, 200);
  },
);

t.test('full success is an empty protobuf message or {} in the type of the request', async (t) => {
  const door = await openHttp(t);
  const protobuf = await post(door, { body: small });
  t.equal(protobuf.status, 200);
  t.equal(protobuf.headers['content-type'], 'application/x-protobuf');
  t.equal(protobuf.body.length, 0);
  const text = await post(door, { headers: json, body: '{}' });
  t.equal(text.headers['content-type'], 'application/json');
  t.equal(text.body.toString(), '{}');
});

t.test('an empty request is a success', async (t) => {
  const door = await openHttp(t);
  t.equal((await post(door)).status, 200);
  t.equal((await post(door, { headers: { 'content-encoding': 'gzip' } })).status, 200);
  t.equal((await post(door, { headers: json, body: '{}' })).status, 200);
});

// biome-ignore format: one case per line.
const partial: readonly (readonly [string, string, number, string, unknown, unknown])[] = [
  ['rejected spans',       '/v1/traces',  3, 'bad ids',   { rejected: 3, errorMessage: 'bad ids' },  { rejectedSpans: '3', errorMessage: 'bad ids' }],
  ['rejected data points', '/v1/metrics', 2, 'bad scale', { rejected: 2, errorMessage: 'bad scale' }, { rejectedDataPoints: '2', errorMessage: 'bad scale' }],
  ['rejected records',     '/v1/logs',    1, 'too deep',  { rejected: 1, errorMessage: 'too deep' }, { rejectedLogRecords: '1', errorMessage: 'too deep' }],
  ['a warning',            '/v1/traces',  0, 'slow down', { errorMessage: 'slow down' },             { errorMessage: 'slow down' }],
];

for (const [name, path, rejected, message, inProtobuf, inJson] of partial) {
  t.test(`partial success tells of ${name}`, async (t) => {
    const door = await openHttp(t, { ingest: async () => ({ accepted: 1, rejected, message }) });
    const protobuf = await post(door, { path, body: small });
    t.equal(protobuf.status, 200);
    t.strictSame(readExportResponse(protobuf.body), { partialSuccess: inProtobuf });
    const text = await post(door, { path, headers: json, body: '{}' });
    t.strictSame(JSON.parse(text.body.toString()), { partialSuccess: inJson });
    t.equal(door.metric('tocsin_receive_items_rejected'), rejected * 2);
    t.equal(door.metric('tocsin_receive_items_accepted'), 2);
  });
}

t.test('a long partial success message is cut far below the 4 MiB of an answer', async (t) => {
  const message = 'ä'.repeat(5_000_000);
  const door = await openHttp(t, { ingest: async () => ({ accepted: 1, rejected: 1, message }) });
  const { body, status } = await post(door, { body: small });
  t.equal(status, 200);
  t.ok(body.length < 9_000, `${body.length} bytes`);
  const { partialSuccess } = readExportResponse(body) as {
    partialSuccess: { errorMessage: string };
  };
  t.match(partialSuccess.errorMessage, /^ä+…$/);
});

t.test('no answer over HTTP is longer than 64 KiB, whatever there is to say', async (t) => {
  // JSON needs six bytes for each of these.
  const endless = '\u0001'.repeat(5_000_000);
  const ingests: readonly Ingest[] = [
    async () => ({ accepted: 1, rejected: Number.MAX_SAFE_INTEGER, message: endless }),
    async () => ({ accepted: 1, rejected: 0, message: endless }),
    failingIngest(new Fault('ERR_OTLP_MALFORMED', endless, { remedy: 'reject' })),
    failingIngest(new Fault('ERR_JOURNAL_FULL', endless, { remedy: 'retry', retryAfterMs: 1e15 })),
    failingIngest(new Error(endless)),
  ];
  for (const ingest of ingests) {
    const door = await openHttp(t, { ingest });
    for (const request of [{ body: small }, { headers: json, body: '{}' }]) {
      const { body, headers } = await post(door, request);
      t.ok(body.length < 64 * 1024, `${body.length} bytes`);
      t.ok(JSON.stringify(headers).length < 2_000, 'with headers in proportion');
    }
  }
  const door = await openHttp(t);
  const long = 'x'.repeat(7_000);
  const asked = [{ path: `/${long}` }, { method: long }, { headers: { 'content-type': long } }];
  for (const request of asked) {
    const { body } = await post(door, { body: small, ...request });
    t.ok(body.length < 64 * 1024, `${body.length} bytes about what was asked`);
  }
});

const busy = new Fault('ERR_JOURNAL_FULL', 'the journal is full', {
  remedy: 'retry',
  retryAfterMs: 2_500,
});
const bad = new Fault('ERR_OTLP_MALFORMED', 'spans[2].trace_id: 3 bytes, expected 16', {
  remedy: 'reject',
});
const huge = new Fault('ERR_OTLP_TOO_LARGE', 'one resource is larger than a block', {
  remedy: 'reject',
});

// biome-ignore format: one case per line.
const failures: readonly (readonly [string, Error, number, number, Readonly<Record<string, unknown>>])[] = [
  ['malformed data',               bad,  400, 3,  { violations: [bad.message], message: bad.message }],
  ['data too large for the store', huge, 413, 8,  { message: huge.message }],
  ['a full journal',               busy, 503, 14, { retryMs: 2_500, message: busy.message }],
  ['a failure without its delay',  new Fault('ERR_X', 'not now', { remedy: 'retry' }), 503, 14, { retryMs: 1_000, message: 'not now' }],
];

for (const [name, error, status, code, details] of failures) {
  t.test(
    `${name} is answered with ${status} and a Status in the encoding of the request`,
    async (t) => {
      const door = await openHttp(t, { ingest: failingIngest(error) });
      const protobuf = await post(door, { body: small });
      t.equal(protobuf.status, status);
      t.equal(protobuf.headers['content-type'], 'application/x-protobuf');
      t.strictSame(readStatus(protobuf.body), { code, ...details });
      const text = await post(door, { headers: json, body: '{}' });
      t.equal(text.status, status);
      t.equal(text.headers['content-type'], 'application/json');
      t.match(JSON.parse(text.body.toString()), { code, message: error.message });
      t.equal(text.headers['retry-after'], protobuf.headers['retry-after']);
    },
  );
}

t.test('Retry-After is the delay of the fault in whole seconds, rounded up', async (t) => {
  const door = await openHttp(t, { ingest: failingIngest(busy) });
  const answer = await post(door, { headers: json, body: '{}' });
  t.equal(answer.headers['retry-after'], '3');
  t.match(JSON.parse(answer.body.toString()), {
    details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '2.500s' }],
  });
});

t.test('a BadRequest in JSON names what is wrong', async (t) => {
  const door = await openHttp(t, { ingest: failingIngest(bad) });
  const answer = await post(door, { headers: json, body: '{}' });
  t.strictSame(JSON.parse(answer.body.toString()).details, [
    {
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field: 'body', description: bad.message }],
    },
  ]);
});

t.test('a mistake of ours is a 500 without details, and the log has its stack', async (t) => {
  const door = await openHttp(t, { ingest: failingIngest(new TypeError('x is undefined')) });
  const { status, body, headers } = await post(door, { body: small });
  t.equal(status, 500);
  t.equal(headers['retry-after'], undefined);
  const told = readStatus(body);
  t.equal(told.code, 13);
  t.notMatch(told.message, 'x is undefined');
  const line = door.lines.find((it) => it.event === 'request_failed');
  t.equal(line?.level, 'error');
  t.match(line?.fields['error'], TypeError);
  t.match(told.message, String(line?.fields['request_id']), 'both sides can name the request');
});

// biome-ignore format: one case per line.
const refused: readonly (readonly [string, Parameters<typeof post>[1], number, Readonly<Record<string, string>>])[] = [
  ['an unknown path',             { path: '/v1/profiles' },                            404, {}],
  ['a path with a slash too much', { path: '/v1/traces/' },                            404, {}],
  ['a path of every object',      { path: '/constructor' },                            404, {}],
  ['GET',                         { method: 'GET' },                                   405, { allow: 'POST, OPTIONS' }],
  ['PUT with a body',             { method: 'PUT', body: small },                      405, { allow: 'POST, OPTIONS' }],
  ['an unknown media type',       { headers: { 'content-type': 'text/plain' }, body: small }, 415, { accept: 'application/x-protobuf, application/json' }],
  ['an unknown coding',           { headers: { 'content-encoding': 'br' }, body: small }, 415, { 'accept-encoding': 'zstd, gzip, deflate, identity' }],
  ['two codings',                 { headers: { 'content-encoding': 'gzip, gzip' }, body: small }, 415, {}],
  ['broken gzip',                 { headers: { 'content-encoding': 'gzip' }, body: small }, 400, {}],
  ['gzip cut short',              { headers: { 'content-encoding': 'gzip' }, body: gzipSync(large).subarray(0, 900) }, 400, {}],
  ['broken deflate',              { headers: { 'content-encoding': 'deflate' }, body: small }, 400, {}],
  ['broken zstd',                 { headers: { 'content-encoding': 'zstd' }, body: small }, 400, {}],
  ['zstd cut short',              { headers: { 'content-encoding': 'zstd' }, body: zstdCompressSync(large).subarray(0, 90) }, 400, {}],
  ['zstd and then rubbish',       { headers: { 'content-encoding': 'zstd' }, body: Buffer.concat([zstdCompressSync(small), small]) }, 400, {}],
];

for (const [name, message, status, headers] of refused) {
  t.test(`${name} is answered with ${status} and a Status`, async (t) => {
    const door = await openHttp(t);
    const answer = await post(door, message);
    t.equal(answer.status, status);
    t.match(answer.headers, headers);
    const isJson = answer.headers['content-type'] === 'application/json';
    const told = isJson ? JSON.parse(answer.body.toString()) : readStatus(answer.body);
    t.match(told, { code: Number, message: /\w+ \w+/ });
    t.equal(door.taken.length, 0);
    t.equal(door.metric('tocsin_receive_body_held'), 0);
  });
}

t.test('whoever did not say protobuf gets a Status that people can read', async (t) => {
  const door = await openHttp(t);
  const answer = await post(door, { method: 'GET', headers: { 'content-type': 'text/html' } });
  t.equal(answer.headers['content-type'], 'application/json');
});

t.test('the later name application/protobuf is answered in kind', async (t) => {
  const door = await openHttp(t);
  const answer = await post(door, {
    headers: { 'content-type': 'application/protobuf' },
    body: small,
  });
  t.equal(answer.status, 200);
  t.equal(answer.headers['content-type'], 'application/protobuf');
});

t.test('metrics tell signal, encoding and status of each request, and its bytes', async (t) => {
  const door = await openHttp(t);
  const wire = gzipSync(large);
  await post(door, { headers: { 'content-encoding': 'gzip' }, body: wire });
  await post(door, { path: '/nowhere' });
  const request = { transport: 'http', signal: 'traces', encoding: 'protobuf' };
  t.equal(door.metric('tocsin_receive_requests_answered', { ...request, status: '200' }), 1);
  t.equal(door.metric('tocsin_receive_requests_answered', { signal: 'none', status: '404' }), 1);
  t.equal(door.metric('tocsin_receive_requests_refused', { code: 'ERR_OTLP_PATH' }), 1);
  t.equal(door.metric('tocsin_receive_body_received', { ...request, form: 'wire' }), wire.length);
  t.equal(door.metric('tocsin_receive_body_received', { ...request, form: 'plain' }), large.length);
  t.equal(door.metric('tocsin_receive_requests_open'), 0);
});

t.test('a page of an allowed origin may send, and one of another may not', async (t) => {
  const cors = { originsAllowed: ['https://*.shop.example'] };
  const door = await openHttp(t, { cors });
  const origin = 'https://www.shop.example';
  const asked = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,x-key',
  };
  const preflight = await post(door, { method: 'OPTIONS', headers: asked });
  t.equal(preflight.status, 204);
  t.match(preflight.headers, {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'content-type,x-key',
    vary: 'Origin',
  });
  const sent = await post(door, { headers: { origin, ...json }, body: '{}' });
  t.equal(sent.headers['access-control-allow-origin'], origin);
  for (const other of ['https://evil.example', 'https://www.shop.example.evil.example', 'null']) {
    const refusal = await post(door, { method: 'OPTIONS', headers: { ...asked, origin: other } });
    t.equal(refusal.headers['access-control-allow-origin'], undefined, other);
  }
});

t.test('without allowed origins no answer speaks of them', async (t) => {
  const door = await openHttp(t);
  const answer = await post(door, { method: 'OPTIONS', headers: { origin: 'https://a.example' } });
  t.equal(answer.headers['access-control-allow-origin'], undefined);
  t.equal(answer.headers['allow'], 'POST, OPTIONS');
});
