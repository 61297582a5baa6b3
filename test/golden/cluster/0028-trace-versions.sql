ALTER TABLE `otel`.`trace_summaries_computed_local` ON CLUSTER `main` COMMENT COLUMN Version 'Rows of otel_traces it was computed from, and once more those that ended by a timeout, count';

ALTER TABLE `otel`.`trace_summaries_computed` ON CLUSTER `main` COMMENT COLUMN Version 'Rows of otel_traces it was computed from, and once more those that ended by a timeout, count';
