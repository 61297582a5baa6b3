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
