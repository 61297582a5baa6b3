import { Fault, messageOf } from '../../lib/fault.ts';
import { defineScript, type Redis } from '../../lib/redis.ts';
import type { Alert, AlertTransition, OutboxRecord } from '../../model/alert.ts';
import { redisKeys } from '../../model/keys.ts';
import type { Assessment } from './assess.ts';
import { alertOf, parseRemembered, type Remembered } from './remembered.ts';
import { staleMsMax } from './slots.ts';

/** What the last evaluation of a rule came to, whichever replica it ran on. */
export interface Evaluated {
  readonly atMs: number;
  readonly durationMs: number;
  /** Undefined: it went well. */
  readonly error?: string;
  /** New instances that found no place within the limit. */
  readonly dropped: number;
}

export interface RuleSnapshot {
  /** Empty: nothing was ever committed. */
  readonly version: string;
  readonly slotMs: number;
  readonly memory: ReadonlyMap<string, Remembered>;
}

/**
 * `lost`: another evaluator committed meanwhile. `stale`: this slot or a later one was committed.
 * `full`: there is something to tell, but nobody takes what was told before.
 */
export type CommitResult =
  | { readonly kind: 'committed'; readonly transitions: readonly AlertTransition[] }
  | { readonly kind: 'lost' | 'stale' | 'full' };

export interface CommitInput {
  readonly ruleId: string;
  readonly before: RuleSnapshot;
  readonly slotMs: number;
  readonly intervalMs: number;
  readonly evaluated: Evaluated;
  readonly assessment: Assessment;
}

export interface RuleStore {
  readonly read: (ruleId: string) => Promise<RuleSnapshot>;
  readonly commit: (input: CommitInput) => Promise<CommitResult>;
  /** Pending and firing alerts of all rules. */
  readonly alerts: () => Promise<readonly Alert[]>;
  readonly evaluated: (ruleIds: readonly string[]) => Promise<readonly (Evaluated | undefined)[]>;
  /** Rules that remember instances but are not known here, and when they were last evaluated. */
  readonly strangers: (knownRuleIds: ReadonlySet<string>) => Promise<ReadonlyMap<string, RuleAge>>;
  /** Instances by phase, of the rules this process evaluated last. */
  readonly phases: () => { readonly pending: number; readonly firing: number };
}

export interface RuleAge {
  readonly slotMs: number;
  readonly intervalMs: number;
}

/** Meta of rules that are gone outlasts their notifications, whose ids are made of its version. */
const metaSecondsAfterRemoval = 30 * 86_400;
/** About 100 MB. Beyond it alerts stay as they are until a notifier has caught up: none is lost. */
export const outboxMax = 100_000;

/**
 * The fence against two evaluators of one rule: state, version and outbox change together or not at
 * all, and only for whoever saw the latest version (bullmq.md section 5). A first version is the
 * slot's time, so that ids made of versions do not come again when Redis lost its data.
 */
const commitScript = defineScript(`
local state, meta, outbox, rules = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local at = 0
local function take() at = at + 1; return ARGV[at] end
local expected, slot, staleMs, ruleId = take(), take(), tonumber(take()), take()
local version = redis.call('HGET', meta, 'ver') or ''
if version ~= expected then return 'lost' end
local last = tonumber(redis.call('HGET', meta, 'slot') or '0')
if tonumber(slot) <= last and last - tonumber(slot) < staleMs then return 'stale' end
local told, toldMax = tonumber(take()), tonumber(take())
if told > 0 and redis.call('XLEN', outbox) + told > toldMax then return 'full' end
redis.call('HSET', meta, 'ver', take(), 'slot', slot, 'interval', take(), 'evaluated', take())
for _ = 1, tonumber(take()) do local field = take(); redis.call('HSET', state, field, take()) end
for _ = 1, tonumber(take()) do redis.call('HDEL', state, take()) end
for _ = 1, told do redis.call('XADD', outbox, '*', 'record', take()) end
if redis.call('EXISTS', state) == 1 then
  redis.call('SADD', rules, ruleId)
  redis.call('PERSIST', meta)
else
  redis.call('SREM', rules, ruleId)
  redis.call('EXPIRE', meta, take())
end
return 'committed'`);

/** Rule state in Redis, with a copy in memory of what this process committed last. */
export const createRuleStore = (redis: Redis): RuleStore => {
  const copies = new Map<string, RuleSnapshot>();

  const read = async (ruleId: string): Promise<RuleSnapshot> => {
    const [version, slot] = await redis.hmget(redisKeys.ruleMeta(ruleId), 'ver', 'slot');
    const slotMs = Number(slot ?? 0);
    const copy = copies.get(ruleId);
    if (copy && copy.version === version) return { ...copy, slotMs };
    const fields = await redis.hgetall(redisKeys.ruleState(ruleId));
    return { version: version ?? '', slotMs, memory: parseAll(fields) };
  };

  const commit = async (input: CommitInput): Promise<CommitResult> => {
    const { ruleId, before, slotMs, assessment } = input;
    const version = before.version === '' ? String(slotMs) : String(Number(before.version) + 1);
    const transitions = assessment.transitions.map((it, index) => ({
      id: `n-${ruleId}-${version}-${index}`,
      ...it,
    }));
    const changed = [...assessment.changed].flatMap(([key, it]) => [key, JSON.stringify(it)]);
    const records = transitions.map((transition) => {
      const record: OutboxRecord = { kind: 'transition', transition };
      return JSON.stringify(record);
    });
    const answer = await commitScript(
      redis,
      [redisKeys.ruleState(ruleId), redisKeys.ruleMeta(ruleId), redisKeys.outbox].concat(
        redisKeys.rulesWithState,
      ),
      [before.version, slotMs, staleMsMax, ruleId]
        .concat([records.length, outboxMax])
        .concat([version, input.intervalMs, JSON.stringify(input.evaluated)])
        .concat([assessment.changed.size, ...changed])
        .concat([assessment.forgotten.length, ...assessment.forgotten])
        .concat(records)
        .concat(metaSecondsAfterRemoval),
    );
    if (answer === 'lost' || answer === 'stale' || answer === 'full') {
      copies.delete(ruleId);
      return { kind: answer };
    }
    copies.set(ruleId, { version, slotMs, memory: assessment.memory });
    return { kind: 'committed', transitions };
  };

  return {
    read: (ruleId) => guarded(read(ruleId)),
    commit,
    alerts: async () => {
      const ruleIds = await guarded(redis.smembers(redisKeys.rulesWithState));
      const states = await guarded(
        Promise.all(ruleIds.map((it) => redis.hgetall(redisKeys.ruleState(it)))),
      );
      return ruleIds.flatMap((ruleId, index) =>
        [...parseAll(states[index] ?? {})].flatMap(([fingerprint, it]) =>
          it.step ? [alertOf(ruleId, fingerprint, it, it.step)] : [],
        ),
      );
    },
    evaluated: async (ruleIds) => {
      const texts = await guarded(
        Promise.all(ruleIds.map((it) => redis.hget(redisKeys.ruleMeta(it), 'evaluated'))),
      );
      return texts.map((it) => (it === null ? undefined : (JSON.parse(it) as Evaluated)));
    },
    strangers: async (knownRuleIds) => {
      const all = await guarded(redis.smembers(redisKeys.rulesWithState));
      const ruleIds = all.filter((it) => !knownRuleIds.has(it));
      const metas = await guarded(
        Promise.all(ruleIds.map((it) => redis.hmget(redisKeys.ruleMeta(it), 'slot', 'interval'))),
      );
      return new Map(
        ruleIds.map((ruleId, index) => {
          const [slot, interval] = metas[index] ?? [];
          return [ruleId, { slotMs: Number(slot ?? 0), intervalMs: Number(interval ?? 0) }];
        }),
      );
    },
    phases: () => {
      const all = [...copies.values()].flatMap((it) => [...it.memory.values()]);
      const count = (phase: string) => all.filter((it) => it.step?.phase === phase).length;
      return { pending: count('pending'), firing: count('firing') };
    },
  };
};

const parseAll = (fields: Readonly<Record<string, string>>): ReadonlyMap<string, Remembered> =>
  new Map(
    Object.entries(fields).flatMap(([fingerprint, text]): [string, Remembered][] => {
      const it = parseRemembered(text);
      return it ? [[fingerprint, it]] : [];
    }),
  );

const guarded = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw new Fault('ERR_RULE_STATE', `Redis did not answer: ${messageOf(error)}`, {
      remedy: 'retry',
      cause: error,
    });
  }
};
