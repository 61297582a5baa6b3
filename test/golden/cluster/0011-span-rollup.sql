CREATE TABLE IF NOT EXISTS `otel`.`span_rollup_1m_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute in which the spans started, UTC' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    SpanKind LowCardinality(String) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer' CODEC(ZSTD(3)),
    SpanName LowCardinality(String) COMMENT 'Name of the operation' CODEC(ZSTD(3)),
    HttpRoute LowCardinality(String) COMMENT 'Span attribute http.route; empty when missing' CODEC(ZSTD(3)),
    StatusCode LowCardinality(String) COMMENT 'Unset, Ok or Error' CODEC(ZSTD(3)),
    ResponseCode LowCardinality(String) COMMENT 'Span attribute http.response.status_code, http.status_code, rpc.grpc.status_code or rpc.response.status_code, whichever comes first; empty when missing' CODEC(ZSTD(3)),
    Requests SimpleAggregateFunction(sum, Float64) COMMENT 'Spans before sampling: sum of their adjusted counts' CODEC(ZSTD(3)),
    Errors SimpleAggregateFunction(sum, Float64) COMMENT 'Requests with status Error, count before sampling' CODEC(ZSTD(3)),
    Timeouts SimpleAggregateFunction(sum, Float64) COMMENT 'Requests that ended by a timeout, count before sampling: HTTP 408 or 504, gRPC 4 (DEADLINE_EXCEEDED), or timeout or deadline in error.type or, with status Error, in the type of an exception event' CODEC(ZSTD(3)),
    DurationSum SimpleAggregateFunction(sum, Float64) COMMENT 'Sum of durations, each times its adjusted count, nanoseconds' CODEC(ZSTD(3)),
    DurationMin SimpleAggregateFunction(min, UInt64) COMMENT 'Shortest duration, nanoseconds' CODEC(ZSTD(3)),
    DurationMax SimpleAggregateFunction(max, UInt64) COMMENT 'Longest duration, nanoseconds' CODEC(ZSTD(3)),
    Sketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Requests per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    Spans SimpleAggregateFunction(sum, UInt64) COMMENT 'Spans that are stored, count after sampling' CODEC(ZSTD(3)),
    FirstTime SimpleAggregateFunction(min, DateTime('UTC')) COMMENT 'Start of the first span, UTC, whole seconds rounded down' CODEC(Delta(4), ZSTD(3)),
    LastTime SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'Start of the last span, UTC, whole seconds rounded down' CODEC(Delta(4), ZSTD(3))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toDate(Time)
ORDER BY (ServiceName, SpanKind, SpanName, HttpRoute, StatusCode, ResponseCode, Time)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Requests per minute, service and operation; add up rows of one key';

CREATE TABLE IF NOT EXISTS `otel`.`span_rollup_1m` ON CLUSTER `main`
AS `otel`.`span_rollup_1m_local`
ENGINE = Distributed('main', 'otel', 'span_rollup_1m_local', cityHash64(ServiceName));

CREATE TABLE IF NOT EXISTS `otel`.`span_rollup_1h_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour in which the spans started, UTC' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    SpanKind LowCardinality(String) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer' CODEC(ZSTD(3)),
    SpanName LowCardinality(String) COMMENT 'Name of the operation' CODEC(ZSTD(3)),
    HttpRoute LowCardinality(String) COMMENT 'Span attribute http.route; empty when missing' CODEC(ZSTD(3)),
    StatusCode LowCardinality(String) COMMENT 'Unset, Ok or Error' CODEC(ZSTD(3)),
    ResponseCode LowCardinality(String) COMMENT 'Span attribute http.response.status_code, http.status_code, rpc.grpc.status_code or rpc.response.status_code, whichever comes first; empty when missing' CODEC(ZSTD(3)),
    Requests SimpleAggregateFunction(sum, Float64) COMMENT 'Spans before sampling: sum of their adjusted counts' CODEC(ZSTD(3)),
    Errors SimpleAggregateFunction(sum, Float64) COMMENT 'Requests with status Error, count before sampling' CODEC(ZSTD(3)),
    Timeouts SimpleAggregateFunction(sum, Float64) COMMENT 'Requests that ended by a timeout, count before sampling: HTTP 408 or 504, gRPC 4 (DEADLINE_EXCEEDED), or timeout or deadline in error.type or, with status Error, in the type of an exception event' CODEC(ZSTD(3)),
    DurationSum SimpleAggregateFunction(sum, Float64) COMMENT 'Sum of durations, each times its adjusted count, nanoseconds' CODEC(ZSTD(3)),
    DurationMin SimpleAggregateFunction(min, UInt64) COMMENT 'Shortest duration, nanoseconds' CODEC(ZSTD(3)),
    DurationMax SimpleAggregateFunction(max, UInt64) COMMENT 'Longest duration, nanoseconds' CODEC(ZSTD(3)),
    Sketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Requests per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    Spans SimpleAggregateFunction(sum, UInt64) COMMENT 'Spans that are stored, count after sampling' CODEC(ZSTD(3)),
    FirstTime SimpleAggregateFunction(min, DateTime('UTC')) COMMENT 'Start of the first span, UTC, whole seconds rounded down' CODEC(Delta(4), ZSTD(3)),
    LastTime SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'Start of the last span, UTC, whole seconds rounded down' CODEC(Delta(4), ZSTD(3))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(Time)
ORDER BY (ServiceName, SpanKind, SpanName, HttpRoute, StatusCode, ResponseCode, Time)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Requests per hour, service and operation; add up rows of one key';

CREATE TABLE IF NOT EXISTS `otel`.`span_rollup_1h` ON CLUSTER `main`
AS `otel`.`span_rollup_1h_local`
ENGINE = Distributed('main', 'otel', 'span_rollup_1h_local', cityHash64(ServiceName));

CREATE TABLE IF NOT EXISTS `otel`.`span_rollup_1d_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the day in which the spans started, UTC' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    SpanKind LowCardinality(String) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer' CODEC(ZSTD(3)),
    SpanName LowCardinality(String) COMMENT 'Name of the operation' CODEC(ZSTD(3)),
    HttpRoute LowCardinality(String) COMMENT 'Span attribute http.route; empty when missing' CODEC(ZSTD(3)),
    StatusCode LowCardinality(String) COMMENT 'Unset, Ok or Error' CODEC(ZSTD(3)),
    ResponseCode LowCardinality(String) COMMENT 'Span attribute http.response.status_code, http.status_code, rpc.grpc.status_code or rpc.response.status_code, whichever comes first; empty when missing' CODEC(ZSTD(3)),
    Requests SimpleAggregateFunction(sum, Float64) COMMENT 'Spans before sampling: sum of their adjusted counts' CODEC(ZSTD(3)),
    Errors SimpleAggregateFunction(sum, Float64) COMMENT 'Requests with status Error, count before sampling' CODEC(ZSTD(3)),
    Timeouts SimpleAggregateFunction(sum, Float64) COMMENT 'Requests that ended by a timeout, count before sampling: HTTP 408 or 504, gRPC 4 (DEADLINE_EXCEEDED), or timeout or deadline in error.type or, with status Error, in the type of an exception event' CODEC(ZSTD(3)),
    DurationSum SimpleAggregateFunction(sum, Float64) COMMENT 'Sum of durations, each times its adjusted count, nanoseconds' CODEC(ZSTD(3)),
    DurationMin SimpleAggregateFunction(min, UInt64) COMMENT 'Shortest duration, nanoseconds' CODEC(ZSTD(3)),
    DurationMax SimpleAggregateFunction(max, UInt64) COMMENT 'Longest duration, nanoseconds' CODEC(ZSTD(3)),
    Sketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Requests per logarithmic bucket of their duration, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    Spans SimpleAggregateFunction(sum, UInt64) COMMENT 'Spans that are stored, count after sampling' CODEC(ZSTD(3)),
    FirstTime SimpleAggregateFunction(min, DateTime('UTC')) COMMENT 'Start of the first span, UTC, whole seconds rounded down' CODEC(Delta(4), ZSTD(3)),
    LastTime SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'Start of the last span, UTC, whole seconds rounded down' CODEC(Delta(4), ZSTD(3))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(Time)
ORDER BY (ServiceName, SpanKind, SpanName, HttpRoute, StatusCode, ResponseCode, Time)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Requests per day, service and operation; add up rows of one key';

CREATE TABLE IF NOT EXISTS `otel`.`span_rollup_1d` ON CLUSTER `main`
AS `otel`.`span_rollup_1d_local`
ENGINE = Distributed('main', 'otel', 'span_rollup_1d_local', cityHash64(ServiceName));

CREATE MATERIALIZED VIEW IF NOT EXISTS `otel`.`span_rollup_1m_mv_local` ON CLUSTER `main`
TO `otel`.`span_rollup_1m_local`
AS WITH
    SpanAttributes.values[arrayFirstIndex(key -> key IN ('http.response.status_code', 'http.status_code', 'rpc.grpc.status_code', 'rpc.response.status_code'), SpanAttributes.keys)] AS Code,
    ['timeout', 'timedout', 'timed_out', 'deadline'] AS TimeoutWords,
    Code IN ('408', '504', '4', 'DEADLINE_EXCEEDED')
        OR multiSearchAnyCaseInsensitive(SpanAttributes['error.type'], TimeoutWords)
        OR (StatusCode = 'Error' AND arrayExists(event -> multiSearchAnyCaseInsensitive(event['exception.type'], TimeoutWords), `Events.Attributes`)) AS TimedOut
SELECT
    toStartOfMinute(Timestamp) AS Time,
    ServiceName,
    SpanKind,
    SpanName,
    SpanAttributes['http.route'] AS HttpRoute,
    StatusCode,
    Code AS ResponseCode,
    sum(AdjustedCount) AS Requests,
    sumIf(AdjustedCount, StatusCode = 'Error') AS Errors,
    sumIf(AdjustedCount, TimedOut) AS Timeouts,
    sum(Duration * AdjustedCount) AS DurationSum,
    min(Duration) AS DurationMin,
    max(Duration) AS DurationMax,
    sumMap(map(toInt16(sign(Duration) * (16380 + ceil(log2(abs(Duration) + (Duration = 0)) * 35))), AdjustedCount)) AS Sketch,
    count() AS Spans,
    toDateTime(min(Timestamp)) AS FirstTime,
    toDateTime(max(Timestamp)) AS LastTime
FROM `otel`.`otel_traces_local`
GROUP BY Time, ServiceName, SpanKind, SpanName, HttpRoute, StatusCode, ResponseCode
COMMENT 'Fills span_rollup_1m from otel_traces';

CREATE MATERIALIZED VIEW IF NOT EXISTS `otel`.`span_rollup_1h_mv_local` ON CLUSTER `main`
TO `otel`.`span_rollup_1h_local`
AS SELECT
    toStartOfHour(it.Time) AS Time,
    it.ServiceName AS ServiceName,
    it.SpanKind AS SpanKind,
    it.SpanName AS SpanName,
    it.HttpRoute AS HttpRoute,
    it.StatusCode AS StatusCode,
    it.ResponseCode AS ResponseCode,
    sum(it.Requests) AS Requests,
    sum(it.Errors) AS Errors,
    sum(it.Timeouts) AS Timeouts,
    sum(it.DurationSum) AS DurationSum,
    min(it.DurationMin) AS DurationMin,
    max(it.DurationMax) AS DurationMax,
    sumMap(it.Sketch) AS Sketch,
    sum(it.Spans) AS Spans,
    min(it.FirstTime) AS FirstTime,
    max(it.LastTime) AS LastTime
FROM `otel`.`span_rollup_1m_local` AS it
GROUP BY ALL
COMMENT 'Fills span_rollup_1h from span_rollup_1m';

CREATE MATERIALIZED VIEW IF NOT EXISTS `otel`.`span_rollup_1d_mv_local` ON CLUSTER `main`
TO `otel`.`span_rollup_1d_local`
AS SELECT
    toStartOfDay(it.Time) AS Time,
    it.ServiceName AS ServiceName,
    it.SpanKind AS SpanKind,
    it.SpanName AS SpanName,
    it.HttpRoute AS HttpRoute,
    it.StatusCode AS StatusCode,
    it.ResponseCode AS ResponseCode,
    sum(it.Requests) AS Requests,
    sum(it.Errors) AS Errors,
    sum(it.Timeouts) AS Timeouts,
    sum(it.DurationSum) AS DurationSum,
    min(it.DurationMin) AS DurationMin,
    max(it.DurationMax) AS DurationMax,
    sumMap(it.Sketch) AS Sketch,
    sum(it.Spans) AS Spans,
    min(it.FirstTime) AS FirstTime,
    max(it.LastTime) AS LastTime
FROM `otel`.`span_rollup_1h_local` AS it
GROUP BY ALL
COMMENT 'Fills span_rollup_1d from span_rollup_1h';

CREATE VIEW IF NOT EXISTS `otel`.`request_metrics` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    SpanKind LowCardinality(String) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer; a service answers in Server and Consumer spans',
    requests Float64 COMMENT 'Requests, count before sampling',
    rps Float64 COMMENT 'Requests per second of a whole minute',
    errors Float64 COMMENT 'Requests with status Error, count before sampling',
    error_rate Float64 COMMENT 'Share of requests with status Error, 0 to 1',
    errors_by_code Map(LowCardinality(String), Float64) COMMENT 'Requests with status Error by HTTP or gRPC status (empty when missing), count before sampling',
    timeouts Float64 COMMENT 'Requests that ended by a timeout, count before sampling',
    p50 Float64 COMMENT 'Duration that 50 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p90 Float64 COMMENT 'Duration that 90 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p95 Float64 COMMENT 'Duration that 95 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p99 Float64 COMMENT 'Duration that 99 % of requests do not exceed, milliseconds, right to 0.9902 %',
    avg Float64 COMMENT 'Mean duration, milliseconds',
    min Float64 COMMENT 'Shortest duration, milliseconds',
    max Float64 COMMENT 'Longest duration, milliseconds'
)
AS WITH
    sumMap(r.Sketch) AS sketch,
    arrayCumSum(mapValues(sketch)) AS below,
    arrayMap(q -> mapKeys(sketch)[arrayFirstIndex(c -> c >= q * below[-1], below)], [0.5, 0.9, 0.95, 0.99]) AS buckets,
    arrayMap(b -> least(toFloat64(max(r.DurationMax)), greatest(toFloat64(min(r.DurationMin)), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.SpanKind AS SpanKind,
    sum(r.Requests) AS requests,
    sum(r.Requests) / 60 AS rps,
    sum(r.Errors) AS errors,
    sum(r.Errors) / sum(r.Requests) AS error_rate,
    sumMapIf(map(r.ResponseCode, r.Errors), r.Errors > 0) AS errors_by_code,
    sum(r.Timeouts) AS timeouts,
    p[1] / 1e6 AS p50,
    p[2] / 1e6 AS p90,
    p[3] / 1e6 AS p95,
    p[4] / 1e6 AS p99,
    sum(r.DurationSum) / sum(r.Requests) / 1e6 AS avg,
    min(r.DurationMin) / 1e6 AS min,
    max(r.DurationMax) / 1e6 AS max
FROM `otel`.`span_rollup_1m` AS r
GROUP BY r.Time, r.ServiceName, r.SpanKind
COMMENT 'Requests per minute, service and kind: rate, errors, timeouts and durations (milliseconds)';

CREATE VIEW IF NOT EXISTS `otel`.`request_metrics_1h` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    SpanKind LowCardinality(String) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer; a service answers in Server and Consumer spans',
    requests Float64 COMMENT 'Requests, count before sampling',
    rps Float64 COMMENT 'Requests per second of a whole hour',
    errors Float64 COMMENT 'Requests with status Error, count before sampling',
    error_rate Float64 COMMENT 'Share of requests with status Error, 0 to 1',
    errors_by_code Map(LowCardinality(String), Float64) COMMENT 'Requests with status Error by HTTP or gRPC status (empty when missing), count before sampling',
    timeouts Float64 COMMENT 'Requests that ended by a timeout, count before sampling',
    p50 Float64 COMMENT 'Duration that 50 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p90 Float64 COMMENT 'Duration that 90 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p95 Float64 COMMENT 'Duration that 95 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p99 Float64 COMMENT 'Duration that 99 % of requests do not exceed, milliseconds, right to 0.9902 %',
    avg Float64 COMMENT 'Mean duration, milliseconds',
    min Float64 COMMENT 'Shortest duration, milliseconds',
    max Float64 COMMENT 'Longest duration, milliseconds'
)
AS WITH
    sumMap(r.Sketch) AS sketch,
    arrayCumSum(mapValues(sketch)) AS below,
    arrayMap(q -> mapKeys(sketch)[arrayFirstIndex(c -> c >= q * below[-1], below)], [0.5, 0.9, 0.95, 0.99]) AS buckets,
    arrayMap(b -> least(toFloat64(max(r.DurationMax)), greatest(toFloat64(min(r.DurationMin)), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.SpanKind AS SpanKind,
    sum(r.Requests) AS requests,
    sum(r.Requests) / 3600 AS rps,
    sum(r.Errors) AS errors,
    sum(r.Errors) / sum(r.Requests) AS error_rate,
    sumMapIf(map(r.ResponseCode, r.Errors), r.Errors > 0) AS errors_by_code,
    sum(r.Timeouts) AS timeouts,
    p[1] / 1e6 AS p50,
    p[2] / 1e6 AS p90,
    p[3] / 1e6 AS p95,
    p[4] / 1e6 AS p99,
    sum(r.DurationSum) / sum(r.Requests) / 1e6 AS avg,
    min(r.DurationMin) / 1e6 AS min,
    max(r.DurationMax) / 1e6 AS max
FROM `otel`.`span_rollup_1h` AS r
GROUP BY r.Time, r.ServiceName, r.SpanKind
COMMENT 'Requests per hour, service and kind: rate, errors, timeouts and durations (milliseconds)';

CREATE VIEW IF NOT EXISTS `otel`.`request_metrics_1d` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the day, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    SpanKind LowCardinality(String) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer; a service answers in Server and Consumer spans',
    requests Float64 COMMENT 'Requests, count before sampling',
    rps Float64 COMMENT 'Requests per second of a whole day',
    errors Float64 COMMENT 'Requests with status Error, count before sampling',
    error_rate Float64 COMMENT 'Share of requests with status Error, 0 to 1',
    errors_by_code Map(LowCardinality(String), Float64) COMMENT 'Requests with status Error by HTTP or gRPC status (empty when missing), count before sampling',
    timeouts Float64 COMMENT 'Requests that ended by a timeout, count before sampling',
    p50 Float64 COMMENT 'Duration that 50 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p90 Float64 COMMENT 'Duration that 90 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p95 Float64 COMMENT 'Duration that 95 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p99 Float64 COMMENT 'Duration that 99 % of requests do not exceed, milliseconds, right to 0.9902 %',
    avg Float64 COMMENT 'Mean duration, milliseconds',
    min Float64 COMMENT 'Shortest duration, milliseconds',
    max Float64 COMMENT 'Longest duration, milliseconds'
)
AS WITH
    sumMap(r.Sketch) AS sketch,
    arrayCumSum(mapValues(sketch)) AS below,
    arrayMap(q -> mapKeys(sketch)[arrayFirstIndex(c -> c >= q * below[-1], below)], [0.5, 0.9, 0.95, 0.99]) AS buckets,
    arrayMap(b -> least(toFloat64(max(r.DurationMax)), greatest(toFloat64(min(r.DurationMin)), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.SpanKind AS SpanKind,
    sum(r.Requests) AS requests,
    sum(r.Requests) / 86400 AS rps,
    sum(r.Errors) AS errors,
    sum(r.Errors) / sum(r.Requests) AS error_rate,
    sumMapIf(map(r.ResponseCode, r.Errors), r.Errors > 0) AS errors_by_code,
    sum(r.Timeouts) AS timeouts,
    p[1] / 1e6 AS p50,
    p[2] / 1e6 AS p90,
    p[3] / 1e6 AS p95,
    p[4] / 1e6 AS p99,
    sum(r.DurationSum) / sum(r.Requests) / 1e6 AS avg,
    min(r.DurationMin) / 1e6 AS min,
    max(r.DurationMax) / 1e6 AS max
FROM `otel`.`span_rollup_1d` AS r
GROUP BY r.Time, r.ServiceName, r.SpanKind
COMMENT 'Requests per day, service and kind: rate, errors, timeouts and durations (milliseconds)';

CREATE VIEW IF NOT EXISTS `otel`.`request_metrics_by_operation` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    SpanName LowCardinality(String) COMMENT 'Name of the operation',
    SpanKind LowCardinality(String) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer; a service answers in Server and Consumer spans',
    HttpRoute LowCardinality(String) COMMENT 'Span attribute http.route; empty when missing',
    StatusCode LowCardinality(String) COMMENT 'Unset, Ok or Error',
    ResponseCode LowCardinality(String) COMMENT 'HTTP or gRPC status; empty when missing',
    requests Float64 COMMENT 'Requests, count before sampling',
    rps Float64 COMMENT 'Requests per second of a whole minute',
    errors Float64 COMMENT 'Requests with status Error, count before sampling',
    error_rate Float64 COMMENT 'Share of requests with status Error, 0 to 1',
    timeouts Float64 COMMENT 'Requests that ended by a timeout, count before sampling',
    p50 Float64 COMMENT 'Duration that 50 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p90 Float64 COMMENT 'Duration that 90 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p95 Float64 COMMENT 'Duration that 95 % of requests do not exceed, milliseconds, right to 0.9902 %',
    p99 Float64 COMMENT 'Duration that 99 % of requests do not exceed, milliseconds, right to 0.9902 %',
    avg Float64 COMMENT 'Mean duration, milliseconds',
    min Float64 COMMENT 'Shortest duration, milliseconds',
    max Float64 COMMENT 'Longest duration, milliseconds'
)
AS WITH
    sumMap(r.Sketch) AS sketch,
    arrayCumSum(mapValues(sketch)) AS below,
    arrayMap(q -> mapKeys(sketch)[arrayFirstIndex(c -> c >= q * below[-1], below)], [0.5, 0.9, 0.95, 0.99]) AS buckets,
    arrayMap(b -> least(toFloat64(max(r.DurationMax)), greatest(toFloat64(min(r.DurationMin)), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.SpanName AS SpanName,
    r.SpanKind AS SpanKind,
    r.HttpRoute AS HttpRoute,
    r.StatusCode AS StatusCode,
    r.ResponseCode AS ResponseCode,
    sum(r.Requests) AS requests,
    sum(r.Requests) / 60 AS rps,
    sum(r.Errors) AS errors,
    sum(r.Errors) / sum(r.Requests) AS error_rate,
    sum(r.Timeouts) AS timeouts,
    p[1] / 1e6 AS p50,
    p[2] / 1e6 AS p90,
    p[3] / 1e6 AS p95,
    p[4] / 1e6 AS p99,
    sum(r.DurationSum) / sum(r.Requests) / 1e6 AS avg,
    min(r.DurationMin) / 1e6 AS min,
    max(r.DurationMax) / 1e6 AS max
FROM `otel`.`span_rollup_1m` AS r
GROUP BY r.Time, r.ServiceName, r.SpanName, r.SpanKind, r.HttpRoute, r.StatusCode, r.ResponseCode
COMMENT 'Requests per minute, service, operation, kind, route and status code: rate, errors, timeouts and durations (milliseconds)';
