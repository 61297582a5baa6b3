import t from 'tap';
import { createEdgeJobs } from '../../src/rollup/edges.ts';
import { createInventoryJob } from '../../src/rollup/inventory.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { documentedSql } from './documented.ts';
import { atMs, storeSpans, type Traced } from './traced.ts';

const server = await startClickHouse(t);
const ask = { timeoutMs: 10_000 };
const jobs = createEdgeJobs({ lookbackMs: 7 * 86_400_000, sameService: false });
const loops = createEdgeJobs({ lookbackMs: 7 * 86_400_000, sameService: true });

const store = openStore(t, server);
await migrate(store, migrateOptions);
const tiers = ['1m', '1h', '1d'].map((it) => `service_edges_${it}_computed`);
t.beforeEach(async () => {
  for (const table of ['otel_traces', 'span_arrivals', 'rollup_progress', ...tiers])
    await store.command(`TRUNCATE TABLE otel.${table}`);
});

const spans = (trace: string, all: readonly Traced[]) => storeSpans(store, trace, all);

let version = 0;
/** Computes the windows of all three tiers that a clock time lies in. */
const compute = async (time: string, chosen = jobs): Promise<void> => {
  version += 1;
  for (const job of chosen) {
    const fromMs = Math.floor(atMs(time) / job.windowMs) * job.windowMs;
    const window = { fromMs, toMs: fromMs + job.windowMs, versionMs: version, input: 1 };
    for (const { sql, ...rest } of job.run(window)) {
      const token = `${job.name}-${fromMs}-${version}`;
      await store.insertSelect(sql, { ...rest, token, timeoutMs: 20_000 });
    }
  }
};

/** Such as `web → pay, service http: 2 calls, 1 error`. */
const edges = async (tier = '1m'): Promise<readonly string[]> => {
  const rows = await store.query<{ edge: string }>(
    `SELECT concat(formatDateTime(Time, '%H:%i', 'UTC'), ' ', Caller, if(CallerKind = 'service', '', concat(' (', CallerKind, ')')),
       ' → ', Callee, ' (', CalleeKind, if(Protocol = '', '', concat(' ', Protocol)), ') ', toString(Calls), ' calls ', toString(Errors), ' errors, sides ',
       toString(CallerReported), '/', toString(CalleeReported)) AS edge
     FROM service_edges_${tier} ORDER BY edge`,
    ask,
  );
  return rows.map((it) => it.edge);
};

const http = { 'http.request.method': 'GET', 'server.address': 'pay.internal' };

t.test('a call that both sides tell of is one edge, as its caller saw it', async (t) => {
  await spans('t1', [
    { at: '10:00:10', service: 'web', kind: 'Server', id: 'a', took: 300 },
    {
      at: '10:00:10.1',
      service: 'web',
      kind: 'Client',
      id: 'b',
      parent: 'a',
      took: 200,
      attributes: http,
      failed: true,
    },
    { at: '10:00:10.2', service: 'pay', kind: 'Server', id: 'c', parent: 'b', took: 150 },
    { at: '10:00:10.3', service: 'pay', kind: 'Internal', id: 'd', parent: 'c' },
  ]);
  await spans('t2', [
    { at: '10:00:20', service: 'web', kind: 'Client', id: 'b', took: 100, attributes: http },
    { at: '10:00:20', service: 'pay', kind: 'Server', id: 'c', parent: 'b', took: 90 },
  ]);
  await compute('10:00:00');
  const expected = [
    '10:00 user (user) → web (service) 1 calls 0 errors, sides 0/1',
    '10:00 web → pay (service http) 2 calls 1 errors, sides 2/2',
  ];
  t.strictSame(await edges(), expected);
  t.strictSame(await edges('1h'), expected);
  t.strictSame(
    await edges('1d'),
    expected.map((it) => it.replace('10:00', '00:00')),
  );

  // 200 ms and 100 ms: the nearest rank at 50 % is 100, at 99 % 200; 1 % is the sketch's error.
  const [row] = await store.query<Record<string, number>>(
    `SELECT calls, error_rate, p50, p99, avg, min, max, one_sided FROM service_dependencies WHERE Callee = 'pay'`,
    ask,
  );
  t.match(row, { calls: 2, error_rate: 0.5, avg: 150, min: 100, max: 200, one_sided: 0 });
  t.ok(Math.abs((row?.['p50'] ?? 0) - 100) <= 1 && Math.abs((row?.['p99'] ?? 0) - 200) <= 2);
  const sums = 'SELECT toFloat64(CalleeDurationSum) / 1e6 AS sum FROM service_edges_1d';
  t.strictSame(await store.query(`${sums} WHERE Callee = 'pay'`, ask), [{ sum: 240 }]);
});

t.test('a side that comes late corrects the edge in every tier', async (t) => {
  await spans('t1', [
    { at: '10:00:10', service: 'web', kind: 'Client', id: 'b', attributes: http },
  ]);
  await spans('t2', [{ at: '10:00:10', service: 'pay', kind: 'Server', id: 'c', parent: 'b' }]);
  await compute('10:00:00');
  const before = [
    '10:00 unknown (unknown) → pay (service) 1 calls 0 errors, sides 0/1',
    '10:00 web → pay.internal (external http) 1 calls 0 errors, sides 1/0',
  ];
  t.strictSame(await edges(), before);
  t.strictSame(await edges('1h'), before);

  await spans('t1', [{ at: '10:00:10.1', service: 'pay', kind: 'Server', id: 'c', parent: 'b' }]);
  await spans('t2', [
    { at: '10:00:09.9', service: 'web', kind: 'Client', id: 'b', attributes: http },
  ]);
  await compute('10:00:00');
  await compute('10:00:00');
  const after = ['10:00 web → pay (service http) 2 calls 0 errors, sides 2/2'];
  t.strictSame(await edges(), after);
  t.strictSame(await edges('1h'), after);
  t.strictSame(
    await edges('1d'),
    after.map((it) => it.replace('10:00', '00:00')),
  );
});

t.test('a call over the end of a minute counts once, in the minute of its caller', async (t) => {
  await spans('t1', [
    { at: '10:00:59.9', service: 'web', kind: 'Client', id: 'b', attributes: http },
    { at: '10:01:00.1', service: 'pay', kind: 'Server', id: 'c', parent: 'b' },
  ]);
  // The callee's clock is behind.
  await spans('t2', [
    { at: '10:01:00.1', service: 'web', kind: 'Client', id: 'b', attributes: http },
    { at: '10:00:59.9', service: 'pay', kind: 'Server', id: 'c', parent: 'b' },
  ]);
  await compute('10:00:00');
  await compute('10:01:00');
  t.strictSame(await edges(), [
    '10:00 web → pay (service http) 1 calls 0 errors, sides 1/1',
    '10:01 web → pay (service http) 1 calls 0 errors, sides 1/1',
  ]);
  t.strictSame(await edges('1h'), ['10:00 web → pay (service http) 2 calls 0 errors, sides 2/2']);
});

t.test('what does not report itself is named by those who call it', async (t) => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [
      { 'db.system.name': 'postgresql', 'db.namespace': 'orders', 'server.address': 'db1' },
      'orders (database postgresql)',
    ],
    [{ 'db.system': 'mysql', 'db.name': 'shop', 'net.peer.name': 'db2' }, 'shop (database mysql)'],
    [
      { 'db.system.name': 'redis', 'db.namespace': '0', 'server.address': 'cache1' },
      'cache1 (database redis)',
    ],
    [{ 'db.system.name': 'sqlite' }, 'sqlite (database sqlite)'],
    [
      { 'db.system.name': 'mongodb', 'peer.service': 'carts', 'db.namespace': 'x' },
      'carts (database mongodb)',
    ],
    [{ 'peer.service': 'tax', 'server.address': '10.0.0.1' }, 'tax (external)'],
    [
      { 'server.address': 'api.example.com', 'http.request.method': 'GET' },
      'api.example.com (external http)',
    ],
    [
      { 'net.peer.name': 'old.example.com', 'http.method': 'GET' },
      'old.example.com (external http)',
    ],
    [{ 'rpc.system': 'grpc', 'rpc.service': 'shop.Tax' }, 'shop.Tax (external grpc)'],
    [{}, 'unknown (external)'],
    [{ 'messaging.system': 'sqs', 'messaging.destination.name': 'jobs' }, 'jobs (messaging sqs)'],
  ];
  await spans(
    't1',
    cases.map(([attributes], n) => ({
      at: '10:00:10',
      service: 'web',
      kind: 'Client',
      id: `c${n}`,
      attributes,
    })),
  );
  await compute('10:00:00');
  t.strictSame(
    await edges(),
    cases.map(([, callee]) => `10:00 web → ${callee} 1 calls 0 errors, sides 1/0`).toSorted(),
  );
});

t.test(
  'messages lead from producer to consumer, by parent or link, and through their queue',
  async (t) => {
    const kafka = { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders' };
    await spans('t1', [
      { at: '10:00:10', service: 'shop', kind: 'Producer', id: 'p1', attributes: kafka },
      { at: '10:00:11', service: 'shop', kind: 'Producer', id: 'p2', attributes: kafka },
      { at: '10:00:12', service: 'till', kind: 'Producer', id: 'p3', attributes: kafka },
      {
        at: '10:00:13',
        service: 'mail',
        kind: 'Consumer',
        id: 'k1',
        parent: 'p1',
        attributes: kafka,
      },
      // Ten minutes in the queue; two messages of one service and one of another in a batch.
      {
        at: '10:10:00',
        service: 'stock',
        kind: 'Consumer',
        id: 'k2',
        links: ['p1', 'p2', 'p3'],
        attributes: kafka,
        failed: true,
      },
      {
        at: '10:10:01',
        service: 'stock',
        kind: 'Consumer',
        id: 'k3',
        links: ['gone'],
        attributes: kafka,
      },
      { at: '10:10:02', service: 'stock', kind: 'Consumer', id: 'k4' },
      {
        at: '10:10:03',
        service: 'shop',
        kind: 'Consumer',
        id: 'k5',
        links: ['p1'],
        attributes: kafka,
      },
    ]);
    await compute('10:00:00');
    await compute('10:10:00');
    t.strictSame(await edges(), [
      '10:00 shop → mail (service kafka) 1 calls 0 errors, sides 1/1',
      '10:00 shop → orders (messaging kafka) 2 calls 0 errors, sides 2/0',
      '10:00 till → orders (messaging kafka) 1 calls 0 errors, sides 1/0',
      '10:10 orders (messaging) → stock (service kafka) 1 calls 0 errors, sides 0/1',
      '10:10 shop → stock (service kafka) 1 calls 1 errors, sides 1/1',
      '10:10 till → stock (service kafka) 1 calls 1 errors, sides 1/1',
      '10:10 unknown (unknown) → stock (service) 1 calls 0 errors, sides 0/1',
    ]);
  },
);

t.test('a service that calls itself is no edge unless asked for', async (t) => {
  await spans('t1', [
    { at: '10:00:10', service: 'web', kind: 'Client', id: 'b', attributes: http },
    { at: '10:00:10', service: 'web', kind: 'Server', id: 'c', parent: 'b' },
  ]);
  await compute('10:00:00');
  t.strictSame(await edges(), []);
  await compute('10:00:00', loops);
  t.strictSame(await edges(), ['10:00 web → web (service http) 1 calls 0 errors, sides 1/1']);
});

t.test("calls weigh what their caller's span stands for, else their callee's", async (t) => {
  await spans('t1', [
    {
      at: '10:00:10',
      service: 'web',
      kind: 'Client',
      id: 'b',
      count: 10,
      failed: true,
      attributes: http,
    },
    { at: '10:00:10', service: 'pay', kind: 'Server', id: 'c', parent: 'b', count: 4 },
    { at: '10:00:10', service: 'pay', kind: 'Server', id: 'd', parent: 'gone', count: 2.5 },
  ]);
  await compute('10:00:00');
  t.strictSame(await edges(), [
    '10:00 unknown (unknown) → pay (service) 2.5 calls 0 errors, sides 0/2.5',
    '10:00 web → pay (service http) 10 calls 10 errors, sides 10/10',
  ]);
});

t.test('spans sent twice count once, and two attempts of one call as two', async (t) => {
  const sent: readonly Traced[] = [
    { at: '10:00:10', service: 'web', kind: 'Server', id: 'a' },
    { at: '10:00:10', service: 'web', kind: 'Client', id: 'b', parent: 'a', attributes: http },
    { at: '10:00:10', service: 'pay', kind: 'Server', id: 'c', parent: 'b' },
    { at: '10:00:11', service: 'pay', kind: 'Server', id: 'd', parent: 'b' },
  ];
  await spans('t1', sent);
  // Another block: what ClickHouse recognises by its token would not even be stored.
  await spans('t1', sent.toReversed());
  await compute('10:00:00');
  t.strictSame(await edges(), [
    '10:00 user (user) → web (service) 1 calls 0 errors, sides 0/1',
    '10:00 web → pay (service http) 2 calls 0 errors, sides 2/2',
  ]);
});

t.test('an hour tells apart what its minutes did, and keeps the rest together', async (t) => {
  const calls = (from: number, at: string): readonly Traced[] =>
    Array.from({ length: 400 }, (_, n) => ({
      at,
      service: 'crawler',
      kind: 'Client',
      id: `c${from + n}`,
      attributes: { 'server.address': `h${from + n}` },
    }));
  await spans('t1', [...calls(0, '10:00:10'), ...calls(0, '10:00:10').slice(0, 1)]);
  await spans('t2', calls(400, '10:01:10'));
  await compute('10:00:00');
  await compute('10:01:00');
  const rows = (tier: string) =>
    store.query(
      `SELECT toFloat64(count()) AS edges, sum(Calls) AS calls, sumIf(Calls, Callee = 'other') AS other FROM service_edges_${tier}`,
      ask,
    );
  t.strictSame(await rows('1m'), [{ edges: 800, calls: 800, other: 0 }]);
  t.strictSame(await rows('1h'), [{ edges: 501, calls: 800, other: 300 }]);
});

t.test('of endless names only so many are told apart, services always', async (t) => {
  const calls = Array.from(
    { length: 600 },
    (_, n): Traced => ({
      at: '10:00:10',
      service: 'crawler',
      kind: 'Client',
      id: `c${n}`,
      attributes: { 'server.address': `h${n}` },
    }),
  );
  await spans('t1', [
    ...calls,
    { at: '10:00:10', service: 'pay', kind: 'Server', id: 's', parent: 'c7' },
  ]);
  await compute('10:00:00');
  const rows = await store.query(
    `SELECT toFloat64(count()) AS edges, sum(Calls) AS calls, sumIf(Calls, Callee = 'other') AS other, countIf(Callee = 'pay') > 0 AS pay FROM service_edges_1d`,
    ask,
  );
  t.strictSame(rows, [{ edges: 501, calls: 600, other: 100, pay: 1 }]);
});

t.test(
  'the inventory has versions in order, instances, and when each service was seen',
  async (t) => {
    const sdk = {
      'telemetry.sdk.language': 'go',
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.version': '1.30.0',
    };
    const base = { 'service.namespace': 'shop', 'deployment.environment.name': 'prod', ...sdk };
    const seen = (
      at: string,
      id: string,
      version: string,
      instance: Record<string, string>,
    ): Traced => ({
      at,
      service: 'pay',
      kind: 'Server',
      id,
      resource: { ...base, 'service.version': version, ...instance },
    });
    await spans('t1', [
      seen('10:00:10', 'a', '1.9.0', { 'service.instance.id': 'i1', 'host.name': 'h' }),
      seen('10:00:20', 'b', '1.9.0', { 'k8s.pod.name': 'p2', 'host.name': 'h' }),
      seen('10:30:20', 'c', '1.10.0', { 'host.name': 'h3' }),
      seen('10:35:40', 'd', '1.10.0', { 'host.name': 'h4' }),
    ]);
    const inventory = [createInventoryJob({ lookbackMs: 86_400_000 })];
    for (const time of ['10:35:00', '10:00:00', '10:30:00', '10:00:00'])
      await compute(time, inventory);
    t.strictSame(await store.query('SELECT * FROM service_inventory', ask), [
      {
        ServiceName: 'pay',
        Namespace: 'shop',
        Environment: 'prod',
        version: '1.10.0',
        versions: ['1.9.0', '1.10.0'],
        instances: '2',
        instances_ever: '4',
        languages: ['go'],
        sdks: ['opentelemetry 1.30.0'],
        first_seen: '2026-01-15 10:00:10',
        last_seen: '2026-01-15 10:35:40',
      },
    ]);
  },
);

t.test(
  'one documented query finds how deep each service lies and its shortest cycle',
  async (t) => {
    const row = (
      Caller: string,
      Callee: string,
      CallerKind = 'service',
      CalleeKind = 'service',
    ) => ({
      Time: `${new Date().toISOString().slice(0, 13)}:00:00Z`,
      Caller,
      CallerKind,
      Callee,
      CalleeKind,
      Calls: 1,
      Version: 1,
    });
    await store.insertRows(
      'service_edges_1h_computed',
      [
        row('user', 'web', 'user'),
        ...[row('web', 'pay'), row('web', 'cart'), row('cart', 'pay')],
        ...[row('pay', 'bank'), row('bank', 'audit'), row('audit', 'pay'), row('audit', 'bank')],
        row('bank', 'ledger', 'service', 'database'),
        ...[row('a', 'b'), row('b', 'a')],
      ],
      'map',
    );
    const [map = '', ...rest] = [...documentedSql('Service map'), ...documentedSql('Inventory')];
    // Ways to pay, bank and audit may go round and round; to cart and web they may not.
    const found = await store.query<{
      service: string;
      depth: string | null;
      deepest: string | null;
      cycle: readonly string[];
    }>(map, ask);
    t.strictSame(
      found.map((it) => [it.service, it.depth ?? '-', it.deepest ?? '-', ...it.cycle].join(' ')),
      [
        'web 1 1',
        'cart 2 2',
        'pay 2 - pay bank audit pay',
        'bank 3 - bank audit bank',
        'audit 4 - audit bank audit',
        'ledger 4 -',
        'a - - a b a',
        'b - - b a b',
      ],
    );
    t.equal(rest.length, 3);
    for (const sql of rest) await t.resolves(store.query(sql, ask));
  },
);
