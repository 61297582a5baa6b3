-- Caches, from what metrics and spans tell of them. Which conventions are recognised is written in
-- src/model/cache-conventions.ts and not here: the materialized views that fill cache_points and
-- cache_spans_1m are made, and changed in place, at each start (src/store/derived-views.ts).
CREATE TABLE IF NOT EXISTS {{local cache_points}} {{on_cluster}}
(
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    Fact LowCardinality(String) COMMENT 'What Value counts: hit, miss, get, set, delete, other, command (all operations) or eviction; or how much there is: memory or entries' CODEC(ZSTD(3)),
    Certain Bool COMMENT 'Whether the metric is surely one of a cache, true or false; others count where both hits and misses are seen' CODEC(ZSTD(3)),
    SeriesId UInt64 COMMENT 'Series of the point in otel_metrics_sum or otel_metrics_gauge' CODEC(ZSTD(3)),
    StartTimeUnix DateTime64(9) COMMENT 'Since when the value accumulates, UTC, nanosecond precision; 1970 when unknown' CODEC(Delta(8), ZSTD(3)),
    TimeUnix DateTime64(9) COMMENT 'Time of the data point, UTC, nanosecond precision' CODEC(Delta(8), ZSTD(3)),
    IsDelta Bool COMMENT 'Whether the value counts since the last point instead of since StartTimeUnix, true or false' CODEC(ZSTD(3)),
    Value Float64 COMMENT 'Count of events or entries; memory in bytes' CODEC(ZSTD(3))
)
ENGINE = {{engine MergeTree}}
PARTITION BY toDate(TimeUnix)
PRIMARY KEY (toStartOfHour(TimeUnix), ServiceName, CacheName)
ORDER BY (toStartOfHour(TimeUnix), ServiceName, CacheName, Fact, SeriesId, TimeUnix)
{{settings}}
COMMENT 'Data points that tell of caches, one row each';

{{distributed cache_points by SeriesId}};

-- Which minutes have points. The job that computes cache_counters_1m learns from here what to compute (again).
CREATE TABLE IF NOT EXISTS {{local cache_arrivals}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the minute of the points, UTC' CODEC(Delta(4), ZSTD(3)),
    Points SimpleAggregateFunction(sum, UInt64) COMMENT 'Points inserted, count' CODEC(ZSTD(3))
)
ENGINE = {{engine AggregatingMergeTree}}
PARTITION BY toDate(Time)
ORDER BY Time
{{settings}}
COMMENT 'Points of caches per minute; add up rows of one key';

{{distributed cache_arrivals by cityHash64(Time)}};

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local cache_arrivals_mv}} {{on_cluster}}
TO {{local cache_arrivals}}
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM {{local cache_points}}
GROUP BY Time
COMMENT 'Fills cache_arrivals from cache_points';

-- What spans tell, each tier filled by the inserts into the one before it: complete at once, late rows in their
-- bucket of every tier, a block that is sent again dropped in all. Several rows of one key until parts are
-- merged (and one per shard on a cluster, where spans lie by trace): always add up.
CREATE TABLE IF NOT EXISTS {{local cache_spans_1m}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the minute in which the spans started, UTC' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    Hits SimpleAggregateFunction(sum, Float64) COMMENT 'Lookups that found something, count before sampling' CODEC(ZSTD(3)),
    Misses SimpleAggregateFunction(sum, Float64) COMMENT 'Lookups that found nothing, count before sampling' CODEC(ZSTD(3)),
    Gets SimpleAggregateFunction(sum, Float64) COMMENT 'Lookups, whether or not it is known what they found, count before sampling' CODEC(ZSTD(3)),
    Sets SimpleAggregateFunction(sum, Float64) COMMENT 'Writes, count before sampling' CODEC(ZSTD(3)),
    Deletes SimpleAggregateFunction(sum, Float64) COMMENT 'Removals by the user, count before sampling' CODEC(ZSTD(3)),
    Operations SimpleAggregateFunction(sum, Float64) COMMENT 'Operations of all kinds, count before sampling' CODEC(ZSTD(3)),
    Errors SimpleAggregateFunction(sum, Float64) COMMENT 'Operations with status Error, count before sampling' CODEC(ZSTD(3)),
    ItemBytes SimpleAggregateFunction(sum, Float64) COMMENT 'Sum of the sizes of what was read or written, each times its adjusted count, bytes' CODEC(ZSTD(3)),
    SizedItems SimpleAggregateFunction(sum, Float64) COMMENT 'Operations that told such a size, count before sampling' CODEC(ZSTD(3)),
    GetSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    SetSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    HitSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Hits by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    MissSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Misses by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    DurationMin SimpleAggregateFunction(min, UInt64) COMMENT 'Shortest duration of an operation, nanoseconds' CODEC(ZSTD(3)),
    DurationMax SimpleAggregateFunction(max, UInt64) COMMENT 'Longest duration of an operation, nanoseconds' CODEC(ZSTD(3))
)
ENGINE = {{engine AggregatingMergeTree}}
PARTITION BY toDate(Time)
ORDER BY (ServiceName, CacheName, CacheSystem, Time)
{{settings}}
COMMENT 'Operations of caches per minute as spans tell them; add up rows of one key';

{{distributed cache_spans_1m by cityHash64(ServiceName)}};

CREATE TABLE IF NOT EXISTS {{local cache_spans_1h}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the hour in which the spans started, UTC' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    Hits SimpleAggregateFunction(sum, Float64) COMMENT 'Lookups that found something, count before sampling' CODEC(ZSTD(3)),
    Misses SimpleAggregateFunction(sum, Float64) COMMENT 'Lookups that found nothing, count before sampling' CODEC(ZSTD(3)),
    Gets SimpleAggregateFunction(sum, Float64) COMMENT 'Lookups, whether or not it is known what they found, count before sampling' CODEC(ZSTD(3)),
    Sets SimpleAggregateFunction(sum, Float64) COMMENT 'Writes, count before sampling' CODEC(ZSTD(3)),
    Deletes SimpleAggregateFunction(sum, Float64) COMMENT 'Removals by the user, count before sampling' CODEC(ZSTD(3)),
    Operations SimpleAggregateFunction(sum, Float64) COMMENT 'Operations of all kinds, count before sampling' CODEC(ZSTD(3)),
    Errors SimpleAggregateFunction(sum, Float64) COMMENT 'Operations with status Error, count before sampling' CODEC(ZSTD(3)),
    ItemBytes SimpleAggregateFunction(sum, Float64) COMMENT 'Sum of the sizes of what was read or written, each times its adjusted count, bytes' CODEC(ZSTD(3)),
    SizedItems SimpleAggregateFunction(sum, Float64) COMMENT 'Operations that told such a size, count before sampling' CODEC(ZSTD(3)),
    GetSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    SetSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    HitSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Hits by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    MissSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Misses by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    DurationMin SimpleAggregateFunction(min, UInt64) COMMENT 'Shortest duration of an operation, nanoseconds' CODEC(ZSTD(3)),
    DurationMax SimpleAggregateFunction(max, UInt64) COMMENT 'Longest duration of an operation, nanoseconds' CODEC(ZSTD(3))
)
ENGINE = {{engine AggregatingMergeTree}}
PARTITION BY toYYYYMM(Time)
ORDER BY (ServiceName, CacheName, CacheSystem, Time)
{{settings}}
COMMENT 'Operations of caches per hour as spans tell them; add up rows of one key';

{{distributed cache_spans_1h by cityHash64(ServiceName)}};

CREATE TABLE IF NOT EXISTS {{local cache_spans_1d}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the day in which the spans started, UTC' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    Hits SimpleAggregateFunction(sum, Float64) COMMENT 'Lookups that found something, count before sampling' CODEC(ZSTD(3)),
    Misses SimpleAggregateFunction(sum, Float64) COMMENT 'Lookups that found nothing, count before sampling' CODEC(ZSTD(3)),
    Gets SimpleAggregateFunction(sum, Float64) COMMENT 'Lookups, whether or not it is known what they found, count before sampling' CODEC(ZSTD(3)),
    Sets SimpleAggregateFunction(sum, Float64) COMMENT 'Writes, count before sampling' CODEC(ZSTD(3)),
    Deletes SimpleAggregateFunction(sum, Float64) COMMENT 'Removals by the user, count before sampling' CODEC(ZSTD(3)),
    Operations SimpleAggregateFunction(sum, Float64) COMMENT 'Operations of all kinds, count before sampling' CODEC(ZSTD(3)),
    Errors SimpleAggregateFunction(sum, Float64) COMMENT 'Operations with status Error, count before sampling' CODEC(ZSTD(3)),
    ItemBytes SimpleAggregateFunction(sum, Float64) COMMENT 'Sum of the sizes of what was read or written, each times its adjusted count, bytes' CODEC(ZSTD(3)),
    SizedItems SimpleAggregateFunction(sum, Float64) COMMENT 'Operations that told such a size, count before sampling' CODEC(ZSTD(3)),
    GetSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    SetSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    HitSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Hits by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    MissSketch SimpleAggregateFunction(sumMap, Map(Int16, Float64)) COMMENT 'Misses by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    DurationMin SimpleAggregateFunction(min, UInt64) COMMENT 'Shortest duration of an operation, nanoseconds' CODEC(ZSTD(3)),
    DurationMax SimpleAggregateFunction(max, UInt64) COMMENT 'Longest duration of an operation, nanoseconds' CODEC(ZSTD(3))
)
ENGINE = {{engine AggregatingMergeTree}}
PARTITION BY toYYYYMM(Time)
ORDER BY (ServiceName, CacheName, CacheSystem, Time)
{{settings}}
COMMENT 'Operations of caches per day as spans tell them; add up rows of one key';

{{distributed cache_spans_1d by cityHash64(ServiceName)}};

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local cache_spans_1h_mv}} {{on_cluster}}
TO {{local cache_spans_1h}}
AS SELECT
    toStartOfHour(s.Time) AS Time,
    s.ServiceName AS ServiceName,
    s.CacheName AS CacheName,
    s.CacheSystem AS CacheSystem,
    sum(s.Hits) AS Hits,
    sum(s.Misses) AS Misses,
    sum(s.Gets) AS Gets,
    sum(s.Sets) AS Sets,
    sum(s.Deletes) AS Deletes,
    sum(s.Operations) AS Operations,
    sum(s.Errors) AS Errors,
    sum(s.ItemBytes) AS ItemBytes,
    sum(s.SizedItems) AS SizedItems,
    sumMap(s.GetSketch) AS GetSketch,
    sumMap(s.SetSketch) AS SetSketch,
    sumMap(s.HitSketch) AS HitSketch,
    sumMap(s.MissSketch) AS MissSketch,
    min(s.DurationMin) AS DurationMin,
    max(s.DurationMax) AS DurationMax
FROM {{local cache_spans_1m}} AS s
GROUP BY Time, ServiceName, CacheName, CacheSystem
COMMENT 'Fills cache_spans_1h from cache_spans_1m';

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local cache_spans_1d_mv}} {{on_cluster}}
TO {{local cache_spans_1d}}
AS SELECT
    toDateTime(toStartOfDay(s.Time), 'UTC') AS Time,
    s.ServiceName AS ServiceName,
    s.CacheName AS CacheName,
    s.CacheSystem AS CacheSystem,
    sum(s.Hits) AS Hits,
    sum(s.Misses) AS Misses,
    sum(s.Gets) AS Gets,
    sum(s.Sets) AS Sets,
    sum(s.Deletes) AS Deletes,
    sum(s.Operations) AS Operations,
    sum(s.Errors) AS Errors,
    sum(s.ItemBytes) AS ItemBytes,
    sum(s.SizedItems) AS SizedItems,
    sumMap(s.GetSketch) AS GetSketch,
    sumMap(s.SetSketch) AS SetSketch,
    sumMap(s.HitSketch) AS HitSketch,
    sumMap(s.MissSketch) AS MissSketch,
    min(s.DurationMin) AS DurationMin,
    max(s.DurationMax) AS DurationMax
FROM {{local cache_spans_1h}} AS s
GROUP BY Time, ServiceName, CacheName, CacheSystem
COMMENT 'Fills cache_spans_1d from cache_spans_1h';

-- What metrics tell, computed by jobs (src/rollup/caches.ts): what a cumulative counter gained lies between two
-- points, which no view sees together. Computed anew whenever points come late: the row with the highest
-- version counts. Hours and days are computed from the tier before.
CREATE TABLE IF NOT EXISTS {{local cache_counters_1m}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the minute of the points, UTC' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    Hits Float64 COMMENT 'Lookups that found something, count' CODEC(ZSTD(3)),
    Misses Float64 COMMENT 'Lookups that found nothing, count' CODEC(ZSTD(3)),
    Gets Float64 COMMENT 'Lookups, whether or not it is known what they found, count' CODEC(ZSTD(3)),
    Sets Float64 COMMENT 'Writes, count' CODEC(ZSTD(3)),
    Deletes Float64 COMMENT 'Removals by the user, count' CODEC(ZSTD(3)),
    Operations Float64 COMMENT 'Operations of all kinds, count' CODEC(ZSTD(3)),
    Evictions Float64 COMMENT 'Entries that had to make room for others, count' CODEC(ZSTD(3)),
    MemorySum Float64 COMMENT 'Memory of all instances at the end of each minute, sum over the minutes that tell it, bytes' CODEC(ZSTD(3)),
    MemoryMax Float64 COMMENT 'Memory of all instances, the most at the end of a minute, bytes' CODEC(ZSTD(3)),
    MemoryMinutes UInt64 COMMENT 'Minutes that tell it: MemorySum divided by this is the mean, count' CODEC(ZSTD(3)),
    EntriesSum Float64 COMMENT 'Entries of all instances at the end of each minute, sum over the minutes that tell it, count' CODEC(ZSTD(3)),
    EntriesMax Float64 COMMENT 'Entries of all instances, the most at the end of a minute, count' CODEC(ZSTD(3)),
    EntriesMinutes UInt64 COMMENT 'Minutes that tell it: EntriesSum divided by this is the mean, count' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the row was computed, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = {{engine ReplacingMergeTree(Version)}}
PARTITION BY toDate(Time)
ORDER BY (ServiceName, CacheName, CacheSystem, Time)
{{settings}}
COMMENT 'Caches per minute as metrics tell of them, all computations; read cache_rollup_1m';

{{distributed cache_counters_1m by cityHash64(ServiceName)}};

CREATE TABLE IF NOT EXISTS {{local cache_counters_1h}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the hour of the points, UTC' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    Hits Float64 COMMENT 'Lookups that found something, count' CODEC(ZSTD(3)),
    Misses Float64 COMMENT 'Lookups that found nothing, count' CODEC(ZSTD(3)),
    Gets Float64 COMMENT 'Lookups, whether or not it is known what they found, count' CODEC(ZSTD(3)),
    Sets Float64 COMMENT 'Writes, count' CODEC(ZSTD(3)),
    Deletes Float64 COMMENT 'Removals by the user, count' CODEC(ZSTD(3)),
    Operations Float64 COMMENT 'Operations of all kinds, count' CODEC(ZSTD(3)),
    Evictions Float64 COMMENT 'Entries that had to make room for others, count' CODEC(ZSTD(3)),
    MemorySum Float64 COMMENT 'Memory of all instances at the end of each minute, sum over the minutes that tell it, bytes' CODEC(ZSTD(3)),
    MemoryMax Float64 COMMENT 'Memory of all instances, the most at the end of a minute, bytes' CODEC(ZSTD(3)),
    MemoryMinutes UInt64 COMMENT 'Minutes that tell it: MemorySum divided by this is the mean, count' CODEC(ZSTD(3)),
    EntriesSum Float64 COMMENT 'Entries of all instances at the end of each minute, sum over the minutes that tell it, count' CODEC(ZSTD(3)),
    EntriesMax Float64 COMMENT 'Entries of all instances, the most at the end of a minute, count' CODEC(ZSTD(3)),
    EntriesMinutes UInt64 COMMENT 'Minutes that tell it: EntriesSum divided by this is the mean, count' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the row was computed, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = {{engine ReplacingMergeTree(Version)}}
PARTITION BY toYYYYMM(Time)
ORDER BY (ServiceName, CacheName, CacheSystem, Time)
{{settings}}
COMMENT 'Caches per hour as metrics tell of them, all computations; read cache_rollup_1h';

{{distributed cache_counters_1h by cityHash64(ServiceName)}};

CREATE TABLE IF NOT EXISTS {{local cache_counters_1d}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the day of the points, UTC' CODEC(Delta(4), ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter' CODEC(ZSTD(3)),
    CacheName LowCardinality(String) COMMENT 'Name of the cache' CODEC(ZSTD(3)),
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown' CODEC(ZSTD(3)),
    Hits Float64 COMMENT 'Lookups that found something, count' CODEC(ZSTD(3)),
    Misses Float64 COMMENT 'Lookups that found nothing, count' CODEC(ZSTD(3)),
    Gets Float64 COMMENT 'Lookups, whether or not it is known what they found, count' CODEC(ZSTD(3)),
    Sets Float64 COMMENT 'Writes, count' CODEC(ZSTD(3)),
    Deletes Float64 COMMENT 'Removals by the user, count' CODEC(ZSTD(3)),
    Operations Float64 COMMENT 'Operations of all kinds, count' CODEC(ZSTD(3)),
    Evictions Float64 COMMENT 'Entries that had to make room for others, count' CODEC(ZSTD(3)),
    MemorySum Float64 COMMENT 'Memory of all instances at the end of each minute, sum over the minutes that tell it, bytes' CODEC(ZSTD(3)),
    MemoryMax Float64 COMMENT 'Memory of all instances, the most at the end of a minute, bytes' CODEC(ZSTD(3)),
    MemoryMinutes UInt64 COMMENT 'Minutes that tell it: MemorySum divided by this is the mean, count' CODEC(ZSTD(3)),
    EntriesSum Float64 COMMENT 'Entries of all instances at the end of each minute, sum over the minutes that tell it, count' CODEC(ZSTD(3)),
    EntriesMax Float64 COMMENT 'Entries of all instances, the most at the end of a minute, count' CODEC(ZSTD(3)),
    EntriesMinutes UInt64 COMMENT 'Minutes that tell it: EntriesSum divided by this is the mean, count' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the row was computed, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = {{engine ReplacingMergeTree(Version)}}
PARTITION BY toYYYYMM(Time)
ORDER BY (ServiceName, CacheName, CacheSystem, Time)
{{settings}}
COMMENT 'Caches per day as metrics tell of them, all computations; read cache_rollup_1d';

{{distributed cache_counters_1d by cityHash64(ServiceName)}};

CREATE VIEW IF NOT EXISTS {{table cache_rollup_1m}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the minute of what is told, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache',
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    Source LowCardinality(String) COMMENT 'Who tells: spans or counters. A cache that both tell of has a row of each: do not add them up',
    Hits Float64 COMMENT 'Lookups that found something, count before sampling',
    Misses Float64 COMMENT 'Lookups that found nothing, count before sampling',
    Gets Float64 COMMENT 'Lookups, whether or not it is known what they found, count before sampling',
    Sets Float64 COMMENT 'Writes, count before sampling',
    Deletes Float64 COMMENT 'Removals by the user, count before sampling',
    Operations Float64 COMMENT 'Operations of all kinds, count before sampling',
    Evictions Float64 COMMENT 'Entries that had to make room for others, count; only counters tell',
    MemorySum Float64 COMMENT 'Memory of all instances at the end of each minute, sum over the minutes that tell it, bytes',
    MemoryMax Float64 COMMENT 'Memory of all instances, the most at the end of a minute, bytes',
    MemoryMinutes UInt64 COMMENT 'Minutes that tell it: MemorySum divided by this is the mean, count',
    EntriesSum Float64 COMMENT 'Entries of all instances at the end of each minute, sum over the minutes that tell it, count',
    EntriesMax Float64 COMMENT 'Entries of all instances, the most at the end of a minute, count',
    EntriesMinutes UInt64 COMMENT 'Minutes that tell it: EntriesSum divided by this is the mean, count',
    Errors Float64 COMMENT 'Operations with status Error, count before sampling; only spans tell',
    ItemBytes Float64 COMMENT 'Sum of the sizes of what was read or written, each times its adjusted count, bytes; only spans tell',
    SizedItems Float64 COMMENT 'Operations that told such a size, count before sampling; only spans tell',
    GetSketch Map(Int16, Float64) COMMENT 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    SetSketch Map(Int16, Float64) COMMENT 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    HitSketch Map(Int16, Float64) COMMENT 'Hits by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    MissSketch Map(Int16, Float64) COMMENT 'Misses by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    DurationMin UInt64 COMMENT 'Shortest duration of an operation, nanoseconds; only spans tell',
    DurationMax UInt64 COMMENT 'Longest duration of an operation, nanoseconds; only spans tell'
)
AS SELECT s.Time AS Time, s.ServiceName AS ServiceName, s.CacheName AS CacheName, s.CacheSystem AS CacheSystem, 'spans' AS Source,
    sum(s.Hits) AS Hits, sum(s.Misses) AS Misses, sum(s.Gets) AS Gets, sum(s.Sets) AS Sets, sum(s.Deletes) AS Deletes, sum(s.Operations) AS Operations,
    toFloat64(0) AS Evictions, toFloat64(0) AS MemorySum, toFloat64(0) AS MemoryMax, toUInt64(0) AS MemoryMinutes, toFloat64(0) AS EntriesSum, toFloat64(0) AS EntriesMax, toUInt64(0) AS EntriesMinutes,
    sum(s.Errors) AS Errors, sum(s.ItemBytes) AS ItemBytes, sum(s.SizedItems) AS SizedItems,
    sumMap(s.GetSketch) AS GetSketch, sumMap(s.SetSketch) AS SetSketch, sumMap(s.HitSketch) AS HitSketch, sumMap(s.MissSketch) AS MissSketch,
    min(s.DurationMin) AS DurationMin, max(s.DurationMax) AS DurationMax
FROM {{table cache_spans_1m}} AS s
GROUP BY s.Time, s.ServiceName, s.CacheName, s.CacheSystem
UNION ALL
SELECT c.Time AS Time, c.ServiceName AS ServiceName, c.CacheName AS CacheName, c.CacheSystem AS CacheSystem, 'counters' AS Source,
    c.Hits AS Hits, c.Misses AS Misses, c.Gets AS Gets, c.Sets AS Sets, c.Deletes AS Deletes, c.Operations AS Operations,
    c.Evictions AS Evictions, c.MemorySum AS MemorySum, c.MemoryMax AS MemoryMax, c.MemoryMinutes AS MemoryMinutes, c.EntriesSum AS EntriesSum, c.EntriesMax AS EntriesMax, c.EntriesMinutes AS EntriesMinutes,
    toFloat64(0) AS Errors, toFloat64(0) AS ItemBytes, toFloat64(0) AS SizedItems,
    CAST(map(), 'Map(Int16, Float64)') AS GetSketch, CAST(map(), 'Map(Int16, Float64)') AS SetSketch, CAST(map(), 'Map(Int16, Float64)') AS HitSketch, CAST(map(), 'Map(Int16, Float64)') AS MissSketch,
    toUInt64(0) AS DurationMin, toUInt64(0) AS DurationMax
FROM {{table cache_counters_1m}} AS c FINAL
COMMENT 'Caches per minute, one row each for what spans and what counters tell';

CREATE VIEW IF NOT EXISTS {{table cache_rollup_1h}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the hour of what is told, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache',
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    Source LowCardinality(String) COMMENT 'Who tells: spans or counters. A cache that both tell of has a row of each: do not add them up',
    Hits Float64 COMMENT 'Lookups that found something, count before sampling',
    Misses Float64 COMMENT 'Lookups that found nothing, count before sampling',
    Gets Float64 COMMENT 'Lookups, whether or not it is known what they found, count before sampling',
    Sets Float64 COMMENT 'Writes, count before sampling',
    Deletes Float64 COMMENT 'Removals by the user, count before sampling',
    Operations Float64 COMMENT 'Operations of all kinds, count before sampling',
    Evictions Float64 COMMENT 'Entries that had to make room for others, count; only counters tell',
    MemorySum Float64 COMMENT 'Memory of all instances at the end of each minute, sum over the minutes that tell it, bytes',
    MemoryMax Float64 COMMENT 'Memory of all instances, the most at the end of a minute, bytes',
    MemoryMinutes UInt64 COMMENT 'Minutes that tell it: MemorySum divided by this is the mean, count',
    EntriesSum Float64 COMMENT 'Entries of all instances at the end of each minute, sum over the minutes that tell it, count',
    EntriesMax Float64 COMMENT 'Entries of all instances, the most at the end of a minute, count',
    EntriesMinutes UInt64 COMMENT 'Minutes that tell it: EntriesSum divided by this is the mean, count',
    Errors Float64 COMMENT 'Operations with status Error, count before sampling; only spans tell',
    ItemBytes Float64 COMMENT 'Sum of the sizes of what was read or written, each times its adjusted count, bytes; only spans tell',
    SizedItems Float64 COMMENT 'Operations that told such a size, count before sampling; only spans tell',
    GetSketch Map(Int16, Float64) COMMENT 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    SetSketch Map(Int16, Float64) COMMENT 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    HitSketch Map(Int16, Float64) COMMENT 'Hits by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    MissSketch Map(Int16, Float64) COMMENT 'Misses by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    DurationMin UInt64 COMMENT 'Shortest duration of an operation, nanoseconds; only spans tell',
    DurationMax UInt64 COMMENT 'Longest duration of an operation, nanoseconds; only spans tell'
)
AS SELECT s.Time AS Time, s.ServiceName AS ServiceName, s.CacheName AS CacheName, s.CacheSystem AS CacheSystem, 'spans' AS Source,
    sum(s.Hits) AS Hits, sum(s.Misses) AS Misses, sum(s.Gets) AS Gets, sum(s.Sets) AS Sets, sum(s.Deletes) AS Deletes, sum(s.Operations) AS Operations,
    toFloat64(0) AS Evictions, toFloat64(0) AS MemorySum, toFloat64(0) AS MemoryMax, toUInt64(0) AS MemoryMinutes, toFloat64(0) AS EntriesSum, toFloat64(0) AS EntriesMax, toUInt64(0) AS EntriesMinutes,
    sum(s.Errors) AS Errors, sum(s.ItemBytes) AS ItemBytes, sum(s.SizedItems) AS SizedItems,
    sumMap(s.GetSketch) AS GetSketch, sumMap(s.SetSketch) AS SetSketch, sumMap(s.HitSketch) AS HitSketch, sumMap(s.MissSketch) AS MissSketch,
    min(s.DurationMin) AS DurationMin, max(s.DurationMax) AS DurationMax
FROM {{table cache_spans_1h}} AS s
GROUP BY s.Time, s.ServiceName, s.CacheName, s.CacheSystem
UNION ALL
SELECT c.Time AS Time, c.ServiceName AS ServiceName, c.CacheName AS CacheName, c.CacheSystem AS CacheSystem, 'counters' AS Source,
    c.Hits AS Hits, c.Misses AS Misses, c.Gets AS Gets, c.Sets AS Sets, c.Deletes AS Deletes, c.Operations AS Operations,
    c.Evictions AS Evictions, c.MemorySum AS MemorySum, c.MemoryMax AS MemoryMax, c.MemoryMinutes AS MemoryMinutes, c.EntriesSum AS EntriesSum, c.EntriesMax AS EntriesMax, c.EntriesMinutes AS EntriesMinutes,
    toFloat64(0) AS Errors, toFloat64(0) AS ItemBytes, toFloat64(0) AS SizedItems,
    CAST(map(), 'Map(Int16, Float64)') AS GetSketch, CAST(map(), 'Map(Int16, Float64)') AS SetSketch, CAST(map(), 'Map(Int16, Float64)') AS HitSketch, CAST(map(), 'Map(Int16, Float64)') AS MissSketch,
    toUInt64(0) AS DurationMin, toUInt64(0) AS DurationMax
FROM {{table cache_counters_1h}} AS c FINAL
COMMENT 'Caches per hour, one row each for what spans and what counters tell';

CREATE VIEW IF NOT EXISTS {{table cache_rollup_1d}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the day of what is told, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache',
    CacheSystem LowCardinality(String) COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    Source LowCardinality(String) COMMENT 'Who tells: spans or counters. A cache that both tell of has a row of each: do not add them up',
    Hits Float64 COMMENT 'Lookups that found something, count before sampling',
    Misses Float64 COMMENT 'Lookups that found nothing, count before sampling',
    Gets Float64 COMMENT 'Lookups, whether or not it is known what they found, count before sampling',
    Sets Float64 COMMENT 'Writes, count before sampling',
    Deletes Float64 COMMENT 'Removals by the user, count before sampling',
    Operations Float64 COMMENT 'Operations of all kinds, count before sampling',
    Evictions Float64 COMMENT 'Entries that had to make room for others, count; only counters tell',
    MemorySum Float64 COMMENT 'Memory of all instances at the end of each minute, sum over the minutes that tell it, bytes',
    MemoryMax Float64 COMMENT 'Memory of all instances, the most at the end of a minute, bytes',
    MemoryMinutes UInt64 COMMENT 'Minutes that tell it: MemorySum divided by this is the mean, count',
    EntriesSum Float64 COMMENT 'Entries of all instances at the end of each minute, sum over the minutes that tell it, count',
    EntriesMax Float64 COMMENT 'Entries of all instances, the most at the end of a minute, count',
    EntriesMinutes UInt64 COMMENT 'Minutes that tell it: EntriesSum divided by this is the mean, count',
    Errors Float64 COMMENT 'Operations with status Error, count before sampling; only spans tell',
    ItemBytes Float64 COMMENT 'Sum of the sizes of what was read or written, each times its adjusted count, bytes; only spans tell',
    SizedItems Float64 COMMENT 'Operations that told such a size, count before sampling; only spans tell',
    GetSketch Map(Int16, Float64) COMMENT 'Lookups by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    SetSketch Map(Int16, Float64) COMMENT 'Writes by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    HitSketch Map(Int16, Float64) COMMENT 'Hits by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    MissSketch Map(Int16, Float64) COMMENT 'Misses by logarithmic bucket of their duration, count before sampling, 35 buckets per doubling; percentiles are right to 0.9902 %; only spans tell',
    DurationMin UInt64 COMMENT 'Shortest duration of an operation, nanoseconds; only spans tell',
    DurationMax UInt64 COMMENT 'Longest duration of an operation, nanoseconds; only spans tell'
)
AS SELECT s.Time AS Time, s.ServiceName AS ServiceName, s.CacheName AS CacheName, s.CacheSystem AS CacheSystem, 'spans' AS Source,
    sum(s.Hits) AS Hits, sum(s.Misses) AS Misses, sum(s.Gets) AS Gets, sum(s.Sets) AS Sets, sum(s.Deletes) AS Deletes, sum(s.Operations) AS Operations,
    toFloat64(0) AS Evictions, toFloat64(0) AS MemorySum, toFloat64(0) AS MemoryMax, toUInt64(0) AS MemoryMinutes, toFloat64(0) AS EntriesSum, toFloat64(0) AS EntriesMax, toUInt64(0) AS EntriesMinutes,
    sum(s.Errors) AS Errors, sum(s.ItemBytes) AS ItemBytes, sum(s.SizedItems) AS SizedItems,
    sumMap(s.GetSketch) AS GetSketch, sumMap(s.SetSketch) AS SetSketch, sumMap(s.HitSketch) AS HitSketch, sumMap(s.MissSketch) AS MissSketch,
    min(s.DurationMin) AS DurationMin, max(s.DurationMax) AS DurationMax
FROM {{table cache_spans_1d}} AS s
GROUP BY s.Time, s.ServiceName, s.CacheName, s.CacheSystem
UNION ALL
SELECT c.Time AS Time, c.ServiceName AS ServiceName, c.CacheName AS CacheName, c.CacheSystem AS CacheSystem, 'counters' AS Source,
    c.Hits AS Hits, c.Misses AS Misses, c.Gets AS Gets, c.Sets AS Sets, c.Deletes AS Deletes, c.Operations AS Operations,
    c.Evictions AS Evictions, c.MemorySum AS MemorySum, c.MemoryMax AS MemoryMax, c.MemoryMinutes AS MemoryMinutes, c.EntriesSum AS EntriesSum, c.EntriesMax AS EntriesMax, c.EntriesMinutes AS EntriesMinutes,
    toFloat64(0) AS Errors, toFloat64(0) AS ItemBytes, toFloat64(0) AS SizedItems,
    CAST(map(), 'Map(Int16, Float64)') AS GetSketch, CAST(map(), 'Map(Int16, Float64)') AS SetSketch, CAST(map(), 'Map(Int16, Float64)') AS HitSketch, CAST(map(), 'Map(Int16, Float64)') AS MissSketch,
    toUInt64(0) AS DurationMin, toUInt64(0) AS DurationMax
FROM {{table cache_counters_1d}} AS c FINAL
COMMENT 'Caches per day, one row each for what spans and what counters tell';

CREATE VIEW IF NOT EXISTS {{table cache_performance}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache',
    CacheSystem String COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    source String COMMENT 'Who told hits and misses: counters where they did, else spans',
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
    get_p50 Nullable(Float64) COMMENT 'Duration that 50 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    get_p90 Nullable(Float64) COMMENT 'Duration that 90 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    get_p95 Nullable(Float64) COMMENT 'Duration that 95 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    get_p99 Nullable(Float64) COMMENT 'Duration that 99 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p50 Nullable(Float64) COMMENT 'Duration that 50 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p90 Nullable(Float64) COMMENT 'Duration that 90 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p95 Nullable(Float64) COMMENT 'Duration that 95 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p99 Nullable(Float64) COMMENT 'Duration that 99 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    hit_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what hit does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what missed does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_added_p95 Nullable(Float64) COMMENT 'What a miss costs: miss_p95 less hit_p95, milliseconds; null unless both are known'
)
AS WITH
    sumIf(r.Hits + r.Misses, r.Source = 'counters') > 0 AS found_counted,
    sumIf(r.Operations, r.Source = 'counters') > 0 AS operations_counted,
    arrayMap(sketch -> arrayMap(
        q -> if(empty(sketch), NULL, mapKeys(sketch)[arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(sketch))[-1], arrayCumSum(mapValues(sketch)))]),
        [0.5, 0.9, 0.95, 0.99]), [sumMap(r.GetSketch), sumMap(r.SetSketch), sumMap(r.HitSketch), sumMap(r.MissSketch)]) AS buckets,
    maxIf(r.DurationMax, r.Source = 'spans') AS longest,
    minIf(r.DurationMin, r.Source = 'spans') AS shortest,
    arrayMap(found -> arrayMap(b -> if(isNull(b), NULL, least(toFloat64(longest), greatest(toFloat64(shortest), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)) / 1e6), found), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.CacheName AS CacheName,
    max(toString(r.CacheSystem)) AS CacheSystem,
    if(found_counted OR (operations_counted AND sum(r.Hits + r.Misses) = 0), 'counters', 'spans') AS source,
    hits / nullIf(hits + misses, 0) AS hit_rate,
    if(found_counted, sumIf(r.Hits, r.Source = 'counters'), sumIf(r.Hits, r.Source = 'spans')) AS hits,
    if(found_counted, sumIf(r.Misses, r.Source = 'counters'), sumIf(r.Misses, r.Source = 'spans')) AS misses,
    if(operations_counted, sumIf(r.Operations, r.Source = 'counters'), sumIf(r.Operations, r.Source = 'spans')) AS operations,
    operations / 60 AS ops,
    if(operations_counted, sumIf(r.Sets, r.Source = 'counters'), sumIf(r.Sets, r.Source = 'spans')) AS sets,
    if(operations_counted, sumIf(r.Deletes, r.Source = 'counters'), sumIf(r.Deletes, r.Source = 'spans')) AS deletes,
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
FROM {{table cache_rollup_1m}} AS r
GROUP BY r.Time, r.ServiceName, r.CacheName
COMMENT 'Caches per minute: hit rate, operations, evictions, memory, durations (milliseconds) and what a miss costs';

CREATE VIEW IF NOT EXISTS {{table cache_performance_1h}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the hour, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache',
    CacheSystem String COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    source String COMMENT 'Who told hits and misses: counters where they did, else spans',
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
    get_p50 Nullable(Float64) COMMENT 'Duration that 50 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    get_p90 Nullable(Float64) COMMENT 'Duration that 90 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    get_p95 Nullable(Float64) COMMENT 'Duration that 95 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    get_p99 Nullable(Float64) COMMENT 'Duration that 99 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p50 Nullable(Float64) COMMENT 'Duration that 50 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p90 Nullable(Float64) COMMENT 'Duration that 90 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p95 Nullable(Float64) COMMENT 'Duration that 95 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p99 Nullable(Float64) COMMENT 'Duration that 99 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    hit_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what hit does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what missed does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_added_p95 Nullable(Float64) COMMENT 'What a miss costs: miss_p95 less hit_p95, milliseconds; null unless both are known'
)
AS WITH
    sumIf(r.Hits + r.Misses, r.Source = 'counters') > 0 AS found_counted,
    sumIf(r.Operations, r.Source = 'counters') > 0 AS operations_counted,
    arrayMap(sketch -> arrayMap(
        q -> if(empty(sketch), NULL, mapKeys(sketch)[arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(sketch))[-1], arrayCumSum(mapValues(sketch)))]),
        [0.5, 0.9, 0.95, 0.99]), [sumMap(r.GetSketch), sumMap(r.SetSketch), sumMap(r.HitSketch), sumMap(r.MissSketch)]) AS buckets,
    maxIf(r.DurationMax, r.Source = 'spans') AS longest,
    minIf(r.DurationMin, r.Source = 'spans') AS shortest,
    arrayMap(found -> arrayMap(b -> if(isNull(b), NULL, least(toFloat64(longest), greatest(toFloat64(shortest), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)) / 1e6), found), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.CacheName AS CacheName,
    max(toString(r.CacheSystem)) AS CacheSystem,
    if(found_counted OR (operations_counted AND sum(r.Hits + r.Misses) = 0), 'counters', 'spans') AS source,
    hits / nullIf(hits + misses, 0) AS hit_rate,
    if(found_counted, sumIf(r.Hits, r.Source = 'counters'), sumIf(r.Hits, r.Source = 'spans')) AS hits,
    if(found_counted, sumIf(r.Misses, r.Source = 'counters'), sumIf(r.Misses, r.Source = 'spans')) AS misses,
    if(operations_counted, sumIf(r.Operations, r.Source = 'counters'), sumIf(r.Operations, r.Source = 'spans')) AS operations,
    operations / 3600 AS ops,
    if(operations_counted, sumIf(r.Sets, r.Source = 'counters'), sumIf(r.Sets, r.Source = 'spans')) AS sets,
    if(operations_counted, sumIf(r.Deletes, r.Source = 'counters'), sumIf(r.Deletes, r.Source = 'spans')) AS deletes,
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
FROM {{table cache_rollup_1h}} AS r
GROUP BY r.Time, r.ServiceName, r.CacheName
COMMENT 'Caches per hour: hit rate, operations, evictions, memory, durations (milliseconds) and what a miss costs';

CREATE VIEW IF NOT EXISTS {{table cache_performance_1d}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the day, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who told: the user of the cache, or its exporter',
    CacheName LowCardinality(String) COMMENT 'Name of the cache',
    CacheSystem String COMMENT 'What the cache is made with, such as redis, memcached or http; empty when unknown',
    source String COMMENT 'Who told hits and misses: counters where they did, else spans',
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
    get_p50 Nullable(Float64) COMMENT 'Duration that 50 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    get_p90 Nullable(Float64) COMMENT 'Duration that 90 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    get_p95 Nullable(Float64) COMMENT 'Duration that 95 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    get_p99 Nullable(Float64) COMMENT 'Duration that 99 % of lookups do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p50 Nullable(Float64) COMMENT 'Duration that 50 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p90 Nullable(Float64) COMMENT 'Duration that 90 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p95 Nullable(Float64) COMMENT 'Duration that 95 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    set_p99 Nullable(Float64) COMMENT 'Duration that 99 % of writes do not exceed, milliseconds, right to 0.9902 %; null without spans of them',
    hit_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what hit does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_p95 Nullable(Float64) COMMENT 'Duration that 95 % of what missed does not exceed, milliseconds, right to 0.9902 %; null without',
    miss_added_p95 Nullable(Float64) COMMENT 'What a miss costs: miss_p95 less hit_p95, milliseconds; null unless both are known'
)
AS WITH
    sumIf(r.Hits + r.Misses, r.Source = 'counters') > 0 AS found_counted,
    sumIf(r.Operations, r.Source = 'counters') > 0 AS operations_counted,
    arrayMap(sketch -> arrayMap(
        q -> if(empty(sketch), NULL, mapKeys(sketch)[arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(sketch))[-1], arrayCumSum(mapValues(sketch)))]),
        [0.5, 0.9, 0.95, 0.99]), [sumMap(r.GetSketch), sumMap(r.SetSketch), sumMap(r.HitSketch), sumMap(r.MissSketch)]) AS buckets,
    maxIf(r.DurationMax, r.Source = 'spans') AS longest,
    minIf(r.DurationMin, r.Source = 'spans') AS shortest,
    arrayMap(found -> arrayMap(b -> if(isNull(b), NULL, least(toFloat64(longest), greatest(toFloat64(shortest), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)) / 1e6), found), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    r.CacheName AS CacheName,
    max(toString(r.CacheSystem)) AS CacheSystem,
    if(found_counted OR (operations_counted AND sum(r.Hits + r.Misses) = 0), 'counters', 'spans') AS source,
    hits / nullIf(hits + misses, 0) AS hit_rate,
    if(found_counted, sumIf(r.Hits, r.Source = 'counters'), sumIf(r.Hits, r.Source = 'spans')) AS hits,
    if(found_counted, sumIf(r.Misses, r.Source = 'counters'), sumIf(r.Misses, r.Source = 'spans')) AS misses,
    if(operations_counted, sumIf(r.Operations, r.Source = 'counters'), sumIf(r.Operations, r.Source = 'spans')) AS operations,
    operations / 86400 AS ops,
    if(operations_counted, sumIf(r.Sets, r.Source = 'counters'), sumIf(r.Sets, r.Source = 'spans')) AS sets,
    if(operations_counted, sumIf(r.Deletes, r.Source = 'counters'), sumIf(r.Deletes, r.Source = 'spans')) AS deletes,
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
FROM {{table cache_rollup_1d}} AS r
GROUP BY r.Time, r.ServiceName, r.CacheName
COMMENT 'Caches per day: hit rate, operations, evictions, memory, durations (milliseconds) and what a miss costs';
