-- A trace by its id asks every day that is kept. A filter beside each part answers most of them without reading a
-- granule of 8,192 ids; the exporter's own table has it too. Parts that are there get theirs in the background.
ALTER TABLE {{local otel_traces_trace_id_ts}} {{on_cluster}} ADD INDEX IF NOT EXISTS idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE {{local otel_traces_trace_id_ts}} {{on_cluster}} MATERIALIZE INDEX idx_trace_id;
