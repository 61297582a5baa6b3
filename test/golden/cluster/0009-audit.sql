CREATE TABLE IF NOT EXISTS `otel`.`audit_log_local` ON CLUSTER `main`
(
    At DateTime64(3) COMMENT 'When it was done, UTC, milliseconds' CODEC(Delta(8), ZSTD(3)),
    Actor String COMMENT 'Who did it, as far as known' CODEC(ZSTD(3)),
    Action LowCardinality(String) COMMENT 'What was done, such as silence_created' CODEC(ZSTD(3)),
    Subject String COMMENT 'What it was done to, as an id or name' CODEC(ZSTD(3)),
    Before String COMMENT 'State before, JSON; empty when there was none' CODEC(ZSTD(3)),
    After String COMMENT 'State after, JSON; empty when there is none' CODEC(ZSTD(3)),
    Source LowCardinality(String) COMMENT 'Way it came in: api, cli, console or reload' CODEC(ZSTD(3))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYYYYMM(At)
ORDER BY At
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Changes made by people, one row each';

CREATE TABLE IF NOT EXISTS `otel`.`audit_log` ON CLUSTER `main`
AS `otel`.`audit_log_local`
ENGINE = Distributed('main', 'otel', 'audit_log_local', cityHash64(Subject));
