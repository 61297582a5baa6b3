CREATE TABLE IF NOT EXISTS `otel`.`otlp_rejects_local` ON CLUSTER `main`
(
    At DateTime64(3) COMMENT 'When the first of them came, UTC, milliseconds; the others came within 10 s of it' CODEC(Delta(8), ZSTD(3)),
    Signal LowCardinality(String) COMMENT 'traces, metrics or logs; none when the request was refused before that was known' CODEC(ZSTD(3)),
    Transport LowCardinality(String) COMMENT 'http or grpc' CODEC(ZSTD(3)),
    Encoding LowCardinality(String) COMMENT 'protobuf or json; none when the request was refused before that was known' CODEC(ZSTD(3)),
    Peer String COMMENT 'Address of the sender without its port; (others) when there were too many to tell apart' CODEC(ZSTD(3)),
    KeyName LowCardinality(String) COMMENT 'Name of the ingest key it was sent with, empty without one' CODEC(ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name, empty when it is not known' CODEC(ZSTD(3)),
    Unit LowCardinality(String) COMMENT 'What Count counts: item (spans, data points, log records) or request (refused whole, its items unknown)' CODEC(ZSTD(3)),
    ReasonCode LowCardinality(String) COMMENT 'Stable name of the reason, such as ERR_SPAN_TRACE_ID' CODEC(ZSTD(3)),
    Reason String COMMENT 'The reason in English, as the sender was told' CODEC(ZSTD(3)),
    Count UInt64 COMMENT 'Items or requests that were refused, count' CODEC(T64, ZSTD(3)),
    Sample String COMMENT 'Name and ids of the first of them, cut to a readable length' CODEC(ZSTD(3)),
    RequestBytes UInt64 COMMENT 'Size of the first of their requests as sent, bytes; 0 when it was refused unread' CODEC(T64, ZSTD(3))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(At)
ORDER BY (ServiceName, ReasonCode, At)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Refused telemetry, one row for each sender, reason and 10 s';

CREATE TABLE IF NOT EXISTS `otel`.`otlp_rejects` ON CLUSTER `main`
AS `otel`.`otlp_rejects_local`
ENGINE = Distributed('main', 'otel', 'otlp_rejects_local', cityHash64(ServiceName, ReasonCode, Peer));
