import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/lib/document.ts';

const files: Readonly<Record<string, string>> = {
  'etc/salt': 'sixteen characters\n',
  'etc/short': 'fifteen letters\n',
};

const load = (lines: readonly string[]) =>
  loadConfig({
    file: {
      path: 'etc/tocsin.yaml',
      text: ['ingest:', ...lines.map((it) => `  ${it}`)].join('\n'),
    },
    environment: { SALT: 'another sixteen characters' },
    mode: 'up',
    readFile: (path) => {
      const found = files[path];
      if (found === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return found;
    },
  });

const problems = (rule: string): readonly string[] => {
  const reading = load([rule.startsWith('{match') ? 'redact:' : 'sample:', `  - ${rule}`]);
  return reading.ok ? [] : reading.problems.map(formatProblem);
};

t.test('rules become what the walk understands', async (t) => {
  const reading = load([
    'redact:',
    '  - {match: {key: user.email}, in: span, action: hash, salt_file: salt}',
    '  - {match: {key: [a.*, b]}, in: [log, body], action: drop, name: headers}',
    String.raw`  - {match: {value: '\b4\d{15}\b'}, action: mask, keep: 4}`,
    '  - {match: {value: x}, action: hash, salt: "${SALT}"}',
    'sample:',
    '  - {where: {service.name: checkout, http.response.status_code: [200, 30?], kind: SERVER}, keep: 12.5 percent, mode: head}',
    '  - {keep: 0%, always: {errors: false, slower_than: 500ms}, name: rest}',
    '  - {where: {name: GET}, keep: 20%, mode: tail}',
    '  - {keep: 5%, mode: tail, wait: 30s, name: traces}',
  ]);
  if (!reading.ok) throw new Error(reading.problems.map(formatProblem).join('\n'));
  const { redact, sample } = reading.config.ingest;
  const everywhere = ['span', 'resource', 'scope', 'event', 'link', 'metric', 'log', 'body'];
  t.match(redact, [
    {
      name: 'redact[0]',
      match: { kind: 'key', globs: ['user.email'] },
      in: ['span'],
      action: { kind: 'hash' },
    },
    {
      name: 'headers',
      match: { kind: 'key', globs: ['a.*', 'b'] },
      in: ['log', 'body'],
      action: { kind: 'drop' },
    },
    {
      name: 'redact[2]',
      match: { kind: 'value', pattern: String.raw`\b4\d{15}\b` },
      in: everywhere,
      action: { kind: 'mask', keepChars: 4 },
    },
    { name: 'redact[3]', action: { kind: 'hash' } },
  ]);
  const salts = redact.map(({ action }) => (action.kind === 'hash' ? action.salt.reveal() : ''));
  t.strictSame(salts, ['sixteen characters', '', '', 'another sixteen characters']);
  t.notOk(JSON.stringify(redact).includes('sixteen'), 'salts do not show');
  t.strictSame(sample, [
    {
      name: 'sample[0]',
      where: [
        { key: 'service.name', globs: ['checkout'] },
        { key: 'http.response.status_code', globs: ['200', '30?'] },
        { key: 'kind', globs: ['server'] },
      ],
      keep: 0.125,
      keepErrors: true,
    },
    { name: 'rest', where: [], keep: 0, keepErrors: false, keepSlowerThanMs: 500 },
    {
      name: 'sample[2]',
      where: [{ key: 'name', globs: ['GET'] }],
      keep: 0.2,
      keepErrors: true,
      tail: { waitMs: 10_000 },
    },
    { name: 'traces', where: [], keep: 0.05, keepErrors: true, tail: { waitMs: 30_000 } },
  ]);
});

// biome-ignore format: one mistake per line.
const mistakes: readonly (readonly [name: string, rule: string, expected: string | RegExp])[] = [
  ['neither key nor value',   '{match: {}, action: drop}',                          /:3:15 ingest\.redact\[0\]\.match: expected either key/],
  ['key and value',           '{match: {key: a, value: b}, action: drop}',          /:3:15 ingest\.redact\[0\]\.match: expected either key/],
  ['an unknown key',          '{match: {key: a, keys: b}, action: drop}',               /:3:30 ingest\.redact\[0\]\.match\.keys: unknown key; did you mean key\?/],
  ['an unknown action',       '{match: {key: a}, action: remove}',                  /:3:33 ingest\.redact\[0\]\.action: .*"drop"\|"mask"\|"hash"/],
  ['an unknown place',        '{match: {key: a}, in: [trace], action: drop}',       /:3:30 ingest\.redact\[0\]\.in\[0\]: .*"span"\|"resource"/],
  ['no place',                '{match: {key: a}, in: [], action: drop}',            /:3:29 ingest\.redact\[0\]\.in: /],
  ['a broken pattern',        '{match: {value: "("}, action: drop}',                'etc/tocsin.yaml:3:23 ingest.redact[0].match.value: expected a regular expression'],
  ['a costly pattern',        '{match: {value: "(a+)+"}, action: drop}',            /:3:23 ingest\.redact\[0\]\.match\.value: this pattern can take very long/],
  ['a pattern for nothing',   '{match: {value: "a*"}, action: drop}',               /:3:23 ingest\.redact\[0\]\.match\.value: this pattern fits an empty text/],
  ['dropping what is kept',   '{match: {key: a}, action: drop, keep: 4}',           'etc/tocsin.yaml:3:45 ingest.redact[0].keep: only mask keeps characters'],
  ['keeping too much',        '{match: {key: a}, action: mask, keep: 33}',          /:3:45 ingest\.redact\[0\]\.keep: /],
  ['a salt for a mask',       '{match: {key: a}, action: mask, salt: abc}',         'etc/tocsin.yaml:3:45 ingest.redact[0].salt: only hash has a salt'],
  ['a hash without a salt',   '{match: {key: a}, action: hash}',                    /:3:7 ingest\.redact\[0\]: hash needs a secret/],
  ['a short salt',            '{match: {key: a}, action: hash, salt_file: short}',  /ingest\.redact\[0\]\.salt: expected at least 16 characters/],
  ['a salt that is not there', '{match: {key: a}, action: hash, salt_file: none}',  /:3:50 ingest\.redact\[0\]\.salt_file: this file cannot be read/],
  ['no share',                '{where: {}}',                                        /ingest\.sample\[0\]\.keep: expected a percentage from 0 to 100/],
  ['a bare share',            '{keep: 0.1}',                                        'etc/tocsin.yaml:3:14 ingest.sample[0].keep: expected a percentage from 0 to 100 such as 10 percent'],
  ['too large a share',       '{keep: 101 percent}',                                /:3:14 ingest\.sample\[0\]\.keep: expected a percentage/],
  ['an unknown mode',         '{keep: 1%, mode: late}',                             /:3:24 ingest\.sample\[0\]\.mode: .*"head"\|"tail"/],
  ['a wait of head sampling', '{keep: 1%, wait: 10s}',                              'etc/tocsin.yaml:3:24 ingest.sample[0].wait: only tail sampling waits; remove this key or say mode: tail'],
  ['a wait that is no time',  '{keep: 1%, mode: tail, wait: long}',                 /:3:36 ingest\.sample\[0\]\.wait: expected a duration/],
  ['too long a wait',         '{keep: 1%, mode: tail, wait: 6m}',                   'etc/tocsin.yaml:3:36 ingest.sample[0].wait: expected 5m at most: what waits is in the journal'],
  ['a slip in always',        '{keep: 1%, always: {error: true}}',                  /:3:34 ingest\.sample\[0\]\.always\.error: unknown key; did you mean errors\?/],
  ['what is no attribute',    '{keep: 1%, where: {status: error}}',                 'etc/tocsin.yaml:3:34 ingest.sample[0].where.status: no attribute: say always: {errors: true} for spans with an error'],
  ['a condition on nothing',  '{keep: 1%, where: {a: []}}',                         /:3:29 ingest\.sample\[0\]\.where\.a: /],
];

for (const [name, rule, expected] of mistakes) {
  t.test(`${name} is a mistake with its place`, async (t) => {
    const found = problems(rule);
    t.equal(found.length, 1, found.join('\n'));
    if (typeof expected === 'string') t.equal(found[0], expected);
    else t.match(found[0], expected);
  });
}
