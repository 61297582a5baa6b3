CREATE TABLE IF NOT EXISTS `otel`.`otel_metrics_summary_local` ON CLUSTER `main`
(
    ResourceAttributes Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Attributes of the resource, values as text' CODEC(ZSTD(3)),
    ResourceSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the resource' CODEC(ZSTD(3)),
    ScopeName LowCardinality(String) COMMENT 'Name of the instrumentation scope' CODEC(ZSTD(3)),
    ScopeVersion LowCardinality(String) COMMENT 'Version of the instrumentation scope' CODEC(ZSTD(3)),
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the instrumentation scope, values as text' CODEC(ZSTD(3)),
    ScopeDroppedAttrCount UInt32 COMMENT 'Scope attributes the sender dropped, count' CODEC(ZSTD(3)),
    ScopeSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the instrumentation scope' CODEC(ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    MetricName LowCardinality(String) COMMENT 'Name of the metric' CODEC(ZSTD(3)),
    MetricDescription LowCardinality(String) COMMENT 'Description given by the sender' CODEC(ZSTD(3)),
    MetricUnit LowCardinality(String) COMMENT 'Unit of the values, UCUM, such as s, By or {request}' CODEC(ZSTD(3)),
    Attributes Map(LowCardinality(String), String) COMMENT 'Attributes of the data point, values as text' CODEC(ZSTD(3)),
    StartTimeUnix DateTime64(9) COMMENT 'Since when the value accumulates, UTC, nanosecond precision; 1970 when unknown' CODEC(Delta(8), ZSTD(3)),
    TimeUnix DateTime64(9) COMMENT 'Time of the data point, UTC, nanosecond precision' CODEC(Delta(8), ZSTD(3)),
    SeriesId UInt64 MATERIALIZED cityHash64(
        MetricName, ScopeName, ScopeVersion,
        arraySum(arrayMap((k, v) -> cityHash64(k, v), mapKeys(ScopeAttributes), mapValues(ScopeAttributes))),
        arraySum(arrayMap((k, v) -> cityHash64(k, v), mapKeys(ResourceAttributes), mapValues(ResourceAttributes))),
        arraySum(arrayMap((k, v) -> cityHash64(k, v), mapKeys(Attributes), mapValues(Attributes)))
    ) COMMENT 'Hash of metric name, scope, resource and attributes, whatever order they came in: one number per series' CODEC(ZSTD(3)),
    Count UInt64 COMMENT 'Measured values, count' CODEC(Delta(8), ZSTD(3)),
    Sum Float64 COMMENT 'Sum of the measured values, in MetricUnit' CODEC(ZSTD(3)),
    `ValueAtQuantiles.Quantile` Array(Float64) COMMENT 'Quantile, ratio from 0 to 1' CODEC(ZSTD(3)),
    `ValueAtQuantiles.Value` Array(Float64) COMMENT 'Value at each quantile, in MetricUnit' CODEC(ZSTD(3)),
    Flags UInt32 COMMENT 'OTLP data point flags (bit set); 1: no recorded value' CODEC(ZSTD(3))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(TimeUnix)
PRIMARY KEY (ServiceName, MetricName, toStartOfHour(TimeUnix))
ORDER BY (ServiceName, MetricName, toStartOfHour(TimeUnix), SeriesId, TimeUnix)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Summary data points, one row each, as received over OTLP';

CREATE TABLE IF NOT EXISTS `otel`.`otel_metrics_summary` ON CLUSTER `main`
AS `otel`.`otel_metrics_summary_local`
ENGINE = Distributed('main', 'otel', 'otel_metrics_summary_local', SeriesId);
