import t from 'tap';
import { matchesAll } from '../../src/decide/matcher.ts';
import { parseMatchers } from '../../src/model/matcher-syntax.ts';

const labels = { severity: 'critical', service_name: 'checkout', empty: '' };

// biome-ignore format: one case per line.
const table: readonly (readonly [text: string, holds: boolean])[] = [
  ['severity=critical',                         true],
  ['severity=crit',                             false],
  ['severity!=critical',                        false],
  ['severity!=warning',                         true],
  ['severity=~"crit.*"',                        true],
  ['severity=~"rit"',                           false],
  ['severity=~"(?i)CRITICAL"',                  true],
  ['severity!~"warn.*|info"',                   true],
  ['severity!~"critical|info"',                 false],
  ['team=""',                                   true],
  ['team!=""',                                  false],
  ['team=~".*"',                                true],
  ['empty=""',                                  true],
  ['service.name=checkout',                     true],
  ['severity=critical,service_name=checkout',   true],
  ['severity=critical,service_name=cart',       false],
  ['',                                          true],
];

for (const [text, holds] of table) {
  t.test(`${text || 'no matcher'} ${holds ? 'holds' : 'does not hold'}`, async (t) => {
    const matchers = parseMatchers(text);
    t.equal(matchers && matchesAll(matchers, labels), holds);
  });
}

t.test('a pattern that does not compile matches nothing instead of everything', async (t) => {
  t.notOk(matchesAll([{ name: 'severity', operator: '=~', value: '(' }], labels));
});

t.test('a long value is answered in time', async (t) => {
  const long = { path: `${'a'.repeat(1_000_000)}!` };
  const pattern = [{ name: 'path', operator: '=~', value: 'a*a*b' }] as const;
  const startMs = performance.now();
  t.notOk(matchesAll(pattern, long));
  t.ok(performance.now() - startMs < 1_000);
});
