import { readFileSync } from 'node:fs';
import t from 'tap';
import { loadAlerting } from '../../src/config/alerting.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/lib/document.ts';

const source = (name: string) => {
  const path = `deploy/examples/${name}`;
  return {
    file: { path, text: readFileSync(path, 'utf8') },
    environment: {},
    readFile: () => '',
  };
};

t.test('the example configuration is good as it stands', async (t) => {
  const reading = loadConfig({ ...source('tocsin.yaml'), mode: 'up' });
  t.strictSame(reading.ok ? [] : reading.problems.map(formatProblem), []);
});

t.test('the example alerting file is good and everything in it is applied', async (t) => {
  const reading = loadAlerting({ ...source('alerting.yaml'), externalUrl: 'http://x' });
  t.strictSame(reading.ok ? reading.warnings : reading.problems.map(formatProblem), []);
});

t.test('every example of alerting in the README is good', async (t) => {
  const readme = readFileSync('README.md', 'utf8');
  const [, text = ''] = /```yaml\n(route:[^]*?)```/.exec(readme) ?? [];
  const file = { path: 'README.md', text };
  const reading = loadAlerting({
    file,
    environment: {},
    readFile: () => '',
    externalUrl: 'http://x',
  });
  t.ok(text.length > 0);
  t.strictSame(reading.ok ? reading.warnings : reading.problems.map(formatProblem), []);
});
