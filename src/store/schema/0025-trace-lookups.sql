-- A trace by its id asks every day that is kept. A filter beside each part answers most of them without reading a
-- granule of 8,192 ids; the exporter's own table has it too. Parts that are there get theirs in the background.
ALTER TABLE {{local otel_traces_trace_id_ts}} {{on_cluster}} ADD INDEX IF NOT EXISTS idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE {{local otel_traces_trace_id_ts}} {{on_cluster}} MATERIALIZE INDEX idx_trace_id;

-- What is left of a look-up is opening a part, so a day becomes one part, when nothing came for it in six hours:
-- spans that come late have it written again four times a day at most.
ALTER TABLE {{local otel_traces_trace_id_ts}} {{on_cluster}} MODIFY SETTING min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1;
