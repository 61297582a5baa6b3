import t from 'tap';
import { cacheConventionsOf } from '../../src/config/caches.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Log } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { type CacheConventions, knownCacheConventions } from '../../src/model/cache-conventions.ts';
import { createCacheJobs } from '../../src/rollup/caches.ts';
import { createCacheWatch } from '../../src/store/cache-watch.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 20_000;

const declaring = (hits: string, misses: string): CacheConventions =>
  cacheConventionsOf([{ name: 'sessions', metrics: { hits: [hits], misses: [misses] } }]);

t.test('of two daemons that declare other caches', async (t) => {
  const store = openStore(t, await startClickHouse(t));
  const start = (caches: CacheConventions) => migrate(store, { ...migrateOptions, caches });
  const first = declaring('lookup.found', 'lookup.absent');
  // The same words, so that the views would select the same rows.
  const second = declaring('lookup.absent', 'lookup.found');
  const [found, absent] = [
    'sessions: hits lookup.found, misses lookup.absent',
    'sessions: hits lookup.absent, misses lookup.found',
  ];
  t.equal((await start(first)).redeclared, undefined);

  await store.insertRows(
    'otel_metrics_sum',
    ['lookup.found', 'lookup.absent'].map((MetricName) => ({
      TimeUnix: new Date(Date.now() - 300_000).toISOString(),
      ServiceName: 'shop',
      MetricName,
      Value: 1,
      AggregationTemporality: 1,
      IsMonotonic: true,
    })),
    'points',
  );
  /** Windows in which the minute job of a daemon finds something to do. */
  const due = async (conventions: CacheConventions): Promise<number> => {
    const [job] = createCacheJobs({ conventions, lookbackMs: 86_400_000 });
    const rows = await store.query(job?.changes ?? '', {
      parameters: { since: Math.floor(Date.now() / 1_000) - 3_600 },
      timeoutMs,
    });
    return rows.length;
  };
  const events: unknown[] = [];
  const note = (event: string, fields: unknown = {}) => void events.push([event, fields]);
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  const parts = { ...store, database: 'otel', clock: systemClock, log, meter: noopMeter };
  const watch = createCacheWatch({ ...parts, caches: first });
  await watch.look();
  t.strictSame(events, []);
  t.equal(await due(first), 12);

  await t.test('the one that starts last is right, and both are named', async (t) => {
    const report = await start(second);
    t.strictSame(report.redeclared, { was: found, now: absent });
    t.equal((await start(second)).redeclared, undefined);
    await watch.look();
    await watch.look();
    t.strictSame(events.splice(0), [['caches_disagree', { here: found, views: absent }]]);
  });

  await t.test('only that one computes', async (t) => {
    t.equal(await due(first), 0);
    t.equal(await due(second), 12);
  });

  await t.test('it ends when the first is started again', async (t) => {
    t.strictSame((await start(first)).redeclared, { was: absent, now: found });
    await watch.look();
    t.strictSame(events.splice(0), [['caches_agree', {}]]);
    t.equal(await due(first), 12);
    t.equal(await due(second), 0);
    t.strictSame((await start(knownCacheConventions)).redeclared, { was: found, now: 'nothing' });
  });
});
