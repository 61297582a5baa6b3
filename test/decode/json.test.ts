import t from 'tap';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { encodeJson } from '../support/otlp-json.ts';
import { type Message, sampleLogs, sampleMetrics, sampleTraces } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';
import { blocksOf, sameBytes } from '../support/same-bytes.ts';

const size = { resources: 3, scopes: 2, items: 15 };

t.test('JSON and protobuf give the same bytes for every signal', async (t) => {
  sameBytes(t, 'traces', sampleTraces(seededRandom(4), size));
  sameBytes(t, 'metrics', sampleMetrics(seededRandom(5), size));
  sameBytes(t, 'logs', sampleLogs(seededRandom(6), size));
});

const traceId = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);
const spanId = Uint8Array.from({ length: 8 }, (_, index) => 0xf0 + index);
const spanWith = (fields: Message): Message => ({
  resourceSpans: [{ scopeSpans: [{ spans: [{ traceId, spanId, ...fields }] }] }],
});

t.test('every kind of value is the same in both encodings', async (t) => {
  const nested = (depth: number): Message =>
    depth === 0 ? { boolValue: true } : { arrayValue: { values: [nested(depth - 1)] } };
  const values: readonly Message[] = [
    {},
    { stringValue: '' },
    { stringValue: 'ü\u0000"\\'.repeat(60) },
    { intValue: '-9223372036854775808' },
    { doubleValue: Number.NaN },
    { doubleValue: -Infinity },
    { doubleValue: 0.1 },
    { bytesValue: Uint8Array.from([251, 255]) },
    { bytesValue: Uint8Array.from([1]) },
    { kvlistValue: { values: [{ key: 'k', value: { arrayValue: {} } }] } },
    nested(40),
  ];
  const attributes = values.map((value, index) => ({ key: `k${index}`, value }));
  sameBytes(t, 'traces', spanWith({ attributes, flags: 257, kind: 3, status: { code: 2 } }));
});

t.test('what OTLP asks receivers to put up with reads the same', async (t) => {
  const message = spanWith({
    kind: 2,
    startTimeUnixNano: '1760000000123456789',
    attributes: [{ key: 'n', value: { intValue: '9007199254740993' } }],
  });
  const text = Buffer.from(encodeJson(message)).toString();
  const traceHex = Buffer.from(traceId).toString('hex');
  const tolerated = {
    'upper-case ids': text.replace(traceHex, traceHex.toUpperCase()),
    '64-bit integers as numbers': text
      .replace('"1760000000123456789"', '1760000000123456789')
      .replace('"9007199254740993"', '9007199254740993'),
    'unknown fields': text.replace('"kind":2', '"kind":2,"new_field":{"a":[1]},"attributes_":7'),
    'null fields': text.replace('"kind":2', '"kind":2,"name":null,"events":null,"status":null'),
    'numbers as strings': text.replace('"kind":2', '"kind":"2"'),
    'names in snake case, which are unknown': text.replace(
      '"kind":2',
      '"kind":2,"trace_state":"x"',
    ),
    'a byte order mark': `\uFEFF${text}`,
  };
  for (const [name, json] of Object.entries(tolerated)) {
    t.not(json, text, name);
    sameBytes(t, 'traces', message, { json: Buffer.from(json), name });
  }
});

t.test('an id that is not hex rejects its span and no other', async (t) => {
  const json = {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              { traceId, spanId },
              { traceId: 'zz'.repeat(16), spanId },
              { traceId, spanId: 'abc' },
              { spanId },
            ],
          },
        ],
      },
    ],
  };
  t.match(blocksOf('traces', 'json', encodeJson(json)).acceptance, { accepted: 1, rejected: 3 });
});

t.test('a span is kept without a parent that is no id, and its sender is told', async (t) => {
  const zeros = (length: number) => new Uint8Array(length);
  const parents: readonly (readonly [json: string, protobuf: Uint8Array])[] = [
    ['zz'.repeat(8), zeros(1)],
    ['abc', zeros(3)],
    ['abcd', zeros(2)],
    ['ab'.repeat(16), zeros(16)],
    ['00', zeros(1)],
    ['00'.repeat(8), zeros(8)],
    ['', zeros(0)],
    ['AB'.repeat(8), zeros(8).fill(0xab)],
  ];
  const requestWith = (of: 0 | 1): Message => ({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: parents.map((it) => ({
              traceId,
              spanId,
              startTimeUnixNano: '1',
              parentSpanId: it[of],
            })),
          },
        ],
      },
    ],
  });
  const { acceptance } = sameBytes(t, 'traces', requestWith(1), {
    json: encodeJson(requestWith(0)),
    name: 'a parent',
  });
  t.match(acceptance, {
    accepted: 8,
    rejected: 0,
    message:
      'warning: 5 spans have a parent span id that is not 8 bytes (16 hex digits) and are stored without a parent',
  });
});

t.test('a malformed document is refused with its place', async (t) => {
  // biome-ignore format: one case per line.
  const table: readonly (readonly [name: string, json: string, message: RegExp])[] = [
    ['no JSON',          '{"resourceSpans":',                                   /not valid JSON/],
    ['not an object',    '[]',                                                  /expected an object, found an array/],
    ['a list expected',  '{"resourceSpans":{}}',                                /at resourceSpans: expected an array/],
    ['a wrong type',     '{"resourceSpans":[{"schemaUrl":5}]}',                 /at resourceSpans\[0\].schemaUrl: expected a string, found number 5/],
    ['an enum by name',  '{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}', /spans\[0\].kind: expected an integer, found "SPAN_KIND_SERVER"/],
    ['a fraction',       '{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":1.5}]}]}]}',                /expected an integer, found number 1.5/],
    ['out of range',     '{"resourceSpans":[{"scopeSpans":[{"spans":[{"flags":4294967296}]}]}]}',        /is not between 0 and 4294967295/],
    ['null in a list',   '{"resourceSpans":[null]}',                            /expected an object, found null/],
    ['bad base64',       '{"resourceSpans":[{"resource":{"attributes":[{"value":{"bytesValue":"a$b"}}]}}]}', /not base64/],
    ['endless nesting',  '{"resourceSpans":['.repeat(100_000),                 /512 levels deep/],
  ];
  for (const [name, json, message] of table) {
    const builder = createColumnBuilder('traces');
    t.throws(
      () => builder.append('json', Buffer.from(json)),
      { code: 'ERR_OTLP_MALFORMED', remedy: 'reject', message },
      name,
    );
    t.equal(builder.rows(), 0);
  }
});

t.test('nesting beyond the limit is refused, closed or not', async (t) => {
  const depth = 5_000;
  const value = `${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}`;
  for (const number of ['1', '12345678901234567890']) {
    const json = `{"resourceSpans":[{"x":${number},"resource":{"attributes":[{"value":${value}}]}}]}`;
    const builder = createColumnBuilder('traces');
    t.throws(() => builder.append('json', Buffer.from(json)), { code: 'ERR_OTLP_MALFORMED' });
  }
});

t.test('empty requests are accepted', async (t) => {
  for (const json of ['{}', '{"resourceSpans":[]}', '{"resourceSpans":[{}]}']) {
    t.strictSame(blocksOf('traces', 'json', Buffer.from(json)), {
      acceptance: { accepted: 0, rejected: 0, message: '' },
      blocks: [],
    });
  }
});
