import { type RollupJob, spanArrivals, spanSettings } from './run-job.ts';

/** Looks once into each resource of a minute, not into each span: hashing one takes 0.1 µs. */
const sql = `
  INSERT INTO service_instances
  SELECT ServiceName,
    Resource['service.namespace'] AS Namespace,
    if(Resource['deployment.environment.name'] != '', Resource['deployment.environment.name'], Resource['deployment.environment']) AS Environment,
    Resource['service.version'] AS Version,
    multiIf(Resource['service.instance.id'] != '', Resource['service.instance.id'],
      Resource['k8s.pod.name'] != '', Resource['k8s.pod.name'], Resource['host.name']) AS Instance,
    Resource['telemetry.sdk.language'] AS Language,
    trim(concat(Resource['telemetry.sdk.name'], ' ', Resource['telemetry.sdk.version'])) AS Sdk,
    toStartOfMonth({from:DateTime('UTC')}) AS Month,
    min(First) AS FirstSeen, max(Last) AS LastSeen
  FROM (
    SELECT ServiceName, any(ResourceAttributes) AS Resource, min(Timestamp) AS First, max(Timestamp) AS Last
    FROM otel_traces
    WHERE Timestamp >= toDateTime64({from:DateTime('UTC')}, 9) AND Timestamp < toDateTime64({to:DateTime('UTC')}, 9)
    GROUP BY ServiceName, cityHash64(ResourceAttributes)
  )
  GROUP BY ALL`;

/** Fills `service_instances` from the spans. Computing a minute twice changes nothing. */
export const createInventoryJob = ({ lookbackMs }: { readonly lookbackMs: number }): RollupJob => ({
  name: 'service_instances',
  windowMs: 60_000,
  changes: spanArrivals,
  settleMs: 30_000,
  lookbackMs,
  timeoutMs: 60_000,
  run: ({ fromMs, toMs }) => [
    {
      sql,
      settings: { ...spanSettings, max_memory_usage: 1_000_000_000 },
      parameters: { from: fromMs / 1000, to: toMs / 1000 },
    },
  ],
});
