-- Which minutes have points. Jobs learn from here what to compute (again).
CREATE TABLE IF NOT EXISTS {{local metric_arrivals}} {{on_cluster}}
(
    Time DateTime('UTC') COMMENT 'Start of the minute of the points, UTC' CODEC(Delta(4), ZSTD(3)),
    Points SimpleAggregateFunction(sum, UInt64) COMMENT 'Points inserted, count' CODEC(ZSTD(3))
)
ENGINE = {{engine AggregatingMergeTree}}
PARTITION BY toDate(Time)
ORDER BY Time
{{settings}}
COMMENT 'Points per minute, of all kinds of metrics; add up rows of one key';

{{distributed metric_arrivals by cityHash64(Time)}};

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local metric_arrivals_gauge_mv}} {{on_cluster}}
TO {{local metric_arrivals}}
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM {{local otel_metrics_gauge}}
GROUP BY Time
COMMENT 'Fills metric_arrivals from otel_metrics_gauge';

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local metric_arrivals_sum_mv}} {{on_cluster}}
TO {{local metric_arrivals}}
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM {{local otel_metrics_sum}}
GROUP BY Time
COMMENT 'Fills metric_arrivals from otel_metrics_sum';

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local metric_arrivals_histogram_mv}} {{on_cluster}}
TO {{local metric_arrivals}}
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM {{local otel_metrics_histogram}}
GROUP BY Time
COMMENT 'Fills metric_arrivals from otel_metrics_histogram';

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local metric_arrivals_exponential_histogram_mv}} {{on_cluster}}
TO {{local metric_arrivals}}
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM {{local otel_metrics_exponential_histogram}}
GROUP BY Time
COMMENT 'Fills metric_arrivals from otel_metrics_exponential_histogram';

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local metric_arrivals_summary_mv}} {{on_cluster}}
TO {{local metric_arrivals}}
AS SELECT toStartOfMinute(toDateTime(TimeUnix, 'UTC')) AS Time, count() AS Points
FROM {{local otel_metrics_summary}}
GROUP BY Time
COMMENT 'Fills metric_arrivals from otel_metrics_summary';

-- What became of each series in each minute, hour and day. A block that is inserted holds a point or two of a
-- series, so views would write every point once more into each tier (measured: 9 to 43 µs a point, see the
-- README of src/rollup); jobs write one row per series and bucket, and write it anew when points come late.
-- A row depends on nothing but its own points: a cumulative counter's is its first point, its last, and what
-- it gained between them. What it gained between two rows is for the reader: metric_counters does it.
-- The row with the highest version counts: the views metric_rollup_1m, _1h and _1d show it.

CREATE TABLE IF NOT EXISTS {{local metric_rollup_1m_computed}} {{on_cluster}}
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
ENGINE = {{engine ReplacingMergeTree(Version)}}
PARTITION BY toDate(Time)
PRIMARY KEY (ServiceName, MetricName, toStartOfHour(Time), SeriesId, Time)
ORDER BY (ServiceName, MetricName, toStartOfHour(Time), SeriesId, Time, MetricType, Temporality, IsMonotonic, Layout)
{{settings}}
COMMENT 'Series by minute, all computations; read metric_rollup_1m';

{{distributed metric_rollup_1m_computed by SeriesId}};

CREATE VIEW IF NOT EXISTS {{table metric_rollup_1m}} {{on_cluster}}
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
AS SELECT * EXCEPT Version FROM {{table metric_rollup_1m_computed}} FINAL
COMMENT 'Series by minute: one row for each, and for each layout of its buckets';

CREATE TABLE IF NOT EXISTS {{local metric_rollup_1h_computed}} {{on_cluster}}
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
ENGINE = {{engine ReplacingMergeTree(Version)}}
PARTITION BY toYYYYMM(Time)
PRIMARY KEY (ServiceName, MetricName, toDate(Time), SeriesId, Time)
ORDER BY (ServiceName, MetricName, toDate(Time), SeriesId, Time, MetricType, Temporality, IsMonotonic, Layout)
{{settings}}
COMMENT 'Series by hour, all computations; read metric_rollup_1h';

{{distributed metric_rollup_1h_computed by SeriesId}};

CREATE VIEW IF NOT EXISTS {{table metric_rollup_1h}} {{on_cluster}}
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
AS SELECT * EXCEPT Version FROM {{table metric_rollup_1h_computed}} FINAL
COMMENT 'Series by hour: one row for each, and for each layout of its buckets';

CREATE TABLE IF NOT EXISTS {{local metric_rollup_1d_computed}} {{on_cluster}}
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
ENGINE = {{engine ReplacingMergeTree(Version)}}
PARTITION BY toYYYYMM(Time)
PRIMARY KEY (ServiceName, MetricName, SeriesId, Time)
ORDER BY (ServiceName, MetricName, SeriesId, Time, MetricType, Temporality, IsMonotonic, Layout)
{{settings}}
COMMENT 'Series by day, all computations; read metric_rollup_1d';

{{distributed metric_rollup_1d_computed by SeriesId}};

CREATE VIEW IF NOT EXISTS {{table metric_rollup_1d}} {{on_cluster}}
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
AS SELECT * EXCEPT Version FROM {{table metric_rollup_1d_computed}} FINAL
COMMENT 'Series by day: one row for each, and for each layout of its buckets';
