import t from 'tap';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { jsonEachRow, logRows, metricRows } from '../support/naive-rows.ts';
import { logsRequest, metricsRequest } from '../support/otlp-proto.ts';
import { type Message, sampleLogs, sampleMetrics } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';
import { sameRows } from '../support/same-rows.ts';
import { sdkMetrics } from '../support/sdk-payloads.ts';

const encode = (message: Message): Uint8Array =>
  metricsRequest.encode(metricsRequest.fromObject(message)).finish();

const encodeLogs = (message: Message): Uint8Array =>
  logsRequest.encode(logsRequest.fromObject(message)).finish();

const clickhouse = await startClickHouse(t);

const compare = async (t: Parameters<typeof sameRows>[0], bodies: readonly Uint8Array[]) => {
  const builder = createColumnBuilder('metrics');
  for (const body of bodies) t.match(builder.append('protobuf', body), { rejected: 0 });
  const blocks = builder.finish();
  const wanted = new Map<string, Readonly<Record<string, unknown>>[]>();
  for (const body of bodies) {
    for (const [table, rows] of Object.entries(metricRows(metricsRequest.decode(body)))) {
      wanted.set(table, [...(wanted.get(table) ?? []), ...rows]);
    }
  }
  t.strictSame(blocks.map((it) => it.table).toSorted(), [...wanted.keys()].toSorted());
  for (const block of blocks) {
    await sameRows(t, clickhouse, block, jsonEachRow(wanted.get(block.table) ?? []));
  }
};

t.test('each kind of metric fills its own table as a plain reading would', async (t) => {
  const random = seededRandom(2);
  const bodies = [
    sampleMetrics(random, { resources: 1, scopes: 2, items: 40 }),
    sampleMetrics(random, { resources: 7, scopes: 1, items: 9 }),
  ].map(encode);
  await compare(t, bodies);
});

t.test('what the JavaScript SDK sends arrives, in either encoding', async (t) => {
  const payload = await sdkMetrics();
  const wanted = metricRows(metricsRequest.decode(payload.protobuf));
  for (const encoding of ['protobuf', 'json'] as const) {
    const builder = createColumnBuilder('metrics');
    t.match(builder.append(encoding, payload[encoding]), { rejected: 0 });
    const blocks = builder.finish();
    t.equal(blocks.length, 4);
    for (const block of blocks) {
      await sameRows(t, clickhouse, block, jsonEachRow(wanted[block.table] ?? []));
    }
  }
});

t.test('every field of every kind arrives, and absent ones are zero', async (t) => {
  const attributes = [
    { key: 'a', value: { stringValue: 'x' } },
    { key: 'b', value: { arrayValue: { values: [{ intValue: '1' }] } } },
  ];
  const exemplars = [
    {
      filteredAttributes: attributes,
      timeUnixNano: '1760000000000000001',
      asInt: '-9007199254740993',
      spanId: new Uint8Array(8).fill(1),
      traceId: new Uint8Array(16).fill(2),
    },
    { asDouble: Number.NaN },
    {},
  ];
  const common = {
    attributes,
    startTimeUnixNano: '1760000000000000000',
    timeUnixNano: '1760000000999999999',
    flags: 1,
    exemplars,
  };
  const numbers = [
    { ...common, asDouble: Number.NaN },
    { ...common, asDouble: -Infinity },
    { ...common, asInt: '9223372036854775807' },
    { ...common, asInt: '-1' },
    {},
  ];
  const metrics: readonly Message[] = [
    { name: 'g', description: 'd', unit: 'By', gauge: { dataPoints: numbers } },
    { name: 's', sum: { dataPoints: numbers, aggregationTemporality: 1, isMonotonic: true } },
    { name: 's2', sum: { dataPoints: numbers } },
    {
      name: 'h',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            ...common,
            count: '18446744073709551615',
            sum: -1.5,
            min: -2,
            max: 3,
            bucketCounts: ['1', '18446744073709551615', '0'],
            explicitBounds: [-1, 1e300],
          },
          {},
        ],
      },
    },
    {
      name: 'e',
      exponentialHistogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            ...common,
            count: '7',
            sum: 0.1,
            scale: 22,
            zeroCount: '2',
            zeroThreshold: 0.25,
            positive: { offset: 2147483647, bucketCounts: ['0', '18446744073709551615', '300'] },
            negative: { offset: -2147483648, bucketCounts: [] },
            min: 1,
            max: 2,
          },
          {},
        ],
      },
    },
    {
      name: 'q',
      summary: {
        dataPoints: [
          {
            ...common,
            exemplars: [],
            count: '3',
            sum: 9,
            quantileValues: [{ quantile: 0, value: 1 }, {}],
          },
          {},
        ],
      },
    },
    { name: 'without data' },
    { name: 'without points', gauge: {} },
  ];
  const message = {
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
        schemaUrl: 'r',
        scopeMetrics: [
          {
            scope: { name: 'n', version: 'v', attributes, droppedAttributesCount: 9 },
            schemaUrl: 's',
            metrics,
          },
          { metrics: metrics.slice(0, 2) },
        ],
      },
      { scopeMetrics: [{ metrics }] },
    ],
  };
  await compare(t, [encode(message)]);
});

t.test('log records become the rows that a plain reading gives', async (t) => {
  const attributes = [{ key: 'a', value: { doubleValue: 0.5 } }];
  const full = {
    timeUnixNano: '1760000000123456789',
    observedTimeUnixNano: '1760000001000000000',
    severityNumber: 24,
    severityText: 'FATAL4',
    body: { stringValue: 'b'.repeat(200) },
    attributes,
    droppedAttributesCount: 3,
    flags: 0x1ff,
    traceId: new Uint8Array(16).fill(1),
    spanId: new Uint8Array(8).fill(2),
    eventName: 'shop.paid',
  };
  const edges = {
    resourceLogs: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
        schemaUrl: 'r',
        scopeLogs: [
          {
            scope: { name: 'n', version: 'v', attributes },
            schemaUrl: 's',
            logRecords: [
              full,
              {},
              { ...full, timeUnixNano: '0' },
              {
                ...full,
                body: { kvlistValue: { values: [{ key: 'k', value: { boolValue: true } }] } },
              },
              { ...full, body: { intValue: '5' }, traceId: new Uint8Array(16) },
            ],
          },
        ],
      },
    ],
  };
  const bodies = [
    encodeLogs(sampleLogs(seededRandom(3), { resources: 3, scopes: 2, items: 50 })),
    encodeLogs(edges),
  ];
  const builder = createColumnBuilder('logs');
  for (const body of bodies) t.match(builder.append('protobuf', body), { rejected: 0 });
  const [block] = builder.finish();
  t.ok(block);
  const rows = bodies.flatMap((body) => logRows(logsRequest.decode(body)));
  if (block) await sameRows(t, clickhouse, block, jsonEachRow(rows));
});

t.test('what is discarded is counted by table, and leaves nothing', async (t) => {
  const message = sampleMetrics(seededRandom(5), { resources: 1, scopes: 2, items: 40 });
  const body = encode(message);
  const [builder, other] = [createColumnBuilder('metrics'), createColumnBuilder('metrics')];
  builder.append('protobuf', body);
  other.append('protobuf', body);
  const blocks = other.finish();
  t.ok(blocks.length > 1);
  t.strictSame(
    builder.discard(),
    blocks.map(({ table, rows }) => ({ table, rows })),
  );
  t.strictSame([builder.rows(), builder.bytes(), builder.finish()], [0, 0, []]);
});
