import type { Dashboard } from './panel.ts';
import {
  buckets,
  inRange,
  inTotals,
  point,
  seconds,
  service,
  step,
  tiers,
  totalSeconds,
} from './sql.ts';

const cache = '${cache:sqlstring}';
const chosen = `r.ServiceName = ${service} AND r.CacheName = ${cache}`;

/** One percentile of one of the four sketches of a cache, milliseconds; null without its spans. */
const percentile = (column: string, q: number): string =>
  `if(empty(sumMap(r.${column})), NULL, exp2((mapKeys(sumMap(r.${column}))[arrayFirstIndex(c -> c >= ${q} * arrayCumSum(mapValues(sumMap(r.${column})))[-1], arrayCumSum(mapValues(sumMap(r.${column}))))] - 16380) / 35) * 0.990098221046997 / 1e6)`;

/** A sum as the first of those tells it who tell anything: all together would count twice. */
const told = (column: string, by: string): string =>
  `multiIf(sumIf(${by}, r.Source = 'counters') > 0, sumIf(r.${column}, r.Source = 'counters'), countIf(r.Source = 'spans') > 0, sumIf(r.${column}, r.Source = 'spans'), sumIf(r.${column}, r.Source = 'histograms'))`;

/** Who tells durations of the chosen cache in the range: spans where they do. */
const timedBy = `(SELECT if(countIf(r.Source = 'spans') > 0, 'spans', 'histograms') FROM cache_rollup_$totals AS r WHERE ${inTotals} AND ${chosen})`;
const found = (column: string): string => told(column, 'r.Hits + r.Misses');
const done = (column: string): string => told(column, 'r.Operations');
const hitRate = `${found('Hits')} / nullIf(${found('Hits')} + ${found('Misses')}, 0)`;
const mean = (what: string): string => `sum(r.${what}Sum) / nullIf(sum(r.${what}Minutes), 0)`;

export const caches: Dashboard = {
  uid: 'tocsin-caches',
  title: 'Tocsin / Caches',
  about: 'Hit rates, operations, durations and evictions of caches, and what their misses cost.',
  variables: [
    ...tiers,
    {
      name: 'service',
      label: 'Service',
      sql: 'SELECT DISTINCT ServiceName FROM cache_rollup_1d WHERE Time >= toStartOfDay($__fromTime) AND Time <= $__toTime ORDER BY ServiceName',
    },
    {
      name: 'cache',
      label: 'Cache',
      sql: `SELECT DISTINCT CacheName FROM cache_rollup_1d WHERE Time >= toStartOfDay($__fromTime) AND Time <= $__toTime AND ServiceName = ${service} ORDER BY CacheName`,
    },
  ],
  panels: [
    {
      title: 'Caches',
      about: 'Over whole hours or days of the range.',
      kind: 'table',
      width: 12,
      units: { hit_rate: 'percentunit', operations: 'ops', evictions: 'ops', memory: 'bytes' },
      sql: `SELECT r.ServiceName AS service, r.CacheName AS cache, any(r.CacheSystem) AS system,
  ${hitRate} AS hit_rate,
  ${done('Operations')} / ${totalSeconds} AS operations,
  ${found('Misses')} AS misses, sum(r.Evictions) / ${totalSeconds} AS evictions, ${mean('Memory')} AS memory
FROM cache_rollup_$totals AS r
WHERE ${inTotals}
GROUP BY r.ServiceName, r.CacheName ORDER BY hit_rate`,
    },
    {
      title: 'What misses cost lookups',
      about:
        'By how much the 95th percentile of what missed exceeds that of what hit, and the time all misses took together. Only spans tell.',
      kind: 'table',
      width: 12,
      units: { hit_p95: 'ms', miss_p95: 'ms', added_p95: 'ms', added_time: 'ms' },
      sql: `SELECT r.ServiceName AS service, r.CacheName AS cache, sum(r.Misses) AS misses,
  ${percentile('HitSketch', 0.95)} AS hit_p95,
  ${percentile('MissSketch', 0.95)} AS miss_p95,
  miss_p95 - hit_p95 AS added_p95,
  misses * (${percentile('MissSketch', 0.5)} - ${percentile('HitSketch', 0.5)}) AS added_time
FROM cache_rollup_$totals AS r
WHERE ${inTotals} AND r.Source = 'spans'
GROUP BY r.ServiceName, r.CacheName HAVING misses > 0 ORDER BY added_time DESC`,
    },
    {
      title: 'What misses cost requests',
      about:
        'By how much the 95th percentile of requests with a lookup that missed exceeds that of requests that only hit. Only spans tell.',
      kind: 'table',
      width: 12,
      units: { miss_share: 'percentunit', hit_p95: 'ms', miss_p95: 'ms', added_p95: 'ms' },
      sql: `SELECT r.ServiceName AS service, r.CacheName AS cache, sum(r.MissRequests) AS missed,
  missed / sum(r.HitRequests + r.MissRequests) AS miss_share,
  ${percentile('HitSketch', 0.95)} AS hit_p95,
  ${percentile('MissSketch', 0.95)} AS miss_p95,
  miss_p95 - hit_p95 AS added_p95
FROM cache_requests_$totals AS r
WHERE ${inTotals}
GROUP BY r.ServiceName, r.CacheName HAVING missed > 0 ORDER BY added_p95 DESC NULLS LAST`,
    },
    {
      title: '$service $cache: requests that missed beside those that hit, p95',
      kind: 'timeseries',
      width: 12,
      unit: 'ms',
      sql: `WITH ${step}
SELECT ${point},
  ${percentile('HitSketch', 0.95)} AS hit,
  ${percentile('MissSketch', 0.95)} AS miss
FROM cache_requests_$tier AS r
WHERE ${inRange} AND ${chosen}
GROUP BY time ORDER BY time`,
    },
    {
      title: 'Hit rate by cache',
      about: 'The ten with most lookups.',
      kind: 'timeseries',
      width: 12,
      unit: 'percentunit',
      sql: `WITH ${step}
SELECT ${point}, concat(r.ServiceName, ' ', r.CacheName) AS cache,
  ${hitRate} AS hit_rate
FROM cache_rollup_$tier AS r
WHERE ${inRange} AND (r.ServiceName, r.CacheName) IN (
  SELECT r.ServiceName, r.CacheName FROM cache_rollup_$totals AS r WHERE ${inTotals}
  GROUP BY r.ServiceName, r.CacheName ORDER BY max(r.Hits + r.Misses) DESC LIMIT 10)
GROUP BY time, cache ORDER BY time, cache`,
    },
    {
      title: '$service $cache: operations per second',
      kind: 'timeseries',
      width: 12,
      unit: 'ops',
      sql: `WITH ${step}
SELECT ${point},
  ${found('Hits')} / ${seconds} AS hits,
  ${found('Misses')} / ${seconds} AS misses,
  ${done('Sets')} / ${seconds} AS sets,
  ${done('Deletes')} / ${seconds} AS deletes,
  sum(r.Evictions) / ${seconds} AS evictions
FROM cache_rollup_$tier AS r
WHERE ${inRange} AND ${chosen}
GROUP BY time ORDER BY time`,
    },
    {
      title: '$service $cache: duration of lookups',
      about: 'Percentiles of spans, right to 0.9902 %; of histograms where no spans tell.',
      kind: 'timeseries',
      width: 8,
      unit: 'ms',
      sql: `WITH ${step}, ${buckets('GetSketch')}
SELECT ${point}, p[1] AS p50, p[2] AS p95, p[3] AS p99
FROM cache_rollup_$tier AS r
WHERE ${inRange} AND ${chosen} AND r.Source = ${timedBy}
GROUP BY time HAVING notEmpty(sketch) ORDER BY time`,
    },
    {
      title: '$service $cache: hits beside misses, p95',
      kind: 'timeseries',
      width: 8,
      unit: 'ms',
      sql: `WITH ${step}
SELECT ${point},
  ${percentile('HitSketch', 0.95)} AS hit,
  ${percentile('MissSketch', 0.95)} AS miss
FROM cache_rollup_$tier AS r
WHERE ${inRange} AND ${chosen} AND r.Source = 'spans'
GROUP BY time ORDER BY time`,
    },
    {
      title: '$service $cache: memory and entries',
      about: 'As metrics tell, of all instances.',
      kind: 'timeseries',
      width: 8,
      units: { memory: 'bytes', entries: 'short' },
      sql: `WITH ${step}
SELECT ${point}, ${mean('Memory')} AS memory, ${mean('Entries')} AS entries
FROM cache_rollup_$tier AS r
WHERE ${inRange} AND ${chosen}
GROUP BY time ORDER BY time`,
    },
  ],
};
