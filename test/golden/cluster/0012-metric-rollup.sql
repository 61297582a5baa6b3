CREATE TABLE IF NOT EXISTS `otel`.`metric_arrivals_local` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute of the points, UTC' CODEC(Delta(4), ZSTD(3)),
    Points SimpleAggregateFunction(sum, UInt64) COMMENT 'Points inserted, count' CODEC(ZSTD(3))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toDate(Time)
ORDER BY Time
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Points per minute, of all kinds of metrics; add up rows of one key';

CREATE TABLE IF NOT EXISTS `otel`.`metric_arrivals` ON CLUSTER `main`
AS `otel`.`metric_arrivals_local`
ENGINE = Distributed('main', 'otel', 'metric_arrivals_local', cityHash64(Time));

CREATE MATERIALIZED VIEW IF NOT EXISTS `otel`.`metric_arrivals_gauge_mv_local` ON CLUSTER `main`
TO `otel`.`metric_arrivals_local`
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM `otel`.`otel_metrics_gauge_local`
GROUP BY Time
COMMENT 'Fills metric_arrivals from otel_metrics_gauge';

CREATE MATERIALIZED VIEW IF NOT EXISTS `otel`.`metric_arrivals_sum_mv_local` ON CLUSTER `main`
TO `otel`.`metric_arrivals_local`
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM `otel`.`otel_metrics_sum_local`
GROUP BY Time
COMMENT 'Fills metric_arrivals from otel_metrics_sum';

CREATE MATERIALIZED VIEW IF NOT EXISTS `otel`.`metric_arrivals_histogram_mv_local` ON CLUSTER `main`
TO `otel`.`metric_arrivals_local`
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM `otel`.`otel_metrics_histogram_local`
GROUP BY Time
COMMENT 'Fills metric_arrivals from otel_metrics_histogram';

CREATE MATERIALIZED VIEW IF NOT EXISTS `otel`.`metric_arrivals_exponential_histogram_mv_local` ON CLUSTER `main`
TO `otel`.`metric_arrivals_local`
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM `otel`.`otel_metrics_exponential_histogram_local`
GROUP BY Time
COMMENT 'Fills metric_arrivals from otel_metrics_exponential_histogram';

CREATE MATERIALIZED VIEW IF NOT EXISTS `otel`.`metric_arrivals_summary_mv_local` ON CLUSTER `main`
TO `otel`.`metric_arrivals_local`
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM `otel`.`otel_metrics_summary_local`
GROUP BY Time
COMMENT 'Fills metric_arrivals from otel_metrics_summary';

CREATE TABLE IF NOT EXISTS `otel`.`metric_rollup_1m_computed_local` ON CLUSTER `main`
(
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    MetricName LowCardinality(String) COMMENT 'Name of the metric' CODEC(ZSTD(3)),
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC' CODEC(Delta(4), ZSTD(3)),
    SeriesId UInt64 COMMENT 'Hash of metric name, scope, resource and attributes; metric_series says which they are' CODEC(ZSTD(3)),
    MetricType Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5) COMMENT 'Kind of the points, and the table they came from' CODEC(ZSTD(3)),
    Temporality Enum8('none' = 0, 'delta' = 1, 'cumulative' = 2) COMMENT 'What a point counts: delta, since the last one; cumulative, since its start time; none for gauges' CODEC(ZSTD(3)),
    IsMonotonic Bool COMMENT 'Whether a sum never falls except at a restart, true or false' CODEC(ZSTD(3)),
    Layout Int64 COMMENT 'How buckets are cut: a hash of ExplicitBounds, or the scale of exponential buckets (number); 0 without buckets' CODEC(ZSTD(3)),
    MetricUnit LowCardinality(String) COMMENT 'Unit of the values, UCUM, such as s, By or {request}' CODEC(ZSTD(3)),
    Points UInt64 COMMENT 'Points with a value, count' CODEC(ZSTD(3)),
    NotFinite UInt64 COMMENT 'Points that were NaN or infinite and are in no other column, count' CODEC(ZSTD(3)),
    Sum Float64 COMMENT 'Gauges, up-down sums and delta sums: sum of the values; distributions: sum of what was measured, as in Count; in MetricUnit; 0 for cumulative counters' CODEC(ZSTD(3)),
    Min Nullable(Float64) COMMENT 'Least value, of delta distributions the least that was measured, in MetricUnit; null when not known' CODEC(ZSTD(3)),
    Max Nullable(Float64) COMMENT 'Greatest value, of delta distributions the greatest that was measured, in MetricUnit; null when not known' CODEC(ZSTD(3)),
    FirstAt DateTime64(9) COMMENT 'Time of the first point, UTC, nanosecond precision' CODEC(Delta(8), ZSTD(3)),
    FirstStart DateTime64(9) COMMENT 'Since when the first point counts, UTC, nanosecond precision; 1970 when unknown' CODEC(Delta(8), ZSTD(3)),
    First Float64 COMMENT 'Value of the first point of gauges and sums, in MetricUnit' CODEC(ZSTD(3)),
    LastAt DateTime64(9) COMMENT 'Time of the last point, UTC, nanosecond precision' CODEC(Delta(8), ZSTD(3)),
    LastStart DateTime64(9) COMMENT 'Since when the last point counts, UTC, nanosecond precision; 1970 when unknown' CODEC(Delta(8), ZSTD(3)),
    Last Float64 COMMENT 'Value of the last point of gauges and sums, in MetricUnit' CODEC(ZSTD(3)),
    Increase Float64 COMMENT 'Sums: how much was counted, in MetricUnit; of cumulative ones from the first point to the last, restarts understood: what lies before the first is First less Last of the row before' CODEC(ZSTD(3)),
    Sketch Map(Int16, Float64) COMMENT 'Gauges and up-down sums: points by logarithmic bucket, 35 buckets per doubling, count; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    Count Float64 COMMENT 'Distributions: measured values, count; of cumulative ones from the first point to the last' CODEC(ZSTD(3)),
    ZeroCount Float64 COMMENT 'Exponential histograms: as Count, in the zero bucket, count' CODEC(ZSTD(3)),
    ZeroThreshold Float64 COMMENT 'Exponential histograms: greatest width of the zero bucket on either side, in MetricUnit' CODEC(ZSTD(3)),
    ExplicitBounds Array(Float64) COMMENT 'Explicit buckets: upper bound of each but the last, inclusive, in MetricUnit' CODEC(ZSTD(3)),
    Buckets Map(Int64, Float64) COMMENT 'As Count, by position in ExplicitBounds (from 1) or by index of the exponential bucket, count; empty ones left out' CODEC(ZSTD(3)),
    NegativeBuckets Map(Int64, Float64) COMMENT 'As Count, by index of the negative exponential bucket, count; empty ones left out' CODEC(ZSTD(3)),
    FirstCount Float64 COMMENT 'Cumulative distributions: measured values of the first point, count' CODEC(ZSTD(3)),
    FirstSum Float64 COMMENT 'Cumulative distributions: sum of the first point, in MetricUnit' CODEC(ZSTD(3)),
    FirstZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the first point, count' CODEC(ZSTD(3)),
    FirstBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the first point, count; empty ones left out' CODEC(ZSTD(3)),
    FirstNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the first point, count; empty ones left out' CODEC(ZSTD(3)),
    LastCount Float64 COMMENT 'Cumulative distributions: measured values of the last point, count' CODEC(ZSTD(3)),
    LastSum Float64 COMMENT 'Cumulative distributions: sum of the last point, in MetricUnit' CODEC(ZSTD(3)),
    LastZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the last point, count' CODEC(ZSTD(3)),
    LastBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the last point, count; empty ones left out' CODEC(ZSTD(3)),
    LastNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the last point, count; empty ones left out' CODEC(ZSTD(3)),
    Quantiles Map(String, Float64) COMMENT 'Summaries: values of the last point by quantile (0 to 1, as text), in MetricUnit' CODEC(ZSTD(3)),
    QuantilesMax Map(String, Float64) COMMENT 'Summaries: greatest value that was sent for each quantile (0 to 1, as text), in MetricUnit' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the row was computed, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version)
PARTITION BY toDate(Time)
PRIMARY KEY (ServiceName, MetricName, toStartOfHour(Time), SeriesId, Time)
ORDER BY (ServiceName, MetricName, toStartOfHour(Time), SeriesId, Time, MetricType, Temporality, IsMonotonic, Layout)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Series by minute, all computations; read metric_rollup_1m';

CREATE TABLE IF NOT EXISTS `otel`.`metric_rollup_1m_computed` ON CLUSTER `main`
AS `otel`.`metric_rollup_1m_computed_local`
ENGINE = Distributed('main', 'otel', 'metric_rollup_1m_computed_local', SeriesId);

CREATE VIEW IF NOT EXISTS `otel`.`metric_rollup_1m` ON CLUSTER `main`
(
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    Time DateTime('UTC') COMMENT 'Start of the minute, UTC',
    SeriesId UInt64 COMMENT 'Hash of metric name, scope, resource and attributes; metric_series says which they are',
    MetricType Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5) COMMENT 'Kind of the points, and the table they came from',
    Temporality Enum8('none' = 0, 'delta' = 1, 'cumulative' = 2) COMMENT 'What a point counts: delta, since the last one; cumulative, since its start time; none for gauges',
    IsMonotonic Bool COMMENT 'Whether a sum never falls except at a restart, true or false',
    Layout Int64 COMMENT 'How buckets are cut: a hash of ExplicitBounds, or the scale of exponential buckets (number); 0 without buckets',
    MetricUnit LowCardinality(String) COMMENT 'Unit of the values, UCUM, such as s, By or {request}',
    Points UInt64 COMMENT 'Points with a value, count',
    NotFinite UInt64 COMMENT 'Points that were NaN or infinite and are in no other column, count',
    Sum Float64 COMMENT 'Gauges, up-down sums and delta sums: sum of the values; distributions: sum of what was measured, as in Count; in MetricUnit; 0 for cumulative counters',
    Min Nullable(Float64) COMMENT 'Least value, of delta distributions the least that was measured, in MetricUnit; null when not known',
    Max Nullable(Float64) COMMENT 'Greatest value, of delta distributions the greatest that was measured, in MetricUnit; null when not known',
    FirstAt DateTime64(9) COMMENT 'Time of the first point, UTC, nanosecond precision',
    FirstStart DateTime64(9) COMMENT 'Since when the first point counts, UTC, nanosecond precision; 1970 when unknown',
    First Float64 COMMENT 'Value of the first point of gauges and sums, in MetricUnit',
    LastAt DateTime64(9) COMMENT 'Time of the last point, UTC, nanosecond precision',
    LastStart DateTime64(9) COMMENT 'Since when the last point counts, UTC, nanosecond precision; 1970 when unknown',
    Last Float64 COMMENT 'Value of the last point of gauges and sums, in MetricUnit',
    Increase Float64 COMMENT 'Sums: how much was counted, in MetricUnit; of cumulative ones from the first point to the last, restarts understood: what lies before the first is First less Last of the row before',
    Sketch Map(Int16, Float64) COMMENT 'Gauges and up-down sums: points by logarithmic bucket, 35 buckets per doubling, count; percentiles are right to 0.9902 %',
    Count Float64 COMMENT 'Distributions: measured values, count; of cumulative ones from the first point to the last',
    ZeroCount Float64 COMMENT 'Exponential histograms: as Count, in the zero bucket, count',
    ZeroThreshold Float64 COMMENT 'Exponential histograms: greatest width of the zero bucket on either side, in MetricUnit',
    ExplicitBounds Array(Float64) COMMENT 'Explicit buckets: upper bound of each but the last, inclusive, in MetricUnit',
    Buckets Map(Int64, Float64) COMMENT 'As Count, by position in ExplicitBounds (from 1) or by index of the exponential bucket, count; empty ones left out',
    NegativeBuckets Map(Int64, Float64) COMMENT 'As Count, by index of the negative exponential bucket, count; empty ones left out',
    FirstCount Float64 COMMENT 'Cumulative distributions: measured values of the first point, count',
    FirstSum Float64 COMMENT 'Cumulative distributions: sum of the first point, in MetricUnit',
    FirstZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the first point, count',
    FirstBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the first point, count; empty ones left out',
    FirstNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the first point, count; empty ones left out',
    LastCount Float64 COMMENT 'Cumulative distributions: measured values of the last point, count',
    LastSum Float64 COMMENT 'Cumulative distributions: sum of the last point, in MetricUnit',
    LastZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the last point, count',
    LastBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the last point, count; empty ones left out',
    LastNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the last point, count; empty ones left out',
    Quantiles Map(String, Float64) COMMENT 'Summaries: values of the last point by quantile (0 to 1, as text), in MetricUnit',
    QuantilesMax Map(String, Float64) COMMENT 'Summaries: greatest value that was sent for each quantile (0 to 1, as text), in MetricUnit'
)
AS SELECT * EXCEPT Version FROM `otel`.`metric_rollup_1m_computed` FINAL
COMMENT 'Series by minute: one row for each, and for each layout of its buckets';

CREATE TABLE IF NOT EXISTS `otel`.`metric_rollup_1h_computed_local` ON CLUSTER `main`
(
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    MetricName LowCardinality(String) COMMENT 'Name of the metric' CODEC(ZSTD(3)),
    Time DateTime('UTC') COMMENT 'Start of the hour, UTC' CODEC(Delta(4), ZSTD(3)),
    SeriesId UInt64 COMMENT 'Hash of metric name, scope, resource and attributes; metric_series says which they are' CODEC(ZSTD(3)),
    MetricType Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5) COMMENT 'Kind of the points, and the table they came from' CODEC(ZSTD(3)),
    Temporality Enum8('none' = 0, 'delta' = 1, 'cumulative' = 2) COMMENT 'What a point counts: delta, since the last one; cumulative, since its start time; none for gauges' CODEC(ZSTD(3)),
    IsMonotonic Bool COMMENT 'Whether a sum never falls except at a restart, true or false' CODEC(ZSTD(3)),
    Layout Int64 COMMENT 'How buckets are cut: a hash of ExplicitBounds, or the scale of exponential buckets (number); 0 without buckets' CODEC(ZSTD(3)),
    MetricUnit LowCardinality(String) COMMENT 'Unit of the values, UCUM, such as s, By or {request}' CODEC(ZSTD(3)),
    Points UInt64 COMMENT 'Points with a value, count' CODEC(ZSTD(3)),
    NotFinite UInt64 COMMENT 'Points that were NaN or infinite and are in no other column, count' CODEC(ZSTD(3)),
    Sum Float64 COMMENT 'Gauges, up-down sums and delta sums: sum of the values; distributions: sum of what was measured, as in Count; in MetricUnit; 0 for cumulative counters' CODEC(ZSTD(3)),
    Min Nullable(Float64) COMMENT 'Least value, of delta distributions the least that was measured, in MetricUnit; null when not known' CODEC(ZSTD(3)),
    Max Nullable(Float64) COMMENT 'Greatest value, of delta distributions the greatest that was measured, in MetricUnit; null when not known' CODEC(ZSTD(3)),
    FirstAt DateTime64(9) COMMENT 'Time of the first point, UTC, nanosecond precision' CODEC(Delta(8), ZSTD(3)),
    FirstStart DateTime64(9) COMMENT 'Since when the first point counts, UTC, nanosecond precision; 1970 when unknown' CODEC(Delta(8), ZSTD(3)),
    First Float64 COMMENT 'Value of the first point of gauges and sums, in MetricUnit' CODEC(ZSTD(3)),
    LastAt DateTime64(9) COMMENT 'Time of the last point, UTC, nanosecond precision' CODEC(Delta(8), ZSTD(3)),
    LastStart DateTime64(9) COMMENT 'Since when the last point counts, UTC, nanosecond precision; 1970 when unknown' CODEC(Delta(8), ZSTD(3)),
    Last Float64 COMMENT 'Value of the last point of gauges and sums, in MetricUnit' CODEC(ZSTD(3)),
    Increase Float64 COMMENT 'Sums: how much was counted, in MetricUnit; of cumulative ones from the first point to the last, restarts understood: what lies before the first is First less Last of the row before' CODEC(ZSTD(3)),
    Sketch Map(Int16, Float64) COMMENT 'Gauges and up-down sums: points by logarithmic bucket, 35 buckets per doubling, count; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    Count Float64 COMMENT 'Distributions: measured values, count; of cumulative ones from the first point to the last' CODEC(ZSTD(3)),
    ZeroCount Float64 COMMENT 'Exponential histograms: as Count, in the zero bucket, count' CODEC(ZSTD(3)),
    ZeroThreshold Float64 COMMENT 'Exponential histograms: greatest width of the zero bucket on either side, in MetricUnit' CODEC(ZSTD(3)),
    ExplicitBounds Array(Float64) COMMENT 'Explicit buckets: upper bound of each but the last, inclusive, in MetricUnit' CODEC(ZSTD(3)),
    Buckets Map(Int64, Float64) COMMENT 'As Count, by position in ExplicitBounds (from 1) or by index of the exponential bucket, count; empty ones left out' CODEC(ZSTD(3)),
    NegativeBuckets Map(Int64, Float64) COMMENT 'As Count, by index of the negative exponential bucket, count; empty ones left out' CODEC(ZSTD(3)),
    FirstCount Float64 COMMENT 'Cumulative distributions: measured values of the first point, count' CODEC(ZSTD(3)),
    FirstSum Float64 COMMENT 'Cumulative distributions: sum of the first point, in MetricUnit' CODEC(ZSTD(3)),
    FirstZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the first point, count' CODEC(ZSTD(3)),
    FirstBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the first point, count; empty ones left out' CODEC(ZSTD(3)),
    FirstNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the first point, count; empty ones left out' CODEC(ZSTD(3)),
    LastCount Float64 COMMENT 'Cumulative distributions: measured values of the last point, count' CODEC(ZSTD(3)),
    LastSum Float64 COMMENT 'Cumulative distributions: sum of the last point, in MetricUnit' CODEC(ZSTD(3)),
    LastZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the last point, count' CODEC(ZSTD(3)),
    LastBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the last point, count; empty ones left out' CODEC(ZSTD(3)),
    LastNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the last point, count; empty ones left out' CODEC(ZSTD(3)),
    Quantiles Map(String, Float64) COMMENT 'Summaries: values of the last point by quantile (0 to 1, as text), in MetricUnit' CODEC(ZSTD(3)),
    QuantilesMax Map(String, Float64) COMMENT 'Summaries: greatest value that was sent for each quantile (0 to 1, as text), in MetricUnit' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the row was computed, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version)
PARTITION BY toYYYYMM(Time)
PRIMARY KEY (ServiceName, MetricName, toDate(Time), SeriesId, Time)
ORDER BY (ServiceName, MetricName, toDate(Time), SeriesId, Time, MetricType, Temporality, IsMonotonic, Layout)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Series by hour, all computations; read metric_rollup_1h';

CREATE TABLE IF NOT EXISTS `otel`.`metric_rollup_1h_computed` ON CLUSTER `main`
AS `otel`.`metric_rollup_1h_computed_local`
ENGINE = Distributed('main', 'otel', 'metric_rollup_1h_computed_local', SeriesId);

CREATE VIEW IF NOT EXISTS `otel`.`metric_rollup_1h` ON CLUSTER `main`
(
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    Time DateTime('UTC') COMMENT 'Start of the hour, UTC',
    SeriesId UInt64 COMMENT 'Hash of metric name, scope, resource and attributes; metric_series says which they are',
    MetricType Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5) COMMENT 'Kind of the points, and the table they came from',
    Temporality Enum8('none' = 0, 'delta' = 1, 'cumulative' = 2) COMMENT 'What a point counts: delta, since the last one; cumulative, since its start time; none for gauges',
    IsMonotonic Bool COMMENT 'Whether a sum never falls except at a restart, true or false',
    Layout Int64 COMMENT 'How buckets are cut: a hash of ExplicitBounds, or the scale of exponential buckets (number); 0 without buckets',
    MetricUnit LowCardinality(String) COMMENT 'Unit of the values, UCUM, such as s, By or {request}',
    Points UInt64 COMMENT 'Points with a value, count',
    NotFinite UInt64 COMMENT 'Points that were NaN or infinite and are in no other column, count',
    Sum Float64 COMMENT 'Gauges, up-down sums and delta sums: sum of the values; distributions: sum of what was measured, as in Count; in MetricUnit; 0 for cumulative counters',
    Min Nullable(Float64) COMMENT 'Least value, of delta distributions the least that was measured, in MetricUnit; null when not known',
    Max Nullable(Float64) COMMENT 'Greatest value, of delta distributions the greatest that was measured, in MetricUnit; null when not known',
    FirstAt DateTime64(9) COMMENT 'Time of the first point, UTC, nanosecond precision',
    FirstStart DateTime64(9) COMMENT 'Since when the first point counts, UTC, nanosecond precision; 1970 when unknown',
    First Float64 COMMENT 'Value of the first point of gauges and sums, in MetricUnit',
    LastAt DateTime64(9) COMMENT 'Time of the last point, UTC, nanosecond precision',
    LastStart DateTime64(9) COMMENT 'Since when the last point counts, UTC, nanosecond precision; 1970 when unknown',
    Last Float64 COMMENT 'Value of the last point of gauges and sums, in MetricUnit',
    Increase Float64 COMMENT 'Sums: how much was counted, in MetricUnit; of cumulative ones from the first point to the last, restarts understood: what lies before the first is First less Last of the row before',
    Sketch Map(Int16, Float64) COMMENT 'Gauges and up-down sums: points by logarithmic bucket, 35 buckets per doubling, count; percentiles are right to 0.9902 %',
    Count Float64 COMMENT 'Distributions: measured values, count; of cumulative ones from the first point to the last',
    ZeroCount Float64 COMMENT 'Exponential histograms: as Count, in the zero bucket, count',
    ZeroThreshold Float64 COMMENT 'Exponential histograms: greatest width of the zero bucket on either side, in MetricUnit',
    ExplicitBounds Array(Float64) COMMENT 'Explicit buckets: upper bound of each but the last, inclusive, in MetricUnit',
    Buckets Map(Int64, Float64) COMMENT 'As Count, by position in ExplicitBounds (from 1) or by index of the exponential bucket, count; empty ones left out',
    NegativeBuckets Map(Int64, Float64) COMMENT 'As Count, by index of the negative exponential bucket, count; empty ones left out',
    FirstCount Float64 COMMENT 'Cumulative distributions: measured values of the first point, count',
    FirstSum Float64 COMMENT 'Cumulative distributions: sum of the first point, in MetricUnit',
    FirstZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the first point, count',
    FirstBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the first point, count; empty ones left out',
    FirstNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the first point, count; empty ones left out',
    LastCount Float64 COMMENT 'Cumulative distributions: measured values of the last point, count',
    LastSum Float64 COMMENT 'Cumulative distributions: sum of the last point, in MetricUnit',
    LastZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the last point, count',
    LastBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the last point, count; empty ones left out',
    LastNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the last point, count; empty ones left out',
    Quantiles Map(String, Float64) COMMENT 'Summaries: values of the last point by quantile (0 to 1, as text), in MetricUnit',
    QuantilesMax Map(String, Float64) COMMENT 'Summaries: greatest value that was sent for each quantile (0 to 1, as text), in MetricUnit'
)
AS SELECT * EXCEPT Version FROM `otel`.`metric_rollup_1h_computed` FINAL
COMMENT 'Series by hour: one row for each, and for each layout of its buckets';

CREATE TABLE IF NOT EXISTS `otel`.`metric_rollup_1d_computed_local` ON CLUSTER `main`
(
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name' CODEC(ZSTD(3)),
    MetricName LowCardinality(String) COMMENT 'Name of the metric' CODEC(ZSTD(3)),
    Time DateTime('UTC') COMMENT 'Start of the day, UTC' CODEC(Delta(4), ZSTD(3)),
    SeriesId UInt64 COMMENT 'Hash of metric name, scope, resource and attributes; metric_series says which they are' CODEC(ZSTD(3)),
    MetricType Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5) COMMENT 'Kind of the points, and the table they came from' CODEC(ZSTD(3)),
    Temporality Enum8('none' = 0, 'delta' = 1, 'cumulative' = 2) COMMENT 'What a point counts: delta, since the last one; cumulative, since its start time; none for gauges' CODEC(ZSTD(3)),
    IsMonotonic Bool COMMENT 'Whether a sum never falls except at a restart, true or false' CODEC(ZSTD(3)),
    Layout Int64 COMMENT 'How buckets are cut: a hash of ExplicitBounds, or the scale of exponential buckets (number); 0 without buckets' CODEC(ZSTD(3)),
    MetricUnit LowCardinality(String) COMMENT 'Unit of the values, UCUM, such as s, By or {request}' CODEC(ZSTD(3)),
    Points UInt64 COMMENT 'Points with a value, count' CODEC(ZSTD(3)),
    NotFinite UInt64 COMMENT 'Points that were NaN or infinite and are in no other column, count' CODEC(ZSTD(3)),
    Sum Float64 COMMENT 'Gauges, up-down sums and delta sums: sum of the values; distributions: sum of what was measured, as in Count; in MetricUnit; 0 for cumulative counters' CODEC(ZSTD(3)),
    Min Nullable(Float64) COMMENT 'Least value, of delta distributions the least that was measured, in MetricUnit; null when not known' CODEC(ZSTD(3)),
    Max Nullable(Float64) COMMENT 'Greatest value, of delta distributions the greatest that was measured, in MetricUnit; null when not known' CODEC(ZSTD(3)),
    FirstAt DateTime64(9) COMMENT 'Time of the first point, UTC, nanosecond precision' CODEC(Delta(8), ZSTD(3)),
    FirstStart DateTime64(9) COMMENT 'Since when the first point counts, UTC, nanosecond precision; 1970 when unknown' CODEC(Delta(8), ZSTD(3)),
    First Float64 COMMENT 'Value of the first point of gauges and sums, in MetricUnit' CODEC(ZSTD(3)),
    LastAt DateTime64(9) COMMENT 'Time of the last point, UTC, nanosecond precision' CODEC(Delta(8), ZSTD(3)),
    LastStart DateTime64(9) COMMENT 'Since when the last point counts, UTC, nanosecond precision; 1970 when unknown' CODEC(Delta(8), ZSTD(3)),
    Last Float64 COMMENT 'Value of the last point of gauges and sums, in MetricUnit' CODEC(ZSTD(3)),
    Increase Float64 COMMENT 'Sums: how much was counted, in MetricUnit; of cumulative ones from the first point to the last, restarts understood: what lies before the first is First less Last of the row before' CODEC(ZSTD(3)),
    Sketch Map(Int16, Float64) COMMENT 'Gauges and up-down sums: points by logarithmic bucket, 35 buckets per doubling, count; percentiles are right to 0.9902 %' CODEC(ZSTD(3)),
    Count Float64 COMMENT 'Distributions: measured values, count; of cumulative ones from the first point to the last' CODEC(ZSTD(3)),
    ZeroCount Float64 COMMENT 'Exponential histograms: as Count, in the zero bucket, count' CODEC(ZSTD(3)),
    ZeroThreshold Float64 COMMENT 'Exponential histograms: greatest width of the zero bucket on either side, in MetricUnit' CODEC(ZSTD(3)),
    ExplicitBounds Array(Float64) COMMENT 'Explicit buckets: upper bound of each but the last, inclusive, in MetricUnit' CODEC(ZSTD(3)),
    Buckets Map(Int64, Float64) COMMENT 'As Count, by position in ExplicitBounds (from 1) or by index of the exponential bucket, count; empty ones left out' CODEC(ZSTD(3)),
    NegativeBuckets Map(Int64, Float64) COMMENT 'As Count, by index of the negative exponential bucket, count; empty ones left out' CODEC(ZSTD(3)),
    FirstCount Float64 COMMENT 'Cumulative distributions: measured values of the first point, count' CODEC(ZSTD(3)),
    FirstSum Float64 COMMENT 'Cumulative distributions: sum of the first point, in MetricUnit' CODEC(ZSTD(3)),
    FirstZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the first point, count' CODEC(ZSTD(3)),
    FirstBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the first point, count; empty ones left out' CODEC(ZSTD(3)),
    FirstNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the first point, count; empty ones left out' CODEC(ZSTD(3)),
    LastCount Float64 COMMENT 'Cumulative distributions: measured values of the last point, count' CODEC(ZSTD(3)),
    LastSum Float64 COMMENT 'Cumulative distributions: sum of the last point, in MetricUnit' CODEC(ZSTD(3)),
    LastZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the last point, count' CODEC(ZSTD(3)),
    LastBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the last point, count; empty ones left out' CODEC(ZSTD(3)),
    LastNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the last point, count; empty ones left out' CODEC(ZSTD(3)),
    Quantiles Map(String, Float64) COMMENT 'Summaries: values of the last point by quantile (0 to 1, as text), in MetricUnit' CODEC(ZSTD(3)),
    QuantilesMax Map(String, Float64) COMMENT 'Summaries: greatest value that was sent for each quantile (0 to 1, as text), in MetricUnit' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'When the row was computed, milliseconds since 1970' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version)
PARTITION BY toYYYYMM(Time)
PRIMARY KEY (ServiceName, MetricName, SeriesId, Time)
ORDER BY (ServiceName, MetricName, SeriesId, Time, MetricType, Temporality, IsMonotonic, Layout)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Series by day, all computations; read metric_rollup_1d';

CREATE TABLE IF NOT EXISTS `otel`.`metric_rollup_1d_computed` ON CLUSTER `main`
AS `otel`.`metric_rollup_1d_computed_local`
ENGINE = Distributed('main', 'otel', 'metric_rollup_1d_computed_local', SeriesId);

CREATE VIEW IF NOT EXISTS `otel`.`metric_rollup_1d` ON CLUSTER `main`
(
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    Time DateTime('UTC') COMMENT 'Start of the day, UTC',
    SeriesId UInt64 COMMENT 'Hash of metric name, scope, resource and attributes; metric_series says which they are',
    MetricType Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5) COMMENT 'Kind of the points, and the table they came from',
    Temporality Enum8('none' = 0, 'delta' = 1, 'cumulative' = 2) COMMENT 'What a point counts: delta, since the last one; cumulative, since its start time; none for gauges',
    IsMonotonic Bool COMMENT 'Whether a sum never falls except at a restart, true or false',
    Layout Int64 COMMENT 'How buckets are cut: a hash of ExplicitBounds, or the scale of exponential buckets (number); 0 without buckets',
    MetricUnit LowCardinality(String) COMMENT 'Unit of the values, UCUM, such as s, By or {request}',
    Points UInt64 COMMENT 'Points with a value, count',
    NotFinite UInt64 COMMENT 'Points that were NaN or infinite and are in no other column, count',
    Sum Float64 COMMENT 'Gauges, up-down sums and delta sums: sum of the values; distributions: sum of what was measured, as in Count; in MetricUnit; 0 for cumulative counters',
    Min Nullable(Float64) COMMENT 'Least value, of delta distributions the least that was measured, in MetricUnit; null when not known',
    Max Nullable(Float64) COMMENT 'Greatest value, of delta distributions the greatest that was measured, in MetricUnit; null when not known',
    FirstAt DateTime64(9) COMMENT 'Time of the first point, UTC, nanosecond precision',
    FirstStart DateTime64(9) COMMENT 'Since when the first point counts, UTC, nanosecond precision; 1970 when unknown',
    First Float64 COMMENT 'Value of the first point of gauges and sums, in MetricUnit',
    LastAt DateTime64(9) COMMENT 'Time of the last point, UTC, nanosecond precision',
    LastStart DateTime64(9) COMMENT 'Since when the last point counts, UTC, nanosecond precision; 1970 when unknown',
    Last Float64 COMMENT 'Value of the last point of gauges and sums, in MetricUnit',
    Increase Float64 COMMENT 'Sums: how much was counted, in MetricUnit; of cumulative ones from the first point to the last, restarts understood: what lies before the first is First less Last of the row before',
    Sketch Map(Int16, Float64) COMMENT 'Gauges and up-down sums: points by logarithmic bucket, 35 buckets per doubling, count; percentiles are right to 0.9902 %',
    Count Float64 COMMENT 'Distributions: measured values, count; of cumulative ones from the first point to the last',
    ZeroCount Float64 COMMENT 'Exponential histograms: as Count, in the zero bucket, count',
    ZeroThreshold Float64 COMMENT 'Exponential histograms: greatest width of the zero bucket on either side, in MetricUnit',
    ExplicitBounds Array(Float64) COMMENT 'Explicit buckets: upper bound of each but the last, inclusive, in MetricUnit',
    Buckets Map(Int64, Float64) COMMENT 'As Count, by position in ExplicitBounds (from 1) or by index of the exponential bucket, count; empty ones left out',
    NegativeBuckets Map(Int64, Float64) COMMENT 'As Count, by index of the negative exponential bucket, count; empty ones left out',
    FirstCount Float64 COMMENT 'Cumulative distributions: measured values of the first point, count',
    FirstSum Float64 COMMENT 'Cumulative distributions: sum of the first point, in MetricUnit',
    FirstZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the first point, count',
    FirstBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the first point, count; empty ones left out',
    FirstNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the first point, count; empty ones left out',
    LastCount Float64 COMMENT 'Cumulative distributions: measured values of the last point, count',
    LastSum Float64 COMMENT 'Cumulative distributions: sum of the last point, in MetricUnit',
    LastZeroCount Float64 COMMENT 'Cumulative distributions: values in the zero bucket of the last point, count',
    LastBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by bucket of the last point, count; empty ones left out',
    LastNegativeBuckets Map(Int64, Float64) COMMENT 'Cumulative distributions: values by negative bucket of the last point, count; empty ones left out',
    Quantiles Map(String, Float64) COMMENT 'Summaries: values of the last point by quantile (0 to 1, as text), in MetricUnit',
    QuantilesMax Map(String, Float64) COMMENT 'Summaries: greatest value that was sent for each quantile (0 to 1, as text), in MetricUnit'
)
AS SELECT * EXCEPT Version FROM `otel`.`metric_rollup_1d_computed` FINAL
COMMENT 'Series by day: one row for each, and for each layout of its buckets';
