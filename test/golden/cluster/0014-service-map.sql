CREATE TABLE IF NOT EXISTS `otel`.`span_arrivals_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute in which the spans started, UTC' CODEC(Delta(4), ZSTD(3)),
    ArrivedAt DateTime('UTC') COMMENT 'Start of the 10 seconds in which they were inserted, UTC' CODEC(Delta(4), ZSTD(3)),
    Spans SimpleAggregateFunction(sum, UInt64) COMMENT 'Spans inserted, count' CODEC(ZSTD(3)),
    Ends SimpleAggregateFunction(sum, UInt64) COMMENT 'Of these, ends of calls: kind Client, Server, Producer or Consumer, count' CODEC(ZSTD(3)),
    EndsEarly SimpleAggregateFunction(sum, UInt64) COMMENT 'Ends that started in the first 15 seconds of the minute and may belong to a call of the minute before, count' CODEC(ZSTD(3)),
    EndsLate SimpleAggregateFunction(sum, UInt64) COMMENT 'Ends that started in the last 15 seconds of the minute and may belong to a call of the minute after, count' CODEC(ZSTD(3)),
    Producers SimpleAggregateFunction(sum, UInt64) COMMENT 'Ends of kind Producer, which later minutes may consume, count' CODEC(ZSTD(3))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toDate(Time)
ORDER BY (Time, ArrivedAt)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Spans per minute and time of arrival; add up rows of one key';

CREATE TABLE IF NOT EXISTS `otel`.`span_arrivals` ON CLUSTER `main`
AS `otel`.`span_arrivals_local`
ENGINE = Distributed('main', 'otel', 'span_arrivals_local', cityHash64(Time));

CREATE MATERIALIZED VIEW IF NOT EXISTS `otel`.`span_arrivals_mv_local` ON CLUSTER `main`
TO `otel`.`span_arrivals_local`
AS SELECT
    toStartOfMinute(toDateTime(Timestamp, 'UTC')) AS Time,
    toStartOfInterval(toDateTime(now(), 'UTC'), INTERVAL 10 SECOND) AS ArrivedAt,
    count() AS Spans,
    countIf(SpanKind IN ('Client', 'Server', 'Producer', 'Consumer')) AS Ends,
    countIf(SpanKind IN ('Client', 'Server', 'Producer', 'Consumer') AND toSecond(Timestamp) < 15) AS EndsEarly,
    countIf(SpanKind IN ('Client', 'Server', 'Producer', 'Consumer') AND toSecond(Timestamp) >= 45) AS EndsLate,
    countIf(SpanKind = 'Producer') AS Producers
FROM `otel`.`otel_traces_local`
GROUP BY Time, ArrivedAt
COMMENT 'Fills span_arrivals from otel_traces';

CREATE TABLE IF NOT EXISTS `otel`.`rollup_progress_local` ON CLUSTER `main`
(
    Job LowCardinality(String) COMMENT 'Name of the job' CODEC(ZSTD(3)),
    Window DateTime('UTC') COMMENT 'Start of the window that was computed, UTC' CODEC(Delta(4), ZSTD(3)),
    Version UInt64 COMMENT 'When the computation began, milliseconds since 1970; rows it wrote carry the same' CODEC(ZSTD(3)),
    Input UInt64 COMMENT 'How much input the window had then, count' CODEC(ZSTD(3)),
    Seconds Float64 COMMENT 'Time the computation took, seconds' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version)
PARTITION BY toDate(Window)
ORDER BY (Job, Window)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Computed windows per job; the row with the highest version counts';

CREATE TABLE IF NOT EXISTS `otel`.`rollup_progress` ON CLUSTER `main`
AS `otel`.`rollup_progress_local`
ENGINE = Distributed('main', 'otel', 'rollup_progress_local', cityHash64(Job));

CREATE TABLE IF NOT EXISTS `otel`.`service_edges_1m_computed_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute in which the calls began, UTC' CODEC(Delta(4), ZSTD(3)),
    Caller LowCardinality(String) COMMENT 'service.name of the caller, or user (a root), unknown, or a queue' CODEC(ZSTD(3)),
    CallerKind LowCardinality(String) COMMENT 'service, user (the trace begins at the callee), unknown (its span is missing) or messaging (a queue)' CODEC(ZSTD(3)),
    Callee LowCardinality(String) COMMENT 'service.name of the callee, or the name of what does not report itself' CODEC(ZSTD(3)),
    CalleeKind LowCardinality(String) COMMENT 'service, database, messaging or external' CODEC(ZSTD(3)),
    Protocol LowCardinality(String) COMMENT 'db.system.name, messaging.system, rpc.system or http as the caller has it; empty when unknown' CODEC(ZSTD(3)),
    Calls Float64 COMMENT 'Calls before sampling: sum of adjusted counts, the caller''s where it reported' CODEC(ZSTD(3)),
    Errors Float64 COMMENT 'Calls with status Error on the caller''s side, or on the callee''s where only that reported, count before sampling' CODEC(ZSTD(3)),
    CallerReported Float64 COMMENT 'Calls whose caller''s span is there, count before sampling' CODEC(ZSTD(3)),
    CalleeReported Float64 COMMENT 'Calls whose callee''s span is there, count before sampling; both sides are there for CallerReported + CalleeReported - Calls' CODEC(ZSTD(3)),
    DurationSum Float64 COMMENT 'Sum of durations as the caller saw them (as the callee did where only that reported), each times its adjusted count, nanoseconds' CODEC(ZSTD(3)),
    DurationMin UInt64 COMMENT 'Shortest duration, nanoseconds' CODEC(ZSTD(3)),
    DurationMax UInt64 COMMENT 'Longest duration, nanoseconds' CODEC(ZSTD(3)),
    CalleeDurationSum Float64 COMMENT 'Sum of durations as the callee saw them, over CalleeReported calls, nanoseconds' CODEC(ZSTD(3)),
    Sketch Map(Int16, Float64) COMMENT 'Calls per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the computation began, milliseconds since 1970' CODEC(ZSTD(3)),
    Gone UInt8 COMMENT '1 when a later computation no longer found this edge' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version, Gone)
PARTITION BY toDate(Time)
ORDER BY (Time, Caller, CallerKind, Callee, CalleeKind, Protocol)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Calls per minute and edge, all computations; read service_edges_1m';

CREATE TABLE IF NOT EXISTS `otel`.`service_edges_1m_computed` ON CLUSTER `main`
AS `otel`.`service_edges_1m_computed_local`
ENGINE = Distributed('main', 'otel', 'service_edges_1m_computed_local', cityHash64(Caller, Callee));

CREATE TABLE IF NOT EXISTS `otel`.`service_edges_1h_computed_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour in which the calls began, UTC' CODEC(Delta(4), ZSTD(3)),
    Caller LowCardinality(String) COMMENT 'service.name of the caller, or user (a root), unknown, or a queue' CODEC(ZSTD(3)),
    CallerKind LowCardinality(String) COMMENT 'service, user (the trace begins at the callee), unknown (its span is missing) or messaging (a queue)' CODEC(ZSTD(3)),
    Callee LowCardinality(String) COMMENT 'service.name of the callee, or the name of what does not report itself' CODEC(ZSTD(3)),
    CalleeKind LowCardinality(String) COMMENT 'service, database, messaging or external' CODEC(ZSTD(3)),
    Protocol LowCardinality(String) COMMENT 'db.system.name, messaging.system, rpc.system or http as the caller has it; empty when unknown' CODEC(ZSTD(3)),
    Calls Float64 COMMENT 'Calls before sampling: sum of adjusted counts, the caller''s where it reported' CODEC(ZSTD(3)),
    Errors Float64 COMMENT 'Calls with status Error on the caller''s side, or on the callee''s where only that reported, count before sampling' CODEC(ZSTD(3)),
    CallerReported Float64 COMMENT 'Calls whose caller''s span is there, count before sampling' CODEC(ZSTD(3)),
    CalleeReported Float64 COMMENT 'Calls whose callee''s span is there, count before sampling; both sides are there for CallerReported + CalleeReported - Calls' CODEC(ZSTD(3)),
    DurationSum Float64 COMMENT 'Sum of durations as the caller saw them (as the callee did where only that reported), each times its adjusted count, nanoseconds' CODEC(ZSTD(3)),
    DurationMin UInt64 COMMENT 'Shortest duration, nanoseconds' CODEC(ZSTD(3)),
    DurationMax UInt64 COMMENT 'Longest duration, nanoseconds' CODEC(ZSTD(3)),
    CalleeDurationSum Float64 COMMENT 'Sum of durations as the callee saw them, over CalleeReported calls, nanoseconds' CODEC(ZSTD(3)),
    Sketch Map(Int16, Float64) COMMENT 'Calls per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the computation began, milliseconds since 1970' CODEC(ZSTD(3)),
    Gone UInt8 COMMENT '1 when a later computation no longer found this edge' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version, Gone)
PARTITION BY toYYYYMM(Time)
ORDER BY (Time, Caller, CallerKind, Callee, CalleeKind, Protocol)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Calls per hour and edge, all computations; read service_edges_1h';

CREATE TABLE IF NOT EXISTS `otel`.`service_edges_1h_computed` ON CLUSTER `main`
AS `otel`.`service_edges_1h_computed_local`
ENGINE = Distributed('main', 'otel', 'service_edges_1h_computed_local', cityHash64(Caller, Callee));

CREATE TABLE IF NOT EXISTS `otel`.`service_edges_1d_computed_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the day in which the calls began, UTC' CODEC(Delta(4), ZSTD(3)),
    Caller LowCardinality(String) COMMENT 'service.name of the caller, or user (a root), unknown, or a queue' CODEC(ZSTD(3)),
    CallerKind LowCardinality(String) COMMENT 'service, user (the trace begins at the callee), unknown (its span is missing) or messaging (a queue)' CODEC(ZSTD(3)),
    Callee LowCardinality(String) COMMENT 'service.name of the callee, or the name of what does not report itself' CODEC(ZSTD(3)),
    CalleeKind LowCardinality(String) COMMENT 'service, database, messaging or external' CODEC(ZSTD(3)),
    Protocol LowCardinality(String) COMMENT 'db.system.name, messaging.system, rpc.system or http as the caller has it; empty when unknown' CODEC(ZSTD(3)),
    Calls Float64 COMMENT 'Calls before sampling: sum of adjusted counts, the caller''s where it reported' CODEC(ZSTD(3)),
    Errors Float64 COMMENT 'Calls with status Error on the caller''s side, or on the callee''s where only that reported, count before sampling' CODEC(ZSTD(3)),
    CallerReported Float64 COMMENT 'Calls whose caller''s span is there, count before sampling' CODEC(ZSTD(3)),
    CalleeReported Float64 COMMENT 'Calls whose callee''s span is there, count before sampling; both sides are there for CallerReported + CalleeReported - Calls' CODEC(ZSTD(3)),
    DurationSum Float64 COMMENT 'Sum of durations as the caller saw them (as the callee did where only that reported), each times its adjusted count, nanoseconds' CODEC(ZSTD(3)),
    DurationMin UInt64 COMMENT 'Shortest duration, nanoseconds' CODEC(ZSTD(3)),
    DurationMax UInt64 COMMENT 'Longest duration, nanoseconds' CODEC(ZSTD(3)),
    CalleeDurationSum Float64 COMMENT 'Sum of durations as the callee saw them, over CalleeReported calls, nanoseconds' CODEC(ZSTD(3)),
    Sketch Map(Int16, Float64) COMMENT 'Calls per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the computation began, milliseconds since 1970' CODEC(ZSTD(3)),
    Gone UInt8 COMMENT '1 when a later computation no longer found this edge' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version, Gone)
PARTITION BY toYYYYMM(Time)
ORDER BY (Time, Caller, CallerKind, Callee, CalleeKind, Protocol)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Calls per day and edge, all computations; read service_edges_1d';

CREATE TABLE IF NOT EXISTS `otel`.`service_edges_1d_computed` ON CLUSTER `main`
AS `otel`.`service_edges_1d_computed_local`
ENGINE = Distributed('main', 'otel', 'service_edges_1d_computed_local', cityHash64(Caller, Callee));

CREATE VIEW IF NOT EXISTS `otel`.`service_edges_1m` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute in which the calls began, UTC',
    Caller LowCardinality(String) COMMENT 'service.name of the caller, or user (a root), unknown, or a queue',
    CallerKind LowCardinality(String) COMMENT 'service, user (the trace begins at the callee), unknown (its span is missing) or messaging (a queue)',
    Callee LowCardinality(String) COMMENT 'service.name of the callee, or the name of what does not report itself',
    CalleeKind LowCardinality(String) COMMENT 'service, database, messaging or external',
    Protocol LowCardinality(String) COMMENT 'db.system.name, messaging.system, rpc.system or http as the caller has it; empty when unknown',
    Calls Float64 COMMENT 'Calls before sampling: sum of adjusted counts, the caller''s where it reported',
    Errors Float64 COMMENT 'Calls with status Error on the caller''s side, or on the callee''s where only that reported, count before sampling',
    CallerReported Float64 COMMENT 'Calls whose caller''s span is there, count before sampling',
    CalleeReported Float64 COMMENT 'Calls whose callee''s span is there, count before sampling; both sides are there for CallerReported + CalleeReported - Calls',
    DurationSum Float64 COMMENT 'Sum of durations as the caller saw them (as the callee did where only that reported), each times its adjusted count, nanoseconds',
    DurationMin UInt64 COMMENT 'Shortest duration, nanoseconds',
    DurationMax UInt64 COMMENT 'Longest duration, nanoseconds',
    CalleeDurationSum Float64 COMMENT 'Sum of durations as the callee saw them, over CalleeReported calls, nanoseconds',
    Sketch Map(Int16, Float64) COMMENT 'Calls per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %'
)
AS SELECT edge.* EXCEPT (Version, Gone) FROM `otel`.`service_edges_1m_computed` AS edge FINAL
COMMENT 'Calls per minute and edge, one row each';

CREATE VIEW IF NOT EXISTS `otel`.`service_edges_1h` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour in which the calls began, UTC',
    Caller LowCardinality(String) COMMENT 'service.name of the caller, or user (a root), unknown, or a queue',
    CallerKind LowCardinality(String) COMMENT 'service, user (the trace begins at the callee), unknown (its span is missing) or messaging (a queue)',
    Callee LowCardinality(String) COMMENT 'service.name of the callee, or the name of what does not report itself',
    CalleeKind LowCardinality(String) COMMENT 'service, database, messaging or external',
    Protocol LowCardinality(String) COMMENT 'db.system.name, messaging.system, rpc.system or http as the caller has it; empty when unknown',
    Calls Float64 COMMENT 'Calls before sampling: sum of adjusted counts, the caller''s where it reported',
    Errors Float64 COMMENT 'Calls with status Error on the caller''s side, or on the callee''s where only that reported, count before sampling',
    CallerReported Float64 COMMENT 'Calls whose caller''s span is there, count before sampling',
    CalleeReported Float64 COMMENT 'Calls whose callee''s span is there, count before sampling; both sides are there for CallerReported + CalleeReported - Calls',
    DurationSum Float64 COMMENT 'Sum of durations as the caller saw them (as the callee did where only that reported), each times its adjusted count, nanoseconds',
    DurationMin UInt64 COMMENT 'Shortest duration, nanoseconds',
    DurationMax UInt64 COMMENT 'Longest duration, nanoseconds',
    CalleeDurationSum Float64 COMMENT 'Sum of durations as the callee saw them, over CalleeReported calls, nanoseconds',
    Sketch Map(Int16, Float64) COMMENT 'Calls per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %'
)
AS SELECT edge.* EXCEPT (Version, Gone) FROM `otel`.`service_edges_1h_computed` AS edge FINAL
COMMENT 'Calls per hour and edge, one row each';

CREATE VIEW IF NOT EXISTS `otel`.`service_edges_1d` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the day in which the calls began, UTC',
    Caller LowCardinality(String) COMMENT 'service.name of the caller, or user (a root), unknown, or a queue',
    CallerKind LowCardinality(String) COMMENT 'service, user (the trace begins at the callee), unknown (its span is missing) or messaging (a queue)',
    Callee LowCardinality(String) COMMENT 'service.name of the callee, or the name of what does not report itself',
    CalleeKind LowCardinality(String) COMMENT 'service, database, messaging or external',
    Protocol LowCardinality(String) COMMENT 'db.system.name, messaging.system, rpc.system or http as the caller has it; empty when unknown',
    Calls Float64 COMMENT 'Calls before sampling: sum of adjusted counts, the caller''s where it reported',
    Errors Float64 COMMENT 'Calls with status Error on the caller''s side, or on the callee''s where only that reported, count before sampling',
    CallerReported Float64 COMMENT 'Calls whose caller''s span is there, count before sampling',
    CalleeReported Float64 COMMENT 'Calls whose callee''s span is there, count before sampling; both sides are there for CallerReported + CalleeReported - Calls',
    DurationSum Float64 COMMENT 'Sum of durations as the caller saw them (as the callee did where only that reported), each times its adjusted count, nanoseconds',
    DurationMin UInt64 COMMENT 'Shortest duration, nanoseconds',
    DurationMax UInt64 COMMENT 'Longest duration, nanoseconds',
    CalleeDurationSum Float64 COMMENT 'Sum of durations as the callee saw them, over CalleeReported calls, nanoseconds',
    Sketch Map(Int16, Float64) COMMENT 'Calls per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %'
)
AS SELECT edge.* EXCEPT (Version, Gone) FROM `otel`.`service_edges_1d_computed` AS edge FINAL
COMMENT 'Calls per day and edge, one row each';

CREATE VIEW IF NOT EXISTS `otel`.`service_dependencies` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute in which the calls began, UTC',
    Caller LowCardinality(String) COMMENT 'service.name of the caller, or user (a root), unknown, or a queue',
    CallerKind LowCardinality(String) COMMENT 'service, user (the trace begins at the callee), unknown (its span is missing) or messaging (a queue)',
    Callee LowCardinality(String) COMMENT 'service.name of the callee, or the name of what does not report itself',
    CalleeKind LowCardinality(String) COMMENT 'service, database, messaging or external',
    Protocol LowCardinality(String) COMMENT 'db.system.name, messaging.system, rpc.system or http as the caller has it; empty when unknown',
    calls Float64 COMMENT 'Calls, count before sampling',
    rps Float64 COMMENT 'Calls per second of a whole minute',
    errors Float64 COMMENT 'Calls with status Error, count before sampling',
    error_rate Float64 COMMENT 'Share of calls with status Error, 0 to 1',
    p50 Float64 COMMENT 'Duration that 50 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p90 Float64 COMMENT 'Duration that 90 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p95 Float64 COMMENT 'Duration that 95 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p99 Float64 COMMENT 'Duration that 99 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    avg Float64 COMMENT 'Mean duration, milliseconds',
    min Float64 COMMENT 'Shortest duration, milliseconds',
    max Float64 COMMENT 'Longest duration, milliseconds',
    one_sided Float64 COMMENT 'Calls of which only one side reported, count before sampling'
)
AS WITH
    edge.Sketch AS sketch,
    arrayCumSum(mapValues(sketch)) AS below,
    arrayMap(q -> mapKeys(sketch)[arrayFirstIndex(c -> c >= q * below[-1], below)], [0.5, 0.9, 0.95, 0.99]) AS buckets,
    arrayMap(b -> least(toFloat64(edge.DurationMax), greatest(toFloat64(edge.DurationMin), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)), buckets) AS p
SELECT
    edge.Time AS Time, edge.Caller AS Caller, edge.CallerKind AS CallerKind, edge.Callee AS Callee,
    edge.CalleeKind AS CalleeKind, edge.Protocol AS Protocol,
    edge.Calls AS calls, edge.Calls / 60 AS rps, edge.Errors AS errors, edge.Errors / edge.Calls AS error_rate,
    p[1] / 1e6 AS p50, p[2] / 1e6 AS p90, p[3] / 1e6 AS p95, p[4] / 1e6 AS p99,
    edge.DurationSum / edge.Calls / 1e6 AS avg, edge.DurationMin / 1e6 AS min, edge.DurationMax / 1e6 AS max,
    2 * edge.Calls - edge.CallerReported - edge.CalleeReported AS one_sided
FROM `otel`.`service_edges_1m_computed` AS edge FINAL
COMMENT 'Calls between services per minute: rate, errors and durations (milliseconds)';

CREATE VIEW IF NOT EXISTS `otel`.`service_dependencies_1h` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour in which the calls began, UTC',
    Caller LowCardinality(String) COMMENT 'service.name of the caller, or user (a root), unknown, or a queue',
    CallerKind LowCardinality(String) COMMENT 'service, user (the trace begins at the callee), unknown (its span is missing) or messaging (a queue)',
    Callee LowCardinality(String) COMMENT 'service.name of the callee, or the name of what does not report itself',
    CalleeKind LowCardinality(String) COMMENT 'service, database, messaging or external',
    Protocol LowCardinality(String) COMMENT 'db.system.name, messaging.system, rpc.system or http as the caller has it; empty when unknown',
    calls Float64 COMMENT 'Calls, count before sampling',
    rps Float64 COMMENT 'Calls per second of a whole hour',
    errors Float64 COMMENT 'Calls with status Error, count before sampling',
    error_rate Float64 COMMENT 'Share of calls with status Error, 0 to 1',
    p50 Float64 COMMENT 'Duration that 50 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p90 Float64 COMMENT 'Duration that 90 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p95 Float64 COMMENT 'Duration that 95 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p99 Float64 COMMENT 'Duration that 99 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    avg Float64 COMMENT 'Mean duration, milliseconds',
    min Float64 COMMENT 'Shortest duration, milliseconds',
    max Float64 COMMENT 'Longest duration, milliseconds',
    one_sided Float64 COMMENT 'Calls of which only one side reported, count before sampling'
)
AS WITH
    edge.Sketch AS sketch,
    arrayCumSum(mapValues(sketch)) AS below,
    arrayMap(q -> mapKeys(sketch)[arrayFirstIndex(c -> c >= q * below[-1], below)], [0.5, 0.9, 0.95, 0.99]) AS buckets,
    arrayMap(b -> least(toFloat64(edge.DurationMax), greatest(toFloat64(edge.DurationMin), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)), buckets) AS p
SELECT
    edge.Time AS Time, edge.Caller AS Caller, edge.CallerKind AS CallerKind, edge.Callee AS Callee,
    edge.CalleeKind AS CalleeKind, edge.Protocol AS Protocol,
    edge.Calls AS calls, edge.Calls / 3600 AS rps, edge.Errors AS errors, edge.Errors / edge.Calls AS error_rate,
    p[1] / 1e6 AS p50, p[2] / 1e6 AS p90, p[3] / 1e6 AS p95, p[4] / 1e6 AS p99,
    edge.DurationSum / edge.Calls / 1e6 AS avg, edge.DurationMin / 1e6 AS min, edge.DurationMax / 1e6 AS max,
    2 * edge.Calls - edge.CallerReported - edge.CalleeReported AS one_sided
FROM `otel`.`service_edges_1h_computed` AS edge FINAL
COMMENT 'Calls between services per hour: rate, errors and durations (milliseconds)';

CREATE VIEW IF NOT EXISTS `otel`.`service_dependencies_1d` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the day in which the calls began, UTC',
    Caller LowCardinality(String) COMMENT 'service.name of the caller, or user (a root), unknown, or a queue',
    CallerKind LowCardinality(String) COMMENT 'service, user (the trace begins at the callee), unknown (its span is missing) or messaging (a queue)',
    Callee LowCardinality(String) COMMENT 'service.name of the callee, or the name of what does not report itself',
    CalleeKind LowCardinality(String) COMMENT 'service, database, messaging or external',
    Protocol LowCardinality(String) COMMENT 'db.system.name, messaging.system, rpc.system or http as the caller has it; empty when unknown',
    calls Float64 COMMENT 'Calls, count before sampling',
    rps Float64 COMMENT 'Calls per second of a whole day',
    errors Float64 COMMENT 'Calls with status Error, count before sampling',
    error_rate Float64 COMMENT 'Share of calls with status Error, 0 to 1',
    p50 Float64 COMMENT 'Duration that 50 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p90 Float64 COMMENT 'Duration that 90 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p95 Float64 COMMENT 'Duration that 95 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p99 Float64 COMMENT 'Duration that 99 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    avg Float64 COMMENT 'Mean duration, milliseconds',
    min Float64 COMMENT 'Shortest duration, milliseconds',
    max Float64 COMMENT 'Longest duration, milliseconds',
    one_sided Float64 COMMENT 'Calls of which only one side reported, count before sampling'
)
AS WITH
    edge.Sketch AS sketch,
    arrayCumSum(mapValues(sketch)) AS below,
    arrayMap(q -> mapKeys(sketch)[arrayFirstIndex(c -> c >= q * below[-1], below)], [0.5, 0.9, 0.95, 0.99]) AS buckets,
    arrayMap(b -> least(toFloat64(edge.DurationMax), greatest(toFloat64(edge.DurationMin), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)), buckets) AS p
SELECT
    edge.Time AS Time, edge.Caller AS Caller, edge.CallerKind AS CallerKind, edge.Callee AS Callee,
    edge.CalleeKind AS CalleeKind, edge.Protocol AS Protocol,
    edge.Calls AS calls, edge.Calls / 86400 AS rps, edge.Errors AS errors, edge.Errors / edge.Calls AS error_rate,
    p[1] / 1e6 AS p50, p[2] / 1e6 AS p90, p[3] / 1e6 AS p95, p[4] / 1e6 AS p99,
    edge.DurationSum / edge.Calls / 1e6 AS avg, edge.DurationMin / 1e6 AS min, edge.DurationMax / 1e6 AS max,
    2 * edge.Calls - edge.CallerReported - edge.CalleeReported AS one_sided
FROM `otel`.`service_edges_1d_computed` AS edge FINAL
COMMENT 'Calls between services per day: rate, errors and durations (milliseconds)';

CREATE VIEW IF NOT EXISTS `otel`.`service_map` ON CLUSTER `main`
(
    Caller LowCardinality(String) COMMENT 'service.name of the caller, or user (a root), unknown, or a queue',
    CallerKind LowCardinality(String) COMMENT 'service, user (the trace begins at the callee), unknown (its span is missing) or messaging (a queue)',
    Callee LowCardinality(String) COMMENT 'service.name of the callee, or the name of what does not report itself',
    CalleeKind LowCardinality(String) COMMENT 'service, database, messaging or external',
    Protocol LowCardinality(String) COMMENT 'db.system.name, messaging.system, rpc.system or http as the caller has it; empty when unknown',
    calls Float64 COMMENT 'Calls, count before sampling',
    rps Float64 COMMENT 'Calls per second, over an hour',
    errors Float64 COMMENT 'Calls with status Error, count before sampling',
    error_rate Float64 COMMENT 'Share of calls with status Error, 0 to 1',
    p50 Float64 COMMENT 'Duration that 50 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p90 Float64 COMMENT 'Duration that 90 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p95 Float64 COMMENT 'Duration that 95 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    p99 Float64 COMMENT 'Duration that 99 % of calls do not exceed as the caller saw it, milliseconds, right to 0.9902 %',
    avg Float64 COMMENT 'Mean duration, milliseconds',
    min Float64 COMMENT 'Shortest duration, milliseconds',
    max Float64 COMMENT 'Longest duration, milliseconds',
    one_sided Float64 COMMENT 'Calls of which only one side reported, count before sampling'
)
AS WITH
    sumMap(edge.Sketch) AS sketch,
    arrayCumSum(mapValues(sketch)) AS below,
    arrayMap(q -> mapKeys(sketch)[arrayFirstIndex(c -> c >= q * below[-1], below)], [0.5, 0.9, 0.95, 0.99]) AS buckets,
    arrayMap(b -> least(toFloat64(max(edge.DurationMax)), greatest(toFloat64(min(edge.DurationMin)), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)), buckets) AS p
SELECT
    edge.Caller AS Caller, edge.CallerKind AS CallerKind, edge.Callee AS Callee,
    edge.CalleeKind AS CalleeKind, edge.Protocol AS Protocol,
    sum(edge.Calls) AS calls, sum(edge.Calls) / 3600 AS rps, sum(edge.Errors) AS errors, sum(edge.Errors) / sum(edge.Calls) AS error_rate,
    p[1] / 1e6 AS p50, p[2] / 1e6 AS p90, p[3] / 1e6 AS p95, p[4] / 1e6 AS p99,
    sum(edge.DurationSum) / sum(edge.Calls) / 1e6 AS avg, min(edge.DurationMin) / 1e6 AS min, max(edge.DurationMax) / 1e6 AS max,
    2 * sum(edge.Calls) - sum(edge.CallerReported) - sum(edge.CalleeReported) AS one_sided
FROM `otel`.`service_edges_1m_computed` AS edge FINAL
WHERE edge.Time >= toStartOfMinute(now()) - 3600 AND edge.Time < toStartOfMinute(now())
GROUP BY edge.Caller, edge.CallerKind, edge.Callee, edge.CalleeKind, edge.Protocol
COMMENT 'Calls between services in the last 60 whole minutes, one row per edge; its last minute is still empty for half a minute';

CREATE TABLE IF NOT EXISTS `otel`.`service_instances_local` ON CLUSTER `main`
(
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    Namespace LowCardinality(String) COMMENT 'Resource attribute service.namespace' CODEC(ZSTD(3)),
    Environment LowCardinality(String) COMMENT 'Resource attribute deployment.environment.name, else deployment.environment' CODEC(ZSTD(3)),
    Version LowCardinality(String) COMMENT 'Resource attribute service.version' CODEC(ZSTD(3)),
    Instance String COMMENT 'Resource attribute service.instance.id, else k8s.pod.name, else host.name' CODEC(ZSTD(3)),
    Language LowCardinality(String) COMMENT 'Resource attribute telemetry.sdk.language' CODEC(ZSTD(3)),
    Sdk LowCardinality(String) COMMENT 'Resource attributes telemetry.sdk.name and telemetry.sdk.version' CODEC(ZSTD(3)),
    Month Date COMMENT 'First day of the month in which it was seen, UTC' CODEC(ZSTD(3)),
    FirstSeen SimpleAggregateFunction(min, DateTime('UTC')) COMMENT 'Start of its first span in the month, UTC' CODEC(ZSTD(3)),
    LastSeen SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'Start of its last span in the month, UTC' CODEC(ZSTD(3))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(LastSeen)
ORDER BY (ServiceName, Namespace, Environment, Version, Instance, Language, Sdk, Month)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Instances of services by month; several rows until parts are merged, so take min and max';

CREATE TABLE IF NOT EXISTS `otel`.`service_instances` ON CLUSTER `main`
AS `otel`.`service_instances_local`
ENGINE = Distributed('main', 'otel', 'service_instances_local', cityHash64(ServiceName));

CREATE VIEW IF NOT EXISTS `otel`.`service_inventory` ON CLUSTER `main`
(
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    Namespace LowCardinality(String) COMMENT 'Resource attribute service.namespace',
    Environment LowCardinality(String) COMMENT 'Resource attribute deployment.environment.name, else deployment.environment',
    version LowCardinality(String) COMMENT 'Version that was seen last',
    versions Array(LowCardinality(String)) COMMENT 'Versions ever seen, in order of first appearance',
    instances UInt64 COMMENT 'Instances seen within 10 minutes before the last span of the service, count',
    instances_ever UInt64 COMMENT 'Instances ever seen, count',
    languages Array(LowCardinality(String)) COMMENT 'Languages of its SDKs, sorted',
    sdks Array(LowCardinality(String)) COMMENT 'Its SDKs with version, sorted',
    first_seen DateTime('UTC') COMMENT 'Start of the first span, UTC',
    last_seen DateTime('UTC') COMMENT 'Start of the last span, UTC'
)
AS SELECT
    it.ServiceName AS ServiceName, it.Namespace AS Namespace, it.Environment AS Environment,
    argMax(it.Version, it.LastSeen) AS version,
    arrayDistinct(arrayMap(x -> x.2, arraySort(groupUniqArray((it.FirstSeen, it.Version))))) AS versions,
    length(arrayDistinct(arrayMap(x -> x.1, arrayFilter(x -> x.2 >= last_seen - 600, groupArray((it.Instance, it.LastSeen)))))) AS instances,
    uniqExact(it.Instance) AS instances_ever,
    arraySort(groupUniqArrayIf(it.Language, it.Language != '')) AS languages,
    arraySort(groupUniqArrayIf(it.Sdk, it.Sdk != '')) AS sdks,
    min(it.FirstSeen) AS first_seen, max(it.LastSeen) AS last_seen
FROM `otel`.`service_instances` AS it
GROUP BY it.ServiceName, it.Namespace, it.Environment
COMMENT 'Services by namespace and environment with their versions and instances';
