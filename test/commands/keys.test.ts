import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { keyHash } from '../../src/lib/key-hash.ts';
import { runTool } from '../support/cli.ts';

const nowMs = Date.UTC(2027, 0, 1);
const args = ['keys', 'new', 'shop', '--expires', '90d', '--scope', 'ingest', 'api'];

t.test('a new key is shown with the line that lets it in', async (t) => {
  const { code, stdout } = await runTool(args, { nowMs });
  t.equal(code, 0);
  const [key = '', , , line = ''] = stdout.split('\n');
  t.match(key, /^tk_[\w-]{43}$/);
  const reading = loadConfig({
    file: { path: 'tocsin.yaml', text: `auth:\n  keys:\n    ${line}\n` },
    environment: {},
    mode: 'up',
    readFile: () => '',
  });
  t.match(reading.ok && reading.config.auth.keys, [
    {
      name: 'shop',
      hash: keyHash(key),
      expiresAtMs: nowMs + 90 * 86_400_000,
      scopes: ['ingest', 'api'],
    },
  ]);
  t.notMatch(line, key);
});

t.test('no two keys are the same, and JSON has both parts', async (t) => {
  const [one, two] = await Promise.all([
    runTool([...args, '--json'], { nowMs }),
    runTool([...args, '--json'], { nowMs }),
  ]);
  const [first, second] = [JSON.parse(one.stdout), JSON.parse(two.stdout)];
  t.not(first.key, second.key);
  t.match(first.entry, /^- \{name: "shop", hash: "sha256:/);
});

for (const wrong of [
  ['keys', 'new', 'a b'],
  ['keys', 'new', 'shop', '--expires', 'soon'],
  ['keys', 'new', 'shop', '--scope', 'root'],
]) {
  t.test(`${wrong.slice(2).join(' ')} is wrong usage, and no key is shown`, async (t) => {
    const { code, stdout } = await runTool(wrong);
    t.equal(code, 2);
    t.equal(stdout, '');
  });
}

t.test('a file without a key in it is wrong usage', async (t) => {
  const { code, stderr } = await runTool(['alerts', '--key-file', 'package.json']);
  t.match({ code, stderr }, { code: 2, stderr: /package.json holds no key/ });
});
