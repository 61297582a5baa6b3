import type { Random } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { createErrorReport } from '../../lib/error-report.ts';
import { createJobQueue, type JobQueue, type NewJob } from '../../lib/jobs/queue.ts';
import { createJobWorker, type JobContext, type JobWorker } from '../../lib/jobs/worker.ts';
import type { Log } from '../../lib/log.ts';
import type { Meter } from '../../lib/meter.ts';
import { connectRedis, firstOf } from '../../lib/redis.ts';
import type { Tracer } from '../../lib/tracer.ts';
import type { Alert, AlertTransition } from '../../model/alert.ts';
import { redisPrefix } from '../../model/keys.ts';
import type { Query } from '../../model/query.ts';
import type { Step } from '../../model/step.ts';
import type { CompiledRule, RuleGroup } from '../rules/plan.ts';
import { createGroupRun } from './evaluate-group.ts';
import { createEvaluateMetrics } from './metrics.ts';
import { createRemoval } from './removal.ts';
import { createRuleStore, type Evaluated } from './rule-store.ts';
import { createSharedReport } from './shared-alerts.ts';
import { dueSlots, type Slot, slotAt } from './slots.ts';

export interface EvaluatorOptions {
  readonly groups: readonly RuleGroup[];
  readonly redisUrl: string;
  readonly query: Query;
  readonly step: Step;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  readonly tracer: Tracer;
  /** For each query; ClickHouse is told to stop at it. */
  readonly evaluationTimeoutMs: number;
  /** How often due groups are looked for. 250 ms unless told. */
  readonly tickMs?: number;
  /** Groups evaluated at once in this process. 4 unless told. */
  readonly concurrency?: number;
  /** How soon a dead evaluator's groups are taken over: about the lock and twice the interval. */
  readonly lease?: Lease;
  /** Where a person finds a rule, for links in messages. */
  readonly ruleUrl?: (rule: CompiledRule) => string;
  /** Called after every commit with transitions, so that the relay need not wait for its own tick. */
  readonly onCommitted?: (transitions: readonly AlertTransition[]) => void;
}

export interface Lease {
  readonly lockDurationMs: number;
  readonly stalledIntervalMs: number;
}

export interface RuleHealth {
  readonly groupId: string;
  readonly rule: CompiledRule;
  /** Undefined: not evaluated yet. */
  readonly evaluated?: Evaluated;
}

export interface Evaluator {
  /** Returns at once; evaluates whenever Redis can be reached. */
  readonly start: () => void;
  /** Ends running evaluations within a few seconds or hands them back. Safe to call twice. */
  readonly stop: () => Promise<void>;
  /** New groups run soon; alerts of rules that no replica evaluates any more are resolved. */
  readonly reload: (groups: readonly RuleGroup[]) => void;
  /** Pending and firing, from Redis. Rejects with a Fault ERR_RULE_STATE while it is away. */
  readonly alerts: () => Promise<readonly Alert[]>;
  /** Every loaded rule, whichever replica evaluated it. Rejects like `alerts`. */
  readonly ruleHealth: () => Promise<readonly RuleHealth[]>;
  /** Wall clock at the last evaluation this process completed. */
  readonly lastEvaluationMs: () => number | undefined;
}

interface GroupJob {
  readonly group: string;
  readonly slotMs: number;
  /** When it was to begin: later than its slot where a group begins in the middle of its interval. */
  readonly dueMs: number;
}

const queueName = 'evaluate';
const tickMsDefault = 250;
const concurrencyDefault = 4;
/** Takeover within 20 s (bullmq.md 4.1); contract section 8 promises 30 s. */
const leaseDefault: Lease = { lockDurationMs: 10_000, stalledIntervalMs: 5_000 };
const stalledCountMax = 5;
const graceMs = 5_000;
/** At start groups begin one after another, this far apart. */
const spreadMsEach = 50;
/** How long a group of another replica's newer files is left for that replica to take. */
const unknownGroupMsMax = 10_000;
const unknownGroupRetryMs = 50;
const sweepEveryMs = 1_000;
/** Longer than any two replicas' ticks are apart; the count is above what that age can hold. */
const retention = {
  completedAgeMs: 120_000,
  completedMax: 50_000,
  failedAgeMs: 3_600_000,
  failedMax: 1_000,
};

/**
 * Evaluates rule groups on time, once, on whichever replica is free. Every replica names the same
 * slots and adds them as jobs; BullMQ lets one of them run; the commit lets one of them count.
 */
export const createEvaluator = (options: EvaluatorOptions): Evaluator => {
  const { clock, log, meter } = options;
  const parts = { redisUrl: options.redisUrl, prefix: redisPrefix, clock, log, meter };
  const connection = connectRedis({
    url: options.redisUrl,
    role: 'commands',
    name: queueName,
    clock,
    log,
    meter,
  });
  const store = createRuleStore(connection.redis);
  const metrics = createEvaluateMetrics(meter, store.phases);
  const onCommitted = options.onCommitted ?? (() => {});
  const evaluateGroup = createGroupRun({
    ...options,
    store,
    metrics,
    timeoutMs: options.evaluationTimeoutMs,
    onCommitted,
  });
  const removeGone = createRemoval({ store, clock, log, metrics, onCommitted });
  const report = createErrorReport(log, clock, 'evaluation_not_queued');
  const reportShared = createSharedReport(log);
  const stopping = new AbortController();

  let groups = new Map(options.groups.map((it) => [it.id, it]));
  let fresh: readonly RuleGroup[] = options.groups;
  let queue: JobQueue<GroupJob> | undefined;
  let worker: JobWorker | undefined;
  let ticking: Promise<void> | undefined;
  let lastEvaluationMs: number | undefined;
  let stopped: Promise<void> | undefined;

  const handle = async (job: GroupJob, context: JobContext): Promise<void> => {
    const group = groups.get(job.group);
    const nowMs = clock.nowMs();
    if (!group) {
      if (Math.abs(nowMs - job.slotMs) >= unknownGroupMsMax) return;
      throw await context.delay(nowMs + unknownGroupRetryMs);
    }
    metrics.lag(nowMs - job.dueMs);
    // After a long wait in the queue the present matters, not the past.
    const late = Math.abs(nowMs - job.slotMs) >= group.intervalMs;
    await evaluateGroup(group, late ? slotAt(group, nowMs) : job.slotMs, context.signal);
    lastEvaluationMs = clock.nowMs();
  };

  const tick = async (lastMs: number, nowMs: number): Promise<void> => {
    const starting = fresh;
    const first = new Set(starting.map((it) => it.id));
    const due = dueSlots([...groups.values()], lastMs, nowMs).filter(
      (it) => !first.has(it.group.id),
    );
    const jobs = [
      ...due.map((it) => jobOf(it, it.slotMs)),
      ...starting.map((group, index) => {
        const spreadMs = Math.min(
          group.intervalMs / 2,
          spreadMsEach * index * options.random() * 2,
        );
        return jobOf({ group, slotMs: slotAt(group, nowMs) }, nowMs + spreadMs, spreadMs);
      }),
    ];
    if (jobs.length > 0) await queue?.addBulk(jobs);
    if (fresh === starting) fresh = [];
  };

  const tickOn = async (): Promise<void> => {
    const { signal } = stopping;
    let lastMs = clock.nowMs();
    let sweptMs = clock.monotonicMs();
    while (!signal.aborted) {
      const nowMs = clock.nowMs();
      try {
        await tick(lastMs, nowMs);
        lastMs = nowMs;
        if (clock.monotonicMs() - sweptMs >= sweepEveryMs) {
          sweptMs = clock.monotonicMs();
          await removeGone(ruleIdsOf(groups.values()));
        }
      } catch (error) {
        // What was due stays due: the next tick asks again.
        metrics.tickFailed();
        report(error);
      }
      await clock.sleep(options.tickMs ?? tickMsDefault, signal);
    }
  };

  const stop = async (): Promise<void> => {
    stopping.abort();
    await queue?.close();
    await worker?.close();
    if (ticking) await firstOf(clock, graceMs, ticking);
    await connection.close();
  };

  return {
    start: () => {
      if (ticking || stopping.signal.aborted) return;
      queue = createJobQueue({ ...parts, name: queueName, retention });
      worker = createJobWorker<GroupJob>({
        ...parts,
        ...(options.lease ?? leaseDefault),
        name: queueName,
        concurrency: options.concurrency ?? concurrencyDefault,
        maxStalledCount: stalledCountMax,
        graceMs,
        // Jobs have one attempt: the next slot is the next attempt.
        backoff: () => 0,
        handler: handle,
      });
      ticking = tickOn();
    },
    stop: () => (stopped ??= stop()),
    reload: (next) => {
      fresh = [
        ...fresh.filter((it) => next.includes(it)),
        ...next.filter((it) => !groups.has(it.id)),
      ];
      groups = new Map(next.map((it) => [it.id, it]));
    },
    alerts: async () => {
      const alerts = await store.alerts();
      reportShared(alerts);
      return alerts;
    },
    ruleHealth: async () => {
      const rules = [...groups.values()].flatMap((group) =>
        group.rules.map((rule) => ({ groupId: group.id, rule })),
      );
      const all = await store.evaluated(rules.map((it) => it.rule.id));
      return rules.map((it, index) => {
        const evaluated = all[index];
        return evaluated ? { ...it, evaluated } : it;
      });
    },
    lastEvaluationMs: () => lastEvaluationMs,
  };
};

const jobOf = ({ group, slotMs }: Slot, dueMs: number, delayMs?: number): NewJob<GroupJob> => ({
  id: `${group.id}-${slotMs}`,
  data: { group: group.id, slotMs, dueMs },
  deduplicationId: group.id,
  ...(delayMs !== undefined && delayMs > 0 && { delayMs }),
});

const ruleIdsOf = (groups: Iterable<RuleGroup>): ReadonlySet<string> =>
  new Set([...groups].flatMap((group) => group.rules.map((rule) => rule.id)));
