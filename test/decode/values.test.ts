import t from 'tap';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { encodeJson } from '../support/otlp-json.ts';
import { logsRequest } from '../support/otlp-proto.ts';
import type { Message } from '../support/otlp-samples.ts';
import { readBlock } from '../support/read-block.ts';

const clickhouse = await startClickHouse(t);

const text = (stringValue: string): Message => ({ stringValue });
const whole = (intValue: string): Message => ({ intValue });
const double = (doubleValue: number): Message => ({ doubleValue });
const bytes = (...values: readonly number[]): Message => ({ bytesValue: Uint8Array.from(values) });
const list = (...values: readonly Message[]): Message => ({ arrayValue: { values } });
const map = (entries: Readonly<Record<string, Message>>): Message => ({
  kvlistValue: { values: Object.entries(entries).map(([key, value]) => ({ key, value })) },
});

/*
 * Texts that the collector's pdata 1.70 printed for these values (`Value.AsString`, read back from
 * protobuf), which is what its ClickHouse exporter stores. The two that differ say so.
 */
// biome-ignore format: one value per line.
const table: readonly (readonly [name: string, value: Message, text: string])[] = [
  ['no value',                    {},                           ''],
  ['an empty text',               text(''),                     ''],
  ['markup',                      text('<a href="x">&</a>\n'),  '<a href="x">&</a>\n'],
  ['true',                        { boolValue: true },          'true'],
  ['false',                       { boolValue: false },         'false'],
  ['zero',                        whole('0'),                   '0'],
  ['beyond 2^53',                 whole('9007199254740993'),    '9007199254740993'],
  ['the greatest integer',        whole('9223372036854775807'), '9223372036854775807'],
  ['the least integer',           whole('-9223372036854775808'), '-9223372036854775808'],
  ['a double zero',               double(0),                    '0'],
  ['a negative zero',             double(-0),                   '-0'],
  ['a double that is whole',      double(-1),                   '-1'],
  ['a tenth',                     double(0.1),                  '0.1'],
  ['21 digits',                   double(123456789012345680000), '123456789012345680000'],
  ['1e+21',                       double(1e21),                 '1e+21'],
  ['1.5e+21',                     double(1.5e21),               '1.5e+21'],
  ['a millionth',                 double(1e-6),                 '0.000001'],
  ['less than a millionth',       double(1.5e-7),               '1.5e-7'],
  ['an exponent of two digits',   double(1.2e-11),              '1.2e-11'],
  ['the greatest double',         double(Number.MAX_VALUE),     '1.7976931348623157e+308'],
  ['the least double',            double(5e-324),               '5e-324'],
  ['NaN',                         double(Number.NaN),           'NaN'],
  ['infinity',                    double(Infinity),             'Infinity'],
  ['minus infinity',              double(-Infinity),            '-Infinity'],
  ['no bytes',                    bytes(),                      ''],
  ['bytes',                       bytes(251, 255, 1),           '+/8B'],
  ['bytes with padding',          bytes(104, 105),              'aGk='],
  ['an empty array',              list(),                       '[]'],
  ['an empty map',                map({}),                      '{}'],
  ['an array of nothing',         list({}),                     '[null]'],
  ['an array of all kinds',       list(text(''), { boolValue: false }, whole('-9223372036854775808'), double(-0), double(1e21), bytes(251, 255, 1), bytes(), list(), map({})),
    '["",false,-9223372036854775808,-0,1e+21,"+/8B",null,[],{}]'],
  ['texts that JSON escapes',     list(text('<a href="x">&</a>\u0000\u0001\b\f\n\r\t\u001f\\/')),
    '["<a href=\\"x\\">&</a>\\u0000\\u0001\\b\\f\\n\\r\\t\\u001f\\\\/"]'],
  ['texts that it need not',      list(text("\u007f\u0080'ü😀\ufeff\u2027\ufffe")), '["\u007f\u0080\'ü😀\ufeff\u2027\ufffe"]'],
  ['line ends of Unicode',        list(text('\u2028\u2029')),   '["\\u2028\\u2029"]'],
  ['and outside of JSON',         text('\u2028\u2029'),         '\u2028\u2029'],
  ['keys in the order of UTF-8',  map({ '😀': text('astral'), '\uff61': text('half'), ü: whole('1'), b: text('<>&'), B: {}, 'a\u2028"': text('x'), '10': whole('10'), '9': whole('9'), '': text('none'), bytes: bytes(104, 105), nobytes: bytes() }),
    '{"":"none","10":10,"9":9,"B":null,"a\\u2028\\"":"x","b":"<>&","bytes":"aGk=","nobytes":null,"ü":1,"\uff61":"half","😀":"astral"}'],
  ['a longer key last',           map({ ab: {}, a: {} }),       '{"a":null,"ab":null}'],
  ['maps and arrays in each other', map({ inner: map({ list: list(map({ k: text('v') })) }) }), '{"inner":{"list":[{"k":"v"}]}}'],
  ['a key twice',                 { kvlistValue: { values: [{ key: 'a', value: whole('1') }, { key: 'a', value: whole('2') }] } }, '{"a":2}'],
  // The exporter stores an empty text for each of these, as Go cannot say such numbers in JSON.
  ['NaN in an array',             list(whole('1'), double(Number.NaN)), '[1,"NaN"]'],
  ['infinity in a map',           map({ a: double(-Infinity) }), '{"a":"-Infinity"}'],
];

interface Row {
  readonly Body: string;
  readonly LogAttributes: Readonly<Record<string, string>>;
  readonly ScopeAttributes: Readonly<Record<string, string>>;
  readonly ResourceAttributes: Readonly<Record<string, string>>;
}

for (const encoding of ['protobuf', 'json'] as const) {
  t.test(
    `every kind of value in ${encoding} is the text that the exporter makes of it`,
    async (t) => {
      const attributes = table.map(([key, value]) => ({ key, value }));
      const message = {
        resourceLogs: [
          {
            resource: { attributes },
            scopeLogs: [
              {
                scope: { attributes },
                logRecords: table.map(([, body]) => ({ timeUnixNano: '1', body, attributes })),
              },
            ],
          },
        ],
      };
      const builder = createColumnBuilder('logs');
      const body =
        encoding === 'json'
          ? encodeJson(message)
          : logsRequest.encode(logsRequest.fromObject(message)).finish();
      t.match(builder.append(encoding, body), { accepted: table.length, rejected: 0 });
      const [block] = builder.finish();
      if (!block) throw new Error('no block');
      const columns = ['Body', 'LogAttributes', 'ScopeAttributes', 'ResourceAttributes'] as const;
      const rows = await readBlock<Row>(clickhouse, block, columns);
      const wanted = Object.fromEntries(table.map(([name, , text]) => [name, text]));
      for (const [index, [name, , text]] of table.entries()) t.equal(rows[index]?.Body, text, name);
      t.strictSame(rows[0]?.LogAttributes, wanted);
      t.strictSame(rows[0]?.ScopeAttributes, wanted);
      t.strictSame(rows[0]?.ResourceAttributes, wanted);
    },
  );
}
