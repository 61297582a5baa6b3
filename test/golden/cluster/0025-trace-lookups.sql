ALTER TABLE `otel`.`otel_traces_trace_id_ts_local` ON CLUSTER `main` ADD INDEX IF NOT EXISTS idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE `otel`.`otel_traces_trace_id_ts_local` ON CLUSTER `main` MATERIALIZE INDEX idx_trace_id;

ALTER TABLE `otel`.`otel_traces_trace_id_ts_local` ON CLUSTER `main` MODIFY SETTING min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1;
