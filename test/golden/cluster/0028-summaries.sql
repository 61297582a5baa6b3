ALTER TABLE `otel`.`trace_summaries_computed_local` ON CLUSTER `main` COMMENT COLUMN Version 'Rows of otel_traces it was computed from, and once more those that ended by a timeout, count';

ALTER TABLE `otel`.`trace_summaries_computed` ON CLUSTER `main` COMMENT COLUMN Version 'Rows of otel_traces it was computed from, and once more those that ended by a timeout, count';

CREATE TABLE IF NOT EXISTS `otel`.`cache_summaries_1m_computed_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute of the points, UTC' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    Operation LowCardinality(String) COMMENT 'get, set, delete or other' CODEC(ZSTD(3)),
    Quantile Float64 COMMENT 'Quantile, ratio from 0 (the minimum) to 1 (the maximum)' CODEC(ZSTD(3)),
    Highest Float64 COMMENT 'The highest that any series told last in the minute, nanoseconds; over the time its sender chose, and not the quantile of all operations' CODEC(ZSTD(3)),
    Lowest Float64 COMMENT 'The lowest of the same, nanoseconds' CODEC(ZSTD(3)),
    Series UInt64 COMMENT 'Series that told the quantile, count: where it is 1, Highest and Lowest are what was sent' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the row was computed, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version)
PARTITION BY toDate(Time)
ORDER BY (ServiceName, CacheName, CacheSystem, Operation, Quantile, Time)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Durations of caches as summaries told them, per minute, all computations; read cache_summaries';

CREATE TABLE IF NOT EXISTS `otel`.`cache_summaries_1m_computed` ON CLUSTER `main`
AS `otel`.`cache_summaries_1m_computed_local`
ENGINE = Distributed('main', 'otel', 'cache_summaries_1m_computed_local', cityHash64(ServiceName));

CREATE VIEW IF NOT EXISTS `otel`.`cache_summaries` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it',
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    operation LowCardinality(String) COMMENT 'get, set, delete or other',
    quantile Float64 COMMENT 'Quantile, ratio from 0 (the minimum) to 1 (the maximum)',
    highest Float64 COMMENT 'The highest that any series told last in the minute, milliseconds; over the time its sender chose, and not the quantile of all operations',
    lowest Float64 COMMENT 'The lowest of the same, milliseconds',
    series UInt64 COMMENT 'Series that told the quantile, count: where it is 1, highest and lowest are what was sent'
)
AS SELECT it.Time AS Time, it.ServiceName AS ServiceName, it.CacheName AS CacheName, it.CacheSystem AS CacheSystem,
    it.Operation AS operation, it.Quantile AS quantile, it.Highest / 1e6 AS highest, it.Lowest / 1e6 AS lowest, it.Series AS series
FROM `otel`.`cache_summaries_1m_computed` AS it FINAL
COMMENT 'Durations of caches per minute as summaries told them (milliseconds): quantiles of instances beside each other, not merged';
