-- What the database already has. Runs at every start, before anything else, so it only ever says IF NOT EXISTS.
CREATE DATABASE IF NOT EXISTS {{database}} {{on_cluster}};

CREATE TABLE IF NOT EXISTS {{local schema_migrations}} {{on_cluster}}
(
    Version UInt32 COMMENT 'Number of the migration file',
    Name LowCardinality(String) COMMENT 'Name of the migration file',
    Checksum String COMMENT 'SHA-256 of the file, 64 hex digits',
    AppliedAt DateTime64(3) COMMENT 'When its last statement had run, UTC, milliseconds'
)
ENGINE = {{engine ReplacingMergeTree}}
ORDER BY Version
{{settings}}
COMMENT 'Migrations that were applied, one row each; with several daemons starting at once some may appear twice until merged';

-- One shard holds them all, and every node reads them there.
{{distributed schema_migrations by 0}};
