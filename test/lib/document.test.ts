import t from 'tap';
import { formatProblem, readDocument, z } from '../../src/lib/document.ts';

const schema = z.strictObject({
  listen: z
    .strictObject({ otlp_http: z.string().default('x'), port: z.int().optional() })
    .prefault({}),
  rules: z.array(z.strictObject({ alert: z.string() })).default([]),
});

const problems = (text: string): readonly string[] => {
  const reading = readDocument('tocsin.yaml', text, schema);
  return reading.ok ? [] : reading.problems.map(formatProblem);
};

t.test('a good document yields its value with defaults', async (t) => {
  const reading = readDocument('a.yaml', 'rules: [{alert: A}]', schema);
  t.match(reading, { ok: true, value: { listen: { otlp_http: 'x' }, rules: [{ alert: 'A' }] } });
});

t.test('an empty document is an empty mapping', async (t) => {
  t.strictSame(problems(''), []);
});

t.test('an unknown key names its line and the key that was meant', async (t) => {
  t.strictSame(problems('listen:\n  otlp_htp: a\n'), [
    'tocsin.yaml:2:13 listen.otlp_htp: unknown key; did you mean otlp_http?',
  ]);
});

t.test('all problems are reported at once, each at its own line', async (t) => {
  const found = problems('listen:\n  port: yes please\nrules:\n  - alert: 5\n  - alrt: A\n');
  t.equal(found.length, 4);
  t.match(found[0], /^tocsin.yaml:2:9 listen.port: .*expected/);
  t.match(found[1], /^tocsin.yaml:4:12 rules\[0\]\.alert: .*expected string/);
});

t.test('broken YAML is a problem with a place, not a crash', async (t) => {
  t.match(problems('a: [1\nb: 2'), [/^tocsin.yaml:\d+:\d+ not valid YAML/]);
});

t.test(
  'a substituted plain scalar takes the type of its new text, a quoted one stays text',
  async (t) => {
    const substitute = (text: string) => text.replace('${PORT}', '4318');
    const read = (text: string) => readDocument('a.yaml', text, schema, { substitute });
    t.match(read('listen: {port: "${PORT}"}'), { ok: false });
    t.match(read('listen:\n  port: ${PORT}'), { ok: true, value: { listen: { port: 4318 } } });
  },
);

t.test('a failing substitution is a problem at its line', async (t) => {
  const substitute = () => {
    throw new Error('NAME is not set');
  };
  const reading = readDocument('a.yaml', 'listen:\n  otlp_http: ${NAME}', schema, { substitute });
  t.match(reading, { ok: false, problems: [{ line: 2, message: 'NAME is not set' }] });
});
