-- What spans cost to write and to merge. A part as an insert makes it is one file and not a hundred: making
-- files took half of an insert's CPU. Merged parts above 128 MiB have a file per column, as before.
ALTER TABLE {{local otel_traces}} {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{local otel_logs}} {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{local otel_metrics_gauge}} {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{local otel_metrics_sum}} {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{local otel_metrics_summary}} {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{local otel_metrics_histogram}} {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{local otel_metrics_exponential_histogram}} {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{local cache_points}} {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE {{local cache_spans}} {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 134217728;

-- Level 3 finds nothing in random ids and short texts that level 1 does not, and makes some larger.
ALTER TABLE {{local otel_traces}} {{on_cluster}}
    MODIFY COLUMN Timestamp CODEC(Delta(8), T64('bit'), ZSTD(1)),
    MODIFY COLUMN TraceId CODEC(ZSTD(1)),
    MODIFY COLUMN TraceState CODEC(ZSTD(1)),
    MODIFY COLUMN SpanAttributes CODEC(ZSTD(1)),
    MODIFY COLUMN `Events.Timestamp` CODEC(Delta(8), ZSTD(1)),
    MODIFY COLUMN `Events.Attributes` CODEC(ZSTD(1));
