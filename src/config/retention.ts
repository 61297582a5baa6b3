import type { Problem, ProblemAt } from '../lib/document.ts';
import type { DiskRules, RetentionMs, RetentionOverride } from '../model/retention.ts';
import type { RetentionOverrideDocument } from './retention-schema.ts';
import type { ConfigDocument } from './schema.ts';

/** What the section `retention` says, and what is wrong with it beside the rest of the document. */
export const retentionOf = (
  { retention, clickhouse }: ConfigDocument,
  problemAt: ProblemAt,
): {
  readonly retention: RetentionMs;
  readonly disk: DiskRules;
  readonly problems: readonly Problem[];
} => {
  const { traces, metrics, spans, logs, alerts, audit, overrides, cold, disk } = retention;
  const homeless = cold !== undefined && clickhouse.storage_policy === undefined;
  return {
    retention: {
      traces,
      metrics,
      spans,
      logs,
      alerts,
      audit,
      overrides: overrides.map(overrideOf),
      ...(cold && { cold: { afterMs: cold.after, volume: cold.volume } }),
    },
    disk: {
      warnShare: disk.warn,
      shortenShare: disk.shorten_at,
      shortenAllowed: disk.allow_shorten,
    },
    problems: homeless
      ? [
          problemAt(
            ['retention', 'cold'],
            'needs clickhouse.storage_policy: the policy of the server that has this volume',
          ),
        ]
      : [],
  };
};

const overrideOf = (it: RetentionOverrideDocument): RetentionOverride => ({
  services: it.service ?? [],
  metrics: it.metric ?? [],
  keptMs: {
    traces: { raw: it.traces.raw, summaries: undefined },
    metrics: {
      raw: it.metrics.raw,
      '1m': it.metrics['1m'],
      '1h': it.metrics['1h'],
      '1d': it.metrics['1d'],
    },
    spans: { '1m': it.spans['1m'], '1h': it.spans['1h'], '1d': it.spans['1d'] },
    logs: it.logs,
    alerts: undefined,
    audit: undefined,
  },
});
