import t from 'tap';
import { runTool } from '../support/cli.ts';
import { memoryBackend, startConsole } from '../support/console.ts';
import { slaReport as report } from '../support/sla-report.ts';

const expected = `# SLA checkout\\|up, 2026-10

Availability of check\\*out from 2026-10-01T00:00:00Z up to 2026-11-01T00:00:00Z.

| promise | promised | achieved | kept | requests | errors | bad | minutes in breach |
| --- | --- | --- | --- | --- | --- | --- | --- |
| availability | at least 99.9 % | 99.99995 % | yes | 4000000 | 2 | 2 | 2 |

## Availability

44640 minutes in the month: 44639 written down, 1 missing, 60 excluded.

Error budget: 4000 requests (0.1 % of 4000000); 2 were bad, 3998 are left (99.95 %).

### Minutes in breach

| from | to | minutes | worst |
| --- | --- | --- | --- |
| 2026-10-03T10:10:00Z | 2026-10-03T10:12:00Z | 2 | 50 % |

### Excluded

| from | to | minutes | reason |
| --- | --- | --- | --- |
| 2026-10-04T02:00:00Z | 2026-10-04T03:00:00Z | 60 | disks \\| and more |

### Missing

| from | to | minutes |
| --- | --- | --- |
| 2026-10-31T23:59:00Z | 2026-11-01T00:00:00Z | 1 |

### Definitions

| since | promised | window | table counted | minutes | definition |
| --- | --- | --- | --- | --- | --- |
| 2026-10-01T00:00:00Z | 99.9 % | 30d | \`span_rollup_1m\` | 44639 | \`abc123\` |

## Incidents

| alert | promise | severity | fired | resolved | id |
| --- | --- | --- | --- | --- | --- |
| SlaBurnRate |  | critical | 2026-10-03T10:11:00Z | after the month | f00d-1 |

## How this was found

- Rows: 44639 minutes of \`sla_minutes\` (times in UTC), incidents from \`alert_events\`.
- SHA-256 of the rows: \`feed\`. A report with the same one says the same of them.
- Last row written at 2026-11-02T10:00:00Z; 3 were written or corrected more than an hour after the month was over.
- Counts are requests before sampling: sums of the adjusted counts of spans. A request counts in the minute in which it started.
- A request is bad when its status is Error. A minute is in breach when its own share misses the promise.
- Excluded minutes count neither as good nor as bad; a minute is excluded when any part of it is.
`;

t.test('a report is printed as Markdown that can be filed, or as JSON', async (t) => {
  const backend = memoryBackend();
  backend.slaReport = report;
  const environment = { TOCSIN_URL: await startConsole(t, backend) };
  const words = ['sla', 'report', '--sla', 'checkout|up', '--month', '2026-10'];
  const printed = await runTool(words, { environment });
  t.equal(printed.stdout, expected);
  t.equal(printed.code, 0);
  t.same(await runTool([...words, '--format', 'md'], { environment, nowMs: 0 }), printed);
  for (const asked of [['--json'], ['--format', 'json']]) {
    const json = await runTool([...words, ...asked], { environment });
    t.equal(json.stdout, `${JSON.stringify(report, null, 2)}\n`);
  }
});

t.test('percentiles and rates are told in their units, and so is what is not over', async (t) => {
  const backend = memoryBackend();
  const [first] = report.objectives;
  if (!first) throw new Error('no objective');
  const slow = {
    ...first,
    objective: 'p99',
    unit: 'seconds',
    target: 0.3,
    achieved: 0.3125,
  } as const;
  backend.slaReport = {
    ...report,
    sla: 'slow',
    type: 'response_time',
    month: '2026-11',
    until: '2026-11-05T10:00:00Z',
    objectives: [{ ...slow, met: false, breaches: [], exclusions: [], missing: [] }],
    incidents: [],
  };
  const environment = { TOCSIN_URL: await startConsole(t, backend) };
  const words = ['sla', 'report', '--sla', 'slow', '--month', '2026-11'];
  t.match(await runTool(words, { environment }), { code: 1, stderr: /2026-11 is not over/ });
  const { stdout } = await runTool([...words, '--so-far'], { environment });
  t.match(stdout, '**So far:** the month is not over, and the rows end at 2026-11-05T10:00:00Z.');
  t.match(stdout, '| p99 response time | at most 300 ms | 312.5 ms | **no** |');
  t.match(stdout, '### Minutes in breach\n\nNone.');
  t.match(stdout, 'No alert of this SLA fired.');
  t.match(stdout, 'right to 0.9902 %');
  backend.slaReport = {
    ...backend.slaReport,
    type: 'throughput',
    objectives: [
      { ...first, unit: 'per-second', target: 50, achieved: null, met: null, budget: null },
    ],
  };
  const rates = await runTool([...words, '--so-far'], { environment });
  t.match(rates.stdout, '| throughput | at least 50 per second | no requests | nothing to keep |');
  t.notMatch(rates.stdout, 'Error budget');
});

t.test('what was not written down has no report', async (t) => {
  const environment = { TOCSIN_URL: await startConsole(t, memoryBackend()) };
  const asked = (...words: readonly string[]) =>
    runTool(['sla', 'report', ...words], { environment });
  t.match(await asked('--sla', 'a/b', '--month', '2026-10'), {
    code: 1,
    stderr: 'tocsin: nothing was written down of an SLA a/b in 2026-10\n',
  });
  t.match(await asked('--sla', 'a', '--month', '2026-13'), {
    code: 1,
    stderr: /expected a month such as 2026-10/,
  });
  t.match(await asked('--sla', 'a'), { code: 2 });
});
