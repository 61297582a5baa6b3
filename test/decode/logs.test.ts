import t from 'tap';
import { createColumnBuilder } from '../../src/decode/builder.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { jsonEachRow, logRows } from '../support/naive-rows.ts';
import { logsRequest } from '../support/otlp-proto.ts';
import { type Message, sampleLogs } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';
import { sameRows } from '../support/same-rows.ts';

const encode = (message: Message): Uint8Array =>
  logsRequest.encode(logsRequest.fromObject(message)).finish();

const clickhouse = await startClickHouse(t);

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
    encode(sampleLogs(seededRandom(3), { resources: 3, scopes: 2, items: 50 })),
    encode(edges),
  ];
  const builder = createColumnBuilder('logs');
  for (const body of bodies) t.match(builder.append('protobuf', body), { rejected: 0 });
  const [block] = builder.finish();
  t.ok(block);
  const rows = bodies.flatMap((body) => logRows(logsRequest.decode(body)));
  if (block) await sameRows(t, clickhouse, block, jsonEachRow(rows));
});
