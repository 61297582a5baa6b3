import t from 'tap';
import { isCostlyPattern } from '../../src/model/pattern-cost.ts';

// biome-ignore format: one case per line.
const table: readonly (readonly [pattern: string, costly: boolean])[] = [
  ['checkout|cart',                 false],
  ['prod-.*',                       false],
  ['(\\d{1,3}\\.){3}\\d{1,3}',      false],
  ['(api|web)?-.+',                 false],
  ['[(+*)]+',                       false],
  ['\\(a\\+\\)+',                   false],
  ['(a+)+',                         true],
  ['(a*){2,}',                      true],
  ['(?:x(a+))*',                    true],
  ['(a|ab)*',                       true],
  ['(a{1,30}){20}',                 true],
  ['.*a.*b.*c.*d.*e.*f.*g.*h.*',    true],
  ['x'.repeat(1_001),               true],
];

for (const [pattern, costly] of table) {
  const is = costly ? 'is refused as costly' : 'is taken';
  t.test(`pattern ${pattern.slice(0, 40)} ${is}`, async (t) => {
    t.equal(isCostlyPattern(pattern), costly);
  });
}
