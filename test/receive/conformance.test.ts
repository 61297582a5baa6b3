import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';

const readme = 'src/receive/README.md';

/** `[title](path)` for every test that the README names. */
const named = readFileSync(readme, 'utf8')
  .matchAll(/\[([^\]]+)\]\(([^)]+\.test\.ts)\)/g)
  .map(([, title = '', path = '']) => ({ title, file: join(dirname(readme), path) }))
  .toArray();

/** Titles as they stand in a test file; what a template fills in may be anything, `name` included. */
const patternsOf = (file: string): readonly RegExp[] =>
  readFileSync(file, 'utf8')
    .matchAll(/(?:t\.test\(\s*|^ {2}\[)(?:`([^`]+)`|'([^']+)'|"([^"]+)")/gm)
    .map(([, template, single, double]) => template ?? single ?? double ?? '')
    .map((title) => title.split(/\$\{[^}]+\}/).map((it) => RegExp.escape(it)))
    .filter((parts) => parts.join('') !== '')
    .map((parts) => new RegExp(`^${parts.join('.+')}$`))
    .toArray();

t.test('the README names many tests', async (t) => {
  t.ok(named.length > 50, `${named.length}`);
});

for (const file of new Set(named.map((it) => it.file))) {
  t.test(`every test that the README names in ${file} exists`, async (t) => {
    const patterns = patternsOf(file);
    for (const { title } of named.filter((it) => it.file === file)) {
      t.ok(
        patterns.some((it) => it.test(title)),
        title,
      );
    }
  });
}
