import t from 'tap';
import { addResourceAttributes } from '../../src/decode/resource-attributes.ts';
import { keyValue, message, resourcesOf, string } from '../support/otlp-bytes.ts';

const attributes = { tenant: 'shop', 'deployment.environment.name': 'live' };
const added = [
  ['tenant', 'shop'],
  ['deployment.environment.name', 'live'],
];
const scope = message(2, message(2, string(5, 'GET /pay')));
const pay = keyValue('service.name', 'pay');
const forged = keyValue('tenant', 'bank');

// biome-ignore format: one request per line.
const rows: readonly (readonly [name: string, request: Buffer, expected: readonly unknown[]])[] = [
  ['a resource without attributes', message(1, scope),                                                      [added]],
  ['a resource with its own',       message(1, Buffer.concat([message(1, pay), scope])),                     [[['service.name', 'pay'], ...added]]],
  ['a name taken by the sender',    message(1, Buffer.concat([message(1, Buffer.concat([forged, pay])), scope])), [[['service.name', 'pay'], ...added]]],
  ['a resource behind its items',   message(1, Buffer.concat([scope, message(1, forged)])),                  [added]],
  ['a resource in two parts',       message(1, Buffer.concat([message(1, forged), scope, message(1, Buffer.concat([pay, forged]))])), [[['service.name', 'pay'], ...added]]],
  ['a name said twice in one attribute', message(1, message(1, message(1, Buffer.concat([string(1, 'x'), string(1, 'tenant')])))), [added]],
  ['two resources',                 Buffer.concat([message(1, message(1, pay)), message(1, message(1, forged))]), [[['service.name', 'pay'], ...added], added]],
  ['an empty request',              Buffer.alloc(0),                                                         []],
];

for (const [name, request, expected] of rows) {
  t.test(`${name} ends with the attributes of the key, and no others of these names`, async (t) => {
    const labelled = addResourceAttributes('traces', 'protobuf', request, attributes);
    t.strictSame(resourcesOf(labelled), expected);
    t.equal(Buffer.from(labelled).includes('GET /pay'), request.includes('GET /pay'));
    t.equal(labelled.buffer.byteLength, labelled.length, 'the buffer is its own');
  });
}

t.test('a request in JSON is labelled as well', async (t) => {
  const text = JSON.stringify({
    resourceSpans: [
      { resource: { attributes: [{ key: 'tenant', value: { stringValue: 'bank' } }] } },
    ],
  });
  const labelled = addResourceAttributes('traces', 'json', Buffer.from(text), attributes);
  t.strictSame(resourcesOf(labelled), [added]);
});

// biome-ignore format: one mistake per line.
const broken: readonly (readonly [name: string, request: Buffer])[] = [
  ['a length beyond the end',       Buffer.from([0x0a, 0x05, 0x00])],
  ['a resource beyond its message', message(1, Buffer.from([0x0a, 0x05]))],
  ['a group',                       Buffer.from([0x0b])],
  ['field number 0',                Buffer.from([0x02, 0x00])],
  ['a number without end',          Buffer.alloc(12, 0xff)],
  ['a tag alone',                   Buffer.from([0x0a])],
];

for (const [name, request] of broken) {
  t.test(`${name} is malformed rather than let through`, async (t) => {
    t.throws(() => addResourceAttributes('traces', 'protobuf', request, attributes), {
      code: 'ERR_OTLP_MALFORMED',
    });
  });
}

t.test('a flood of empty resources is too large rather than held', async (t) => {
  const request = Buffer.alloc(2_000_000);
  for (let at = 0; at < request.length; at += 2) request[at] = 0x0a;
  t.throws(() => addResourceAttributes('traces', 'protobuf', request, attributes), {
    code: 'ERR_OTLP_TOO_LARGE',
  });
});
