import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { AlertTransition } from '../../model/alert.ts';
import { assessRemoval } from './assess.ts';
import type { EvaluateMetrics } from './metrics.ts';
import type { RuleAge, RuleStore } from './rule-store.ts';

export interface RemovalOptions {
  readonly store: RuleStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: EvaluateMetrics;
  readonly onCommitted: (transitions: readonly AlertTransition[]) => void;
}

/** Beside two intervals: how long a rule may go unevaluated before it counts as removed. */
const slackMs = 2_000;

/**
 * Resolves what rules have running that are in the files no longer. A replica with newer or older
 * files may still evaluate them: only a rule that nobody evaluates for two intervals, watched from
 * here the whole time, is gone. `knownRuleIds`: those of this process.
 */
export const createRemoval = (options: RemovalOptions) => {
  const { store, clock, log, metrics } = options;
  const watched = new Map<string, { readonly slotMs: number; readonly sinceMs: number }>();

  const remove = async (ruleId: string, { intervalMs }: RuleAge): Promise<void> => {
    const before = await store.read(ruleId);
    const nowMs = Math.max(clock.nowMs(), before.slotMs + 1);
    const assessment = assessRemoval(ruleId, before.memory, nowMs);
    const evaluated = { atMs: nowMs, durationMs: 0, dropped: 0 };
    const result = await store.commit({
      ruleId,
      before,
      slotMs: nowMs,
      intervalMs,
      evaluated,
      assessment,
    });
    if (result.kind !== 'committed') return;
    metrics.ended('removed');
    metrics.transitions(result.transitions);
    log.info('rule_removed', { rule: ruleId, alerts: result.transitions.length });
    options.onCommitted(result.transitions);
  };

  return async (knownRuleIds: ReadonlySet<string>): Promise<void> => {
    const ages = await store.strangers(knownRuleIds);
    const nowMs = clock.monotonicMs();
    for (const ruleId of watched.keys()) {
      if (!ages.has(ruleId)) watched.delete(ruleId);
    }
    for (const [ruleId, age] of ages) {
      const seen = watched.get(ruleId);
      if (!seen || seen.slotMs !== age.slotMs) {
        watched.set(ruleId, { slotMs: age.slotMs, sinceMs: nowMs });
      } else if (nowMs - seen.sinceMs >= 2 * age.intervalMs + slackMs) {
        await remove(ruleId, age);
      }
    }
  };
};
