import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import t from 'tap';

/** A folder may import only from folders on earlier lines. Stages share a line: they never meet. */
const layers = [
  ['lib'],
  ['model'],
  [
    'config',
    'access',
    'receive',
    'decode',
    'batch',
    'store',
    'rollup',
    'evaluate',
    'decide',
    'notify',
    'console',
    'embedded',
  ],
  ['ingest'],
  ['.'],
  ['commands'],
  ['main'],
];

/** Where a package may be imported. Everything not listed is free, which is for `node:` only. */
const homes: Readonly<Record<string, readonly string[]>> = {
  '@clickhouse/client': ['store/client.ts'],
  '@opentelemetry/': ['lib/telemetry'],
  '@slack/web-api': ['notify/slack.ts'],
  // Compiles these; nothing imports it.
  assemblyscript: ['decode/wasm/'],
  bullmq: ['lib/jobs/'],
  chdb: ['embedded/'],
  commander: ['main.ts', 'commands/'],
  fastify: ['console/'],
  'ffi-rs': ['embedded/engine.ts'],
  ioredis: ['lib/redis.ts'],
  mathjs: ['evaluate/expression.ts'],
  nodemailer: ['notify/email.ts'],
  pino: ['lib/log.ts'],
  'pino-pretty': ['lib/log.ts'],
  undici: ['lib/http-client.ts'],
  yaml: ['lib/document.ts'],
  zod: ['lib/document.ts'],
};

const files = globSync('**/*.ts', { cwd: 'src' }).toSorted();
const folderOf = (file: string): string =>
  file === 'main.ts' ? 'main' : (dirname(file).split('/')[0] ?? '.');
const rank = (folder: string): number => layers.findIndex((layer) => layer.includes(folder));

const importsOf = (file: string): readonly string[] =>
  readFileSync(join('src', file), 'utf8')
    .matchAll(/(?:^|\s)(?:from|import|import\() ?'([^']+)'/g)
    .map(([, path = '']) => path)
    .toArray();

t.test('every import points to an earlier layer or the same folder', async (t) => {
  for (const file of files) {
    t.not(rank(folderOf(file)), -1, `${file} is in a known layer`);
    for (const path of importsOf(file).filter((it) => it.startsWith('.'))) {
      const target = normalize(join(dirname(file), path));
      if (target.endsWith('package.json')) continue;
      const inward = rank(folderOf(target)) < rank(folderOf(file));
      t.ok(inward || folderOf(target) === folderOf(file), `${file} may import ${target}`);
    }
  }
});

t.test('every package has one home', async (t) => {
  for (const file of files) {
    for (const path of importsOf(file)) {
      if (path.startsWith('.') || path.startsWith('node:')) continue;
      const home = Object.entries(homes).find(
        ([name]) => path === name || path.startsWith(name.endsWith('/') ? name : `${name}/`),
      );
      t.ok(
        home?.[1].some((it) => file.startsWith(it)),
        `${file} may import ${path}`,
      );
    }
  }
});

t.test('time, environment and output are reached through their own doors', async (t) => {
  const doors: readonly (readonly [RegExp, readonly string[]])[] = [
    [/\b(setTimeout|setInterval|Date\.now|performance\.now)\b/, ['lib/clock.ts']],
    [/\bprocess\.env\b/, ['config/', 'main.ts', 'commands/']],
    [/\bprocess\.exit\b/, ['main.ts', 'embedded/engine.ts']],
    [/\bMath\.random\b/, ['app.ts', 'main.ts', 'ingest/worker.ts', 'commands/']],
  ];
  for (const file of files) {
    const code = readFileSync(join('src', file), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, '');
    for (const [pattern, allowed] of doors) {
      const fine = !pattern.test(code) || allowed.some((it) => file.startsWith(it));
      t.ok(fine, `${file} does not use ${pattern.source}`);
    }
  }
});
