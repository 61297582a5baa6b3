CREATE TABLE IF NOT EXISTS `otel`.`sla_minutes_computed_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute in which the requests started, UTC' CODEC(Delta(4), ZSTD(3)),
    Sla LowCardinality(String) COMMENT 'Name of the SLA in the rule file' CODEC(ZSTD(3)),
    Objective LowCardinality(String) COMMENT 'Promise of the SLA, such as p99; empty when it makes only one' CODEC(ZSTD(3)),
    Type LowCardinality(String) COMMENT 'availability, response_time, throughput or error_rate' CODEC(ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Service that promises' CODEC(ZSTD(3)),
    Requests Float64 COMMENT 'Requests before sampling: sum of adjusted counts' CODEC(ZSTD(3)),
    Errors Float64 COMMENT 'Requests with status Error, count before sampling' CODEC(ZSTD(3)),
    Good Float64 COMMENT 'Requests that kept the promise, count before sampling; for throughput all of them' CODEC(ZSTD(3)),
    Total Float64 COMMENT 'Requests of which Good are a share, count; for throughput those that were promised: 60 times the target, 0 before the first request' CODEC(ZSTD(3)),
    Value Nullable(Float64) COMMENT 'What the minute reached, in the unit of Target; null without requests' CODEC(ZSTD(3)),
    Target Float64 COMMENT 'What is promised: share of requests from 0 to 1, seconds (response_time) or requests per second (throughput)' CODEC(ZSTD(3)),
    Required Float64 COMMENT 'Share of Total that must be good, 0 to 1' CODEC(ZSTD(3)),
    Budget Nullable(Float64) COMMENT 'Share of Total that may be bad, 0 to 1; null for throughput' CODEC(ZSTD(3)),
    Window LowCardinality(String) COMMENT 'Time the promise is about: a duration such as 30d, or month, week, quarter or year for a calendar period in UTC' CODEC(ZSTD(3)),
    Breached UInt8 COMMENT '1 when Value is on the wrong side of Target' CODEC(ZSTD(3)),
    Excluded UInt8 COMMENT '1 for planned maintenance: the minute counts neither as good nor as bad' CODEC(ZSTD(3)),
    Exclusion LowCardinality(String) COMMENT 'Reason why it is excluded; empty when it is not' CODEC(ZSTD(3)),
    DurationMin UInt64 COMMENT 'Shortest duration, nanoseconds; 0 without requests' CODEC(ZSTD(3)),
    DurationMax UInt64 COMMENT 'Longest duration, nanoseconds; 0 without requests' CODEC(ZSTD(3)),
    Sketch Map(Int16, Float64) COMMENT 'Requests per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %; empty unless response_time' CODEC(ZSTD(3)),
    Source LowCardinality(String) COMMENT 'Table that was counted: span_rollup_1m or otel_traces' CODEC(ZSTD(3)),
    Definition LowCardinality(String) COMMENT 'Hash of the definition in the rule file, hexadecimal' CODEC(ZSTD(3)),
    Digest UInt64 COMMENT 'Hash of all columns before this one' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the computation began that found this, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version)
PARTITION BY toYYYYMM(Time)
ORDER BY (Sla, Objective, Time)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'What each SLA came to in each minute, all computations; read sla_minutes';

CREATE TABLE IF NOT EXISTS `otel`.`sla_minutes_computed` ON CLUSTER `main`
AS `otel`.`sla_minutes_computed_local`
ENGINE = Distributed('main', 'otel', 'sla_minutes_computed_local', cityHash64(Sla));

CREATE TABLE IF NOT EXISTS `otel`.`sla_status_computed_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC' CODEC(Delta(4), ZSTD(3)),
    Sla LowCardinality(String) COMMENT 'Name of the SLA in the rule file' CODEC(ZSTD(3)),
    Objective LowCardinality(String) COMMENT 'Promise of the SLA, such as p99; empty when it makes only one' CODEC(ZSTD(3)),
    Type LowCardinality(String) COMMENT 'availability, response_time, throughput or error_rate' CODEC(ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Service that promises' CODEC(ZSTD(3)),
    Good Float64 COMMENT 'Requests of this minute that kept the promise, count before sampling' CODEC(ZSTD(3)),
    Total Float64 COMMENT 'Requests of this minute of which Good are a share, count; for throughput those that were promised' CODEC(ZSTD(3)),
    Value Nullable(Float64) COMMENT 'What the minute reached, in the unit of Target; null without requests' CODEC(ZSTD(3)),
    Target Float64 COMMENT 'What is promised: share of requests from 0 to 1, seconds (response_time) or requests per second (throughput)' CODEC(ZSTD(3)),
    Required Float64 COMMENT 'Share of Total that must be good, 0 to 1' CODEC(ZSTD(3)),
    Breached UInt8 COMMENT '1 when the Value of this minute is on the wrong side of Target' CODEC(ZSTD(3)),
    Excluded UInt8 COMMENT '1 for planned maintenance: the minute counts neither as good nor as bad' CODEC(ZSTD(3)),
    Window LowCardinality(String) COMMENT 'Time the promise is about: a duration such as 30d, or month, week, quarter or year for a calendar period in UTC' CODEC(ZSTD(3)),
    WindowStart DateTime('UTC') COMMENT 'Start of the window that ends with this minute, UTC' CODEC(Delta(4), ZSTD(3)),
    WindowGood Float64 COMMENT 'Good in the window, without excluded minutes, count' CODEC(ZSTD(3)),
    WindowTotal Float64 COMMENT 'Total in the window, without excluded minutes, count' CODEC(ZSTD(3)),
    Compliance Nullable(Float64) COMMENT 'WindowGood / WindowTotal: a share of requests, for throughput the share of the promised rate; null without requests' CODEC(ZSTD(3)),
    Compliant UInt8 COMMENT '1 unless Compliance is less than Required' CODEC(ZSTD(3)),
    BudgetTotal Nullable(Float64) COMMENT 'Requests of the window that may be bad, count; null for throughput' CODEC(ZSTD(3)),
    BudgetConsumed Nullable(Float64) COMMENT 'Requests of the window that were bad, count; null for throughput' CODEC(ZSTD(3)),
    BudgetRemaining Nullable(Float64) COMMENT 'BudgetTotal - BudgetConsumed, count; less than 0 when overdrawn; null for throughput' CODEC(ZSTD(3)),
    BudgetRemainingShare Nullable(Float64) COMMENT 'Share of BudgetTotal that remains: 1 untouched, 0 spent, less than 0 overdrawn; null for throughput or without requests' CODEC(ZSTD(3)),
    BurnRate5m Nullable(Float64) COMMENT 'Share of bad requests in the last 5 minutes, in multiples of the budget; null for throughput or without requests' CODEC(ZSTD(3)),
    BurnRate30m Nullable(Float64) COMMENT 'Share of bad requests in the last 30 minutes, in multiples of the budget; null for throughput or without requests' CODEC(ZSTD(3)),
    BurnRate1h Nullable(Float64) COMMENT 'Share of bad requests in the last hour, in multiples of the budget; null for throughput or without requests' CODEC(ZSTD(3)),
    BurnRate6h Nullable(Float64) COMMENT 'Share of bad requests in the last 6 hours, in multiples of the budget; null for throughput or without requests' CODEC(ZSTD(3)),
    BurnRate1d Nullable(Float64) COMMENT 'Share of bad requests in the last day, in multiples of the budget; null for throughput or without requests' CODEC(ZSTD(3)),
    BurnRate3d Nullable(Float64) COMMENT 'Share of bad requests in the last 3 days, in multiples of the budget; null for throughput or without requests' CODEC(ZSTD(3)),
    Definition LowCardinality(String) COMMENT 'Hash of the definition in the rule file, hexadecimal' CODEC(ZSTD(3)),
    Digest UInt64 COMMENT 'Hash of all columns before this one' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the computation began that found this, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version)
PARTITION BY toYYYYMM(Time)
ORDER BY (Sla, Objective, Time)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'How each SLA stands after each minute, all computations; read sla_status';

CREATE TABLE IF NOT EXISTS `otel`.`sla_status_computed` ON CLUSTER `main`
AS `otel`.`sla_status_computed_local`
ENGINE = Distributed('main', 'otel', 'sla_status_computed_local', cityHash64(Sla));

CREATE VIEW IF NOT EXISTS `otel`.`sla_minutes` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute in which the requests started, UTC',
    Sla LowCardinality(String) COMMENT 'Name of the SLA in the rule file',
    Objective LowCardinality(String) COMMENT 'Promise of the SLA, such as p99; empty when it makes only one',
    Type LowCardinality(String) COMMENT 'availability, response_time, throughput or error_rate',
    ServiceName LowCardinality(String) COMMENT 'Service that promises',
    Requests Float64 COMMENT 'Requests before sampling: sum of adjusted counts',
    Errors Float64 COMMENT 'Requests with status Error, count before sampling',
    Good Float64 COMMENT 'Requests that kept the promise, count before sampling; for throughput all of them',
    Total Float64 COMMENT 'Requests of which Good are a share, count; for throughput those that were promised: 60 times the target, 0 before the first request',
    Value Nullable(Float64) COMMENT 'What the minute reached, in the unit of Target; null without requests',
    Target Float64 COMMENT 'What is promised: share of requests from 0 to 1, seconds (response_time) or requests per second (throughput)',
    Required Float64 COMMENT 'Share of Total that must be good, 0 to 1',
    Budget Nullable(Float64) COMMENT 'Share of Total that may be bad, 0 to 1; null for throughput',
    Window LowCardinality(String) COMMENT 'Time the promise is about: a duration such as 30d, or month, week, quarter or year for a calendar period in UTC',
    Breached UInt8 COMMENT '1 when Value is on the wrong side of Target',
    Excluded UInt8 COMMENT '1 for planned maintenance: the minute counts neither as good nor as bad',
    Exclusion LowCardinality(String) COMMENT 'Reason why it is excluded; empty when it is not',
    DurationMin UInt64 COMMENT 'Shortest duration, nanoseconds; 0 without requests',
    DurationMax UInt64 COMMENT 'Longest duration, nanoseconds; 0 without requests',
    Sketch Map(Int16, Float64) COMMENT 'Requests per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %; empty unless response_time',
    Source LowCardinality(String) COMMENT 'Table that was counted: span_rollup_1m or otel_traces',
    Definition LowCardinality(String) COMMENT 'Hash of the definition in the rule file, hexadecimal',
    Digest UInt64 COMMENT 'Hash of all columns before this one',
    Version UInt64 COMMENT 'When the computation began that found this, milliseconds since 1970'
)
AS SELECT
    minute.Time AS Time, minute.Sla AS Sla, minute.Objective AS Objective, minute.Type AS Type,
    minute.ServiceName AS ServiceName, minute.Requests AS Requests, minute.Errors AS Errors, minute.Good AS Good,
    minute.Total AS Total, minute.Value AS Value, minute.Target AS Target, minute.Required AS Required,
    minute.Budget AS Budget, minute.Window AS Window, minute.Breached AS Breached, minute.Excluded AS Excluded,
    minute.Exclusion AS Exclusion, minute.DurationMin AS DurationMin, minute.DurationMax AS DurationMax,
    minute.Sketch AS Sketch, minute.Source AS Source, minute.Definition AS Definition, minute.Digest AS Digest,
    minute.Version AS Version
FROM `otel`.`sla_minutes_computed` AS minute FINAL
COMMENT 'What each SLA came to in each minute: good and total requests, breaches, exclusions';

CREATE VIEW IF NOT EXISTS `otel`.`sla_status` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC',
    Sla LowCardinality(String) COMMENT 'Name of the SLA in the rule file',
    Objective LowCardinality(String) COMMENT 'Promise of the SLA, such as p99; empty when it makes only one',
    Type LowCardinality(String) COMMENT 'availability, response_time, throughput or error_rate',
    ServiceName LowCardinality(String) COMMENT 'Service that promises',
    Good Float64 COMMENT 'Requests of this minute that kept the promise, count before sampling',
    Total Float64 COMMENT 'Requests of this minute of which Good are a share, count; for throughput those that were promised',
    Value Nullable(Float64) COMMENT 'What the minute reached, in the unit of Target; null without requests',
    Target Float64 COMMENT 'What is promised: share of requests from 0 to 1, seconds (response_time) or requests per second (throughput)',
    Required Float64 COMMENT 'Share of Total that must be good, 0 to 1',
    Breached UInt8 COMMENT '1 when the Value of this minute is on the wrong side of Target',
    Excluded UInt8 COMMENT '1 for planned maintenance: the minute counts neither as good nor as bad',
    Window LowCardinality(String) COMMENT 'Time the promise is about: a duration such as 30d, or month, week, quarter or year for a calendar period in UTC',
    WindowStart DateTime('UTC') COMMENT 'Start of the window that ends with this minute, UTC',
    WindowGood Float64 COMMENT 'Good in the window, without excluded minutes, count',
    WindowTotal Float64 COMMENT 'Total in the window, without excluded minutes, count',
    Compliance Nullable(Float64) COMMENT 'WindowGood / WindowTotal: a share of requests, for throughput the share of the promised rate; null without requests',
    Compliant UInt8 COMMENT '1 unless Compliance is less than Required',
    BudgetTotal Nullable(Float64) COMMENT 'Requests of the window that may be bad, count; null for throughput',
    BudgetConsumed Nullable(Float64) COMMENT 'Requests of the window that were bad, count; null for throughput',
    BudgetRemaining Nullable(Float64) COMMENT 'BudgetTotal - BudgetConsumed, count; less than 0 when overdrawn; null for throughput',
    BudgetRemainingShare Nullable(Float64) COMMENT 'Share of BudgetTotal that remains: 1 untouched, 0 spent, less than 0 overdrawn; null for throughput or without requests',
    BurnRate5m Nullable(Float64) COMMENT 'Share of bad requests in the last 5 minutes, in multiples of the budget; null for throughput or without requests',
    BurnRate30m Nullable(Float64) COMMENT 'Share of bad requests in the last 30 minutes, in multiples of the budget; null for throughput or without requests',
    BurnRate1h Nullable(Float64) COMMENT 'Share of bad requests in the last hour, in multiples of the budget; null for throughput or without requests',
    BurnRate6h Nullable(Float64) COMMENT 'Share of bad requests in the last 6 hours, in multiples of the budget; null for throughput or without requests',
    BurnRate1d Nullable(Float64) COMMENT 'Share of bad requests in the last day, in multiples of the budget; null for throughput or without requests',
    BurnRate3d Nullable(Float64) COMMENT 'Share of bad requests in the last 3 days, in multiples of the budget; null for throughput or without requests',
    Definition LowCardinality(String) COMMENT 'Hash of the definition in the rule file, hexadecimal',
    Digest UInt64 COMMENT 'Hash of all columns before this one',
    Version UInt64 COMMENT 'When the computation began that found this, milliseconds since 1970'
)
AS SELECT
    minute.Time AS Time, minute.Sla AS Sla, minute.Objective AS Objective, minute.Type AS Type,
    minute.ServiceName AS ServiceName, minute.Good AS Good, minute.Total AS Total, minute.Value AS Value,
    minute.Target AS Target, minute.Required AS Required, minute.Breached AS Breached, minute.Excluded AS Excluded,
    minute.Window AS Window, minute.WindowStart AS WindowStart, minute.WindowGood AS WindowGood,
    minute.WindowTotal AS WindowTotal, minute.Compliance AS Compliance, minute.Compliant AS Compliant,
    minute.BudgetTotal AS BudgetTotal, minute.BudgetConsumed AS BudgetConsumed,
    minute.BudgetRemaining AS BudgetRemaining, minute.BudgetRemainingShare AS BudgetRemainingShare,
    minute.BurnRate5m AS BurnRate5m, minute.BurnRate30m AS BurnRate30m, minute.BurnRate1h AS BurnRate1h,
    minute.BurnRate6h AS BurnRate6h, minute.BurnRate1d AS BurnRate1d, minute.BurnRate3d AS BurnRate3d,
    minute.Definition AS Definition, minute.Digest AS Digest, minute.Version AS Version
FROM `otel`.`sla_status_computed` AS minute FINAL
COMMENT 'How each SLA stands after each minute: compliance over its window, error budget, burn rates';
