CREATE TABLE IF NOT EXISTS `otel`.`otel_logs_local` ON CLUSTER `main`
(
    Timestamp DateTime64(9) COMMENT 'When it happened, UTC, nanosecond precision; ObservedTimestamp when the sender did not say' CODEC(Delta(8), ZSTD(3)),
    TimestampTime DateTime DEFAULT toDateTime(Timestamp) COMMENT 'Timestamp, UTC, whole seconds' CODEC(Delta(4), ZSTD(3)),
    ObservedTimestamp DateTime64(9) COMMENT 'When the record was collected, UTC, nanosecond precision; 1970 when unknown' CODEC(Delta(8), ZSTD(3)),
    TraceId String COMMENT '32 lower-case hex digits, empty outside a trace' CODEC(ZSTD(3)),
    SpanId String COMMENT '16 lower-case hex digits, empty outside a span' CODEC(ZSTD(3)),
    TraceFlags UInt8 COMMENT 'W3C trace flags (bit set)' CODEC(ZSTD(3)),
    SeverityText LowCardinality(String) COMMENT 'Severity as the source calls it' CODEC(ZSTD(3)),
    SeverityNumber UInt8 COMMENT 'OTLP severity, number from 1 (trace) to 24 (fatal); 0 when unknown' CODEC(ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    Body String COMMENT 'Message; JSON when it is not text' CODEC(ZSTD(3)),
    ResourceSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the resource' CODEC(ZSTD(3)),
    ResourceAttributes Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Attributes of the resource, values as text' CODEC(ZSTD(3)),
    ScopeSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the instrumentation scope' CODEC(ZSTD(3)),
    ScopeName LowCardinality(String) COMMENT 'Name of the instrumentation scope' CODEC(ZSTD(3)),
    ScopeVersion LowCardinality(String) COMMENT 'Version of the instrumentation scope' CODEC(ZSTD(3)),
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the instrumentation scope, values as text' CODEC(ZSTD(3)),
    LogAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the record, values as text' CODEC(ZSTD(3)),
    EventName String COMMENT 'Name of the event when the record is one' CODEC(ZSTD(3)),
    DroppedAttributesCount UInt32 COMMENT 'Record attributes the sender dropped, count' CODEC(ZSTD(3)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(TimestampTime)
PRIMARY KEY (ServiceName, TimestampTime)
ORDER BY (ServiceName, TimestampTime, Timestamp)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Log records, one row each, as received over OTLP';

CREATE TABLE IF NOT EXISTS `otel`.`otel_logs` ON CLUSTER `main`
AS `otel`.`otel_logs_local`
ENGINE = Distributed('main', 'otel', 'otel_logs_local', cityHash64(TraceId, Timestamp));
