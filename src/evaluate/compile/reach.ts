import { formatDuration } from '../../lib/duration.ts';
import type { AbsencePlan, QueryPlan, SignalPlan } from '../rules/signal-plan.ts';
import { readsTiers } from './absence.ts';
import { reasonForRawCaches } from './cache-tiers.ts';
import { reasonForPoints } from './metric-tiers.ts';
import { reachMs, reasonForRaw } from './span-tiers.ts';
import { sqlReach } from './sql-reach.ts';
import type { Stored } from './stored.ts';

/**
 * What a rule's author must know about how far back its data go; undefined: all is well, or, of SQL
 * that a person wrote, not certain.
 */
export const shortOfData = (plan: SignalPlan, stored: Stored): string | undefined => {
  if (plan.kind === 'sql') {
    const reach = sqlReach(plan, stored);
    return (
      reach && wordsOf(reach.farMs, reach.keptMs, [`${reach.table} is kept`, ` (${reach.key})`])
    );
  }
  const far = plan.kind === 'query' ? reachMs(plan.window) : plan.seenWithinMs;
  const { words, keptMs } =
    plan.kind === 'query' ? readOfQuery(plan, stored) : readOfAbsence(plan, stored);
  if (far <= keptMs) return undefined;
  return wordsOf(far, keptMs, words);
};

interface Read {
  readonly keptMs: number;
  /** What stands before and after how long it is kept. */
  readonly words: readonly [string, string?];
}

const wordsOf = (farMs: number, keptMs: number, [before, after = '']: Read['words']): string =>
  `looks ${formatDuration(farMs)} back, but ${before} for ${formatDuration(keptMs)} only${after}`;

const readOfQuery = (plan: QueryPlan, stored: Stored): Read => {
  switch (plan.from.name) {
    case 'spans': {
      const reason = reasonForRaw(plan);
      return reason === undefined
        ? { keptMs: stored.spansKeptMs['1d'], words: ['requests are kept', ' (retention.spans)'] }
        : {
            keptMs: stored.spansKeptMs.raw,
            words: ['spans are kept', because('retention.traces.raw', reason)],
          };
    }
    case 'metrics': {
      const reason = reasonForPoints(plan);
      return reason === undefined
        ? {
            keptMs: stored.metricsKeptMs['1d'],
            words: ['metrics are kept', ' (retention.metrics)'],
          }
        : {
            keptMs: stored.metricsKeptMs.raw,
            words: ['points are kept', because('retention.metrics.raw', reason)],
          };
    }
    case 'logs':
      return ofLogs(stored);
    case 'caches': {
      const reason = reasonForRawCaches(plan);
      return reason === undefined
        ? { keptMs: stored.cachesKeptMs['1d'], words: ['caches are kept', ' (retention.spans)'] }
        : {
            keptMs: stored.cachesKeptMs.raw,
            words: [
              'what tells of caches is kept',
              because('the shorter of retention.metrics.raw and retention.traces.raw', reason),
            ],
          };
    }
  }
};

const because = (key: string, reason: string): string =>
  ` (${key}), and what is kept longer does not do because ${reason}`;

const ofLogs = ({ logsKeptMs }: Stored): Read => ({
  keptMs: logsKeptMs,
  words: ['logs are kept', ' (retention.logs)'],
});

const readOfAbsence = (plan: AbsencePlan, stored: Stored): Read => {
  if (readsTiers(plan)) {
    return { keptMs: stored.spansKeptMs['1d'], words: ['requests are kept', ' (retention.spans)'] };
  }
  switch (plan.from.name) {
    case 'caches':
      return {
        keptMs: stored.cachesKeptMs.raw,
        words: [
          'what tells of caches is kept',
          ' (the shorter of retention.metrics.raw and retention.traces.raw)',
        ],
      };
    case 'spans':
      return {
        keptMs: stored.spansKeptMs.raw,
        words: ['spans are kept', ' (retention.traces.raw)'],
      };
    case 'metrics':
      return {
        keptMs: stored.metricsKeptMs.raw,
        words: ['points are kept', ' (retention.metrics.raw)'],
      };
    case 'logs':
      return ofLogs(stored);
  }
};
