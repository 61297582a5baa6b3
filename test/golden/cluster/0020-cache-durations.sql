ALTER TABLE `otel`.`cache_spans_local` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS TraceHash UInt64 COMMENT 'cityHash64 of the trace id, 0 in rows from before this column (number)' CODEC(ZSTD(3));

ALTER TABLE `otel`.`cache_spans` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS TraceHash UInt64 COMMENT 'cityHash64 of the trace id, 0 in rows from before this column (number)';

CREATE TABLE IF NOT EXISTS `otel`.`cache_requests_1m_computed_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC, in which the requests started' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who looked up and whose request it was' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    HitRequests Float64 COMMENT 'Requests that looked up and always found something, count before sampling' CODEC(ZSTD(3)),
    MissRequests Float64 COMMENT 'Requests that looked up and found nothing at least once, count before sampling' CODEC(ZSTD(3)),
    HitSketch Map(Int16, Float64) COMMENT 'HitRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    MissSketch Map(Int16, Float64) COMMENT 'MissRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    DurationMin UInt64 COMMENT 'Shortest duration of a request, nanoseconds' CODEC(ZSTD(3)),
    DurationMax UInt64 COMMENT 'Longest duration of a request, nanoseconds' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the row was computed, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version)
PARTITION BY toDate(Time)
ORDER BY (ServiceName, CacheName, CacheSystem, Time)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Requests by what they found in caches, per minute, all computations; read cache_requests_1m';

CREATE TABLE IF NOT EXISTS `otel`.`cache_requests_1m_computed` ON CLUSTER `main`
AS `otel`.`cache_requests_1m_computed_local`
ENGINE = Distributed('main', 'otel', 'cache_requests_1m_computed_local', cityHash64(ServiceName));

CREATE TABLE IF NOT EXISTS `otel`.`cache_requests_1h_computed_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour, UTC, in which the requests started' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who looked up and whose request it was' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    HitRequests Float64 COMMENT 'Requests that looked up and always found something, count before sampling' CODEC(ZSTD(3)),
    MissRequests Float64 COMMENT 'Requests that looked up and found nothing at least once, count before sampling' CODEC(ZSTD(3)),
    HitSketch Map(Int16, Float64) COMMENT 'HitRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    MissSketch Map(Int16, Float64) COMMENT 'MissRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    DurationMin UInt64 COMMENT 'Shortest duration of a request, nanoseconds' CODEC(ZSTD(3)),
    DurationMax UInt64 COMMENT 'Longest duration of a request, nanoseconds' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the row was computed, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version)
PARTITION BY toYYYYMM(Time)
ORDER BY (ServiceName, CacheName, CacheSystem, Time)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Requests by what they found in caches, per hour, all computations; read cache_requests_1h';

CREATE TABLE IF NOT EXISTS `otel`.`cache_requests_1h_computed` ON CLUSTER `main`
AS `otel`.`cache_requests_1h_computed_local`
ENGINE = Distributed('main', 'otel', 'cache_requests_1h_computed_local', cityHash64(ServiceName));

CREATE TABLE IF NOT EXISTS `otel`.`cache_requests_1d_computed_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the day, UTC, in which the requests started' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who looked up and whose request it was' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    HitRequests Float64 COMMENT 'Requests that looked up and always found something, count before sampling' CODEC(ZSTD(3)),
    MissRequests Float64 COMMENT 'Requests that looked up and found nothing at least once, count before sampling' CODEC(ZSTD(3)),
    HitSketch Map(Int16, Float64) COMMENT 'HitRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    MissSketch Map(Int16, Float64) COMMENT 'MissRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    DurationMin UInt64 COMMENT 'Shortest duration of a request, nanoseconds' CODEC(ZSTD(3)),
    DurationMax UInt64 COMMENT 'Longest duration of a request, nanoseconds' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the row was computed, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version)
PARTITION BY toYYYYMM(Time)
ORDER BY (ServiceName, CacheName, CacheSystem, Time)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Requests by what they found in caches, per day, all computations; read cache_requests_1d';

CREATE TABLE IF NOT EXISTS `otel`.`cache_requests_1d_computed` ON CLUSTER `main`
AS `otel`.`cache_requests_1d_computed_local`
ENGINE = Distributed('main', 'otel', 'cache_requests_1d_computed_local', cityHash64(ServiceName));

CREATE VIEW IF NOT EXISTS `otel`.`cache_requests_1m` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC, in which the requests started',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who looked up and whose request it was',
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it',
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    HitRequests Float64 COMMENT 'Requests that looked up and always found something, count before sampling',
    MissRequests Float64 COMMENT 'Requests that looked up and found nothing at least once, count before sampling',
    HitSketch Map(Int16, Float64) COMMENT 'HitRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %',
    MissSketch Map(Int16, Float64) COMMENT 'MissRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %',
    DurationMin UInt64 COMMENT 'Shortest duration of a request, nanoseconds',
    DurationMax UInt64 COMMENT 'Longest duration of a request, nanoseconds'
)
AS SELECT * EXCEPT Version FROM `otel`.`cache_requests_1m_computed` FINAL
COMMENT 'Requests by what they found in caches, per minute';

CREATE VIEW IF NOT EXISTS `otel`.`cache_requests_1h` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour, UTC, in which the requests started',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who looked up and whose request it was',
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it',
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    HitRequests Float64 COMMENT 'Requests that looked up and always found something, count before sampling',
    MissRequests Float64 COMMENT 'Requests that looked up and found nothing at least once, count before sampling',
    HitSketch Map(Int16, Float64) COMMENT 'HitRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %',
    MissSketch Map(Int16, Float64) COMMENT 'MissRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %',
    DurationMin UInt64 COMMENT 'Shortest duration of a request, nanoseconds',
    DurationMax UInt64 COMMENT 'Longest duration of a request, nanoseconds'
)
AS SELECT * EXCEPT Version FROM `otel`.`cache_requests_1h_computed` FINAL
COMMENT 'Requests by what they found in caches, per hour';

CREATE VIEW IF NOT EXISTS `otel`.`cache_requests_1d` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the day, UTC, in which the requests started',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who looked up and whose request it was',
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it',
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    HitRequests Float64 COMMENT 'Requests that looked up and always found something, count before sampling',
    MissRequests Float64 COMMENT 'Requests that looked up and found nothing at least once, count before sampling',
    HitSketch Map(Int16, Float64) COMMENT 'HitRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %',
    MissSketch Map(Int16, Float64) COMMENT 'MissRequests by logarithmic bucket of the duration of the request, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %',
    DurationMin UInt64 COMMENT 'Shortest duration of a request, nanoseconds',
    DurationMax UInt64 COMMENT 'Longest duration of a request, nanoseconds'
)
AS SELECT * EXCEPT Version FROM `otel`.`cache_requests_1d_computed` FINAL
COMMENT 'Requests by what they found in caches, per day';

CREATE VIEW IF NOT EXISTS `otel`.`cache_miss_cost` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC, in which the requests started',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who looked up and whose request it was',
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it',
    hit_requests Float64 COMMENT 'Requests that looked up and always found something, count before sampling',
    miss_requests Float64 COMMENT 'Requests that looked up and found nothing at least once, count before sampling',
    miss_share Nullable(Float64) COMMENT 'Share of these requests that missed, 0 to 1',
    hit_p50 Nullable(Float64) COMMENT 'Duration that 50 % of requests that only hit do not exceed, milliseconds, right to 0.9902 %; null without',
    hit_p95 Nullable(Float64) COMMENT 'Duration that 95 % of requests that only hit do not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p50 Nullable(Float64) COMMENT 'Duration that 50 % of requests that missed do not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p95 Nullable(Float64) COMMENT 'Duration that 95 % of requests that missed do not exceed, milliseconds, right to 0.9902 %; null without',
    added_p95 Nullable(Float64) COMMENT 'By how much a miss slows a request: miss_p95 less hit_p95, milliseconds; null unless both are known'
)
AS WITH
    arrayMap(sketch -> arrayMap(
        q -> if(empty(sketch), NULL, mapKeys(sketch)[arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(sketch))[-1], arrayCumSum(mapValues(sketch)))]),
        [0.5, 0.95]), [sumMap(r.HitSketch), sumMap(r.MissSketch)]) AS buckets,
    arrayMap(found -> arrayMap(b -> if(isNull(b), NULL, least(toFloat64(max(r.DurationMax)), greatest(toFloat64(min(r.DurationMin)), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)) / 1e6), found), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.CacheName AS CacheName,
    sum(r.HitRequests) AS hit_requests,
    sum(r.MissRequests) AS miss_requests,
    miss_requests / nullIf(hit_requests + miss_requests, 0) AS miss_share,
    p[1][1] AS hit_p50,
    p[1][2] AS hit_p95,
    p[2][1] AS miss_p50,
    p[2][2] AS miss_p95,
    p[2][2] - p[1][2] AS added_p95
FROM `otel`.`cache_requests_1m` AS r
GROUP BY r.Time, r.ServiceName, r.CacheName
COMMENT 'What misses of caches cost requests per minute: durations of requests that missed beside those that only hit (milliseconds)';

CREATE VIEW IF NOT EXISTS `otel`.`cache_miss_cost_1h` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour, UTC, in which the requests started',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who looked up and whose request it was',
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it',
    hit_requests Float64 COMMENT 'Requests that looked up and always found something, count before sampling',
    miss_requests Float64 COMMENT 'Requests that looked up and found nothing at least once, count before sampling',
    miss_share Nullable(Float64) COMMENT 'Share of these requests that missed, 0 to 1',
    hit_p50 Nullable(Float64) COMMENT 'Duration that 50 % of requests that only hit do not exceed, milliseconds, right to 0.9902 %; null without',
    hit_p95 Nullable(Float64) COMMENT 'Duration that 95 % of requests that only hit do not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p50 Nullable(Float64) COMMENT 'Duration that 50 % of requests that missed do not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p95 Nullable(Float64) COMMENT 'Duration that 95 % of requests that missed do not exceed, milliseconds, right to 0.9902 %; null without',
    added_p95 Nullable(Float64) COMMENT 'By how much a miss slows a request: miss_p95 less hit_p95, milliseconds; null unless both are known'
)
AS WITH
    arrayMap(sketch -> arrayMap(
        q -> if(empty(sketch), NULL, mapKeys(sketch)[arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(sketch))[-1], arrayCumSum(mapValues(sketch)))]),
        [0.5, 0.95]), [sumMap(r.HitSketch), sumMap(r.MissSketch)]) AS buckets,
    arrayMap(found -> arrayMap(b -> if(isNull(b), NULL, least(toFloat64(max(r.DurationMax)), greatest(toFloat64(min(r.DurationMin)), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)) / 1e6), found), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.CacheName AS CacheName,
    sum(r.HitRequests) AS hit_requests,
    sum(r.MissRequests) AS miss_requests,
    miss_requests / nullIf(hit_requests + miss_requests, 0) AS miss_share,
    p[1][1] AS hit_p50,
    p[1][2] AS hit_p95,
    p[2][1] AS miss_p50,
    p[2][2] AS miss_p95,
    p[2][2] - p[1][2] AS added_p95
FROM `otel`.`cache_requests_1h` AS r
GROUP BY r.Time, r.ServiceName, r.CacheName
COMMENT 'What misses of caches cost requests per hour: durations of requests that missed beside those that only hit (milliseconds)';

CREATE VIEW IF NOT EXISTS `otel`.`cache_miss_cost_1d` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the day, UTC, in which the requests started',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who looked up and whose request it was',
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it',
    hit_requests Float64 COMMENT 'Requests that looked up and always found something, count before sampling',
    miss_requests Float64 COMMENT 'Requests that looked up and found nothing at least once, count before sampling',
    miss_share Nullable(Float64) COMMENT 'Share of these requests that missed, 0 to 1',
    hit_p50 Nullable(Float64) COMMENT 'Duration that 50 % of requests that only hit do not exceed, milliseconds, right to 0.9902 %; null without',
    hit_p95 Nullable(Float64) COMMENT 'Duration that 95 % of requests that only hit do not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p50 Nullable(Float64) COMMENT 'Duration that 50 % of requests that missed do not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p95 Nullable(Float64) COMMENT 'Duration that 95 % of requests that missed do not exceed, milliseconds, right to 0.9902 %; null without',
    added_p95 Nullable(Float64) COMMENT 'By how much a miss slows a request: miss_p95 less hit_p95, milliseconds; null unless both are known'
)
AS WITH
    arrayMap(sketch -> arrayMap(
        q -> if(empty(sketch), NULL, mapKeys(sketch)[arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(sketch))[-1], arrayCumSum(mapValues(sketch)))]),
        [0.5, 0.95]), [sumMap(r.HitSketch), sumMap(r.MissSketch)]) AS buckets,
    arrayMap(found -> arrayMap(b -> if(isNull(b), NULL, least(toFloat64(max(r.DurationMax)), greatest(toFloat64(min(r.DurationMin)), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)) / 1e6), found), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.CacheName AS CacheName,
    sum(r.HitRequests) AS hit_requests,
    sum(r.MissRequests) AS miss_requests,
    miss_requests / nullIf(hit_requests + miss_requests, 0) AS miss_share,
    p[1][1] AS hit_p50,
    p[1][2] AS hit_p95,
    p[2][1] AS miss_p50,
    p[2][2] AS miss_p95,
    p[2][2] - p[1][2] AS added_p95
FROM `otel`.`cache_requests_1d` AS r
GROUP BY r.Time, r.ServiceName, r.CacheName
COMMENT 'What misses of caches cost requests per day: durations of requests that missed beside those that only hit (milliseconds)';

ALTER TABLE `otel`.`cache_rollup_1m_computed_local` ON CLUSTER `main`
    COMMENT COLUMN Source 'Who tells: counters, spans or histograms. A cache that several tell of has a row of each: do not add them up',
    COMMENT COLUMN GetSketch 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN SetSketch 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN DurationMin 'Shortest duration of an operation, of histograms the lower end of its bucket, nanoseconds; 0 where counters tell',
    COMMENT COLUMN DurationMax 'Longest duration of an operation, of histograms the upper end of its bucket, nanoseconds; 0 where counters tell';

ALTER TABLE `otel`.`cache_rollup_1m_computed` ON CLUSTER `main`
    COMMENT COLUMN Source 'Who tells: counters, spans or histograms. A cache that several tell of has a row of each: do not add them up',
    COMMENT COLUMN GetSketch 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN SetSketch 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN DurationMin 'Shortest duration of an operation, of histograms the lower end of its bucket, nanoseconds; 0 where counters tell',
    COMMENT COLUMN DurationMax 'Longest duration of an operation, of histograms the upper end of its bucket, nanoseconds; 0 where counters tell';

ALTER TABLE `otel`.`cache_rollup_1h_computed_local` ON CLUSTER `main`
    COMMENT COLUMN Source 'Who tells: counters, spans or histograms. A cache that several tell of has a row of each: do not add them up',
    COMMENT COLUMN GetSketch 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN SetSketch 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN DurationMin 'Shortest duration of an operation, of histograms the lower end of its bucket, nanoseconds; 0 where counters tell',
    COMMENT COLUMN DurationMax 'Longest duration of an operation, of histograms the upper end of its bucket, nanoseconds; 0 where counters tell';

ALTER TABLE `otel`.`cache_rollup_1h_computed` ON CLUSTER `main`
    COMMENT COLUMN Source 'Who tells: counters, spans or histograms. A cache that several tell of has a row of each: do not add them up',
    COMMENT COLUMN GetSketch 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN SetSketch 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN DurationMin 'Shortest duration of an operation, of histograms the lower end of its bucket, nanoseconds; 0 where counters tell',
    COMMENT COLUMN DurationMax 'Longest duration of an operation, of histograms the upper end of its bucket, nanoseconds; 0 where counters tell';

ALTER TABLE `otel`.`cache_rollup_1d_computed_local` ON CLUSTER `main`
    COMMENT COLUMN Source 'Who tells: counters, spans or histograms. A cache that several tell of has a row of each: do not add them up',
    COMMENT COLUMN GetSketch 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN SetSketch 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN DurationMin 'Shortest duration of an operation, of histograms the lower end of its bucket, nanoseconds; 0 where counters tell',
    COMMENT COLUMN DurationMax 'Longest duration of an operation, of histograms the upper end of its bucket, nanoseconds; 0 where counters tell';

ALTER TABLE `otel`.`cache_rollup_1d_computed` ON CLUSTER `main`
    COMMENT COLUMN Source 'Who tells: counters, spans or histograms. A cache that several tell of has a row of each: do not add them up',
    COMMENT COLUMN GetSketch 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN SetSketch 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    COMMENT COLUMN DurationMin 'Shortest duration of an operation, of histograms the lower end of its bucket, nanoseconds; 0 where counters tell',
    COMMENT COLUMN DurationMax 'Longest duration of an operation, of histograms the upper end of its bucket, nanoseconds; 0 where counters tell';

CREATE OR REPLACE VIEW `otel`.`cache_rollup_1m` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC: of the points, or in which the spans started',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it',
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    Source LowCardinality(String) COMMENT 'Who tells: counters, spans or histograms. A cache that several tell of has a row of each: do not add them up',
    Hits Float64 COMMENT 'Lookups that found something, count before sampling',
    Misses Float64 COMMENT 'Lookups that found nothing, count before sampling',
    Gets Float64 COMMENT 'Lookups, whether or not it is known what they found, count before sampling',
    Sets Float64 COMMENT 'Writes, count before sampling',
    Deletes Float64 COMMENT 'Removals by the user, count before sampling',
    Operations Float64 COMMENT 'Operations of all kinds, count before sampling',
    Evictions Float64 COMMENT 'Entries that had to make room for others, count; only counters tell',
    MemorySum Float64 COMMENT 'Memory of all instances at the end of each minute, sum over the minutes that tell it, bytes; only counters tell',
    MemoryMax Float64 COMMENT 'Memory of all instances, the most at the end of a minute, bytes; only counters tell',
    MemoryMinutes UInt64 COMMENT 'Minutes that tell it: MemorySum divided by this is the mean, count',
    EntriesSum Float64 COMMENT 'Entries of all instances at the end of each minute, sum over the minutes that tell it, count; only counters tell',
    EntriesMax Float64 COMMENT 'Entries of all instances, the most at the end of a minute, count; only counters tell',
    EntriesMinutes UInt64 COMMENT 'Minutes that tell it: EntriesSum divided by this is the mean, count',
    Errors Float64 COMMENT 'Operations with status Error, count before sampling; only spans tell',
    ItemBytes Float64 COMMENT 'Sum of the sizes of what was read or written, each times its adjusted count, bytes; only spans tell',
    SizedItems Float64 COMMENT 'Operations that told such a size, count before sampling; only spans tell',
    GetSketch Map(Int16, Float64) COMMENT 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    SetSketch Map(Int16, Float64) COMMENT 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    HitSketch Map(Int16, Float64) COMMENT 'Hits by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    MissSketch Map(Int16, Float64) COMMENT 'Misses by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    DurationMin UInt64 COMMENT 'Shortest duration of an operation, of histograms the lower end of its bucket, nanoseconds; 0 where counters tell',
    DurationMax UInt64 COMMENT 'Longest duration of an operation, of histograms the upper end of its bucket, nanoseconds; 0 where counters tell'
)
AS SELECT * EXCEPT Version FROM `otel`.`cache_rollup_1m_computed` FINAL
COMMENT 'Caches per minute, one row each for what spans, counters and histograms tell';

CREATE OR REPLACE VIEW `otel`.`cache_rollup_1h` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour, UTC: of the points, or in which the spans started',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it',
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    Source LowCardinality(String) COMMENT 'Who tells: counters, spans or histograms. A cache that several tell of has a row of each: do not add them up',
    Hits Float64 COMMENT 'Lookups that found something, count before sampling',
    Misses Float64 COMMENT 'Lookups that found nothing, count before sampling',
    Gets Float64 COMMENT 'Lookups, whether or not it is known what they found, count before sampling',
    Sets Float64 COMMENT 'Writes, count before sampling',
    Deletes Float64 COMMENT 'Removals by the user, count before sampling',
    Operations Float64 COMMENT 'Operations of all kinds, count before sampling',
    Evictions Float64 COMMENT 'Entries that had to make room for others, count; only counters tell',
    MemorySum Float64 COMMENT 'Memory of all instances at the end of each minute, sum over the minutes that tell it, bytes; only counters tell',
    MemoryMax Float64 COMMENT 'Memory of all instances, the most at the end of a minute, bytes; only counters tell',
    MemoryMinutes UInt64 COMMENT 'Minutes that tell it: MemorySum divided by this is the mean, count',
    EntriesSum Float64 COMMENT 'Entries of all instances at the end of each minute, sum over the minutes that tell it, count; only counters tell',
    EntriesMax Float64 COMMENT 'Entries of all instances, the most at the end of a minute, count; only counters tell',
    EntriesMinutes UInt64 COMMENT 'Minutes that tell it: EntriesSum divided by this is the mean, count',
    Errors Float64 COMMENT 'Operations with status Error, count before sampling; only spans tell',
    ItemBytes Float64 COMMENT 'Sum of the sizes of what was read or written, each times its adjusted count, bytes; only spans tell',
    SizedItems Float64 COMMENT 'Operations that told such a size, count before sampling; only spans tell',
    GetSketch Map(Int16, Float64) COMMENT 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    SetSketch Map(Int16, Float64) COMMENT 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    HitSketch Map(Int16, Float64) COMMENT 'Hits by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    MissSketch Map(Int16, Float64) COMMENT 'Misses by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    DurationMin UInt64 COMMENT 'Shortest duration of an operation, of histograms the lower end of its bucket, nanoseconds; 0 where counters tell',
    DurationMax UInt64 COMMENT 'Longest duration of an operation, of histograms the upper end of its bucket, nanoseconds; 0 where counters tell'
)
AS SELECT * EXCEPT Version FROM `otel`.`cache_rollup_1h_computed` FINAL
COMMENT 'Caches per hour, one row each for what spans, counters and histograms tell';

CREATE OR REPLACE VIEW `otel`.`cache_rollup_1d` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the day, UTC: of the points, or in which the spans started',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache; empty when nothing names it',
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    Source LowCardinality(String) COMMENT 'Who tells: counters, spans or histograms. A cache that several tell of has a row of each: do not add them up',
    Hits Float64 COMMENT 'Lookups that found something, count before sampling',
    Misses Float64 COMMENT 'Lookups that found nothing, count before sampling',
    Gets Float64 COMMENT 'Lookups, whether or not it is known what they found, count before sampling',
    Sets Float64 COMMENT 'Writes, count before sampling',
    Deletes Float64 COMMENT 'Removals by the user, count before sampling',
    Operations Float64 COMMENT 'Operations of all kinds, count before sampling',
    Evictions Float64 COMMENT 'Entries that had to make room for others, count; only counters tell',
    MemorySum Float64 COMMENT 'Memory of all instances at the end of each minute, sum over the minutes that tell it, bytes; only counters tell',
    MemoryMax Float64 COMMENT 'Memory of all instances, the most at the end of a minute, bytes; only counters tell',
    MemoryMinutes UInt64 COMMENT 'Minutes that tell it: MemorySum divided by this is the mean, count',
    EntriesSum Float64 COMMENT 'Entries of all instances at the end of each minute, sum over the minutes that tell it, count; only counters tell',
    EntriesMax Float64 COMMENT 'Entries of all instances, the most at the end of a minute, count; only counters tell',
    EntriesMinutes UInt64 COMMENT 'Minutes that tell it: EntriesSum divided by this is the mean, count',
    Errors Float64 COMMENT 'Operations with status Error, count before sampling; only spans tell',
    ItemBytes Float64 COMMENT 'Sum of the sizes of what was read or written, each times its adjusted count, bytes; only spans tell',
    SizedItems Float64 COMMENT 'Operations that told such a size, count before sampling; only spans tell',
    GetSketch Map(Int16, Float64) COMMENT 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    SetSketch Map(Int16, Float64) COMMENT 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %, of histograms as far as their buckets are fine; spans and histograms tell',
    HitSketch Map(Int16, Float64) COMMENT 'Hits by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    MissSketch Map(Int16, Float64) COMMENT 'Misses by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    DurationMin UInt64 COMMENT 'Shortest duration of an operation, of histograms the lower end of its bucket, nanoseconds; 0 where counters tell',
    DurationMax UInt64 COMMENT 'Longest duration of an operation, of histograms the upper end of its bucket, nanoseconds; 0 where counters tell'
)
AS SELECT * EXCEPT Version FROM `otel`.`cache_rollup_1d_computed` FINAL
COMMENT 'Caches per day, one row each for what spans, counters and histograms tell';

CREATE OR REPLACE VIEW `otel`.`cache_performance` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache',
    CacheSystem String COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    source String COMMENT 'Who told hits and misses: counters where they did, else spans; histograms where nobody did',
    latency_source String COMMENT 'Who told durations: spans where they did, else histograms; empty where nobody did',
    hit_rate Nullable(Float64) COMMENT 'Share of lookups that found something, 0 to 1; null without lookups of which that is known',
    hits Float64 COMMENT 'Lookups that found something, count',
    misses Float64 COMMENT 'Lookups that found nothing, count',
    operations Float64 COMMENT 'Operations of all kinds, count',
    ops Float64 COMMENT 'Operations per second of a whole minute',
    sets Float64 COMMENT 'Writes, count',
    deletes Float64 COMMENT 'Removals by the user, count',
    errors Float64 COMMENT 'Operations whose span has status Error, count',
    evictions Float64 COMMENT 'Entries that had to make room for others, count',
    memory Nullable(Float64) COMMENT 'Memory of all instances, mean, bytes; null when not told',
    memory_max Nullable(Float64) COMMENT 'Memory of all instances, the most, bytes; null when not told',
    entries Nullable(Float64) COMMENT 'Entries of all instances, mean, count; null when not told',
    item_size Nullable(Float64) COMMENT 'Mean size of what was read or written, bytes; null when not told',
    get_p50 Nullable(Float64) COMMENT 'Duration that 50 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    get_p90 Nullable(Float64) COMMENT 'Duration that 90 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    get_p95 Nullable(Float64) COMMENT 'Duration that 95 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    get_p99 Nullable(Float64) COMMENT 'Duration that 99 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p50 Nullable(Float64) COMMENT 'Duration that 50 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p90 Nullable(Float64) COMMENT 'Duration that 90 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p95 Nullable(Float64) COMMENT 'Duration that 95 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p99 Nullable(Float64) COMMENT 'Duration that 99 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    hit_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what hit does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what missed does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_added_p95 Nullable(Float64) COMMENT 'What a miss costs: miss_p95 less hit_p95, milliseconds; null unless both are known'
)
AS WITH
    sumIf(r.Hits + r.Misses, r.Source = 'counters') > 0 AS found_counted,
    sumIf(r.Operations, r.Source = 'counters') > 0 AS operations_counted,
    countIf(r.Source = 'spans') > 0 AS traced,
    countIf(r.Source = 'histograms') > 0 AS measured,
    arrayMap(sketch -> arrayMap(
        q -> if(empty(sketch), NULL, mapKeys(sketch)[arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(sketch))[-1], arrayCumSum(mapValues(sketch)))]),
        [0.5, 0.9, 0.95, 0.99]), [if(traced, sumMapIf(r.GetSketch, r.Source = 'spans'), sumMapIf(r.GetSketch, r.Source = 'histograms')), if(traced, sumMapIf(r.SetSketch, r.Source = 'spans'), sumMapIf(r.SetSketch, r.Source = 'histograms')), sumMap(r.HitSketch), sumMap(r.MissSketch)]) AS buckets,
    if(traced, maxIf(r.DurationMax, r.Source = 'spans'), maxIf(r.DurationMax, r.Source = 'histograms')) AS longest,
    if(traced, minIf(r.DurationMin, r.Source = 'spans'), minIf(r.DurationMin, r.Source = 'histograms')) AS shortest,
    arrayMap(found -> arrayMap(b -> if(isNull(b), NULL, least(toFloat64(longest), greatest(toFloat64(shortest), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)) / 1e6), found), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.CacheName AS CacheName,
    max(toString(r.CacheSystem)) AS CacheSystem,
    multiIf(found_counted OR (operations_counted AND sum(r.Hits + r.Misses) = 0), 'counters', traced, 'spans', measured, 'histograms', 'counters') AS source,
    multiIf(traced, 'spans', measured, 'histograms', '') AS latency_source,
    hits / nullIf(hits + misses, 0) AS hit_rate,
    if(found_counted, sumIf(r.Hits, r.Source = 'counters'), sumIf(r.Hits, r.Source = 'spans')) AS hits,
    if(found_counted, sumIf(r.Misses, r.Source = 'counters'), sumIf(r.Misses, r.Source = 'spans')) AS misses,
    multiIf(operations_counted, sumIf(r.Operations, r.Source = 'counters'), traced, sumIf(r.Operations, r.Source = 'spans'), sumIf(r.Operations, r.Source = 'histograms')) AS operations,
    operations / 60 AS ops,
    multiIf(operations_counted, sumIf(r.Sets, r.Source = 'counters'), traced, sumIf(r.Sets, r.Source = 'spans'), sumIf(r.Sets, r.Source = 'histograms')) AS sets,
    multiIf(operations_counted, sumIf(r.Deletes, r.Source = 'counters'), traced, sumIf(r.Deletes, r.Source = 'spans'), sumIf(r.Deletes, r.Source = 'histograms')) AS deletes,
    sum(r.Errors) AS errors,
    sum(r.Evictions) AS evictions,
    sum(r.MemorySum) / nullIf(sum(r.MemoryMinutes), 0) AS memory,
    if(sum(r.MemoryMinutes) = 0, NULL, max(r.MemoryMax)) AS memory_max,
    sum(r.EntriesSum) / nullIf(sum(r.EntriesMinutes), 0) AS entries,
    sum(r.ItemBytes) / nullIf(sum(r.SizedItems), 0) AS item_size,
    p[1][1] AS get_p50,
    p[1][2] AS get_p90,
    p[1][3] AS get_p95,
    p[1][4] AS get_p99,
    p[2][1] AS set_p50,
    p[2][2] AS set_p90,
    p[2][3] AS set_p95,
    p[2][4] AS set_p99,
    p[3][3] AS hit_p95,
    p[4][3] AS miss_p95,
    p[4][3] - p[3][3] AS miss_added_p95
FROM `otel`.`cache_rollup_1m` AS r
GROUP BY r.Time, r.ServiceName, r.CacheName
COMMENT 'Caches per minute: hit rate, operations, evictions, memory, durations (milliseconds) and what a miss costs';

CREATE OR REPLACE VIEW `otel`.`cache_performance_1h` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache',
    CacheSystem String COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    source String COMMENT 'Who told hits and misses: counters where they did, else spans; histograms where nobody did',
    latency_source String COMMENT 'Who told durations: spans where they did, else histograms; empty where nobody did',
    hit_rate Nullable(Float64) COMMENT 'Share of lookups that found something, 0 to 1; null without lookups of which that is known',
    hits Float64 COMMENT 'Lookups that found something, count',
    misses Float64 COMMENT 'Lookups that found nothing, count',
    operations Float64 COMMENT 'Operations of all kinds, count',
    ops Float64 COMMENT 'Operations per second of a whole hour',
    sets Float64 COMMENT 'Writes, count',
    deletes Float64 COMMENT 'Removals by the user, count',
    errors Float64 COMMENT 'Operations whose span has status Error, count',
    evictions Float64 COMMENT 'Entries that had to make room for others, count',
    memory Nullable(Float64) COMMENT 'Memory of all instances, mean, bytes; null when not told',
    memory_max Nullable(Float64) COMMENT 'Memory of all instances, the most, bytes; null when not told',
    entries Nullable(Float64) COMMENT 'Entries of all instances, mean, count; null when not told',
    item_size Nullable(Float64) COMMENT 'Mean size of what was read or written, bytes; null when not told',
    get_p50 Nullable(Float64) COMMENT 'Duration that 50 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    get_p90 Nullable(Float64) COMMENT 'Duration that 90 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    get_p95 Nullable(Float64) COMMENT 'Duration that 95 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    get_p99 Nullable(Float64) COMMENT 'Duration that 99 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p50 Nullable(Float64) COMMENT 'Duration that 50 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p90 Nullable(Float64) COMMENT 'Duration that 90 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p95 Nullable(Float64) COMMENT 'Duration that 95 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p99 Nullable(Float64) COMMENT 'Duration that 99 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    hit_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what hit does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what missed does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_added_p95 Nullable(Float64) COMMENT 'What a miss costs: miss_p95 less hit_p95, milliseconds; null unless both are known'
)
AS WITH
    sumIf(r.Hits + r.Misses, r.Source = 'counters') > 0 AS found_counted,
    sumIf(r.Operations, r.Source = 'counters') > 0 AS operations_counted,
    countIf(r.Source = 'spans') > 0 AS traced,
    countIf(r.Source = 'histograms') > 0 AS measured,
    arrayMap(sketch -> arrayMap(
        q -> if(empty(sketch), NULL, mapKeys(sketch)[arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(sketch))[-1], arrayCumSum(mapValues(sketch)))]),
        [0.5, 0.9, 0.95, 0.99]), [if(traced, sumMapIf(r.GetSketch, r.Source = 'spans'), sumMapIf(r.GetSketch, r.Source = 'histograms')), if(traced, sumMapIf(r.SetSketch, r.Source = 'spans'), sumMapIf(r.SetSketch, r.Source = 'histograms')), sumMap(r.HitSketch), sumMap(r.MissSketch)]) AS buckets,
    if(traced, maxIf(r.DurationMax, r.Source = 'spans'), maxIf(r.DurationMax, r.Source = 'histograms')) AS longest,
    if(traced, minIf(r.DurationMin, r.Source = 'spans'), minIf(r.DurationMin, r.Source = 'histograms')) AS shortest,
    arrayMap(found -> arrayMap(b -> if(isNull(b), NULL, least(toFloat64(longest), greatest(toFloat64(shortest), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)) / 1e6), found), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.CacheName AS CacheName,
    max(toString(r.CacheSystem)) AS CacheSystem,
    multiIf(found_counted OR (operations_counted AND sum(r.Hits + r.Misses) = 0), 'counters', traced, 'spans', measured, 'histograms', 'counters') AS source,
    multiIf(traced, 'spans', measured, 'histograms', '') AS latency_source,
    hits / nullIf(hits + misses, 0) AS hit_rate,
    if(found_counted, sumIf(r.Hits, r.Source = 'counters'), sumIf(r.Hits, r.Source = 'spans')) AS hits,
    if(found_counted, sumIf(r.Misses, r.Source = 'counters'), sumIf(r.Misses, r.Source = 'spans')) AS misses,
    multiIf(operations_counted, sumIf(r.Operations, r.Source = 'counters'), traced, sumIf(r.Operations, r.Source = 'spans'), sumIf(r.Operations, r.Source = 'histograms')) AS operations,
    operations / 3600 AS ops,
    multiIf(operations_counted, sumIf(r.Sets, r.Source = 'counters'), traced, sumIf(r.Sets, r.Source = 'spans'), sumIf(r.Sets, r.Source = 'histograms')) AS sets,
    multiIf(operations_counted, sumIf(r.Deletes, r.Source = 'counters'), traced, sumIf(r.Deletes, r.Source = 'spans'), sumIf(r.Deletes, r.Source = 'histograms')) AS deletes,
    sum(r.Errors) AS errors,
    sum(r.Evictions) AS evictions,
    sum(r.MemorySum) / nullIf(sum(r.MemoryMinutes), 0) AS memory,
    if(sum(r.MemoryMinutes) = 0, NULL, max(r.MemoryMax)) AS memory_max,
    sum(r.EntriesSum) / nullIf(sum(r.EntriesMinutes), 0) AS entries,
    sum(r.ItemBytes) / nullIf(sum(r.SizedItems), 0) AS item_size,
    p[1][1] AS get_p50,
    p[1][2] AS get_p90,
    p[1][3] AS get_p95,
    p[1][4] AS get_p99,
    p[2][1] AS set_p50,
    p[2][2] AS set_p90,
    p[2][3] AS set_p95,
    p[2][4] AS set_p99,
    p[3][3] AS hit_p95,
    p[4][3] AS miss_p95,
    p[4][3] - p[3][3] AS miss_added_p95
FROM `otel`.`cache_rollup_1h` AS r
GROUP BY r.Time, r.ServiceName, r.CacheName
COMMENT 'Caches per hour: hit rate, operations, evictions, memory, durations (milliseconds) and what a miss costs';

CREATE OR REPLACE VIEW `otel`.`cache_performance_1d` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the day, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache',
    CacheSystem String COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    source String COMMENT 'Who told hits and misses: counters where they did, else spans; histograms where nobody did',
    latency_source String COMMENT 'Who told durations: spans where they did, else histograms; empty where nobody did',
    hit_rate Nullable(Float64) COMMENT 'Share of lookups that found something, 0 to 1; null without lookups of which that is known',
    hits Float64 COMMENT 'Lookups that found something, count',
    misses Float64 COMMENT 'Lookups that found nothing, count',
    operations Float64 COMMENT 'Operations of all kinds, count',
    ops Float64 COMMENT 'Operations per second of a whole day',
    sets Float64 COMMENT 'Writes, count',
    deletes Float64 COMMENT 'Removals by the user, count',
    errors Float64 COMMENT 'Operations whose span has status Error, count',
    evictions Float64 COMMENT 'Entries that had to make room for others, count',
    memory Nullable(Float64) COMMENT 'Memory of all instances, mean, bytes; null when not told',
    memory_max Nullable(Float64) COMMENT 'Memory of all instances, the most, bytes; null when not told',
    entries Nullable(Float64) COMMENT 'Entries of all instances, mean, count; null when not told',
    item_size Nullable(Float64) COMMENT 'Mean size of what was read or written, bytes; null when not told',
    get_p50 Nullable(Float64) COMMENT 'Duration that 50 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    get_p90 Nullable(Float64) COMMENT 'Duration that 90 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    get_p95 Nullable(Float64) COMMENT 'Duration that 95 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    get_p99 Nullable(Float64) COMMENT 'Duration that 99 % of lookups do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p50 Nullable(Float64) COMMENT 'Duration that 50 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p90 Nullable(Float64) COMMENT 'Duration that 90 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p95 Nullable(Float64) COMMENT 'Duration that 95 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    set_p99 Nullable(Float64) COMMENT 'Duration that 99 % of writes do not exceed, milliseconds, right to 0.9902 % where spans tell, else as far as buckets of histograms are fine; null without',
    hit_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what hit does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what missed does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_added_p95 Nullable(Float64) COMMENT 'What a miss costs: miss_p95 less hit_p95, milliseconds; null unless both are known'
)
AS WITH
    sumIf(r.Hits + r.Misses, r.Source = 'counters') > 0 AS found_counted,
    sumIf(r.Operations, r.Source = 'counters') > 0 AS operations_counted,
    countIf(r.Source = 'spans') > 0 AS traced,
    countIf(r.Source = 'histograms') > 0 AS measured,
    arrayMap(sketch -> arrayMap(
        q -> if(empty(sketch), NULL, mapKeys(sketch)[arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(sketch))[-1], arrayCumSum(mapValues(sketch)))]),
        [0.5, 0.9, 0.95, 0.99]), [if(traced, sumMapIf(r.GetSketch, r.Source = 'spans'), sumMapIf(r.GetSketch, r.Source = 'histograms')), if(traced, sumMapIf(r.SetSketch, r.Source = 'spans'), sumMapIf(r.SetSketch, r.Source = 'histograms')), sumMap(r.HitSketch), sumMap(r.MissSketch)]) AS buckets,
    if(traced, maxIf(r.DurationMax, r.Source = 'spans'), maxIf(r.DurationMax, r.Source = 'histograms')) AS longest,
    if(traced, minIf(r.DurationMin, r.Source = 'spans'), minIf(r.DurationMin, r.Source = 'histograms')) AS shortest,
    arrayMap(found -> arrayMap(b -> if(isNull(b), NULL, least(toFloat64(longest), greatest(toFloat64(shortest), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)) / 1e6), found), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.CacheName AS CacheName,
    max(toString(r.CacheSystem)) AS CacheSystem,
    multiIf(found_counted OR (operations_counted AND sum(r.Hits + r.Misses) = 0), 'counters', traced, 'spans', measured, 'histograms', 'counters') AS source,
    multiIf(traced, 'spans', measured, 'histograms', '') AS latency_source,
    hits / nullIf(hits + misses, 0) AS hit_rate,
    if(found_counted, sumIf(r.Hits, r.Source = 'counters'), sumIf(r.Hits, r.Source = 'spans')) AS hits,
    if(found_counted, sumIf(r.Misses, r.Source = 'counters'), sumIf(r.Misses, r.Source = 'spans')) AS misses,
    multiIf(operations_counted, sumIf(r.Operations, r.Source = 'counters'), traced, sumIf(r.Operations, r.Source = 'spans'), sumIf(r.Operations, r.Source = 'histograms')) AS operations,
    operations / 86400 AS ops,
    multiIf(operations_counted, sumIf(r.Sets, r.Source = 'counters'), traced, sumIf(r.Sets, r.Source = 'spans'), sumIf(r.Sets, r.Source = 'histograms')) AS sets,
    multiIf(operations_counted, sumIf(r.Deletes, r.Source = 'counters'), traced, sumIf(r.Deletes, r.Source = 'spans'), sumIf(r.Deletes, r.Source = 'histograms')) AS deletes,
    sum(r.Errors) AS errors,
    sum(r.Evictions) AS evictions,
    sum(r.MemorySum) / nullIf(sum(r.MemoryMinutes), 0) AS memory,
    if(sum(r.MemoryMinutes) = 0, NULL, max(r.MemoryMax)) AS memory_max,
    sum(r.EntriesSum) / nullIf(sum(r.EntriesMinutes), 0) AS entries,
    sum(r.ItemBytes) / nullIf(sum(r.SizedItems), 0) AS item_size,
    p[1][1] AS get_p50,
    p[1][2] AS get_p90,
    p[1][3] AS get_p95,
    p[1][4] AS get_p99,
    p[2][1] AS set_p50,
    p[2][2] AS set_p90,
    p[2][3] AS set_p95,
    p[2][4] AS set_p99,
    p[3][3] AS hit_p95,
    p[4][3] AS miss_p95,
    p[4][3] - p[3][3] AS miss_added_p95
FROM `otel`.`cache_rollup_1d` AS r
GROUP BY r.Time, r.ServiceName, r.CacheName
COMMENT 'Caches per day: hit rate, operations, evictions, memory, durations (milliseconds) and what a miss costs';
