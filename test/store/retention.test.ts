import t from 'tap';
import { retentionStatements } from '../../src/store/retention.ts';
import { retention } from './open-store.ts';

const auditWith = (ttl: string) => [
  {
    table: 'audit_log',
    engine: `MergeTree PARTITION BY toYYYYMM(At) ORDER BY At${ttl} SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1`,
  },
];
const audit = (statements: readonly string[]) =>
  statements.filter((it) => it.includes('audit_log')).map((it) => it.replace(/^.*TTL /, ''));

t.test('a table is altered only when its retention differs', (t) => {
  const yearMs = 365 * 86_400_000;
  const cases: readonly (readonly [string, string, number, readonly string[]])[] = [
    ['no retention yet', '', yearMs, ['toDateTime(At) + toIntervalDay(365)']],
    ['the same', ' TTL toDateTime(At) + toIntervalDay(365)', yearMs, []],
    [
      'shorter',
      ' TTL toDateTime(At) + toIntervalDay(365)',
      5_000,
      ['toDateTime(At) + toIntervalSecond(5)'],
    ],
    [
      'a day in seconds',
      ' TTL toDateTime(At) + toIntervalSecond(86400)',
      86_400_000,
      ['toDateTime(At) + toIntervalDay(1)'],
    ],
    ['below a second', '', 1, ['toDateTime(At) + toIntervalSecond(1)']],
    ['between seconds', '', 1_001, ['toDateTime(At) + toIntervalSecond(2)']],
    [
      'made by hand',
      ' TTL At + toIntervalDay(365)',
      yearMs,
      ['toDateTime(At) + toIntervalDay(365)'],
    ],
  ];
  for (const [title, ttl, keptMs, expected] of cases) {
    const wanted = { ...retention, audit: keptMs };
    const statements = retentionStatements(auditWith(ttl), wanted, { database: 'otel' });
    t.strictSame(audit(statements), expected, title);
  }
  t.end();
});

t.test('on a cluster the tables that hold the rows are altered, on every node', (t) => {
  const engine = 'ReplicatedMergeTree ORDER BY Timestamp SETTINGS ttl_only_drop_parts = 1';
  const statements = retentionStatements([{ table: 'otel_traces_local', engine }], retention, {
    database: 'otel',
    cluster: 'main',
  });
  t.strictSame(statements, [
    'ALTER TABLE `otel`.`otel_traces_local` ON CLUSTER `main` MODIFY TTL toDateTime(Timestamp) + toIntervalDay(14)',
  ]);
  t.end();
});

t.test('every tier of metrics has overrides by service and by metric', (t) => {
  const dayMs = 86_400_000;
  const nothing = undefined;
  const keptMs = {
    traces: { raw: nothing, summaries: nothing },
    metrics: { raw: dayMs, '1m': 2 * dayMs, '1h': 3 * dayMs, '1d': 4 * dayMs },
    spans: { '1m': nothing, '1h': nothing, '1d': nothing },
    logs: nothing,
    alerts: nothing,
    audit: nothing,
  };
  const overrides = [{ services: ['cart'], metrics: ['jvm.*'], keptMs }];
  const names = (['1m', '1h', '1d'] as const).map((it) => `metric_rollup_${it}_computed`);
  const engine = 'ReplacingMergeTree(Version) ORDER BY Time SETTINGS ttl_only_drop_parts = 0';
  const statements = retentionStatements(
    names.map((table) => ({ table, engine })),
    { ...retention, overrides },
    { database: 'otel' },
  );
  const age = (seconds: number, usual: number) =>
    `toIntervalSecond(multiIf(match(ServiceName, '^(?:cart)$') AND match(MetricName, '^(?:jvm\\\\..*)$'), ${seconds}, ${usual}))`;
  t.strictSame(statements, [
    `ALTER TABLE \`otel\`.\`metric_rollup_1m_computed\` MODIFY TTL toStartOfDay(Time) + toIntervalDay(1) + ${age(172_800, 2_592_000)}`,
    `ALTER TABLE \`otel\`.\`metric_rollup_1h_computed\` MODIFY TTL toStartOfMonth(Time) + toIntervalMonth(1) + ${age(259_200, 31_536_000)}`,
    `ALTER TABLE \`otel\`.\`metric_rollup_1d_computed\` MODIFY TTL toStartOfMonth(Time) + toIntervalMonth(1) + ${age(345_600, 157_680_000)}`,
  ]);
  t.end();
});
