import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import t from 'tap';
import { keyHash } from '../../src/lib/key-hash.ts';
import { runTool } from '../support/cli.ts';
import { daemonDir, startDaemon, within } from '../support/daemon.ts';
import { finishedSpans } from '../support/spans.ts';

const keyOf = (name: string): string => `tk_the-key-of-${name}-for-this-test`;
const line = (name: string, more = ''): string =>
  `    - {name: ${name}, hash: "sha256:${keyHash(keyOf(name))}"${more}}`;
const yaml = (...lines: readonly string[]): string =>
  ['telemetry: {interval: 1s}', 'auth:', '  keys:', ...lines, ''].join('\n');

t.test('a daemon with keys takes only who shows one, and follows a reload', async (t) => {
  const person = line('person', ', scopes: [api]');
  const dir = daemonDir(t, {
    'tocsin.yaml': yaml(line('shop', ', attributes: {tenant: shop}'), person),
  });
  const daemon = await startDaemon(t, dir, { TOCSIN_KEY: keyOf('person') });
  const { listen } = daemon;
  const url = `http://${listen.console}`;

  t.equal((await fetch(`${url}/health/ready`)).status, 200);
  const refused = await fetch(`${url}/api/v1/alerts`);
  t.equal(refused.status, 401);
  t.match(refused.headers.get('www-authenticate'), /^Bearer realm="tocsin", Basic /);
  t.equal((await fetch(`${url}/`)).status, 401);
  t.equal((await fetch(`${url}/metrics`)).status, 401);
  t.equal((await fetch(`${url}/-/reload`, { method: 'POST' })).status, 401);
  const basic = `Basic ${Buffer.from(`me:${keyOf('person')}`).toString('base64')}`;
  t.equal((await fetch(`${url}/`, { headers: { authorization: basic } })).status, 200);
  const wrongScope = { authorization: `Bearer ${keyOf('shop')}` };
  t.equal((await fetch(`${url}/api/v1/alerts`, { headers: wrongScope })).status, 403);

  const without = await runTool(['alerts', '--url', url]);
  t.match(without, { code: 1, stderr: /TOCSIN_KEY or --key-file/ });
  const keyFile = join(dir, 'key');
  writeFileSync(keyFile, `${keyOf('person')}\n`);
  t.equal((await runTool(['alerts', '--url', url, '--key-file', keyFile])).code, 0);
  const environment = { TOCSIN_KEY: keyOf('person') };
  t.equal((await runTool(['alerts', '--url', url], { environment })).code, 0);

  const send = (key: string) =>
    new Promise<number>((resolve) => {
      const exporter = new OTLPTraceExporter({
        url: `http://${listen.otlp_http}/v1/traces`,
        headers: { authorization: `Bearer ${key}` },
      });
      exporter.export(finishedSpans(), ({ code }) => resolve(code));
    });
  t.equal(await send(keyOf('shop')), 0);
  const count = 'SELECT count() FROM otel.otel_traces WHERE';
  const labelled = `${count} SpanName = 'GET /pay' AND ResourceAttributes['tenant'] = 'shop'`;
  await within(20_000, async () => ((await daemon.sql(labelled)) === '1' ? true : undefined));
  const own = `SELECT count() > 0 FROM otel.otel_metrics_sum WHERE ServiceName = 'tocsin'`;
  await within(20_000, async () => ((await daemon.sql(own)) === '1' ? true : undefined), 'own');

  writeFileSync(join(dir, 'tocsin.yaml'), yaml(line('shop-2027'), person));
  t.equal((await daemon.api('POST', '/-/reload')).status, 200);
  t.equal(await send(keyOf('shop')), 1);
  t.equal(await send(keyOf('shop-2027')), 0);
  const plain = `${count} SpanName = 'GET /pay' AND ResourceAttributes['tenant'] = ''`;
  await within(
    20_000,
    async () => ((await daemon.sql(plain)) === '1' ? true : undefined),
    'new key',
  );
  t.equal(await daemon.sql(labelled), '1', 'the old key opens nothing any more');
  t.notMatch(daemon.output(), /tk_/);
});
