CREATE TABLE IF NOT EXISTS `otel`.`otel_metrics_gauge_local` ON CLUSTER `main`
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
    Value Float64 COMMENT 'Value, in MetricUnit' CODEC(ZSTD(3)),
    Flags UInt32 COMMENT 'OTLP data point flags (bit set); 1: no recorded value' CODEC(ZSTD(3)),
    `Exemplars.FilteredAttributes` Array(Map(LowCardinality(String), String)) COMMENT 'Attributes of each exemplar that the data point does not have, values as text' CODEC(ZSTD(3)),
    `Exemplars.TimeUnix` Array(DateTime64(9)) COMMENT 'Time of each exemplar, UTC, nanosecond precision' CODEC(ZSTD(3)),
    `Exemplars.Value` Array(Float64) COMMENT 'Measured value of each exemplar, in MetricUnit' CODEC(ZSTD(3)),
    `Exemplars.SpanId` Array(String) COMMENT 'Span of each exemplar, 16 lower-case hex digits' CODEC(ZSTD(3)),
    `Exemplars.TraceId` Array(String) COMMENT 'Trace of each exemplar, 32 lower-case hex digits' CODEC(ZSTD(3))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(TimeUnix)
PRIMARY KEY (ServiceName, MetricName, toStartOfHour(TimeUnix))
ORDER BY (ServiceName, MetricName, toStartOfHour(TimeUnix), SeriesId, TimeUnix)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Gauge data points, one row each, as received over OTLP';

CREATE TABLE IF NOT EXISTS `otel`.`otel_metrics_gauge` ON CLUSTER `main`
AS `otel`.`otel_metrics_gauge_local`
ENGINE = Distributed('main', 'otel', 'otel_metrics_gauge_local', SeriesId);
