-- What people changed, for those who ask later.
CREATE TABLE IF NOT EXISTS {{local audit_log}} {{on_cluster}}
(
    At DateTime64(3) COMMENT 'When it was done, UTC, milliseconds' CODEC(Delta(8), ZSTD(3)),
    Actor String COMMENT 'Who did it, as far as known' CODEC(ZSTD(3)),
    Action LowCardinality(String) COMMENT 'What was done, such as silence_created' CODEC(ZSTD(3)),
    Subject String COMMENT 'What it was done to, as an id or name' CODEC(ZSTD(3)),
    Before String COMMENT 'State before, JSON; empty when there was none' CODEC(ZSTD(3)),
    After String COMMENT 'State after, JSON; empty when there is none' CODEC(ZSTD(3)),
    Source LowCardinality(String) COMMENT 'Way it came in: api, cli, console or reload' CODEC(ZSTD(3))
)
ENGINE = {{engine MergeTree}}
PARTITION BY toYYYYMM(At)
ORDER BY At
{{settings}}
COMMENT 'Changes made by people, one row each';

{{distributed audit_log by cityHash64(Subject)}};
