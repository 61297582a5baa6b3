import type { Clock } from '../../lib/clock.ts';
import { Fault, messageOf } from '../../lib/fault.ts';
import type { Log } from '../../lib/log.ts';
import type { Tracer } from '../../lib/tracer.ts';
import type { AlertTransition } from '../../model/alert.ts';
import type { Query } from '../../model/query.ts';
import type { Step } from '../../model/step.ts';
import type { CompiledRule, RuleGroup } from '../rules/plan.ts';
import { askSignals, type Outcome } from './ask.ts';
import { type Assessment, assess } from './assess.ts';
import type { EvaluateMetrics } from './metrics.ts';
import { createRuleReport, type RuleReport } from './rule-report.ts';
import type { CommitResult, RuleStore } from './rule-store.ts';
import { isStale, skippedSlots } from './slots.ts';

export interface GroupRunOptions {
  readonly store: RuleStore;
  readonly query: Query;
  readonly step: Step;
  readonly clock: Clock;
  readonly log: Log;
  readonly tracer: Tracer;
  readonly metrics: EvaluateMetrics;
  /** For each query of a rule. */
  readonly timeoutMs: number;
  readonly ruleUrl?: ((rule: CompiledRule) => string) | undefined;
  readonly onCommitted: (transitions: readonly AlertTransition[]) => void;
}

export type EvaluateGroup = (
  group: RuleGroup,
  slotMs: number,
  signal: AbortSignal,
) => Promise<void>;

/** Instances of one rule, when its group names no limit and at the utmost (bullmq.md section 5). */
const instancesDefault = 500;
const instancesCeiling = 5_000;

/**
 * Evaluates the rules of a group one after another for one slot. A rule that fails is its own
 * affair; only a Redis that is away ends the run, with a Fault to retry.
 */
export const createGroupRun = (options: GroupRunOptions): EvaluateGroup => {
  const { clock, metrics, tracer } = options;
  const report = createRuleReport(options.log);
  return (group, slotMs, signal) =>
    tracer.span('evaluate_group', { group: group.id, rules: group.rules.length }, async () => {
      const startMs = clock.monotonicMs();
      for (const [index, rule] of group.rules.entries()) {
        signal.throwIfAborted();
        await evaluateRule(options, report, { group, rule, slotMs, signal, first: index === 0 });
      }
      metrics.groupTook(clock.monotonicMs() - startMs);
    });
};

interface RuleRun {
  readonly group: RuleGroup;
  readonly rule: CompiledRule;
  readonly slotMs: number;
  readonly signal: AbortSignal;
  readonly first: boolean;
}

const evaluateRule = async (
  options: GroupRunOptions,
  report: RuleReport,
  run: RuleRun,
): Promise<void> => {
  const { clock, metrics, store } = options;
  const { group, rule, slotMs, signal } = run;
  const before = await store.read(rule.id);
  if (isStale(slotMs, before.slotMs)) return metrics.ended('stale');
  if (run.first) metrics.skipped(skippedSlots(before.slotMs, slotMs, group.intervalMs));

  const startMs = clock.monotonicMs();
  const known = [...before.memory.values()].filter((it) => !it.about).map((it) => it.source);
  const atMs = slotMs - group.queryOffsetMs;
  const asked = await askSignals(rule, known, atMs, { ...options, signal });
  // Being told to stop says nothing about the rule.
  signal.throwIfAborted();
  const { outcome, assessment } = assessSafely(asked, (outcome) =>
    assess({
      rule,
      memory: before.memory,
      outcome,
      slotMs,
      instancesMax: Math.min(group.limit || instancesDefault, instancesCeiling),
      step: options.step,
      ...(options.ruleUrl && { generatorUrl: options.ruleUrl(rule) }),
    }),
  );
  const { dropped } = assessment;
  const failed = outcome.kind === 'failed';
  const evaluated = {
    atMs: clock.nowMs(),
    durationMs: Math.round(clock.monotonicMs() - startMs),
    ...(failed && { error: messageOf(outcome.error) }),
    dropped,
  };

  const intervalMs = group.intervalMs;
  const result = await store.commit({
    ruleId: rule.id,
    before,
    slotMs,
    intervalMs,
    evaluated,
    assessment,
  });
  if (result.kind === 'full') report.failed(rule.id, outboxFull);
  else if (failed) report.failed(rule.id, outcome.error);
  else report.went(rule.id);
  metrics.dropped(dropped);
  tellCommitted(options, result, failed);
};

const outboxFull = new Fault('ERR_OUTBOX_FULL', 'nobody takes transitions out of the outbox', {
  remedy: 'retry',
});

const tellCommitted = (
  { metrics, onCommitted }: GroupRunOptions,
  result: CommitResult,
  failed: boolean,
): void => {
  if (result.kind !== 'committed') return metrics.ended(result.kind);
  metrics.ended(failed ? 'failed' : 'committed');
  metrics.transitions(result.transitions);
  if (result.transitions.length > 0) onCommitted(result.transitions);
};

/** A bug in one rule's functions must not keep its neighbours from being evaluated. */
const assessSafely = (
  asked: Outcome,
  judge: (outcome: Outcome) => Assessment,
): { readonly outcome: Outcome; readonly assessment: Assessment } => {
  try {
    return { outcome: asked, assessment: judge(asked) };
  } catch (error) {
    const outcome: Outcome = { kind: 'failed', error };
    return { outcome, assessment: judge(outcome) };
  }
};
