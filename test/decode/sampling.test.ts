import t from 'tap';
import { adjustedCount } from '../../src/decode/sampling.ts';

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
