import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { openJournal } from '../../src/batch/journal/journal.ts';
import { cacheConventionsOf } from '../../src/config/caches.ts';
import { loadRules } from '../../src/evaluate/rules/load.ts';
import { createIngestPath } from '../../src/ingest/path.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { Store } from '../../src/store/client.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openHttp, post } from '../receive/doors.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { grafanaQueries } from '../support/grafana-queries.ts';
import { encodeJson } from '../support/otlp-json.ts';
import type { Message } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';
import { computeCaches, hitJobs } from './cache-telemetry.ts';

const seed = 20_261_121;
const timeoutMs = 20_000;
const minutes = 24;
const minuteMs = 60_000;
/** 23:50 to 00:14: over the end of hours and of a day, some days ago. */
const startMs = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 3 * 86_400_000 - 10 * minuteMs;

/** One lookup of the workload that every convention tells of. */
interface Lookup {
  readonly atMs: number;
  readonly hit: boolean;
  readonly tookMs: number;
}

const random = seededRandom(seed);
const workload: readonly Lookup[] = Array.from({ length: 4_000 }, (_, index) => {
  const atMs = startMs + ((index + random()) * minutes * minuteMs) / 4_000;
  // Cold at first.
  const hit = random() < 0.95 - 0.5 * Math.exp(-index / 600);
  return { atMs, hit, tookMs: (hit ? 1 : 20) * Math.exp(random()) };
});
const hits = workload.filter((it) => it.hit).length;

const text = (value: string) => ({ stringValue: value });
const attributesOf = (from: Readonly<Record<string, string | boolean>>) =>
  Object.entries(from).map(([key, value]) => ({
    key,
    value: typeof value === 'boolean' ? { boolValue: value } : text(value),
  }));
const nanos = (ms: number): string => `${Math.round(ms)}000000`;

interface Counted {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly counts: (lookup: Lookup) => boolean;
}

const metricsOf = (
  service: string,
  atMs: number,
  points: readonly (Counted & { readonly value: number; readonly sinceMs: number })[],
  temporality: 1 | 2,
  instance = 'a',
): Message => ({
  resourceMetrics: [
    {
      resource: {
        attributes: attributesOf({ 'service.name': service, 'service.instance.id': instance }),
      },
      scopeMetrics: [
        {
          metrics: points.map(({ name, attributes = {}, value, sinceMs }) => ({
            name,
            sum: {
              aggregationTemporality: temporality,
              isMonotonic: true,
              dataPoints: [
                {
                  timeUnixNano: nanos(atMs),
                  startTimeUnixNano: nanos(sinceMs),
                  asInt: String(value),
                  attributes: attributesOf(attributes),
                },
              ],
            },
          })),
        },
      ],
    },
  ],
});

const spansOf = (
  service: string,
  told: (lookup: Lookup) => Readonly<Record<string, string | boolean>>,
): readonly Message[] => {
  const spans = workload.map((it) => ({
    traceId: Uint8Array.from({ length: 16 }, () => 1 + Math.floor(random() * 255)),
    spanId: Uint8Array.from({ length: 8 }, () => 1 + Math.floor(random() * 255)),
    name: 'lookup',
    kind: 3,
    startTimeUnixNano: nanos(it.atMs),
    endTimeUnixNano: nanos(it.atMs + it.tookMs),
    attributes: attributesOf(told(it)),
  }));
  // In no order: batches arrive as they please.
  return [0, 1, 2, 3].map((part) => ({
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ 'service.name': service }) },
        scopeSpans: [{ spans: spans.filter((_, index) => index % 4 === part) }],
      },
    ],
  }));
};

const countIn = (counted: Counted, fromMs: number, toMs: number, part: number, parts: number) =>
  workload.filter(
    (it, index) =>
      index % parts === part && it.atMs >= fromMs && it.atMs < toMs && counted.counts(it),
  ).length;

/** Every 30 s what was counted since the last report. */
const deltas = (service: string, counters: readonly Counted[]): readonly Message[] =>
  Array.from({ length: minutes * 2 }, (_, index) => {
    const [fromMs, atMs] = [startMs + index * 30_000, startMs + (index + 1) * 30_000];
    return metricsOf(
      service,
      atMs - 1,
      counters.map((it) => ({ ...it, sinceMs: fromMs, value: countIn(it, fromMs, atMs, 0, 1) })),
      1,
    );
  });

/**
 * Two instances that report what they have counted since their start; the first starts again after
 * 10 minutes. With `knowsStart` false the start time stays, as from exporters that never see it.
 */
const cumulatives = (
  service: string,
  counters: readonly Counted[],
  knowsStart: boolean,
): readonly Message[] =>
  [0, 1].flatMap((part) =>
    Array.from({ length: minutes }, (_, index) => {
      const atMs = startMs + (index + 1) * minuteMs;
      const isAgain = part === 0 && index >= 10;
      const sinceMs = startMs + (isAgain ? 10 * minuteMs : 0);
      return metricsOf(
        service,
        atMs - 1,
        counters.map((it) => ({
          ...it,
          sinceMs: knowsStart ? sinceMs : startMs,
          value: countIn(it, sinceMs, atMs, part, 2),
        })),
        2,
        `instance ${part}`,
      );
    }),
  );

const isHit = (it: Lookup) => it.hit;
const isMiss = (it: Lookup) => !it.hit;
const counter = (name: string, counts: Counted['counts'], attributes = {}): Counted => ({
  name,
  counts,
  attributes,
});

interface Telling {
  readonly service: string;
  readonly signal: 'traces' | 'metrics';
  readonly messages: readonly Message[];
}

const tellings: readonly Telling[] = [
  {
    service: 'Redis receiver',
    signal: 'metrics',
    messages: cumulatives(
      'Redis receiver',
      [counter('redis.keyspace.hits', isHit), counter('redis.keyspace.misses', isMiss)],
      true,
    ),
  },
  {
    service: 'Memcached receiver',
    signal: 'metrics',
    messages: cumulatives(
      'Memcached receiver',
      [
        counter('memcached.operations', isHit, { operation: 'get', type: 'hit' }),
        counter('memcached.operations', isMiss, { operation: 'get', type: 'miss' }),
        counter('memcached.commands', () => true, { command: 'get' }),
      ],
      false,
    ),
  },
  {
    service: 'pair of counters',
    signal: 'metrics',
    messages: deltas('pair of counters', [
      counter('product_cache.hits', isHit),
      counter('product_cache.misses', isMiss),
    ]),
  },
  {
    service: 'Micrometer',
    signal: 'metrics',
    messages: cumulatives(
      'Micrometer',
      [
        counter('cache.gets', isHit, { cache: 'users', result: 'hit' }),
        counter('cache.gets', isMiss, { cache: 'users', result: 'miss' }),
      ],
      true,
    ),
  },
  {
    service: 'Caffeine',
    signal: 'metrics',
    messages: deltas('Caffeine', [
      counter('caffeine_cache_hit_total', isHit, { cache: 'users' }),
      counter('caffeine_cache_miss_total', isMiss, { cache: 'users' }),
    ]),
  },
  {
    service: 'cache.hit',
    signal: 'traces',
    messages: spansOf('cache.hit', (it) => ({ 'cache.hit': it.hit })),
  },
  {
    service: 'X-Cache',
    signal: 'traces',
    messages: spansOf('X-Cache', (it) => ({
      'http.response.header.x-cache': it.hit ? 'HIT' : 'MISS',
    })),
  },
  {
    service: 'Cache-Status',
    signal: 'traces',
    messages: spansOf('Cache-Status', (it) => ({
      'http.response.header.cache-status': it.hit ? 'C; hit; ttl=9' : 'C; fwd=uri-miss; stored',
    })),
  },
  {
    service: 'declared counters',
    signal: 'metrics',
    messages: deltas('declared counters', [
      counter('lookup.found', isHit),
      counter('lookup.absent', isMiss),
    ]),
  },
  {
    service: 'declared attribute',
    signal: 'traces',
    messages: spansOf('declared attribute', (it) => ({ from_store: it.hit ? 'fresh' : 'gone' })),
  },
];

const caches = cacheConventionsOf([
  {
    name: 'sessions',
    metrics: { hits: ['lookup.found'], misses: ['lookup.absent'] },
    spans: { attribute: ['from_store'], hit: ['fresh'], miss: ['gone'] },
  },
]);

/** What a rule of a file says of each service as of `atMs`. */
const askRule = async (store: Store, value: string, atMs: number, more: object) => {
  const signals = { x: { from: 'caches', value, by: ['service.name'], over: '1d', ...more } };
  const text = JSON.stringify({
    groups: [{ name: 'g', rules: [{ alert: 'A', signals, when: 'x > 1' }] }],
  });
  const { groups } = loadRules([{ file: 'a.yaml', text }], {
    intervalMs: 30_000,
    queryOffsetMs: 0,
    stored: { caches },
  });
  const [signal] = groups.flatMap((it) => it.rules.flatMap((rule) => Object.values(rule.signals)));
  if (!signal) throw new Error('no signal');
  const rows = await store.query<{ readonly service_name: string; readonly value: number }>(
    `SELECT * FROM (${signal.sql}) ORDER BY service_name`,
    { parameters: signal.parameters(atMs), timeoutMs },
  );
  return { reads: signal.sql, rows: rows.map((it) => [it.service_name, it.value]) };
};

t.test(
  'the same workload gives the same hit rate in every convention, tier, rule and dashboard',
  async (t) => {
    const store = openStore(t, await startClickHouse(t));
    await migrate(store, { ...migrateOptions, caches });
    const parts = { clock: systemClock, log: silentLog, meter: noopMeter };
    const path = createIngestPath({
      ...parts,
      journal: await openJournal({ ...parts, dir: t.testdir(), fsync: 'off' }),
      random: Math.random,
      decompress: async (_, bytes) => gunzipSync(bytes),
      insert: store.insertBlock,
      limits: { rowsMax: 65_536, bytesMax: 32 * 1024 * 1024, ageMsMax: 100 },
      bodyBytesMax: 64 * 1024 * 1024,
      rules: { redact: [], sample: [] },
      instanceId: 'caches',
    });
    const door = await openHttp(t, { ingest: path.ingest });
    const headers = { 'content-type': 'application/json' };
    for (const { signal, messages } of tellings) {
      const answers = messages.map((it) =>
        post(door, { path: `/v1/${signal}`, headers, body: encodeJson(it) }),
      );
      for (const { status } of await Promise.all(answers)) t.equal(status, 200);
    }
    await path.drain();
    await computeCaches(
      store,
      Array.from({ length: minutes }, (_, index) => startMs + index * minuteMs),
      caches,
      hitJobs,
    );

    const names = tellings.map((it) => it.service).toSorted();
    for (const view of ['cache_performance', 'cache_performance_1h', 'cache_performance_1d']) {
      const found = await store.query<Readonly<Record<'service' | 'hits' | 'misses', string>>>(
        `SELECT ServiceName AS service, toString(sum(hits)) AS hits, toString(sum(misses)) AS misses
       FROM ${view} GROUP BY service ORDER BY service`,
        { timeoutMs },
      );
      const expected = { hits: String(hits), misses: String(workload.length - hits) };
      // Not near: every lookup is counted once in each of them.
      t.strictSame(
        found,
        names.map((service) => ({ service, ...expected })),
        view,
      );
    }
    const rates = await store.query<{ rate: number }>(
      'SELECT sum(hits) / sum(hits + misses) AS rate FROM cache_performance GROUP BY ServiceName',
      { timeoutMs },
    );
    t.equal(rates.length, tellings.length);
    for (const { rate } of rates) t.ok(Math.abs(rate - hits / workload.length) < 0.001);

    const rate = hits / workload.length;
    const endMs = startMs + minutes * minuteMs;
    for (const atMs of [endMs, endMs + 23 * 60 * minuteMs]) {
      // No row has a zone, but only raw rows can be asked for it.
      for (const [table, more] of [
        ['cache_rollup_1h', {}],
        ['otel_metrics_sum', { where: { zone: '' } }],
      ] as const) {
        const { reads, rows } = await askRule(store, 'hit_rate()', atMs, more);
        t.match(reads, table);
        t.strictSame(
          rows,
          names.map((service) => [service, rate]),
          table,
        );
      }
    }
    const range = { fromSeconds: startMs / 1_000, toSeconds: endMs / 1_000 };
    const queries = await grafanaQueries(range, async (sql) => {
      const [row] = await store.query<Readonly<Record<string, string>>>(sql, { timeoutMs });
      return Object.values(row ?? {})[0] ?? '';
    });
    const shown = queries.find((it) => it.dashboard === 'caches' && it.panel === 'Caches');
    const seen = await store.query<{ readonly service: string; readonly hit_rate: number }>(
      `SELECT service, hit_rate FROM (${shown?.sql}) ORDER BY service`,
      { timeoutMs },
    );
    t.strictSame(
      seen,
      names.map((service) => ({ service, hit_rate: rate })),
    );
  },
);
