import t from 'tap';
import { adjustedCount, randomnessOf, weightOf } from '../../src/decode/sampling.ts';

// biome-ignore format: one case per line, columns aligned.
const table: readonly (readonly [name: string, traceState: string, count: number])[] = [
  ['no state',                              '',                             1],
  ['another vendor',                        'vendor=th:8',                  1],
  ['everything is kept',                    'ot=th:0',                      1],
  ['one in two',                            'ot=th:8',                      2],
  ['one in four',                           'ot=th:c',                      4],
  ['one in ten, as the specification says', 'ot=th:e6666666666666',         10],
  ['one in a hundred',                      'ot=th:fd70a3d70a3d71',         100],
  ['the least that can be said',            'ot=th:ffffffffffffff',         72057594037927936],
  ['only the last digit',                   'ot=th:00000000000001',         1],
  ['after other fields',                    'ot=rv:0123456789abcd;th:8',    2],
  ['before other fields',                   'ot=th:8;rv:0123456789abcd',    2],
  ['among vendors, with spaces',            'a=1, ot=th:c ,b=2',            4],
  ['in the last member',                    'a=ot,b=th:8,ot=th:c',          4],
  ['no digits',                             'ot=th:',                       1],
  ['no threshold',                          'ot=rv:8',                      1],
  ['too many digits',                       'ot=th:800000000000000',        1],
  ['upper case is not hex here',            'ot=th:C',                      1],
  ['a name that only begins alike',         'otel=th:8',                    1],
  ['a threshold of another vendor behind',  'ot=rv:1,x=th:8',               1],
];

for (const [name, traceState, count] of table) {
  t.test(name, async (t) => {
    const bytes = new TextEncoder().encode(`..${traceState},ot=th:c`);
    const view = new DataView(bytes.buffer);
    const got = adjustedCount(view, 2, traceState.length);
    t.ok(Math.abs(got - count) <= count * 1e-12, `${got} is ${count}`);
  });
}

const all = 2 ** 56;

// biome-ignore format: one case per line, columns aligned.
const numbers: readonly (readonly [name: string, traceId: string, traceState: string, number: number])[] = [
  ['the last 56 bits of the id',      'ffffffffffffffffff80000000000000', '',                         all / 2],
  ['their least',                     'ffffffffffffffffff00000000000000', 'a=b',                      0],
  ['their order',                     'ffffffffffffffffff00000100000002', 'ot=th:8',                  2 ** 32 + 2],
  ['a number of the sender',          'ffffffffffffffffff80000000000000', 'ot=th:8;rv:c0000000000000', all * 0.75],
  ['too short a number is none',      'ffffffffffffffffff80000000000000', 'ot=rv:c000000000000',       all / 2],
  ['too long a number is none',       'ffffffffffffffffff80000000000000', 'ot=rv:c00000000000000',     all / 2],
];

for (const [name, traceId, traceState, number] of numbers) {
  t.test(`the number of a trace is ${name}`, async (t) => {
    const bytes = Buffer.concat([Buffer.from(traceId, 'hex'), Buffer.from(traceState)]);
    const view = new DataView(Uint8Array.from(bytes).buffer);
    t.equal(randomnessOf(view, 0, 16, traceState.length), number);
  });
}

// biome-ignore format: one case per line, columns aligned.
const weights: readonly (readonly [name: string, number: number, count: number, share: number, weight: number])[] = [
  ['a share of all keeps the highest',          all * 0.9,   1, 0.1,  10],
  ['and those on its threshold',                all * 0.75,  1, 0.25, 4],
  ['but none below',                            all * 0.7,   1, 0.25, 0],
  ['all are kept by the whole',                 0,           1, 1,    1],
  ['and stand for what they stood for',         all * 0.6,   2, 1,    2],
  ['none are kept by nothing',                  all - 8,     1, 0,    0],
  ['of one in two, the upper half is one in four', all * 0.75, 2, 0.5, 4],
  ['and the lower half is left out',            all * 0.74,  2, 0.5,  0],
  ['one whom its sender kept for another reason', all * 0.3, 2, 0.5,  4],
  ['or would not have',                         all * 0.2,   2, 0.5,  0],
];

for (const [name, number, count, share, weight] of weights) {
  t.test(name, async (t) => {
    const got = weightOf(number, count, share);
    t.ok(Math.abs(got - weight) < 1e-9, `${got} is ${weight}`);
  });
}
