import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';

const readme = 'src/receive/README.md';
const text = readFileSync(readme, 'utf8');

/** `[title](path)` for every test that the README names. */
const named = text
  .matchAll(/\[([^\]]+)\]\(([^)]+\.test\.ts)\)/g)
  .map(([, title = '', path = '']) => ({ title, file: join(dirname(readme), path) }))
  .toArray();

/**
 * Whether a test file has a test of a title; what a template fills in has to stand somewhere in the
 * file as a text or a number of its own.
 */
const titlesOf = (file: string): ((title: string) => boolean) => {
  const source = readFileSync(file, 'utf8');
  const isLiteral = (fill: string): boolean =>
    ["'", '"', '`'].some((quote) => source.includes(`${quote}${fill}${quote}`)) ||
    (/^\d+$/.test(fill) && source.includes(` ${fill},`));
  const patterns = source
    .matchAll(/(?:t\.test\(\s*|^ {2}\[)(?:`([^`]+)`|'([^']+)'|"([^"]+)")/gm)
    .map(([, template, single, double]) => template ?? single ?? double ?? '')
    .map((title) => title.split(/\$\{[^}]+\}/).map((it) => RegExp.escape(it)))
    .map((parts) => new RegExp(`^${parts.join('(.+?)')}$`))
    .toArray();
  return (title) =>
    patterns.some(
      (it) =>
        it
          .exec(title)
          ?.slice(1)
          .every((fill) => isLiteral(fill)) ?? false,
    );
};

t.test('each row of the specification names a test', async (t) => {
  const rows = text
    .split('\n')
    .filter((it) => /^\| *(?:MUST|SHOULD|RECOMMENDED|recommended)\b/.test(it));
  t.ok(rows.length >= 40, `${rows.length} rows`);
  for (const row of rows) t.match(row, /\]\([^)]+\.test\.ts\)/, row.split('|')[2]?.trim() ?? '');
});

for (const file of new Set(named.map((it) => it.file))) {
  t.test(`every test that the README names in ${file} exists`, async (t) => {
    const hasTitle = titlesOf(file);
    for (const { title } of named.filter((it) => it.file === file)) t.ok(hasTitle(title), title);
  });
}
