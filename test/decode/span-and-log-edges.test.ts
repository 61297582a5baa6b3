import t from 'tap';
import { startClickHouse } from '../support/clickhouse.ts';
import { jsonEachRow, logRows, traceRows } from '../support/naive-rows.ts';
import { logsRequest, tracesRequest } from '../support/otlp-proto.ts';
import type { Message } from '../support/otlp-samples.ts';
import { blocksOf, encodeProtobuf, sameBytes } from '../support/same-bytes.ts';
import { sameRows } from '../support/same-rows.ts';

const int64Max = '9223372036854775807';
const uint64Max = '18446744073709551615';
const uint32Max = 4294967295;
const traceId = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);
const spanId = Uint8Array.from({ length: 8 }, (_, index) => 0xf0 + index);
const zeros = (length: number): Uint8Array => new Uint8Array(length);
const attributes = [
  { key: 'text', value: { stringValue: 'ü' } },
  {
    key: 'list',
    value: { arrayValue: { values: [{ intValue: '1' }, {}, { doubleValue: -0.5 }] } },
  },
  { key: 'nothing' },
];

type Edge = readonly [name: string, items: readonly Message[], rejected?: number];

// biome-ignore format: one edge per line.
const spanEdges: readonly Edge[] = [
  ['nothing but ids',       [{}]],
  ['ids that are not valid', [{ traceId: zeros(16) }, { spanId: zeros(8) }, { traceId: zeros(0) }, { spanId: zeros(0) }, { traceId: traceId.subarray(1) }, { spanId: traceId }, {}], 6],
  ['parents',               [{ parentSpanId: spanId }, { parentSpanId: zeros(8) }, { parentSpanId: zeros(0) }, { parentSpanId: traceId }]],
  ['kinds',                 [0, 1, 2, 3, 4, 5, 6, 2147483647, -1].map((kind) => ({ kind }))],
  ['statuses',              [{ status: {} }, ...[0, 1, 2, 3, 2147483647, -1].map((code) => ({ status: { code, message: 'ü' } }))]],
  ['times',                 [{ startTimeUnixNano: '0', endTimeUnixNano: '0' }, { startTimeUnixNano: '2', endTimeUnixNano: '1' }, { startTimeUnixNano: '1', endTimeUnixNano: uint64Max }, { startTimeUnixNano: int64Max, endTimeUnixNano: int64Max }]],
  ['times beyond 2262',     [{ startTimeUnixNano: uint64Max }, { startTimeUnixNano: '9223372036854775808' }, { startTimeUnixNano: '1' }], 2],
  ['flags',                 [0, 1, 0x100, 0x300, uint32Max].map((flags) => ({ flags }))],
  ['what was dropped',      [{ droppedAttributesCount: uint32Max, droppedEventsCount: 1, droppedLinksCount: 0 }]],
  ['trace states',          ['', 'ot=th:8', 'ot=th:0', 'ot=th:fd70a4;rv:1', 'ot=th:', 'ot=th:g', 'a=1,ot=rv:ff;th:c', 'x'.repeat(600)].map((traceState) => ({ traceState }))],
  ['events',                [{ events: [] }, { events: [{}] }, { events: [{ timeUnixNano: int64Max, name: 'e', attributes, droppedAttributesCount: uint32Max }, { name: '' }, {}] }]],
  ['links',                 [{ links: [] }, { links: [{}] }, { links: [{ traceId, spanId, traceState: 'a=b', attributes, droppedAttributesCount: 1, flags: uint32Max }, { traceId: zeros(16), spanId: spanId.subarray(1) }, {}] }]],
  ['attributes',            [{ attributes }, { attributes: [] }, { attributes: [{ key: '' }, { key: 'k', value: {} }] }]],
];

// biome-ignore format: one edge per line.
const logEdges: readonly Edge[] = [
  ['nothing',               [{}]],
  ['times',                 [{ timeUnixNano: '1' }, { observedTimeUnixNano: '2' }, { timeUnixNano: '0', observedTimeUnixNano: '3' }, { timeUnixNano: int64Max, observedTimeUnixNano: int64Max }]],
  ['times beyond 2262',     [{ timeUnixNano: uint64Max }, { observedTimeUnixNano: uint64Max }, { timeUnixNano: '1' }], 2],
  ['severities',            [0, 1, 9, 24, 25, 255].map((severityNumber) => ({ severityNumber, severityText: `of ${severityNumber}` }))],
  ['ids',                   [{ traceId, spanId }, { traceId }, { spanId }, { traceId: zeros(16), spanId: zeros(8) }, { traceId: spanId, spanId: traceId }]],
  ['flags',                 [0, 1, 0x1ff, uint32Max].map((flags) => ({ flags }))],
  ['what was dropped',      [{ droppedAttributesCount: uint32Max }]],
  ['events',                [{ eventName: 'shop.paid' }, { eventName: '' }]],
  ['bodies',                [{ body: {} }, { body: { stringValue: '' } }, { body: { stringValue: 'ü\u0000'.repeat(99) } }, { body: { boolValue: false } }, { body: { intValue: int64Max } }, { body: { doubleValue: -0 } }, { body: { bytesValue: zeros(3) } }, { body: { kvlistValue: { values: attributes } } }]],
  ['attributes',            [{ attributes }, { attributes: [] }, { attributes: [{ key: '' }, { key: 'k', value: {} }] }]],
];

const tracesWith = (spans: readonly Message[]): Message => ({
  resourceSpans: [{ scopeSpans: [{ spans: spans.map((it) => ({ traceId, spanId, ...it })) }] }],
});
const logsWith = (logRecords: readonly Message[]): Message => ({
  resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords }] }],
});

// biome-ignore format: one signal per line.
const signals = [
  { signal: 'traces', edges: spanEdges, requestWith: tracesWith, plain: (body: Uint8Array) => traceRows(tracesRequest.decode(body)) },
  { signal: 'logs',   edges: logEdges,  requestWith: logsWith,   plain: (body: Uint8Array) => logRows(logsRequest.decode(body)) },
] as const;

const clickhouse = await startClickHouse(t);

for (const { signal, edges, requestWith, plain } of signals) {
  t.test(`every edge of ${signal} is the same in JSON as in protobuf`, async (t) => {
    for (const [name, items, rejected = 0] of edges) {
      const { acceptance } = sameBytes(t, signal, requestWith(items), { name });
      t.match(acceptance, { accepted: items.length - rejected, rejected }, name);
    }
  });

  t.test(`and ${signal} are stored as a plain reading has them`, async (t) => {
    const good = edges.flatMap(([, items, rejected]) => (rejected === undefined ? items : []));
    const body = encodeProtobuf(signal, requestWith(good));
    const [block] = blocksOf(signal, 'protobuf', body).blocks;
    if (!block) throw new Error('no block');
    await sameRows(t, clickhouse, block, jsonEachRow(plain(body)));
  });
}
