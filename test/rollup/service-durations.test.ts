import t from 'tap';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { seededRandom } from '../support/random.ts';
import { type SentSpan, spanSender } from '../support/sent-spans.ts';

const store = openStore(t, await startClickHouse(t));
await migrate(store, migrateOptions);

const send = spanSender(store);

const rows = <Row>(sql: string): Promise<readonly Row[]> =>
  store.query<Row>(sql, { timeoutMs: 20_000 });

const durationsOf = (service: string) =>
  rows<{ at: string; bucket: number; requests: number; answered: number }>(
    `SELECT formatDateTime(Time, '%F %T', 'UTC') AS at, Bucket AS bucket, round(sum(Requests), 6) AS requests, round(sum(Answered), 6) AS answered
    FROM service_durations_1d WHERE ServiceName = '${service}' GROUP BY Time, Bucket ORDER BY Time, Bucket`,
  );

t.test('a day of a service has its requests by duration, whatever the operation', async (t) => {
  // 1 ns lies in bucket 16380, 2 ns 35 buckets above, 1024 ns 350 above; no time at all in 0.
  await send([
    { at: '2026-11-20 00:00:00', service: 'shop', durationNs: 0 },
    { at: '2026-11-20 10:00:00', service: 'shop', durationNs: 1, weight: 4 },
    { at: '2026-11-20 11:00:00', service: 'shop', durationNs: 1, kind: 'Consumer', name: 'b' },
    { at: '2026-11-20 12:00:00', service: 'shop', durationNs: 2, kind: 'Client', weight: 10 / 3 },
    { at: '2026-11-20 23:59:59.999999999', service: 'shop', durationNs: 1_024, kind: 'Internal' },
    { at: '2026-11-21 00:00:00', service: 'shop', durationNs: 1_024, kind: 'Server' },
    { at: '2026-11-21 00:00:00', service: 'other', durationNs: 1_024, kind: 'Server' },
  ]);
  t.strictSame(await durationsOf('shop'), [
    { at: '2026-11-20 00:00:00', bucket: 0, requests: 1, answered: 1 },
    { at: '2026-11-20 00:00:00', bucket: 16_380, requests: 5, answered: 5 },
    { at: '2026-11-20 00:00:00', bucket: 16_415, requests: 3.333333, answered: 0 },
    { at: '2026-11-20 00:00:00', bucket: 16_730, requests: 1, answered: 0 },
    { at: '2026-11-21 00:00:00', bucket: 16_730, requests: 1, answered: 1 },
  ]);
});

t.test('late spans are added to their day, a block that is sent again is not', async (t) => {
  await send([{ at: '2026-11-20 10:00:00', service: 'late', durationNs: 1 }], 'late-1');
  await send([{ at: '2026-11-02 10:00:00', service: 'late', durationNs: 1 }], 'late-2');
  const more = [
    { at: '2026-11-20 10:00:00', service: 'late', durationNs: 1 },
    { at: '2026-11-20 11:00:00', service: 'late', durationNs: 1, name: 'b' },
    { at: '2026-11-21 11:00:00', service: 'late', durationNs: 2, name: 'b' },
  ];
  await send(more, 'late-3');
  await send(more, 'late-3');
  await send(more, 'late-4');
  await send(more, 'late-3');
  t.strictSame(
    (await durationsOf('late')).map((it) => [it.at.slice(0, 10), it.bucket, it.requests]),
    [
      ['2026-11-02', 16_380, 1],
      ['2026-11-20', 16_380, 5],
      ['2026-11-21', 16_415, 2],
    ],
  );
});

t.test('percentiles are those of the requests that a service answered in whole days', async (t) => {
  // 1 … 100 ms on each of two days, each standing for 3; the first day is before the range, calls do not count.
  const day = (date: string, factor: number): readonly SentSpan[] =>
    Array.from({ length: 100 }, (_, index) => ({
      at: `${date} 10:00:00`,
      service: 'asked',
      durationNs: (index + 1) * factor * 1e6,
      weight: 3,
    }));
  await send(day('2026-11-18', 1_000));
  await send(day('2026-11-19', 1));
  await send(day('2026-11-20', 1));
  await send([
    { at: '2026-11-20 10:00:00', service: 'asked', durationNs: 9e9, kind: 'Client', weight: 1e6 },
    { at: '2026-11-20 10:00:00', service: 'calls', durationNs: 9e9, kind: 'Client' },
    { at: '2026-11-21 00:00:00', service: 'asked', durationNs: 9e9, weight: 1e6 },
  ]);
  const found = await rows<Record<string, number>>(
    `SELECT * FROM service_percentiles(from = '2026-11-19 15:00:00', to = '2026-11-21 00:00:00') WHERE ServiceName IN ('asked', 'calls')`,
  );
  t.equal(found.length, 1, 'who answered nothing is not there');
  const { ServiceName, requests, ...percentiles } = found[0] ?? {};
  t.strictSame({ ServiceName, requests }, { ServiceName: 'asked', requests: 600 });
  for (const [name, expected] of Object.entries({ p50: 50, p90: 90, p95: 95, p99: 99 })) {
    const off = Math.abs(Number(percentiles[name]) / expected - 1);
    t.ok(off < 0.009903, `${name} is ${percentiles[name]}, ${expected} within 1 %`);
  }
});

t.test('the percentile is the one that the sketches say, for any counts', async (t) => {
  const random = seededRandom(7);
  const dayOf = () => `2026-10-${String(10 + Math.floor(random() * 5))}`;
  for (let block = 0; block < 5; block += 1) {
    await send(
      Array.from({ length: 400 }, () => ({
        at: `${dayOf()} 10:00:00`,
        service: `any-${Math.floor(random() * 4)}`,
        // Zeros, and a heavy tail.
        durationNs: random() < 0.1 ? 0 : Math.floor(1e5 / random() ** 2),
        weight: [1, 1.6, 10 / 3, 16][Math.floor(random() * 4)] ?? 1,
        name: `op-${Math.floor(random() * 3)}`,
        kind: random() < 0.5 ? 'Server' : 'Client',
      })),
    );
  }
  // Negative values do not come from spans; the table takes them as the sketch does.
  await store.command(
    `INSERT INTO otel.span_rollup_1d (Time, ServiceName, SpanKind, Sketch) VALUES
      ('2026-10-12', 'any-0', 'Server', map(-16800, 300, -16400, 20, 16400, 1)), ('2026-10-12', 'any-1', 'Server', map(-16800, 900, 0, 500.5))`,
  );
  for (const q of [0.001, 0.05, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1]) {
    const [mapped, counted] = await Promise.all([
      rows(`WITH sumMap(r.Sketch) AS sketch, arrayCumSum(mapValues(sketch)) AS below
        SELECT r.ServiceName AS service, toInt32(mapKeys(sketch)[arrayFirstIndex(c -> c >= ${q} * below[-1], below)]) AS b
        FROM span_rollup_1d AS r WHERE r.ServiceName LIKE 'any-%' GROUP BY service ORDER BY service`),
      rows(`SELECT r.ServiceName AS service, toInt32(quantileExactWeighted(${q})(r.Bucket, toUInt64(round(r.Requests * 65536)))) AS b
        FROM service_durations_1d AS r WHERE r.ServiceName LIKE 'any-%' GROUP BY service ORDER BY service`),
    ]);
    t.equal(counted.length, 4);
    t.strictSame(counted, mapped, `q ${q}`);
  }
});
