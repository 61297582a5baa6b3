import type { Dashboard } from './panel.ts';
import {
  answers,
  buckets,
  durationsOfServices,
  inRange,
  inTotals,
  point,
  seconds,
  service,
  step,
  tiers,
  totalSeconds,
} from './sql.ts';

const ofService = `r.ServiceName = ${service} AND ${answers}`;

export const services: Dashboard = {
  uid: 'tocsin-services',
  title: 'Tocsin / Services',
  about: 'Requests, errors and durations of services, and who calls whom.',
  variables: [
    ...tiers,
    {
      name: 'service',
      label: 'Service',
      sql: 'SELECT DISTINCT ServiceName FROM service_instances WHERE LastSeen >= $__fromTime - INTERVAL 1 DAY ORDER BY ServiceName',
    },
  ],
  panels: [
    {
      title: 'Services',
      about:
        'What they answered (Server and Consumer spans), over whole hours or days of the range.',
      kind: 'table',
      width: 14,
      units: { requests: 'reqps', errors: 'percentunit', p50: 'ms', p95: 'ms', p99: 'ms' },
      sql: `WITH ${durationsOfServices}
SELECT service, requests, errors, timeouts, p[1] AS p50, p[2] AS p95, p[3] AS p99
FROM (
  SELECT r.ServiceName AS service, sum(r.Requests) / ${totalSeconds} AS requests,
    sum(r.Errors) / sum(r.Requests) AS errors, sum(r.Timeouts) AS timeouts
  FROM span_rollup_$totals AS r
  WHERE ${inTotals} AND ${answers}
  GROUP BY service
) AS r
LEFT JOIN durations AS d USING service
ORDER BY requests DESC`,
    },
    {
      title: 'Requests per second by service',
      about: 'The ten with most.',
      kind: 'timeseries',
      stacked: true,
      width: 10,
      unit: 'reqps',
      sql: `WITH ${step}
SELECT ${point}, r.ServiceName AS service, sum(r.Requests) / ${seconds} AS requests
FROM span_rollup_$tier AS r
WHERE ${inRange} AND ${answers} AND r.ServiceName IN (
  SELECT r.ServiceName FROM span_rollup_$totals AS r WHERE ${inTotals} AND ${answers}
  GROUP BY r.ServiceName ORDER BY sum(r.Requests) DESC LIMIT 10)
GROUP BY time, service ORDER BY time, service`,
    },
    {
      title: '$service: requests and timeouts per second',
      kind: 'timeseries',
      width: 8,
      unit: 'reqps',
      sql: `WITH ${step}
SELECT ${point}, sum(r.Requests) / ${seconds} AS requests, sum(r.Timeouts) / ${seconds} AS timeouts
FROM span_rollup_$tier AS r
WHERE ${inRange} AND ${ofService}
GROUP BY time ORDER BY time`,
    },
    {
      title: '$service: errors per second by code',
      kind: 'timeseries',
      stacked: true,
      width: 8,
      unit: 'reqps',
      sql: `WITH ${step}
SELECT ${point}, if(r.ResponseCode = '', 'no code', r.ResponseCode) AS code, sum(r.Errors) / ${seconds} AS errors
FROM span_rollup_$tier AS r
WHERE ${inRange} AND ${ofService} AND r.StatusCode = 'Error'
GROUP BY time, code ORDER BY time, code`,
    },
    {
      title: '$service: duration',
      about: 'Percentiles, right to 0.9902 %.',
      kind: 'timeseries',
      width: 8,
      unit: 'ms',
      sql: `WITH ${step}, ${buckets('Sketch')}
SELECT ${point}, p[1] AS p50, p[2] AS p95, p[3] AS p99
FROM span_rollup_$tier AS r
WHERE ${inRange} AND ${ofService}
GROUP BY time ORDER BY time`,
    },
    {
      title: '$service: slowest operations',
      kind: 'table',
      width: 12,
      units: {
        requests: 'reqps',
        errors: 'percentunit',
        p50: 'ms',
        p95: 'ms',
        p99: 'ms',
        max: 'ms',
      },
      sql: `WITH ${buckets('Sketch')}
SELECT r.SpanName AS operation, r.SpanKind AS kind, sum(r.Requests) / ${totalSeconds} AS requests,
  sum(r.Errors) / sum(r.Requests) AS errors, p[1] AS p50, p[2] AS p95, p[3] AS p99, max(r.DurationMax) / 1e6 AS max
FROM span_rollup_$totals AS r
WHERE ${inTotals} AND r.ServiceName = ${service}
GROUP BY r.SpanName, r.SpanKind ORDER BY p95 DESC LIMIT 50`,
    },
    {
      title: '$service: called by, and calls',
      kind: 'table',
      width: 12,
      units: { calls: 'reqps', errors: 'percentunit', p50: 'ms', p95: 'ms', p99: 'ms' },
      sql: `WITH ${buckets('Sketch')}
SELECT r.Caller AS caller, r.Callee AS callee, r.CalleeKind AS kind, r.Protocol AS protocol,
  sum(r.Calls) / ${totalSeconds} AS calls, sum(r.Errors) / sum(r.Calls) AS errors, p[1] AS p50, p[2] AS p95, p[3] AS p99
FROM service_edges_$totals AS r
WHERE ${inTotals} AND (r.Caller = ${service} OR r.Callee = ${service})
GROUP BY r.Caller, r.Callee, r.CalleeKind, r.Protocol ORDER BY calls DESC LIMIT 200`,
    },
    {
      title: 'Service map',
      kind: 'nodeGraph',
      width: 12,
      sql: {
        nodes: `SELECT name AS id, name AS title, any(kind) AS subtitle, sum(answered) / ${totalSeconds} AS mainstat,
  sum(failed) / sum(answered) AS arc__errors, 1 - arc__errors AS arc__good
FROM (
  SELECT toString(r.Callee) AS name, toString(r.CalleeKind) AS kind, r.Calls AS answered, r.Errors AS failed
  FROM service_edges_$totals AS r WHERE ${inTotals}
  UNION ALL
  SELECT toString(r.Caller), toString(r.CallerKind), 0, 0 FROM service_edges_$totals AS r WHERE ${inTotals}
)
GROUP BY name ORDER BY name`,
        edges: `SELECT concat(r.Caller, ' → ', r.Callee) AS id, r.Caller AS source, r.Callee AS target,
  sum(r.Calls) / ${totalSeconds} AS mainstat, sum(r.Errors) / sum(r.Calls) AS secondarystat
FROM service_edges_$totals AS r
WHERE ${inTotals}
GROUP BY r.Caller, r.Callee ORDER BY mainstat DESC LIMIT 500`,
      },
    },
    {
      title: 'Inventory',
      kind: 'table',
      width: 12,
      sql: `SELECT ServiceName AS service, Namespace AS namespace, Environment AS environment, version,
  arrayStringConcat(versions, ', ') AS versions, instances, arrayStringConcat(languages, ', ') AS languages,
  first_seen, last_seen
FROM service_inventory WHERE last_seen >= $__fromTime AND first_seen <= $__toTime ORDER BY service`,
    },
  ],
};
