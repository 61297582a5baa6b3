-- Days of whole services with a row for each bucket of durations instead of a map: percentiles of services over
-- months are read without adding up maps. Filled by the inserts into span_rollup_1d, as the tiers are by each
-- other. Several rows of one key until parts are merged (and one per shard on a cluster, where spans lie by
-- trace): always add up.
CREATE TABLE IF NOT EXISTS {{local service_durations_1d_filled}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the day in which the spans started, UTC' CODEC(LZ4),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(LZ4),
    Bucket Int16 COMMENT 'Logarithmic bucket of the duration, number, as the keys of Sketch in span_rollup_1d: 0 is no time at all, others end at exp2((Bucket - 16380) / 35) nanoseconds' CODEC(LZ4),
    Requests SimpleAggregateFunction(sum, Float64) COMMENT 'Spans of this duration, count before sampling' CODEC(LZ4),
    Answered SimpleAggregateFunction(sum, Float64) COMMENT 'Those of kind Server or Consumer, count before sampling' CODEC(LZ4)
)
ENGINE = {{engine AggregatingMergeTree}}
PARTITION BY toYYYYMM(Time)
ORDER BY (ServiceName, Time, Bucket)
{{settings}}
COMMENT 'Requests per day, service and duration; read service_durations_1d';

{{distributed service_durations_1d_filled by cityHash64(ServiceName)}};

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local service_durations_1d_mv}} {{on_cluster}}
TO {{local service_durations_1d_filled}}
AS SELECT
    it.Time AS Time,
    it.ServiceName AS ServiceName,
    key AS Bucket,
    sum(value) AS Requests,
    sumIf(value, it.SpanKind IN ('Server', 'Consumer')) AS Answered
FROM {{local span_rollup_1d}} AS it
ARRAY JOIN mapKeys(it.Sketch) AS key, mapValues(it.Sketch) AS value
GROUP BY ALL
COMMENT 'Fills service_durations_1d_filled from span_rollup_1d';

-- Before this one the days from earlier are filled in (src/store/fill-durations.ts), so that what people read
-- is whole as soon as it is there.
CREATE VIEW IF NOT EXISTS {{table service_durations_1d}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the day in which the spans started, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    Bucket Int16 COMMENT 'Logarithmic bucket of the duration, number, as the keys of Sketch in span_rollup_1d: 0 is no time at all, others end at exp2((Bucket - 16380) / 35) nanoseconds',
    Requests Float64 COMMENT 'Spans of this duration, count before sampling',
    Answered Float64 COMMENT 'Those of kind Server or Consumer, count before sampling'
)
AS SELECT Time, ServiceName, Bucket, Requests, Answered
FROM {{table service_durations_1d_filled}}
COMMENT 'Requests per day, service and duration; several rows of one key, always add up';

-- Weights must be whole, so counts are taken in 1/65536.
CREATE VIEW IF NOT EXISTS {{table service_percentiles}} {{on_cluster}}
AS WITH
    quantilesExactWeighted(0.5, 0.9, 0.95, 0.99)(r.Bucket, toUInt64(round(r.Answered * 65536))) AS buckets,
    arrayMap(b -> sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997 / 1e6, buckets) AS p
SELECT
    r.ServiceName AS ServiceName,
    sum(r.Answered) AS requests,
    p[1] AS p50,
    p[2] AS p90,
    p[3] AS p95,
    p[4] AS p99
FROM {{table service_durations_1d}} AS r
WHERE r.Time >= toStartOfDay({from:DateTime('UTC')}) AND r.Time < {to:DateTime('UTC')} AND r.Answered > 0
GROUP BY r.ServiceName
COMMENT 'What services answered (count before sampling) and its percentiles (milliseconds, right to 0.9902 %), over the days UTC that begin from the day of one time on and before another';
