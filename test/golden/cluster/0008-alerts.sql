CREATE TABLE IF NOT EXISTS `otel`.`alert_events_local` ON CLUSTER `main`
(
    At DateTime64(3) COMMENT 'When the change was decided, UTC, milliseconds' CODEC(Delta(8), ZSTD(3)),
    AlertId String COMMENT 'Alert instance in one episode, from its first breach until it is resolved' CODEC(ZSTD(3)),
    Fingerprint String COMMENT '16 hex digits over the labels, the same in every episode' CODEC(ZSTD(3)),
    RuleId LowCardinality(String) COMMENT 'File, group and name of the rule' CODEC(ZSTD(3)),
    AlertName LowCardinality(String) COMMENT 'Name of the alert' CODEC(ZSTD(3)),
    Change LowCardinality(String) COMMENT 'pending, fired, resolved, dropped (pending ended without firing) or changed (labels stay, severity data moves)' CODEC(ZSTD(3)),
    Reason LowCardinality(String) COMMENT 'Named reason of the decision' CODEC(ZSTD(3)),
    Phase LowCardinality(String) COMMENT 'State after the change: pending, firing or resolved' CODEC(ZSTD(3)),
    Severity LowCardinality(String) COMMENT 'Label severity, empty when there is none' CODEC(ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Label service_name, empty when there is none' CODEC(ZSTD(3)),
    Labels Map(LowCardinality(String), String) COMMENT 'Labels of the alert, text' CODEC(ZSTD(3)),
    Annotations Map(LowCardinality(String), String) COMMENT 'Annotations of the alert, text' CODEC(ZSTD(3)),
    Values Map(LowCardinality(String), Float64) COMMENT 'Value of each signal at the change, in base units (seconds, bytes, ratio)' CODEC(ZSTD(3)),
    ActiveAt DateTime64(3) COMMENT 'When the condition first held in this episode, UTC, milliseconds' CODEC(ZSTD(3)),
    FiredAt Nullable(DateTime64(3)) COMMENT 'When it began to fire, UTC, milliseconds' CODEC(ZSTD(3)),
    ResolvedAt Nullable(DateTime64(3)) COMMENT 'When it was resolved, UTC, milliseconds' CODEC(ZSTD(3)),
    TransitionId String COMMENT 'Identity of the change: the same change always has the same' CODEC(ZSTD(3))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYYYYMM(At)
ORDER BY (RuleId, Fingerprint, At)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Changes of alerts, one row each';

CREATE TABLE IF NOT EXISTS `otel`.`alert_events` ON CLUSTER `main`
AS `otel`.`alert_events_local`
ENGINE = Distributed('main', 'otel', 'alert_events_local', cityHash64(Fingerprint));

CREATE TABLE IF NOT EXISTS `otel`.`notification_log_local` ON CLUSTER `main`
(
    At DateTime64(3) COMMENT 'When the outcome was known, UTC, milliseconds' CODEC(Delta(8), ZSTD(3)),
    NotificationId String COMMENT 'Identity of the message, the same on every attempt' CODEC(ZSTD(3)),
    AlertId String COMMENT 'AlertId in alert_events' CODEC(ZSTD(3)),
    AlertName LowCardinality(String) COMMENT 'Name of the alert' CODEC(ZSTD(3)),
    Labels Map(LowCardinality(String), String) COMMENT 'Labels of the alert, text' CODEC(ZSTD(3)),
    Kind LowCardinality(String) COMMENT 'firing, resolved, escalated, acknowledged or test' CODEC(ZSTD(3)),
    Reason LowCardinality(String) COMMENT 'Why this was sent' CODEC(ZSTD(3)),
    Receiver LowCardinality(String) COMMENT 'Name of the receiver in the alerting file' CODEC(ZSTD(3)),
    ChannelType LowCardinality(String) COMMENT 'email, slack, webhook or log' CODEC(ZSTD(3)),
    ChannelIndex UInt16 COMMENT 'Place of the channel among those of the receiver, counted from 0' CODEC(ZSTD(3)),
    Destination String COMMENT 'Address, channel or host it went to; never a secret' CODEC(ZSTD(3)),
    EscalationLevel UInt16 COMMENT '0 for the first notification, then the level of the policy, counted from 1' CODEC(ZSTD(3)),
    Attempt UInt32 COMMENT 'Attempts made so far, count; 0 for a decision' CODEC(ZSTD(3)),
    Outcome LowCardinality(String) COMMENT 'decided, delivered, retry, refused, dead or skipped' CODEC(ZSTD(3)),
    Answer String COMMENT 'What the other side answered, cut to a readable length' CODEC(ZSTD(3)),
    Error String COMMENT 'What went wrong, empty when nothing did' CODEC(ZSTD(3)),
    DurationMs UInt32 COMMENT 'Time the attempt took, milliseconds' CODEC(ZSTD(3)),
    Reference String COMMENT 'Id the other side gave the message, such as a Slack timestamp' CODEC(ZSTD(3))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYYYYMM(At)
ORDER BY (AlertId, NotificationId, At)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Notifications, one row for each decision and each attempt';

CREATE TABLE IF NOT EXISTS `otel`.`notification_log` ON CLUSTER `main`
AS `otel`.`notification_log_local`
ENGINE = Distributed('main', 'otel', 'notification_log_local', cityHash64(AlertId));
