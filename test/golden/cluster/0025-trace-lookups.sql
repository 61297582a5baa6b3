ALTER TABLE `otel`.`otel_traces_trace_id_ts_local` ON CLUSTER `main` ADD INDEX IF NOT EXISTS idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE `otel`.`otel_traces_trace_id_ts_local` ON CLUSTER `main` MATERIALIZE INDEX idx_trace_id;
