import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/lib/document.ts';

const load = (text: string) =>
  loadConfig({
    file: { path: 'tocsin.yaml', text },
    environment: {},
    mode: 'up',
    readFile: () => '',
  });

const dayMs = 86_400_000;

t.test('retention differs by service and metric, and old days go to another volume', async (t) => {
  const reading = load(`
clickhouse: {storage_policy: tiered}
retention:
  overrides:
    - {service: checkout, traces: {raw: 60d}, logs: 90d}
    - {service: [a, 'b-*'], metric: 'jvm.*', metrics: {raw: 1d, 1h: 30d}}
  cold: {after: 2d, volume: slow}
`);
  if (!reading.ok) throw new Error(reading.problems.map(formatProblem).join());
  const none = { '1m': undefined, '1h': undefined, '1d': undefined };
  t.strictSame(reading.config.retention.overrides, [
    {
      services: ['checkout'],
      metrics: [],
      keptMs: {
        traces: { raw: 60 * dayMs, summaries: undefined },
        metrics: { raw: undefined, ...none },
        spans: none,
        logs: 90 * dayMs,
        alerts: undefined,
        audit: undefined,
      },
    },
    {
      services: ['a', 'b-*'],
      metrics: ['jvm.*'],
      keptMs: {
        traces: { raw: undefined, summaries: undefined },
        metrics: { raw: dayMs, ...none, '1h': 30 * dayMs },
        spans: none,
        logs: undefined,
        alerts: undefined,
        audit: undefined,
      },
    },
  ]);
  t.strictSame(reading.config.retention.cold, { afterMs: 2 * dayMs, volume: 'slow' });
  t.equal(reading.config.clickhouse.storagePolicy, 'tiered');
});

t.test('an override that cannot mean anything is told with its place', async (t) => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['no rows', '{logs: 1d}', /overrides\[0\].*expected service or metric/],
    ['no tier', '{service: a}', /overrides\[0\].*says nothing/],
    ['no such tier', '{service: a, audit: 1d, logs: 1d}', /audit/],
    ['a metric of logs', '{metric: m, logs: 1d}', /metric.*only metrics have a name of a metric/],
    ['no name', "{service: '', logs: 1d}", /service/],
    ['no names', '{service: [], logs: 1d}', /service/],
    ['a line break', '{service: "a\\nb", logs: 1d}', /service/],
    ['no time', '{service: a, logs: 0d}', /duration longer than 0/],
  ];
  for (const [title, override, expected] of cases) {
    const reading = load(`retention:\n  overrides:\n    - ${override}\n`);
    const [problem] = reading.ok ? [] : reading.problems.map(formatProblem);
    t.match(problem, expected, title);
    t.match(problem, /^tocsin.yaml:3:/, title);
  }
});

t.test('a cold volume needs the policy that has it', async (t) => {
  const reading = load('retention: {cold: {after: 2d, volume: cold}}');
  t.match(reading, { ok: false });
  t.match(reading.ok ? '' : reading.problems.map(formatProblem)[0], /clickhouse\.storage_policy/);
});

t.test('a full disk takes nothing unless that is written', async (t) => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['', { warnShare: 0.8, shortenShare: 0.9, shortenAllowed: false }],
    [
      'retention: {disk: {warn: 70 percent, shorten_at: 95%, allow_shorten: true}}',
      { warnShare: 0.7, shortenShare: 0.95, shortenAllowed: true },
    ],
  ];
  for (const [text, expected] of cases) {
    const reading = load(text);
    t.strictSame(reading.ok && reading.config.disk, expected, text);
  }
  for (const [disk, expected] of [
    ['{warn: 95 percent}', /disk\.warn.*not more than shorten_at/],
    ['{warn: 0 percent}', /disk\.warn.*more than 0/],
    ['{shorten_at: 0.9}', /shorten_at.*percentage/],
  ] as const) {
    const reading = load(`retention:\n  disk: ${disk}\n`);
    t.match(reading.ok ? '' : reading.problems.map(formatProblem)[0], expected, disk);
  }
});
