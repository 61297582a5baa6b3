ALTER TABLE `otel`.`otel_traces_local` ON CLUSTER `main` MODIFY SETTING min_bytes_for_wide_part = 134217728;

ALTER TABLE `otel`.`otel_logs_local` ON CLUSTER `main` MODIFY SETTING min_bytes_for_wide_part = 134217728;

ALTER TABLE `otel`.`otel_metrics_gauge_local` ON CLUSTER `main` MODIFY SETTING min_bytes_for_wide_part = 134217728;

ALTER TABLE `otel`.`otel_metrics_sum_local` ON CLUSTER `main` MODIFY SETTING min_bytes_for_wide_part = 134217728;

ALTER TABLE `otel`.`otel_metrics_summary_local` ON CLUSTER `main` MODIFY SETTING min_bytes_for_wide_part = 134217728;

ALTER TABLE `otel`.`otel_metrics_histogram_local` ON CLUSTER `main` MODIFY SETTING min_bytes_for_wide_part = 134217728;

ALTER TABLE `otel`.`otel_metrics_exponential_histogram_local` ON CLUSTER `main` MODIFY SETTING min_bytes_for_wide_part = 134217728;

ALTER TABLE `otel`.`cache_points_local` ON CLUSTER `main` MODIFY SETTING min_bytes_for_wide_part = 134217728;

ALTER TABLE `otel`.`cache_spans_local` ON CLUSTER `main` MODIFY SETTING min_bytes_for_wide_part = 134217728;

ALTER TABLE `otel`.`otel_traces_local` ON CLUSTER `main`
    MODIFY COLUMN Timestamp CODEC(Delta(8), T64('bit'), ZSTD(1)),
    MODIFY COLUMN TraceId CODEC(ZSTD(1)),
    MODIFY COLUMN TraceState CODEC(ZSTD(1)),
    MODIFY COLUMN SpanAttributes CODEC(ZSTD(1)),
    MODIFY COLUMN `Events.Timestamp` CODEC(Delta(8), ZSTD(1)),
    MODIFY COLUMN `Events.Attributes` CODEC(ZSTD(1));
