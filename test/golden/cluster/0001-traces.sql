CREATE TABLE IF NOT EXISTS `otel`.`otel_traces_local` ON CLUSTER `main`
(
    Timestamp DateTime64(9) COMMENT 'Start of the span, UTC, nanosecond precision' CODEC(Delta(8), ZSTD(3)),
    TraceId String COMMENT '32 lower-case hex digits' CODEC(ZSTD(3)),
    SpanId String COMMENT '16 lower-case hex digits' CODEC(ZSTD(3)),
    ParentSpanId String COMMENT '16 lower-case hex digits, empty for a root span' CODEC(ZSTD(3)),
    TraceState String COMMENT 'W3C tracestate as received' CODEC(ZSTD(3)),
    SpanName LowCardinality(String) COMMENT 'Name of the operation' CODEC(ZSTD(3)),
    SpanKind LowCardinality(String) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer' CODEC(ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    ResourceAttributes Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Attributes of the resource, values as text' CODEC(ZSTD(3)),
    ResourceSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the resource' CODEC(ZSTD(3)),
    ScopeName LowCardinality(String) COMMENT 'Name of the instrumentation scope' CODEC(ZSTD(3)),
    ScopeVersion LowCardinality(String) COMMENT 'Version of the instrumentation scope' CODEC(ZSTD(3)),
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the instrumentation scope, values as text' CODEC(ZSTD(3)),
    ScopeSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the instrumentation scope' CODEC(ZSTD(3)),
    SpanAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the span, values as text' CODEC(ZSTD(3)),
    Duration UInt64 COMMENT 'End minus start, nanoseconds; 0 when the end lies before the start' CODEC(T64, ZSTD(3)),
    StatusCode LowCardinality(String) COMMENT 'Unset, Ok or Error' CODEC(ZSTD(3)),
    StatusMessage String COMMENT 'Status description given by the sender' CODEC(ZSTD(3)),
    Flags UInt32 COMMENT 'W3C trace flags in the low byte, OTLP is-remote bits above (bit set)' CODEC(ZSTD(3)),
    DroppedAttributesCount UInt32 COMMENT 'Span attributes the sender dropped, count' CODEC(ZSTD(3)),
    DroppedEventsCount UInt32 COMMENT 'Events the sender dropped, count' CODEC(ZSTD(3)),
    DroppedLinksCount UInt32 COMMENT 'Links the sender dropped, count' CODEC(ZSTD(3)),
    AdjustedCount Float64 DEFAULT 1 COMMENT 'Spans this one stands for after sampling (ot=th:), count; 1 when unsampled' CODEC(ZSTD(3)),
    `Events.Timestamp` Array(DateTime64(9)) COMMENT 'Time of each event, UTC, nanosecond precision' CODEC(ZSTD(3)),
    `Events.Name` Array(LowCardinality(String)) COMMENT 'Name of each event' CODEC(ZSTD(3)),
    `Events.Attributes` Array(Map(LowCardinality(String), String)) COMMENT 'Attributes of each event, values as text' CODEC(ZSTD(3)),
    `Links.TraceId` Array(String) COMMENT 'Trace id of each link, 32 lower-case hex digits' CODEC(ZSTD(3)),
    `Links.SpanId` Array(String) COMMENT 'Span id of each link, 16 lower-case hex digits' CODEC(ZSTD(3)),
    `Links.TraceState` Array(String) COMMENT 'W3C tracestate of each link' CODEC(ZSTD(3)),
    `Links.Attributes` Array(Map(LowCardinality(String), String)) COMMENT 'Attributes of each link, values as text' CODEC(ZSTD(3)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(Timestamp)
PRIMARY KEY (ServiceName, SpanName, toDateTime(Timestamp))
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), Timestamp)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Spans, one row each, as received over OTLP';

CREATE TABLE IF NOT EXISTS `otel`.`otel_traces` ON CLUSTER `main`
AS `otel`.`otel_traces_local`
ENGINE = Distributed('main', 'otel', 'otel_traces_local', cityHash64(TraceId));

CREATE TABLE IF NOT EXISTS `otel`.`otel_traces_trace_id_ts_local` ON CLUSTER `main`
(
    TraceId String COMMENT '32 lower-case hex digits' CODEC(ZSTD(3)),
    Start SimpleAggregateFunction(min, DateTime) COMMENT 'Start of the first span, UTC, whole seconds rounded down' CODEC(ZSTD(3)),
    End SimpleAggregateFunction(max, DateTime) COMMENT 'Start of the last span, UTC, whole seconds rounded down' CODEC(ZSTD(3))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toDate(Start)
ORDER BY TraceId
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'First and last time per trace; several rows for one trace until parts are merged, so take min and max';

CREATE TABLE IF NOT EXISTS `otel`.`otel_traces_trace_id_ts` ON CLUSTER `main`
AS `otel`.`otel_traces_trace_id_ts_local`
ENGINE = Distributed('main', 'otel', 'otel_traces_trace_id_ts_local', cityHash64(TraceId));

CREATE MATERIALIZED VIEW IF NOT EXISTS `otel`.`otel_traces_trace_id_ts_mv_local` ON CLUSTER `main`
TO `otel`.`otel_traces_trace_id_ts_local`
AS SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End
FROM `otel`.`otel_traces_local`
WHERE TraceId != ''
GROUP BY TraceId
COMMENT 'Fills otel_traces_trace_id_ts from otel_traces';
