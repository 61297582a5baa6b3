CREATE TABLE IF NOT EXISTS `otel`.`metric_series_local` ON CLUSTER `main`
(
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    MetricName LowCardinality(String) COMMENT 'Name of the metric' CODEC(ZSTD(3)),
    SeriesId UInt64 COMMENT 'Hash of metric name, scope, resource and attributes, as in the other tables' CODEC(ZSTD(3)),
    Month Date COMMENT 'First day of the month in which it reported, UTC' CODEC(ZSTD(3)),
    Attributes SimpleAggregateFunction(any, Map(String, String)) COMMENT 'Attributes of its points, values as text' CODEC(ZSTD(3)),
    ResourceAttributes SimpleAggregateFunction(any, Map(String, String)) COMMENT 'Attributes of its resource, values as text' CODEC(ZSTD(3)),
    ScopeName SimpleAggregateFunction(any, LowCardinality(String)) COMMENT 'Name of its instrumentation scope' CODEC(ZSTD(3)),
    FirstSeen SimpleAggregateFunction(min, DateTime('UTC')) COMMENT 'First minute of the month with a point, UTC' CODEC(ZSTD(3)),
    LastSeen SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'A minute with a point, on the last day of the month that had one, UTC' CODEC(ZSTD(3))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(Month)
ORDER BY (ServiceName, MetricName, SeriesId, Month)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Series by month with their attributes; several rows until parts are merged, so aggregate';

CREATE TABLE IF NOT EXISTS `otel`.`metric_series` ON CLUSTER `main`
AS `otel`.`metric_series_local`
ENGINE = Distributed('main', 'otel', 'metric_series_local', SeriesId);

CREATE TABLE IF NOT EXISTS `otel`.`metric_metadata_local` ON CLUSTER `main`
(
    MetricName LowCardinality(String) COMMENT 'Name of the metric' CODEC(ZSTD(3)),
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    MetricType LowCardinality(String) COMMENT 'gauge, sum, histogram, exponential_histogram or summary' CODEC(ZSTD(3)),
    Temporality LowCardinality(String) COMMENT 'delta, cumulative, or none for gauges' CODEC(ZSTD(3)),
    IsMonotonic Bool COMMENT 'Whether a sum never falls except at a restart, true or false' CODEC(ZSTD(3)),
    MetricUnit LowCardinality(String) COMMENT 'Unit of the values, UCUM' CODEC(ZSTD(3)),
    MetricDescription SimpleAggregateFunction(anyLast, LowCardinality(String)) COMMENT 'Description given by the sender' CODEC(ZSTD(3)),
    FirstSeen SimpleAggregateFunction(min, DateTime('UTC')) COMMENT 'First minute with a point, UTC' CODEC(ZSTD(3)),
    LastSeen SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'Last minute with a point, UTC' CODEC(ZSTD(3))
)
ENGINE = ReplicatedAggregatingMergeTree
ORDER BY (MetricName, ServiceName, MetricType, Temporality, IsMonotonic, MetricUnit)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'What senders say of their metrics, by service; kept for ever, being small. Several rows until parts are merged: read metric_catalogue';

CREATE TABLE IF NOT EXISTS `otel`.`metric_metadata` ON CLUSTER `main`
AS `otel`.`metric_metadata_local`
ENGINE = Distributed('main', 'otel', 'metric_metadata_local', cityHash64(MetricName));

CREATE VIEW IF NOT EXISTS `otel`.`metric_catalogue` ON CLUSTER `main`
(
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    MetricType LowCardinality(String) COMMENT 'gauge, sum, histogram, exponential_histogram or summary',
    Temporality LowCardinality(String) COMMENT 'delta, cumulative, or none for gauges',
    IsMonotonic Bool COMMENT 'Whether a sum never falls except at a restart, true or false',
    MetricUnit LowCardinality(String) COMMENT 'Unit of the values, UCUM',
    MetricDescription LowCardinality(String) COMMENT 'Description given by one of the senders',
    services Array(LowCardinality(String)) COMMENT 'Services that send it, sorted',
    first_seen DateTime('UTC') COMMENT 'First minute with a point, UTC',
    last_seen DateTime('UTC') COMMENT 'Last minute with a point, UTC'
)
AS SELECT it.MetricName AS MetricName, it.MetricType AS MetricType, it.Temporality AS Temporality, it.IsMonotonic AS IsMonotonic, it.MetricUnit AS MetricUnit,
    argMaxIf(it.MetricDescription, it.LastSeen, it.MetricDescription != '') AS MetricDescription,
    arraySort(groupUniqArray(it.ServiceName)) AS services, min(it.FirstSeen) AS first_seen, max(it.LastSeen) AS last_seen
FROM `otel`.`metric_metadata` AS it
GROUP BY it.MetricName, it.MetricType, it.Temporality, it.IsMonotonic, it.MetricUnit
COMMENT 'Metrics that were ever received. More than one row for a name: senders disagree about its kind or unit';

CREATE VIEW IF NOT EXISTS `otel`.`metric_cardinality` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the hour, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    series UInt64 COMMENT 'Series with points in this hour, count',
    points UInt64 COMMENT 'Points with a value in this hour, count'
)
AS SELECT it.Time AS Time, it.ServiceName AS ServiceName, it.MetricName AS MetricName, uniqExact(it.SeriesId) AS series, sum(it.Points) AS points
FROM `otel`.`metric_rollup_1h` AS it
GROUP BY it.Time, it.ServiceName, it.MetricName
COMMENT 'Series per hour, service and metric';

CREATE VIEW IF NOT EXISTS `otel`.`attribute_cardinality` ON CLUSTER `main`
(
    Month Date COMMENT 'First day of the month, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    attribute String COMMENT 'Name of the attribute',
    place LowCardinality(String) COMMENT 'point or resource: where the attribute stands',
    values UInt64 COMMENT 'Different values, count, about 1 % off',
    series UInt64 COMMENT 'Series that have the attribute, count, about 1 % off',
    example String COMMENT 'One of the values'
)
AS SELECT it.Month AS Month, it.ServiceName AS ServiceName, it.MetricName AS MetricName,
    it.pair.1 AS attribute, it.pair.3 AS place, uniq(it.pair.2) AS values, uniq(it.SeriesId) AS series, any(it.pair.2) AS example
FROM (
    SELECT Month, ServiceName, MetricName, SeriesId, arrayJoin(arrayConcat(
        arrayMap((k, v) -> (toString(k), toString(v), 'point'), mapKeys(Attributes), mapValues(Attributes)),
        arrayMap((k, v) -> (toString(k), toString(v), 'resource'), mapKeys(ResourceAttributes), mapValues(ResourceAttributes)))) AS pair
    FROM `otel`.`metric_series`
) AS it
GROUP BY it.Month, it.ServiceName, it.MetricName, it.pair.1, it.pair.3
COMMENT 'Values per month, metric and attribute';

CREATE VIEW IF NOT EXISTS `otel`.`metric_rows` ON CLUSTER `main`
AS SELECT r.*, transform({tier:String}, ['1m', '1h', '1d'], [60, 3600, 86400], 0) AS seconds
FROM
(
    SELECT * FROM `otel`.`metric_rollup_1m`
    WHERE MetricName = {metric:String}
        AND Time >= {from:DateTime('UTC')} - INTERVAL 5 MINUTE AND Time < if({tier:String} = '1m', {to:DateTime('UTC')}, toDateTime(0, 'UTC'))
    UNION ALL
    SELECT * FROM `otel`.`metric_rollup_1h`
    WHERE MetricName = {metric:String}
        AND Time >= {from:DateTime('UTC')} - INTERVAL 1 HOUR AND Time < if({tier:String} = '1h', {to:DateTime('UTC')}, toDateTime(0, 'UTC'))
    UNION ALL
    SELECT * FROM `otel`.`metric_rollup_1d`
    WHERE MetricName = {metric:String}
        AND Time >= {from:DateTime('UTC')} - INTERVAL 1 DAY AND Time < if({tier:String} = '1d', {to:DateTime('UTC')}, toDateTime(0, 'UTC'))
) AS r
WHERE r.Time >= {from:DateTime('UTC')} OR r.LastAt >= toDateTime64({from:DateTime('UTC')}, 9) - INTERVAL 5 MINUTE
COMMENT 'For the views metric_gauges, metric_counters and metric_histograms';

CREATE VIEW IF NOT EXISTS `otel`.`metric_labels` ON CLUSTER `main`
AS SELECT
    it.SeriesId AS SeriesId,
    CAST((
        {by:Array(String)},
        arrayMap(key -> if(mapContains(any(it.Attributes) AS own, key), own[key], (any(it.ResourceAttributes) AS shared)[key]), {by:Array(String)})
    ), 'Map(String, String)') AS labels
FROM `otel`.`metric_series` AS it
WHERE it.MetricName = {metric:String}
GROUP BY it.SeriesId
COMMENT 'For the views metric_gauges, metric_counters and metric_histograms';

CREATE VIEW IF NOT EXISTS `otel`.`metric_gauges` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, hour or day, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    labels Map(String, String) COMMENT 'What was asked for in by, from the attributes of point or resource; empty when missing',
    unit LowCardinality(String) COMMENT 'Unit of the values, UCUM',
    series UInt64 COMMENT 'Series together in this row, count',
    points UInt64 COMMENT 'Points with a value, count',
    avg Float64 COMMENT 'Mean of all points, in unit',
    min Nullable(Float64) COMMENT 'Least value, in unit',
    max Nullable(Float64) COMMENT 'Greatest value, in unit',
    last Float64 COMMENT 'Value of the last point, in unit',
    p50 Float64 COMMENT 'Value that 50 % of points do not exceed, in unit, right to 0.9902 %',
    p90 Float64 COMMENT 'Value that 90 % of points do not exceed, in unit, right to 0.9902 %',
    p95 Float64 COMMENT 'Value that 95 % of points do not exceed, in unit, right to 0.9902 %',
    p99 Float64 COMMENT 'Value that 99 % of points do not exceed, in unit, right to 0.9902 %'
)
AS WITH
    sumMap(r.Sketch) AS sketch,
    arrayCumSum(mapValues(sketch)) AS below,
    arrayMap(q -> mapKeys(sketch)[arrayFirstIndex(c -> c >= q * below[-1], below)], [0.5, 0.9, 0.95, 0.99]) AS buckets,
    arrayMap(b -> least(assumeNotNull(max(r.Max)), greatest(assumeNotNull(min(r.Min)), sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997)), buckets) AS p
SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    s.labels AS labels,
    r.MetricUnit AS unit,
    uniqExact(r.SeriesId) AS series,
    sum(r.Points) AS points,
    sum(r.Sum) / points AS avg,
    min(r.Min) AS min,
    max(r.Max) AS max,
    argMax(r.Last, r.LastAt) AS last,
    p[1] AS p50,
    p[2] AS p90,
    p[3] AS p95,
    p[4] AS p99
FROM (
    SELECT * FROM `otel`.`metric_rows`(metric = {metric:String}, tier = {tier:String}, from = {from:DateTime('UTC')}, to = {to:DateTime('UTC')})
    WHERE Time >= {from:DateTime('UTC')} AND Points > 0
        AND (MetricType = 'gauge' OR (MetricType = 'sum' AND Temporality = 'cumulative' AND NOT IsMonotonic))
) AS r
LEFT JOIN `otel`.`metric_labels`(metric = {metric:String}, by = {by:Array(String)}) AS s ON s.SeriesId = r.SeriesId
GROUP BY r.Time, r.ServiceName, s.labels, r.MetricUnit
COMMENT 'Gauges and up-down sums: metric_gauges(metric, by, tier, from, to)';

CREATE VIEW IF NOT EXISTS `otel`.`metric_counters` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, hour or day, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    labels Map(String, String) COMMENT 'What was asked for in by, from the attributes of point or resource; empty when missing',
    unit LowCardinality(String) COMMENT 'Unit of the values, UCUM',
    series UInt64 COMMENT 'Series together in this row, count',
    increase Float64 COMMENT 'How much was counted, in unit; restarts understood, negative where an up-down sum fell',
    rate Float64 COMMENT 'Increase per second of the whole minute, hour or day, in unit'
)
AS SELECT
    r.Time AS Time,
    r.ServiceName AS ServiceName,
    s.labels AS labels,
    r.MetricUnit AS unit,
    uniqExact(r.SeriesId) AS series,
    sum(r.Increase + multiIf(
        r.Temporality = 'delta', 0,
        r.BeforeAt = toDateTime64(0, 9), if(r.FirstStart >= {from:DateTime('UTC')} AND r.FirstStart < r.FirstAt, r.First, 0),
        (r.FirstStart > r.BeforeStart AND r.FirstStart >= r.BeforeAt AND r.FirstStart < r.FirstAt) OR (r.IsMonotonic AND r.First < r.Before), r.First,
        r.First - r.Before)) AS increase,
    increase / any(r.seconds) AS rate
FROM (
    SELECT *, lagInFrame(LastAt) OVER w AS BeforeAt, lagInFrame(LastStart) OVER w AS BeforeStart, lagInFrame(Last) OVER w AS Before
    FROM `otel`.`metric_rows`(metric = {metric:String}, tier = {tier:String}, from = {from:DateTime('UTC')}, to = {to:DateTime('UTC')})
    WHERE MetricType = 'sum' AND Points > 0
    WINDOW w AS (PARTITION BY ServiceName, SeriesId, Temporality, IsMonotonic ORDER BY FirstAt, LastAt ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
) AS r
LEFT JOIN `otel`.`metric_labels`(metric = {metric:String}, by = {by:Array(String)}) AS s ON s.SeriesId = r.SeriesId
WHERE r.Time >= {from:DateTime('UTC')}
GROUP BY r.Time, r.ServiceName, s.labels, r.MetricUnit
COMMENT 'Counters of either temporality: metric_counters(metric, by, tier, from, to)';

CREATE VIEW IF NOT EXISTS `otel`.`metric_histograms` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, hour or day, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    labels Map(String, String) COMMENT 'What was asked for in by, from the attributes of point or resource; empty when missing',
    unit LowCardinality(String) COMMENT 'Unit of the values, UCUM',
    series UInt64 COMMENT 'Series together in this row, count',
    count Float64 COMMENT 'Measured values, count',
    rate Float64 COMMENT 'Measured values per second of the whole minute, hour or day',
    sum Float64 COMMENT 'Sum of the measured values, in unit',
    avg Float64 COMMENT 'Mean of the measured values, in unit; NaN when there are none',
    min Nullable(Float64) COMMENT 'Least measured value, in unit; null unless sent with delta temporality',
    max Nullable(Float64) COMMENT 'Greatest measured value, in unit; null unless sent with delta temporality',
    p50 Nullable(Float64) COMMENT 'Value that 50 % do not exceed, in unit, interpolated within its bucket; null without buckets',
    p90 Nullable(Float64) COMMENT 'Value that 90 % do not exceed, in unit, interpolated within its bucket; null without buckets',
    p95 Nullable(Float64) COMMENT 'Value that 95 % do not exceed, in unit, interpolated within its bucket; null without buckets',
    p99 Nullable(Float64) COMMENT 'Value that 99 % do not exceed, in unit, interpolated within its bucket; null without buckets'
)
AS WITH
    arraySort(groupArrayIf((b.upper, b.lower, b.n, b.curved), b.n > 0)) AS buckets,
    arrayCumSum(buckets.3) AS sums,
    arrayMap(q -> arrayFirstIndex(it -> it >= q * sums[-1], sums), [0.5, 0.9, 0.95, 0.99]) AS places,
    arrayMap((q, place) -> (buckets[place], (q * sums[-1] - (sums[place] - buckets[place].3)) / buckets[place].3), [0.5, 0.9, 0.95, 0.99], places) AS shares,
    arrayMap((it, place) -> multiIf(
        place = 0, NULL,
        it.1.1 = inf, if(it.1.2 = -inf, NULL, it.1.2),
        it.1.2 = -inf, if(it.1.1 <= 0, it.1.1, it.1.1 * it.2),
        it.1.4 = 1, it.1.2 * pow(it.1.1 / it.1.2, it.2),
        it.1.2 + (it.1.1 - it.1.2) * it.2), shares, places) AS p
SELECT
    b.Time AS Time,
    b.ServiceName AS ServiceName,
    b.labels AS labels,
    b.unit AS unit,
    any(b.series) AS series,
    any(b.counts) AS count,
    any(b.counts) / any(b.seconds) AS rate,
    any(b.total) AS sum,
    any(b.total) / any(b.counts) AS avg,
    any(b.least) AS min,
    any(b.greatest) AS max,
    p[1] AS p50,
    p[2] AS p90,
    p[3] AS p95,
    p[4] AS p99
FROM (
    SELECT Time, ServiceName, labels, unit, lower, upper, curved, sum(gained) AS n, any(series) AS series,
        any(seconds) AS seconds, any(counts) AS counts, any(total) AS total, any(least) AS least, any(greatest) AS greatest
    FROM (
        SELECT Time, ServiceName, labels, unit, series, seconds, counts, total, least, greatest,
            arrayJoin(arrayPushFront(multiIf(
                MetricType = 'histogram',
                arrayMap((k, n) -> (if(k = 1, -inf, ExplicitBounds[k - 1]), if(k > length(ExplicitBounds), inf, ExplicitBounds[k]), n, 0), mapKeys(Buckets), mapValues(Buckets)),
                MetricType = 'exponential_histogram',
                arrayConcat(
                    [(-ZeroThreshold * hasNegative, ZeroThreshold, ZeroCount, 0)],
                    arrayMap((k, n) -> (exp2(floor(k / exp2(Layout - coarsest)) * exp2(-coarsest)), exp2((floor(k / exp2(Layout - coarsest)) + 1) * exp2(-coarsest)), n, 1), mapKeys(Buckets), mapValues(Buckets)),
                    arrayMap((k, n) -> (-exp2((floor(k / exp2(Layout - coarsest)) + 1) * exp2(-coarsest)), -exp2(floor(k / exp2(Layout - coarsest)) * exp2(-coarsest)), n, 1), mapKeys(NegativeBuckets), mapValues(NegativeBuckets))),
                []), (0., 0., 0., 0))) AS bucket,
            bucket.1 AS lower, bucket.2 AS upper, bucket.3 AS gained, bucket.4 AS curved
        FROM (
            SELECT *, toFloat64(min(Layout) OVER kind) AS coarsest, max(notEmpty(NegativeBuckets)) OVER kind AS hasNegative,
                sum(laidOut) OVER row AS series, sum(Count) OVER row AS counts, sum(Sum) OVER row AS total, min(Least) OVER row AS least, max(Greatest) OVER row AS greatest
            FROM (
                SELECT r.Time AS Time, r.ServiceName AS ServiceName, s.labels AS labels, r.MetricUnit AS unit, any(r.seconds) AS seconds,
                    r.MetricType AS MetricType, r.Layout AS Layout, any(r.ExplicitBounds) AS ExplicitBounds, uniqExact(r.SeriesId) AS laidOut,
                    sum(r.Count + r.GapCount) AS Count, sum(r.Sum + multiIf(r.How = 'whole', r.FirstSum, r.How = 'difference', r.FirstSum - r.BeforeSum, 0)) AS Sum,
                    min(r.Min) AS Least, max(r.Max) AS Greatest, max(r.ZeroThreshold) AS ZeroThreshold,
                    sum(r.ZeroCount + multiIf(r.How = 'whole', r.FirstZeroCount, r.How = 'difference', r.FirstZeroCount - r.BeforeZeroCount, 0)) AS ZeroCount,
                    sumMap(mapAdd(r.Buckets, multiIf(r.How = 'whole', r.FirstBuckets, r.How = 'difference', mapSubtract(r.FirstBuckets, r.BeforeBuckets), r.NoBuckets))) AS Buckets,
                    sumMap(mapAdd(r.NegativeBuckets, multiIf(r.How = 'whole', r.FirstNegativeBuckets, r.How = 'difference', mapSubtract(r.FirstNegativeBuckets, r.BeforeNegativeBuckets), r.NoBuckets))) AS NegativeBuckets
                FROM (
                    SELECT * EXCEPT (BeforeBuckets, BeforeNegativeBuckets),
                        CAST(map(), 'Map(Int64, Float64)') AS NoBuckets,
                        if(MetricType = 'exponential_histogram' AND BeforeLayout > Layout, arrayReduce('sumMap', arrayMap((k, n) -> map(toInt64(floor(k / exp2(BeforeLayout - Layout))), n), mapKeys(BeforeBuckets), mapValues(BeforeBuckets))), BeforeBuckets) AS BeforeBuckets,
                        if(MetricType = 'exponential_histogram' AND BeforeLayout > Layout, arrayReduce('sumMap', arrayMap((k, n) -> map(toInt64(floor(k / exp2(BeforeLayout - Layout))), n), mapKeys(BeforeNegativeBuckets), mapValues(BeforeNegativeBuckets))), BeforeNegativeBuckets) AS BeforeNegativeBuckets,
                        multiIf(
                            Temporality = 'delta' OR BeforeTime = Time, 'nothing',
                            BeforeAt = toDateTime64(0, 9), if(FirstStart >= {from:DateTime('UTC')} AND FirstStart < FirstAt, 'whole', 'nothing'),
                            (FirstStart > BeforeStart AND FirstStart >= BeforeAt AND FirstStart < FirstAt)
                                OR FirstCount < BeforeCount OR FirstZeroCount < BeforeZeroCount
                                OR if(MetricType = 'exponential_histogram', Layout > BeforeLayout, Layout != BeforeLayout)
                                OR arrayExists(n -> n < 0, mapValues(mapSubtract(FirstBuckets, BeforeBuckets))), 'whole',
                            'difference') AS How,
                        multiIf(How = 'whole', FirstCount, How = 'difference', FirstCount - BeforeCount, 0) AS GapCount
                    FROM (
                        SELECT *, lagInFrame(LastAt) OVER w AS BeforeAt, lagInFrame(LastStart) OVER w AS BeforeStart, lagInFrame(Layout) OVER w AS BeforeLayout, lagInFrame(Time) OVER w AS BeforeTime,
                            lagInFrame(LastCount) OVER w AS BeforeCount, lagInFrame(LastSum) OVER w AS BeforeSum, lagInFrame(LastZeroCount) OVER w AS BeforeZeroCount,
                            lagInFrame(LastBuckets) OVER w AS BeforeBuckets, lagInFrame(LastNegativeBuckets) OVER w AS BeforeNegativeBuckets
                        FROM `otel`.`metric_rows`(metric = {metric:String}, tier = {tier:String}, from = {from:DateTime('UTC')}, to = {to:DateTime('UTC')})
                        WHERE MetricType IN ('histogram', 'exponential_histogram', 'summary')
                        WINDOW w AS (PARTITION BY ServiceName, SeriesId, MetricType, Temporality ORDER BY FirstAt, LastAt ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
                    )
                ) AS r
                LEFT JOIN `otel`.`metric_labels`(metric = {metric:String}, by = {by:Array(String)}) AS s ON s.SeriesId = r.SeriesId
                WHERE r.Time >= {from:DateTime('UTC')}
                GROUP BY r.Time, r.ServiceName, s.labels, r.MetricUnit, r.MetricType, r.Layout
            )
            WINDOW kind AS (PARTITION BY Time, ServiceName, labels, unit, MetricType), row AS (PARTITION BY Time, ServiceName, labels, unit)
        )
    )
    GROUP BY Time, ServiceName, labels, unit, lower, upper, curved
) AS b
GROUP BY b.Time, b.ServiceName, b.labels, b.unit
COMMENT 'Histograms of both kinds, and counts of summaries: metric_histograms(metric, by, tier, from, to)';
