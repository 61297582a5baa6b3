import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runTool } from '../support/cli.ts';
import { daemonDir, startDaemon } from '../support/daemon.ts';
import { encodeJson } from '../support/otlp-json.ts';
import { until } from '../support/until.ts';

const waitMsMax = 90_000;
const hourMs = 3_600_000;

/** The middle of an hour that is over, in the month of that hour. */
const atMs = Math.floor(Date.now() / hourMs) * hourMs - hourMs / 2;
const month = new Date(atMs).toISOString().slice(0, 7);

const span = (index: number) => ({
  traceId: String(index + 1).padStart(32, '0'),
  spanId: String(index + 1).padStart(16, '0'),
  name: 'GET /pay',
  kind: 2,
  startTimeUnixNano: `${atMs}000000`,
  endTimeUnixNano: `${atMs + 5}000000`,
  ...(index === 0 && { status: { code: 2 } }),
});

const spans = (count: number) =>
  encodeJson({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'checkout' } }] },
        scopeSpans: [{ spans: Array.from({ length: count }, (_, index) => span(index)) }],
      },
    ],
  });

const rules = (target: string, exclude: string): string => `
slas:
  - {name: up, service: checkout, type: availability, target: ${target}, exclude: [${exclude}]}
`;

t.test('from spans to the report of an SLA, and another when the rule file changes', async (t) => {
  const dir = daemonDir(t, {
    'tocsin.yaml': 'rules: {files: [rules.yaml]}\n',
    'rules.yaml': rules('90 percent', ''),
  });
  const daemon = await startDaemon(t, dir);
  const sent = await fetch(`http://${daemon.listen.otlp_http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: spans(10),
  });
  t.equal(sent.status, 200);
  const report = async () => {
    const words = ['sla', 'report', '--sla', 'up', '--month', month, '--so-far'];
    const environment = { TOCSIN_URL: `http://${daemon.listen.console}` };
    return (await runTool(words, { environment })).stdout;
  };
  await until(
    async () => (await report()).includes('| at least 90 % | 90 % | yes | 10 | 1 | 1 |'),
    waitMsMax,
  );

  writeFileSync(
    join(dir, 'rules.yaml'),
    rules(
      '95 percent',
      `{reason: told late, start: '${new Date(atMs).toISOString()}', end: '2099-01-01T00:00:00Z'}`,
    ),
  );
  t.equal((await daemon.api('POST', '/-/reload')).status, 200);
  await until(async () => (await report()).includes('told late'), waitMsMax);
  t.match(await report(), '| at least 95 % | no requests | nothing to keep | 0 | 0 | 0 |');
});
