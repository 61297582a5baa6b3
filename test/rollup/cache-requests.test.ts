import t from 'tap';
import { requestArrivals } from '../../src/rollup/cache-requests-sql.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { atMs, computeCaches } from './cache-telemetry.ts';

const timeoutMs = 20_000;
const store = openStore(t, await startClickHouse(t));
await migrate(store, migrateOptions);

interface TracedSpan {
  /** Milliseconds after 10:00 on the day of these tests. */
  readonly ms: number;
  readonly trace: string;
  readonly took?: number;
  readonly service?: string;
  /** Server unless there are attributes. */
  readonly kind?: string;
  readonly parent?: string;
  readonly weight?: number;
  readonly attributes?: Readonly<Record<string, string>>;
}

let spanIds = 0;

const send = (spans: readonly TracedSpan[], token: string): Promise<void> =>
  store.insertRows(
    'otel_traces',
    spans.map((it) => ({
      Timestamp: new Date(atMs('10:00:00') + it.ms).toISOString(),
      TraceId: it.trace.padEnd(32, '0'),
      SpanId: String((spanIds += 1)).padStart(16, '0'),
      ParentSpanId: it.parent ?? 'f'.repeat(16),
      SpanName: 'x',
      SpanKind: it.kind ?? (it.attributes ? 'Client' : 'Server'),
      ServiceName: it.service ?? 'shop',
      Duration: Math.round((it.took ?? 1) * 1e6),
      AdjustedCount: it.weight ?? 1,
      SpanAttributes: it.attributes ?? {},
    })),
    token,
  );

const hit = { 'cache.name': 'c', 'cache.hit': 'true' };
const miss = { 'cache.name': 'c', 'cache.hit': 'false' };

const costs = (service: string, view = 'cache_miss_cost') =>
  store.query<Readonly<Record<string, number | string | null>>>(
    `SELECT formatDateTime(Time, '%H:%i') AS at, CacheName AS cache, hit_requests AS hits, miss_requests AS misses,
       hit_p95, miss_p95, added_p95
     FROM ${view} WHERE ServiceName = {service:String} ORDER BY Time, cache`,
    { parameters: { service }, timeoutMs },
  );

/** As right as a sketch is. */
const near = (found: unknown, expected: number): boolean =>
  Math.abs(Number(found) - expected) <= 0.00991 * expected;

const compute = (...minutes: readonly number[]) =>
  computeCaches(
    store,
    minutes.map((it) => atMs('10:00:00') + it * 60_000),
  );

t.test('requests that missed are slower than those that only hit', async (t) => {
  // 20 requests of 1 to 20 ms that only hit, p95 19; 20 of 101 to 120 ms with one miss, p95 119.
  const spans = Array.from({ length: 20 }, (_, index) => index).flatMap((index): TracedSpan[] => {
    const [fast, slow] = [`a${index}x`, `b${index}x`];
    const ms = 1_000 + index * 200;
    return [
      { ms, trace: fast, took: index + 1 },
      { ms, trace: fast, attributes: hit },
      { ms: ms + 0.5, trace: fast, attributes: hit },
      { ms, trace: slow, took: 101 + index },
      { ms: ms + 1, trace: slow, attributes: hit },
      { ms: ms + 2, trace: slow, attributes: miss },
      // Another cache that missed is that one's business.
      { ms, trace: fast, attributes: { ...miss, 'cache.name': 'd' } },
      // A request without any lookup.
      { ms, trace: `c${index}x`, took: 9_999 },
    ];
  });
  await send(spans, 'slow');
  await compute(0, 1);
  for (const [view, at] of [
    ['cache_miss_cost', '10:00'],
    ['cache_miss_cost_1h', '10:00'],
    ['cache_miss_cost_1d', '00:00'],
  ] as const) {
    const [row = {}, other] = await costs('shop', view);
    t.match(row, { at, cache: 'c', hits: 20, misses: 20 });
    t.ok(near(row['hit_p95'], 19) && near(row['miss_p95'], 119), JSON.stringify(row));
    t.equal(row['added_p95'], Number(row['miss_p95']) - Number(row['hit_p95']));
    t.match(other, { cache: 'd', hits: 0, misses: 20, hit_p95: null, added_p95: null });
  }
});

t.test('a lookup belongs to the requests of its service during which it starts', async (t) => {
  await send(
    [
      // The request goes on into the next minute, and so do its lookups.
      { ms: 59_900, trace: '1', service: 'span', took: 30_000, weight: 2.5 },
      { ms: 61_000, trace: '1', service: 'span', attributes: hit },
      { ms: 80_000, trace: '1', service: 'span', attributes: miss, weight: 7 },
      // A root of any kind is a request; the one below it asks later, when the root is over.
      { ms: 120_000, trace: '2', service: 'span', kind: 'Internal', parent: '', took: 10 },
      { ms: 120_005, trace: '2', service: 'span', attributes: hit },
      { ms: 120_011, trace: '2', service: 'span', attributes: miss },
      // What another service of the trace looks up is part of its own request.
      { ms: 120_000, trace: '2', service: 'callee', took: 8 },
      { ms: 120_001, trace: '2', service: 'callee', attributes: miss },
      // An HTTP cache in front answers for the request itself.
      {
        ms: 180_000,
        trace: '3',
        service: 'span',
        kind: 'Server',
        attributes: { 'http.response.header.x-cache': 'MISS' },
      },
    ],
    'during',
  );
  await compute(0, 1, 2, 3);
  const told = async (service: string) =>
    (await costs(service)).map((it) => `${it['at']} ${it['cache']} ${it['hits']}/${it['misses']}`);
  t.strictSame(await told('span'), ['10:00 c 0/2.5', '10:02 c 1/0', '10:03 http 0/1']);
  t.strictSame(await told('callee'), ['10:02 c 0/1']);
});

t.test('a late lookup makes its request one that missed', async (t) => {
  await send(
    [
      { ms: 1_000, trace: '4', service: 'late', took: 100 },
      { ms: 1_010, trace: '4', service: 'late', attributes: hit },
    ],
    'early',
  );
  await compute(0);
  t.match(await costs('late'), [{ hits: 1, misses: 0 }]);
  await send([{ ms: 1_020, trace: '4', service: 'late', attributes: miss }], 'late');
  await compute(0);
  t.match(await costs('late'), [{ hits: 0, misses: 1 }]);
  t.match(await costs('late', 'cache_miss_cost_1h'), [{ hits: 0, misses: 1 }]);
});

t.test('minutes from before an upgrade are not computed', async (t) => {
  const due = async (): Promise<number> => {
    const rows = await store.query(requestArrivals, {
      parameters: { since: Math.floor(Date.now() / 1_000) - 86_400 },
      timeoutMs,
    });
    return rows.length;
  };
  await send([{ ms: Date.now() - atMs('10:00:00') - 7_200_000, trace: '5' }], 'recent');
  // The minute, and the two before it: its lookups may be theirs.
  t.equal(await due(), 3);
  const older = { Version: 16, Name: '0016-caches.sql', AppliedAt: '2026-01-01 00:00:00.000' };
  await store.insertRows('schema_migrations', [older], 'older');
  t.equal(await due(), 0);
});
