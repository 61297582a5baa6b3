import t from 'tap';
import type { Message } from '../support/otlp-samples.ts';
import { blocksOf, sameBytes } from '../support/same-bytes.ts';

/*
 * How one thing can be spelled in OTLP's JSON: proto3's mapping (protobuf.dev/programming-guides/json)
 * with the differences of OTLP (docs/specification.md, "JSON Protobuf Encoding").
 */

const inMetrics = (metric: string): Buffer =>
  Buffer.from(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[${metric}]}]}]}`);
const metricsWith = (metric: Message): Message => ({
  resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }],
});

const inGauge = (point: string): string => `{"name":"m","gauge":{"dataPoints":[${point}]}}`;
const gaugeWith = (point: Message): Message => ({ name: 'm', gauge: { dataPoints: [point] } });
const inHistogram = (point: string): string => `{"histogram":{"dataPoints":[${point}]}}`;
const histogramWith = (point: Message): Message => ({ histogram: { dataPoints: [point] } });
const inExponential = (point: string): string =>
  `{"exponentialHistogram":{"dataPoints":[${point}]}}`;
const exponentialWith = (point: Message): Message => ({
  exponentialHistogram: { dataPoints: [point] },
});
const inValue = (value: string): string => inGauge(`{"attributes":[{"key":"k","value":${value}}]}`);
const valueWith = (value: Message): Message => gaugeWith({ attributes: [{ key: 'k', value }] });
const inExemplar = (id: string): string => inGauge(`{"exemplars":[{"traceId":${id}}]}`);
const exemplarWith = (traceId: Uint8Array): Message => gaugeWith({ exemplars: [{ traceId }] });

const traceId = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);
const hex = Buffer.from(traceId).toString('hex');
const none = new Uint8Array(0);
const zeros = '0'.repeat(64);

// biome-ignore format: one spelling per line.
const same: readonly (readonly [name: string, metric: string, meant: Message])[] = [
  ['a 64-bit integer as text',      inGauge('{"asInt":"9223372036854775807"}'),    gaugeWith({ asInt: '9223372036854775807' })],
  ['and as a number',               inGauge('{"asInt":9223372036854775807}'),      gaugeWith({ asInt: '9223372036854775807' })],
  ['the least as text',             inGauge('{"asInt":"-9223372036854775808"}'),   gaugeWith({ asInt: '-9223372036854775808' })],
  ['and as a number',               inGauge('{"asInt": -9223372036854775808}'),    gaugeWith({ asInt: '-9223372036854775808' })],
  ['the greatest count as text',    inHistogram('{"count":"18446744073709551615"}'), histogramWith({ count: '18446744073709551615' })],
  ['and as a number',               inHistogram('{"count":18446744073709551615}'), histogramWith({ count: '18446744073709551615' })],
  ['counts both ways',              inHistogram('{"bucketCounts":["1",2,18446744073709551615],"explicitBounds":["1.5",2]}'), histogramWith({ bucketCounts: ['1', '2', '18446744073709551615'], explicitBounds: [1.5, 2] })],
  ['varints both ways',             inExponential('{"positive":{"bucketCounts":["300",18446744073709551615]}}'), exponentialWith({ positive: { bucketCounts: ['300', '18446744073709551615'] } })],
  ['an exponent',                   inGauge('{"asInt":15e2}'),                     gaugeWith({ asInt: '1500' })],
  ['an exponent in quotes',         inGauge('{"asInt":"15e2"}'),                   gaugeWith({ asInt: '1500' })],
  ['a fraction of zero',            inGauge('{"asInt":-7.0}'),                     gaugeWith({ asInt: '-7' })],
  ['such in quotes',                inGauge('{"asInt":"-7.0"}'),                   gaugeWith({ asInt: '-7' })],
  ['a small number in quotes',      inExponential('{"scale":"-3"}'),               exponentialWith({ scale: -3 })],
  ['zeros before a number',         inGauge('{"asInt":"007"}'),                    gaugeWith({ asInt: '7' })],
  ['an integer of zero below zero', inGauge('{"asInt":-0}'),                       gaugeWith({ asInt: '0' })],
  ['NaN',                           inGauge('{"asDouble":"NaN"}'),                 gaugeWith({ asDouble: Number.NaN })],
  ['infinity',                      inGauge('{"asDouble":"Infinity"}'),            gaugeWith({ asDouble: Infinity })],
  ['minus infinity',                inGauge('{"asDouble":"-Infinity"}'),           gaugeWith({ asDouble: -Infinity })],
  ['minus zero',                    inGauge('{"asDouble":-0}'),                    gaugeWith({ asDouble: -0 })],
  ['minus zero in quotes',          inGauge('{"asDouble":"-0.0"}'),                gaugeWith({ asDouble: -0 })],
  ['a double in quotes',            inGauge('{"asDouble":"1.5E-3"}'),              gaugeWith({ asDouble: 0.0015 })],
  ['a double of many digits',       inGauge('{"asDouble":12345678901234567890}'),  gaugeWith({ asDouble: 12345678901234567000 })],
  ['a double too small for one',    inGauge('{"asDouble":1e-400}'),                gaugeWith({ asDouble: 0 })],
  ['a temporality as a number',     '{"sum":{"dataPoints":[{}],"aggregationTemporality":2}}', { sum: { dataPoints: [{}], aggregationTemporality: 2 } }],
  ['and one in quotes',             '{"sum":{"dataPoints":[{}],"aggregationTemporality":"2"}}', { sum: { dataPoints: [{}], aggregationTemporality: 2 } }],
  ['one that nobody knows',         '{"sum":{"dataPoints":[{}],"aggregationTemporality":77}}', { sum: { dataPoints: [{}], aggregationTemporality: 77 } }],
  ['names of fields in snake case', '{"sum":{"dataPoints":[{"as_int":"7","time_unix_nano":"1"}],"aggregation_temporality":1,"is_monotonic":true,"data_points":[{}]}}', { sum: { dataPoints: [{}] } }],
  ['unknown fields',                '{"name":"m","new":{"a":[{"b":null}]},"metadata":[{"key":"k"}],"gauge":{"x":1,"dataPoints":[{"y":[],"exemplars":[{"z":""}]}]}}', gaugeWith({ exemplars: [{}] })],
  ['another case',                  inGauge('{"ASINT":"7","Asint":7}'),            gaugeWith({})],
  ['names that objects have',       inGauge('{"__proto__":{"asInt":"7"},"constructor":1,"toString":null}'), gaugeWith({})],
  ['null for each field',           '{"name":null,"description":null,"unit":null,"sum":null,"gauge":{"dataPoints":[{"asInt":null,"asDouble":null,"timeUnixNano":null,"startTimeUnixNano":null,"flags":null,"attributes":null,"exemplars":null}]}}', { gauge: { dataPoints: [{}] } }],
  ['null within exemplars',         inGauge('{"exemplars":[{"traceId":null,"spanId":null,"asInt":null,"filteredAttributes":null,"timeUnixNano":null}]}'), gaugeWith({ exemplars: [{}] })],
  ['null in buckets and quantiles', '{"exponentialHistogram":{"aggregationTemporality":null,"dataPoints":[{"positive":null,"negative":{"offset":null,"bucketCounts":null},"scale":null,"min":null}]}}', exponentialWith({ negative: {} })],
  ['null for the data',             '{"name":"m","gauge":null}',                   { name: 'm' }],
  ['a field that comes twice',      inGauge('{"asInt":"1","asInt":"2"}'),          gaugeWith({ asInt: '2' })],
  ['both of two that exclude',      inGauge('{"asInt":"1","asDouble":2.5}'),       gaugeWith({ asDouble: 2.5 })],
  ['both the other way',            inGauge('{"asDouble":2.5,"asInt":"1"}'),       gaugeWith({ asInt: '1' })],
  ['an id in capitals',             inExemplar(`"${hex.toUpperCase()}"`),          exemplarWith(traceId)],
  ['an id in both',                 inExemplar(`"${hex.slice(0, 16)}${hex.slice(16).toUpperCase()}"`), exemplarWith(traceId)],
  ['an id of zeros',                inExemplar(`"${zeros.slice(0, 32)}"`),         exemplarWith(new Uint8Array(16))],
  ['an empty id',                   inExemplar('""'),                              exemplarWith(none)],
  ['an id in base64',               inExemplar(`"${Buffer.from(traceId).toString('base64')}"`), exemplarWith(none)],
  ['an id of half a byte more',     inExemplar(`"${hex}a"`),                       exemplarWith(none)],
  ['an id with dashes',             inExemplar(`"${hex.slice(0, 8)}-${hex.slice(8)}"`), exemplarWith(none)],
  ['bytes with padding',            inValue('{"bytesValue":"+/8="}'),              valueWith({ bytesValue: Uint8Array.from([251, 255]) })],
  ['and without',                   inValue('{"bytesValue":"+/8"}'),               valueWith({ bytesValue: Uint8Array.from([251, 255]) })],
  ['bytes for addresses',           inValue('{"bytesValue":"-_8="}'),              valueWith({ bytesValue: Uint8Array.from([251, 255]) })],
  ['no bytes',                      inValue('{"bytesValue":""}'),                  valueWith({ bytesValue: none })],
  ['null for a value',              inValue('null'),                               valueWith({})],
  ['null within a value',           inValue('{"stringValue":null}'),               valueWith({})],
  ['null for elements',             inValue('{"arrayValue":{"values":null}}'),     valueWith({ arrayValue: {} })],
  ['escapes',                       inValue('{"stringValue":"\\u0000\\ud83d\\ude00\\/\\""}'), valueWith({ stringValue: '\u0000😀/"' })],
  ['half a character',              inValue('{"stringValue":"a\\ud83d"}'),         valueWith({ stringValue: 'a\ufffd' })],
  ['blanks between',                ` {\n"gauge"\t: {"dataPoints" :\r[ { "asInt" : 7 } ] } } `, { gauge: { dataPoints: [{ asInt: '7' }] } }],
];

t.test('whatever spelling OTLP allows means the same as protobuf', async (t) => {
  for (const [name, metric, meant] of same) {
    sameBytes(t, 'metrics', metricsWith(meant), { json: inMetrics(metric), name });
  }
});

// biome-ignore format: one spelling per line.
const refused: readonly (readonly [name: string, metric: string, message: RegExp])[] = [
  ['an enum by its name',           '{"sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA"}}', /aggregationTemporality: expected an integer, found "AGGREGATION_TEMPORALITY_DELTA"/],
  ['an enum that is a fraction',    '{"sum":{"aggregationTemporality":1.5}}',       /expected an integer, found number 1.5/],
  ['an enum beyond 32 bits',        '{"sum":{"aggregationTemporality":2147483648}}', /is not between -2147483648 and 2147483647/],
  ['a truth in quotes',             '{"sum":{"isMonotonic":"true"}}',              /expected true or false, found "true"/],
  ['a truth that is a number',      '{"sum":{"isMonotonic":1}}',                   /expected true or false, found number 1/],
  ['an integer beyond 64 bits',     inGauge('{"asInt":9223372036854775808}'),      /asInt: 9223372036854775808 is not between/],
  ['an integer below them',         inGauge('{"asInt":"-9223372036854775809"}'),   /asInt: -9223372036854775809 is not between/],
  ['a count below zero',            inHistogram('{"count":-1}'),                   /count: -1 is not between 0 and 18446744073709551615/],
  ['a count beyond 64 bits',        inHistogram('{"count":"18446744073709551616"}'), /count: 18446744073709551616 is not between/],
  ['a scale beyond 32 bits',        inExponential('{"scale":2147483648}'),         /scale: 2147483648 is not between/],
  ['flags beyond 32 bits',          inGauge('{"flags":4294967296}'),               /flags: 4294967296 is not between/],
  ['a fraction',                    inGauge('{"asInt":"1.5"}'),                    /expected an integer, found "1.5"/],
  ['an integer of no digits',       inGauge('{"asInt":""}'),                       /expected an integer, found ""/],
  ['an integer and blanks',         inGauge('{"asInt":" 1"}'),                     /expected an integer, found " 1"/],
  ['an integer with a plus',        inGauge('{"asInt":"+1"}'),                     /expected an integer, found "\+1"/],
  ['an integer in hex',             inGauge('{"asInt":"0x1"}'),                    /expected an integer, found "0x1"/],
  ['an endless integer',            inGauge(`{"asInt":"1${zeros}"}`),              /expected an integer|is not between/],
  ['an integer of an endless exponent', inGauge('{"asInt":"1e999999999"}'),        /expected an integer/],
  ['an integer that is not one',    inGauge('{"asInt":"NaN"}'),                    /expected an integer, found "NaN"/],
  ['a double of no digits',         inGauge('{"asDouble":""}'),                    /expected a number, found ""/],
  ['a double and blanks',           inGauge('{"asDouble":" 1 "}'),                 /expected a number, found " 1 "/],
  ['a double in hex',               inGauge('{"asDouble":"0x10"}'),                /expected a number, found "0x10"/],
  ['infinity with a plus',          inGauge('{"asDouble":"+Infinity"}'),           /expected a number, found "\+Infinity"/],
  ['another NaN',                   inGauge('{"asDouble":"nan"}'),                 /expected a number, found "nan"/],
  ['a bare NaN',                    inGauge('{"asDouble":NaN}'),                   /not valid JSON/],
  ['a double too large for one',    inGauge('{"asDouble":1e400}'),                 /asDouble: more than a double can hold/],
  ['such in quotes',                inGauge('{"asDouble":"-1e400"}'),              /asDouble: more than a double can hold/],
  ['such in many digits',           inGauge(`{"asDouble":1${zeros.repeat(6)}}`),   /asDouble: more than a double can hold/],
  ['a double that is a list',       inGauge('{"asDouble":[1]}'),                   /expected a number, found an array/],
  ['a double that is a truth',      inGauge('{"asDouble":true}'),                  /expected a number, found a value of type boolean/],
  ['an integer that is a truth',    inGauge('{"asInt":true}'),                     /expected an integer, found a value of type boolean/],
  ['null among points',             '{"gauge":{"dataPoints":[null]}}',             /dataPoints\[0\]: expected an object, found null/],
  ['null among counts',             inHistogram('{"bucketCounts":[null]}'),        /bucketCounts\[0\]: expected an integer, found null/],
  ['null among bounds',             inHistogram('{"explicitBounds":[null]}'),      /explicitBounds\[0\]: expected a number, found null/],
  ['null among elements',           inValue('{"arrayValue":{"values":[null]}}'),   /values\[0\]: expected an object, found null/],
  ['points that are no list',       '{"gauge":{"dataPoints":{}}}',                 /dataPoints: expected an array, found a value of type object/],
  ['a name that is a number',       '{"name":5}',                                  /name: expected a string, found number 5/],
  ['an id that is a number',        inExemplar('5'),                               /traceId: expected a string, found number 5/],
  ['bytes that are none',           inValue('{"bytesValue":"a b"}'),               /bytesValue: not base64/],
  ['bytes cut off',                 inValue('{"bytesValue":"aaaaa"}'),             /bytesValue: not base64/],
  ['bytes as numbers',              inValue('{"bytesValue":[1,2]}'),               /bytesValue: expected a string, found an array/],
  ['a value that is plain',         inValue('"x"'),                                /value: expected an object, found "x"/],
];

t.test('whatever else is refused with its place, and nothing of it is kept', async (t) => {
  for (const [name, metric, message] of refused) {
    const fault = { code: 'ERR_OTLP_MALFORMED', remedy: 'reject', message };
    t.throws(() => blocksOf('metrics', 'json', inMetrics(metric)), fault, name);
  }
});

t.test('numbers of ten million digits are read in no time', async (t) => {
  const digits = '7'.repeat(10_000_000);
  const startMs = performance.now();
  for (const number of [digits, `"${digits}"`, `0.${digits}`, `"0.${digits}"`]) {
    const decode = () => blocksOf('metrics', 'json', inMetrics(inGauge(`{"asInt":${number}}`)));
    t.throws(decode, { code: 'ERR_OTLP_MALFORMED' });
  }
  t.ok(
    performance.now() - startMs < 4_000,
    'four of ten million digits, in less than one BigInt of them',
  );
});
