CREATE DATABASE IF NOT EXISTS `otel` ON CLUSTER `main`;

CREATE TABLE IF NOT EXISTS `otel`.`schema_migrations_local` ON CLUSTER `main`
(
    Version UInt32 COMMENT 'Number of the migration file',
    Name LowCardinality(String) COMMENT 'Name of the migration file',
    Checksum String COMMENT 'SHA-256 of the file, 64 hex digits',
    AppliedAt DateTime64(3) COMMENT 'When its last statement had run, UTC, milliseconds'
)
ENGINE = ReplicatedReplacingMergeTree
ORDER BY Version
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Migrations that were applied, one row each; with several daemons starting at once some may appear twice until merged';

CREATE TABLE IF NOT EXISTS `otel`.`schema_migrations` ON CLUSTER `main`
AS `otel`.`schema_migrations_local`
ENGINE = Distributed('main', 'otel', 'schema_migrations_local', 0);
