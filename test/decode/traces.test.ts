import t from 'tap';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { jsonEachRow, traceRows } from '../support/naive-rows.ts';
import { tracesRequest } from '../support/otlp-proto.ts';
import { type Message, sampleTraces } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';
import { sameRows } from '../support/same-rows.ts';
import { sdkTraces } from '../support/sdk-payloads.ts';

const encode = (message: Message): Uint8Array =>
  tracesRequest.encode(tracesRequest.fromObject(message)).finish();

const traceId = new Uint8Array(16).fill(0xab);
const spanId = new Uint8Array(8).fill(0xcd);

const request = (...spans: readonly Message[]): Message => ({
  resourceSpans: [{ scopeSpans: [{ spans }] }],
});

const clickhouse = await startClickHouse(t);

t.test('a block holds the rows that a plain reading of the requests gives', async (t) => {
  const random = seededRandom(1);
  const builder = createColumnBuilder('traces');
  const bodies = [
    sampleTraces(random, { resources: 1, scopes: 3, items: 171 }),
    sampleTraces(random, { resources: 20, scopes: 2, items: 13 }),
    sampleTraces(random, { resources: 2, scopes: 1, items: 1 }),
  ].map(encode);
  for (const body of bodies) t.match(builder.append('protobuf', body), { rejected: 0 });
  const [block] = builder.finish();
  t.ok(block);
  const rows = bodies.flatMap((body) => traceRows(tracesRequest.decode(body)));
  if (block) await sameRows(t, clickhouse, block, jsonEachRow(rows));
});

t.test('every kind of value and every field arrives', async (t) => {
  const deep = (depth: number): Message =>
    depth === 0 ? { intValue: '-7' } : { arrayValue: { values: [deep(depth - 1)] } };
  const values: readonly Message[] = [
    {},
    { stringValue: '' },
    { stringValue: 'ä "quoted" \\ \u0001 <&> 🐙' },
    { stringValue: 'x'.repeat(127) },
    { stringValue: 'y'.repeat(128) },
    { stringValue: 'z'.repeat(70_000) },
    { boolValue: false },
    { boolValue: true },
    ...['0', '7', '-1', '300', '268435456', '9007199254740993', '-9223372036854775808'].map(
      (intValue) => ({ intValue }),
    ),
    ...[0, -0, 1, 0.1, 1e21, 1e-7, 123456789.125, Number.NaN, Infinity, -Infinity].map(
      (doubleValue) => ({ doubleValue }),
    ),
    { bytesValue: new Uint8Array(0) },
    { bytesValue: Uint8Array.from([0, 255, 62, 63]) },
    { arrayValue: {} },
    ...[['a'], ['a', 'b c'], [''], ['', 'x'], ['~ '], ['"'], ['\\'], ['\n'], ['\u007f'], ['é']].map(
      (list) => ({
        arrayValue: { values: list.map((stringValue) => ({ stringValue })) },
      }),
    ),
    {
      arrayValue: { values: [{ stringValue: 'p'.repeat(125) }, { stringValue: 'q'.repeat(126) }] },
    },
    { arrayValue: { values: Array.from({ length: 99 }, () => ({ stringValue: 'many' })) } },
    { arrayValue: { values: [{ stringValue: 'a' }, {}] } },
    { arrayValue: { values: [{}, { bytesValue: Uint8Array.from([1]) }] } },
    { kvlistValue: {} },
    {
      arrayValue: {
        values: [{ stringValue: 'a"b' }, {}, { doubleValue: 1.5 }, { boolValue: false }],
      },
    },
    {
      kvlistValue: {
        values: [
          { key: 'z', value: { intValue: '1' } },
          { key: 'a"', value: { arrayValue: { values: [{ bytesValue: Uint8Array.from([1]) }] } } },
          { key: 'none' },
        ],
      },
    },
    deep(40),
  ];
  const attributes = values.map((value, index) => ({ key: `key.${index}`, value }));
  const full = {
    traceId,
    spanId,
    parentSpanId: spanId,
    traceState: 'vendor=1,ot=rv:123456789abcde;th:8',
    name: 'n'.repeat(300),
    kind: 5,
    startTimeUnixNano: '1760000000123456789',
    endTimeUnixNano: '1760000099999999999',
    attributes: [
      ...attributes,
      { key: 'k'.repeat(200), value: { stringValue: 'long key' } },
      { key: '' },
    ],
    droppedAttributesCount: 4_000_000_000,
    events: [{ timeUnixNano: '1', name: 'e', attributes }, {}],
    droppedEventsCount: 300,
    links: [{ traceId, spanId, traceState: 'a=b', attributes }, {}],
    droppedLinksCount: 128,
    status: { code: 2, message: 'ö' },
    flags: 0xffffffff,
  };
  const message = {
    resourceSpans: [
      {
        resource: {
          attributes: [...attributes, { key: 'service.name', value: { intValue: '12' } }],
        },
        schemaUrl: 'resource/url',
        scopeSpans: [
          {
            scope: { name: 'scope', version: '1', attributes },
            schemaUrl: 'scope/url',
            spans: [
              full,
              { traceId, spanId },
              { traceId, spanId, kind: 77, status: { code: 9 }, parentSpanId: new Uint8Array(8) },
              { traceId, spanId, startTimeUnixNano: '4294967297', endTimeUnixNano: '4294967296' },
              { traceId, spanId, startTimeUnixNano: '4294967295', endTimeUnixNano: '4294967296' },
            ],
          },
          { spans: [full] },
          { scope: { name: 'no spans' } },
        ],
      },
      { resource: { attributes }, scopeSpans: [] },
      { scopeSpans: [{ spans: [{ traceId, spanId, traceState: 'ot=th:0' }] }] },
    ],
  };
  const body = encode(message);
  const builder = createColumnBuilder('traces');
  t.strictSame(builder.append('protobuf', body), {
    accepted: 7,
    rejected: 0,
    message:
      'warning: 2 attributes have an empty key; ' +
      'warning: 3 spans without a time are stored as of 1970 and expire at once',
  });
  const [block] = builder.finish();
  t.ok(block);
  if (block) {
    await sameRows(t, clickhouse, block, jsonEachRow(traceRows(tracesRequest.decode(body))));
  }
});

t.test('what the JavaScript SDK sends arrives, in either encoding', async (t) => {
  const payload = sdkTraces();
  const rows = jsonEachRow(traceRows(tracesRequest.decode(payload.protobuf)));
  for (const encoding of ['protobuf', 'json'] as const) {
    const builder = createColumnBuilder('traces');
    t.strictSame(builder.append(encoding, payload[encoding]), {
      accepted: 41,
      rejected: 0,
      message: '',
    });
    const [block] = builder.finish();
    if (block) await sameRows(t, clickhouse, block, rows);
  }
});

t.test('spans without valid ids are rejected by name and their neighbours kept', async (t) => {
  const good = {
    traceId,
    spanId,
    name: 'good',
    attributes: [{ key: 'a', value: { intValue: '1' } }],
  };
  const message = request(
    good,
    { ...good, traceId: new Uint8Array(16) },
    { ...good, traceId: new Uint8Array(15).fill(1) },
    { ...good, spanId: new Uint8Array(0) },
    good,
    { ...good, spanId: new Uint8Array(8) },
  );
  const builder = createColumnBuilder('traces');
  t.match(builder.append('protobuf', encode(message)), {
    accepted: 2,
    rejected: 4,
    message:
      '4 spans rejected: 2 with a trace id that is not 16 bytes (32 hex digits) or is all zero, ' +
      '2 with a span id that is not 8 bytes (16 hex digits) or is all zero',
  });
  const [block] = builder.finish();
  t.ok(block);
  const rows = traceRows(tracesRequest.decode(encode(request(good, good))));
  if (block) await sameRows(t, clickhouse, block, jsonEachRow(rows));
});

t.test('more distinct words than 16 bits can number', async (t) => {
  const spansNamed = (count: number, fields: Message): Uint8Array =>
    encode(
      request(
        ...Array.from({ length: count }, (_, index) => ({
          ...fields,
          traceId,
          spanId,
          name: `span ${index}`,
        })),
      ),
    );
  const many = spansNamed(70_000, {});
  const few = spansNamed(3, { kind: 2 });
  const builder = createColumnBuilder('traces');
  builder.append('protobuf', few);
  t.equal(builder.append('protobuf', many), 'full', 'cut the block beside held rows');
  t.equal(builder.rows(), 3);
  builder.finish();
  t.match(
    builder.append('protobuf', many),
    { accepted: 70_000 },
    'widen the index of a lone request',
  );
  t.match(builder.append('protobuf', few), { accepted: 3 });
  const [block] = builder.finish();
  const rows = [many, few].flatMap((body) => traceRows(tracesRequest.decode(body)));
  if (block) await sameRows(t, clickhouse, block, jsonEachRow(rows));
  builder.append('protobuf', few);
  const fresh = createColumnBuilder('traces');
  fresh.append('protobuf', few);
  t.strictSame(builder.finish(), fresh.finish(), 'and the next block is narrow again');
});
