import t from 'tap';
import {
  compilePattern,
  formatMatcher,
  parseMatcher,
  parseMatchers,
} from '../../src/model/matcher-syntax.ts';

type Row = readonly [
  name: string,
  text: string,
  expected: readonly [string, string, string] | undefined,
];

// biome-ignore format: one case per line.
const table: readonly Row[] = [
  ['an equality',                                'severity=critical',       ['severity', '=', 'critical']],
  ['an equality with spaces and quotes',         ' team != "a b" ',         ['team', '!=', 'a b']],
  ['a pattern',                                  'job=~"api|web"',          ['job', '=~', 'api|web']],
  ['a pattern without quotes',                   'job!~api.*',              ['job', '!~', 'api.*']],
  ['an escaped dot of a pattern',                'host=~a\\.b',             ['host', '=~', 'a\\.b']],
  ['an escaped quote',                           'a="say \\"hi\\""',        ['a', '=', 'say "hi"']],
  ['an escaped newline and backslash',           'a="x\\ny\\\\z"',          ['a', '=', 'x\ny\\z']],
  ['an empty value',                             'a=',                      ['a', '=', '']],
  ['an empty quoted value',                      'a=""',                    ['a', '=', '']],
  ['an equals sign inside the value',            'a=b=c',                   ['a', '=', 'b=c']],
  ['a name in quotes',                           '"service.name"=x',        ['service.name', '=', 'x']],
  ['a name with a dot',                          'service.name=x',          ['service.name', '=', 'x']],
  ['no operator',                                'severity',                undefined],
  ['no name',                                    '=x',                      undefined],
  ['a quote only at the end',                    'a=b"',                    undefined],
  ['a pattern that does not compile',            'a=~"(b"',                 undefined],
  ['a quote that never ends',                    'a="b',                    undefined],
  ['a quote in the middle',                      'a=b"c',                   undefined],
  ['nothing',                                    '',                        undefined],
];

for (const [name, text, expected] of table) {
  t.test(`parseMatcher reads ${name}`, async (t) => {
    const [label = '', operator, value] = expected ?? [];
    t.strictSame(parseMatcher(text), expected && { name: label, operator, value });
  });
}

t.test(
  'a list is split at commas outside of quotes, braces and a last comma are optional',
  async (t) => {
    const both = [
      { name: 'a', operator: '=', value: 'b,c' },
      { name: 'd', operator: '=~', value: 'e{1,2}' },
    ];
    t.strictSame(parseMatchers('{a="b,c", d=~"e{1,2}"}'), both);
    t.strictSame(parseMatchers('a="b,c",d=~"e{1,2}",'), both);
    t.strictSame(parseMatchers('{}'), []);
    t.equal(parseMatchers('{a=b'), undefined);
    t.equal(parseMatchers('a=b,,c=d'), undefined);
  },
);

t.test('a formatted matcher reads back to itself', async (t) => {
  for (const value of ['', 'plain', 'a "b" c', 'back\\slash', 'two\nlines', 'a,b']) {
    for (const name of ['severity', 'service.name', 'odd "name"']) {
      const matcher = { name, operator: '!=', value } as const;
      t.strictSame(parseMatcher(formatMatcher(matcher)), matcher);
    }
  }
});

// biome-ignore format: one case per line.
const patterns: readonly (readonly [pattern: string, text: string, matches: boolean | undefined])[] = [
  ['api|web',        'web',     true],
  ['api|web',        'webs',    false],
  ['(?i)api',        'API',     true],
  ['(?P<x>a)b',      'ab',      true],
  ['a\\-b',          'a-b',     true],
  ['[a\\-z]',        '-',       true],
  ['a\\@b',          'a@b',     true],
  ['a\\.b',          'axb',     false],
  ['[[:alpha:]]',    'a',       undefined],
  ['\\Aa\\z',        'a',       undefined],
  ['*',              '*',       undefined],
];

for (const [pattern, text, matches] of patterns) {
  t.test(
    `pattern ${pattern} ${matches === undefined ? 'is refused' : `against ${text}`}`,
    async (t) => {
      t.equal(compilePattern(pattern)?.test(text), matches);
    },
  );
}
