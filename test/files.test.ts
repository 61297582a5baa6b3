import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../src/config/load.ts';
import { readFiles } from '../src/files.ts';

const rules = `groups:
  - {name: spans, rules: [{alert: A, signals: {n: {from: spans, value: count()}}, when: n > 1}]}
  - {name: logs, rules: [{alert: B, signals: {n: {from: logs, value: count()}}, when: n > 1}]}
  - {name: own, query_offset: 3s, rules: [{alert: C, signals: {n: {from: spans, value: count()}}, when: n > 1}]}
slas:
  - {name: checkout, service: checkout, type: availability, target: 99.9 percent, window: 30d, burn_rates: default}
`;

const head = '{keep: 10 percent}';
const tail = (wait: string) => `{keep: 10 percent, mode: tail, wait: ${wait}}`;

/** Groups in the order of the file, an SLA being two: how long ago each is evaluated, ms. */
// biome-ignore format: one case per line.
const table: readonly (readonly [title: string, sample: readonly string[], offset: string, expected: readonly number[]])[] = [
  ['nothing waits',                  [],                       'auto', [2_000, 2_000, 3_000, 2_000, 2_000]],
  ['head sampling waits for nobody', [head],                   'auto', [2_000, 2_000, 3_000, 2_000, 2_000]],
  ['the longest wait counts',        [tail('5s'), tail('20s'), head], 'auto', [24_000, 2_000, 3_000, 24_000, 24_000]],
  ['who says a time means it',       [tail('20s')],            '1s',   [1_000, 1_000, 3_000, 1_000, 1_000]],
];

t.test('rules are evaluated as of when spans are there that waited for their traces', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tocsin-files-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'rules.yaml'), rules);
  for (const [title, sample, offset, expected] of table) {
    const text = [
      `rules: {files: [${join(dir, 'rules.yaml')}], query_offset: ${offset}}`,
      `ingest: {sample: [${sample.join(', ')}]}`,
    ].join('\n');
    const config = loadConfig({
      file: { path: join(dir, 'tocsin.yaml'), text },
      environment: {},
      mode: 'up',
      readFile: () => '',
    });
    if (!config.ok) throw new Error(JSON.stringify(config.problems));
    const reading = readFiles({
      config: config.config,
      environment: {},
      externalUrl: 'http://localhost:9900',
      extraRuleFiles: [],
    });
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    t.strictSame(
      reading.files.groups.map((it) => it.queryOffsetMs),
      expected,
      title,
    );
  }
});
