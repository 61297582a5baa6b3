import t from 'tap';
import { startClickHouse } from '../support/clickhouse.ts';
import { jsonEachRow, metricRows } from '../support/naive-rows.ts';
import { metricsRequest } from '../support/otlp-proto.ts';
import type { Message } from '../support/otlp-samples.ts';
import { blocksOf, encodeProtobuf, sameBytes } from '../support/same-bytes.ts';
import { sameRows } from '../support/same-rows.ts';

const kinds = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const;
type Kind = (typeof kinds)[number];

const numbers: readonly Kind[] = ['gauge', 'sum'];
const histograms: readonly Kind[] = ['histogram', 'exponentialHistogram'];
const withCount: readonly Kind[] = [...histograms, 'summary'];
const withExemplars: readonly Kind[] = [...numbers, ...histograms];
const withTemporality: readonly Kind[] = ['sum', ...histograms];

const int64Max = '9223372036854775807';
const int64Min = '-9223372036854775808';
const uint64Max = '18446744073709551615';
const doubles = [0, -0, 1.5, -1e300, 5e-324, Number.MAX_VALUE, Number.NaN, Infinity, -Infinity];

const traceId = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);
const spanId = Uint8Array.from({ length: 8 }, (_, index) => 0xf0 + index);
const attributes = [
  { key: 'text', value: { stringValue: 'x' } },
  { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, {}] } } },
  { key: 'bytes', value: { bytesValue: Uint8Array.from([251, 255]) } },
  { key: 'nothing' },
];

const bounds = (...explicitBounds: readonly number[]): Message => ({ explicitBounds });
const counts = (...bucketCounts: readonly string[]): Message => ({ bucketCounts });

/** Points of each kind: which kinds an edge is for, and how many of its points are rejected. */
type Edge = readonly [
  name: string,
  kinds: readonly Kind[],
  points: readonly Message[],
  rejected?: number,
];

// biome-ignore format: one edge per line.
const edges: readonly Edge[] = [
  ['no points',               kinds,           []],
  ['an empty point',          kinds,           [{}]],
  ['times',                   kinds,           [
    { timeUnixNano: '0' }, { startTimeUnixNano: '0', timeUnixNano: '1' }, { startTimeUnixNano: '1', timeUnixNano: '1' },
    { startTimeUnixNano: '2', timeUnixNano: '1' }, { timeUnixNano: int64Max }]],
  ['times beyond 2262',       kinds,           [{ timeUnixNano: '9223372036854775808' }, { timeUnixNano: uint64Max }, { startTimeUnixNano: uint64Max, timeUnixNano: '1' }], 2],
  ['such of exemplars',       withExemplars,   [{ exemplars: [{ timeUnixNano: uint64Max }] }, { timeUnixNano: uint64Max, exemplars: [{ traceId }] }], 1],
  ['flags',                   kinds,           [{ flags: 0 }, { flags: 1 }, { flags: 4294967295 }]],
  ['attributes',              kinds,           [{ attributes: [] }, { attributes }, { attributes: [{ key: '' }] }]],
  ['doubles',                 numbers,         doubles.map((asDouble) => ({ asDouble }))],
  ['integers',                numbers,         ['0', '-1', '2147483648', '9007199254740993', '-9007199254740993', int64Max, int64Min].map((asInt) => ({ asInt }))],
  ['nothing recorded',        numbers,         [{ flags: 1, asDouble: Number.NaN }, { flags: 1 }]],
  ['exemplars',               withExemplars,   [
    { exemplars: [] }, { exemplars: [{}] },
    { exemplars: [{ timeUnixNano: int64Max }, { asInt: int64Min, traceId, spanId }, ...doubles.map((asDouble) => ({ asDouble })), { asInt: int64Max, traceId }, { asInt: '0', spanId }] },
    { exemplars: [{ filteredAttributes: attributes }, { filteredAttributes: [{ key: '' }, ...attributes] }] },
    { exemplars: [{ traceId: new Uint8Array(16), spanId: new Uint8Array(8) }, { traceId: new Uint8Array(3).fill(1), spanId: new Uint8Array(20).fill(2) }] }]],
  ['counts',                  withCount,       ['0', '1', '9007199254740993', uint64Max].map((count) => ({ count }))],
  ['sums',                    withCount,       doubles.map((sum) => ({ sum }))],
  ['least and greatest',      histograms,      [{ min: 0, max: 0 }, { min: 0 }, { max: 0 }, ...doubles.map((min) => ({ min, max: 0 - min }))]],
  ['buckets',                 ['histogram'],   [
    { ...counts('5') }, { ...counts('0', uint64Max), ...bounds(0) }, { ...counts('0', '0', '0'), ...bounds(-0, Infinity) },
    { ...counts('1', '2'), ...bounds(Number.NaN) }, { ...counts(), ...bounds() }]],
  ['buckets that do not fit', ['histogram'],   [{ ...counts('1', '2') }, { ...bounds(1) }, { ...counts('1'), ...bounds(1) }, { ...counts('1', '2', '3'), ...bounds(1) }, {}], 4],
  ['such of no value',        ['histogram'],   [{ flags: 1, ...counts('1', '2') }, { flags: 1, ...bounds(1) }]],
  ['scales',                  ['exponentialHistogram'], [20, 0, -1, -10, -11, 2147483647, -2147483648].map((scale) => ({ scale }))],
  ['zero buckets',            ['exponentialHistogram'], [{ zeroCount: uint64Max }, ...doubles.map((zeroThreshold) => ({ zeroThreshold }))]],
  ['sparse sides',            ['exponentialHistogram'], [
    { positive: {} }, { negative: {} }, { positive: { offset: -7 }, negative: { offset: 9 } },
    { positive: counts(), negative: counts('0') }, { positive: { offset: 2147483647 }, negative: { offset: -2147483648 } }]],
  ['full sides',              ['exponentialHistogram'], [
    { scale: 3, positive: { offset: -5, ...counts('1', uint64Max, '0', '300') }, negative: { offset: -1, ...counts('127', '128', '16384') } },
    { scale: -10, positive: { offset: -2, ...counts('1', '2') } }]],
  ['sides out of range',      ['exponentialHistogram'], [
    { positive: { offset: 2147483647, ...counts('1') } }, { negative: { offset: -2147483648, ...counts('1') } },
    { scale: -11, positive: { offset: 1, ...counts('1') } }, { flags: 1, positive: { offset: 2147483647, ...counts('1') } }], 3],
  ['quantiles',               ['summary'],     [
    { quantileValues: [] }, { quantileValues: [{}] }, { quantileValues: doubles.map((value) => ({ quantile: value, value })) },
    { quantileValues: [{ quantile: 1 }, { value: 1 }] }]],
];

const request = (...metrics: readonly Message[]): Message => ({
  resourceMetrics: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeMetrics: [{ metrics }],
    },
  ],
});

const cases = edges.flatMap(([name, of, dataPoints, rejected = 0]) =>
  of.map((kind) => ({
    name: `${kind}: ${name}`,
    metric: { name, [kind]: { dataPoints } },
    rejected,
    points: dataPoints.length,
  })),
);

t.test('every edge of every kind of point is the same in JSON as in protobuf', async (t) => {
  for (const { name, metric, rejected, points } of cases) {
    const { acceptance } = sameBytes(t, 'metrics', request(metric), { name });
    t.match(acceptance, { accepted: points - rejected, rejected }, name);
  }
});

t.test('so is whatever a metric says of itself', async (t) => {
  const dataPoints = [{ timeUnixNano: '1' }];
  const twice = [...attributes, ...attributes];
  const temporalities = [0, 1, 2, 3, 2147483647, -1, -2147483648];
  // biome-ignore format: one case per line.
  const table: readonly (readonly [name: string, metric: Message, accepted: number])[] = [
    ['no data',               { name: 'm' },                                      0],
    ['nothing at all',        {},                                                 0],
    ['metadata',              { name: 'm', metadata: attributes, gauge: { dataPoints } }, 1],
    ['names',                 { name: 'ü'.repeat(200), description: '"\n\u0000', unit: '{x}', gauge: { dataPoints } }, 1],
    ['empty names',           { name: '', description: '', unit: '', gauge: { dataPoints } }, 1],
    ['keys that come twice',  { gauge: { dataPoints: [{ attributes: twice, exemplars: [{ filteredAttributes: twice }] }] } }, 1],
    ...kinds.map((kind) => [`${kind} of nothing`, { [kind]: {} }, 0] as const),
    ...withTemporality.flatMap((kind) =>
      temporalities.map((aggregationTemporality) => [`${kind} of temporality ${aggregationTemporality}`, { [kind]: { dataPoints, aggregationTemporality } }, 1] as const)),
    ...[true, false].map((isMonotonic) => [`monotonic: ${isMonotonic}`, { sum: { dataPoints, isMonotonic } }, 1] as const),
  ];
  for (const [name, metric, accepted] of table) {
    const { acceptance } = sameBytes(t, 'metrics', request(metric), { name });
    t.match(acceptance, { accepted, rejected: 0 }, name);
  }
});

t.test('so is whatever surrounds it', async (t) => {
  const metrics = [{ name: 'm', gauge: { dataPoints: [{ timeUnixNano: '1' }] } }];
  const owner = { attributes, droppedAttributesCount: 4294967295 };
  const table: Readonly<Record<string, Message>> = {
    'no resources': {},
    'empty resources': { resourceMetrics: [{}, { resource: {} }, { scopeMetrics: [] }] },
    'empty scopes': { resourceMetrics: [{ scopeMetrics: [{}, { scope: {} }, { metrics: [] }] }] },
    'no resource and no scope': { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] },
    'all of both': {
      resourceMetrics: [
        {
          resource: owner,
          schemaUrl: 'r',
          scopeMetrics: [{ scope: { name: 'n', version: 'v', ...owner }, schemaUrl: 's', metrics }],
        },
      ],
    },
  };
  for (const [name, message] of Object.entries(table)) {
    sameBytes(t, 'metrics', message, { name });
  }
});

const clickhouse = await startClickHouse(t);

t.test('and all of it is stored as a plain reading has it', async (t) => {
  const good = cases.filter(({ rejected }) => rejected === 0).map(({ metric }) => metric);
  const body = encodeProtobuf('metrics', request(...good));
  const wanted = metricRows(metricsRequest.decode(body));
  const { blocks } = blocksOf('metrics', 'protobuf', body);
  t.equal(blocks.length, kinds.length);
  for (const block of blocks) {
    await sameRows(t, clickhouse, block, jsonEachRow(wanted[block.table] ?? []));
  }
});
