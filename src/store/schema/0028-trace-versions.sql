-- The rollup shows timeouts a moment after the spans: a summary that finds more of them replaces one that did not.
ALTER TABLE {{local trace_summaries_computed}} {{on_cluster}} COMMENT COLUMN Version 'Rows of otel_traces it was computed from, and once more those that ended by a timeout, count';
ALTER TABLE {{table trace_summaries_computed}} {{on_cluster}} COMMENT COLUMN Version 'Rows of otel_traces it was computed from, and once more those that ended by a timeout, count';
