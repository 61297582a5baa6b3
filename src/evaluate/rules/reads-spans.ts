import type { CompiledRule } from './plan.ts';

/** Raw spans, and what is made of them: a view or a job sees them no sooner. */
const madeOfSpans =
  /\b(?:otel_traces|span_(?:rollup|arrivals)|request_metrics|service_(?:edges|dependenc|map|inventory|instances)|trace_summaries|cache_(?:rollup|performance|spans|points|requests|miss_cost)|sla_status)/;
const madeOfOthers =
  /\b(?:otel_metrics|metric_(?:rollup|arrivals|cardinality|catalogue|counters|gauges|histograms|series)|(?:system|runtime)_metrics|cache_counters|otel_logs)/;

/** Whether a rule looks at spans. SQL that names no table of ours, but somebody's view, may do. */
export const readsSpans = ({ signals }: Pick<CompiledRule, 'signals'>): boolean =>
  Object.values(signals).some(({ sql }) => madeOfSpans.test(sql) || !madeOfOthers.test(sql));
