import { messageOf } from '../../lib/fault.ts';
import type { AlertTransition, TransitionKind } from '../../model/alert.ts';
import type { Labels } from '../../model/matcher.ts';
import type { Step, StepResult } from '../../model/step.ts';
import type { CompiledRule } from '../rules/plan.ts';
import type { Outcome } from './ask.ts';
import { gradeOf } from './grade.ts';
import { type InstanceReading, readInstances } from './reading.ts';
import { alertOf, knownValues, type Remembered, unitsOf } from './remembered.ts';

export interface AssessInput {
  readonly rule: CompiledRule;
  readonly generatorUrl?: string;
  readonly memory: ReadonlyMap<string, Remembered>;
  readonly outcome: Outcome;
  /** The time of the evaluation; since-times are counted in it. */
  readonly slotMs: number;
  /** Instances that may be remembered. */
  readonly instancesMax: number;
  readonly step: Step;
}

/** An id is given when it is committed. */
export type TransitionDraft = Omit<AlertTransition, 'id'>;

export interface Assessment {
  /** The rule's whole memory after this evaluation. */
  readonly memory: ReadonlyMap<string, Remembered>;
  /** What differs from before and must be written. */
  readonly changed: ReadonlyMap<string, Remembered>;
  readonly forgotten: readonly string[];
  readonly transitions: readonly TransitionDraft[];
  /** New instances that found no place. */
  readonly dropped: number;
}

/** Values that only moved are written this seldom: they are for display (bullmq.md section 5). */
const valuesAgeMsMax = 30_000;
const annotationCharactersMax = 4_096;

/** One evaluation of one rule, decided without touching anything: what it learned and what to tell. */
export const assess = (input: AssessInput): Assessment => {
  const { memory, instancesMax } = input;
  const judged = readInstances(input.rule, memory, input.outcome).map((it) => judge(input, it));
  const old = judged.filter((it) => it.before !== undefined);
  const fresh = judged.filter((it) => it.before === undefined && it.after !== undefined);
  const room = Math.max(0, instancesMax - old.filter((it) => it.after !== undefined).length);
  // Nobody is thrown out for the newcomers, and the worst of those go first.
  const welcome = fresh.toSorted(byWorst(input.rule.severities)).slice(0, room);

  const next = new Map(memory);
  const changed = new Map<string, Remembered>();
  const forgotten: string[] = [];
  for (const it of [...old, ...welcome]) {
    const { fingerprint, before, after } = it;
    if (!after) {
      next.delete(fingerprint);
      forgotten.push(fingerprint);
    } else if (worthWriting(before, after)) {
      next.set(fingerprint, after);
      changed.set(fingerprint, after);
    } else {
      next.set(fingerprint, { ...after, writtenAtMs: before?.writtenAtMs ?? after.writtenAtMs });
    }
  }
  return {
    memory: next,
    changed,
    forgotten,
    transitions: [...old, ...welcome].flatMap((it) => it.transitions),
    dropped: fresh.length - welcome.length,
  };
};

/** Ends everything that a rule has running, because the rule is gone. */
export const assessRemoval = (
  ruleId: string,
  memory: ReadonlyMap<string, Remembered>,
  nowMs: number,
): Assessment => ({
  memory: new Map(),
  changed: new Map(),
  forgotten: [...memory.keys()],
  transitions: [...memory].flatMap(([fingerprint, it]): readonly TransitionDraft[] => {
    if (!it.step) return [];
    const kind = it.step.phase === 'firing' ? 'resolved' : 'dropped';
    const alert = alertOf(ruleId, fingerprint, it, it.step, nowMs);
    return [{ kind, reason: 'rule-removed', atMs: nowMs, alert }];
  }),
  dropped: 0,
});

interface Judged {
  readonly fingerprint: string;
  readonly before: Remembered | undefined;
  /** Undefined: nothing to remember. */
  readonly after: Remembered | undefined;
  readonly transitions: readonly TransitionDraft[];
}

const judge = (input: AssessInput, it: InstanceReading): Judged => {
  const { memory, rule, slotMs } = input;
  const before = memory.get(it.fingerprint);
  const policy = it.about ? { ...rule.policy, keepFiringForMs: 0 } : rule.policy;
  const stepped = input.step(before?.step, it.reading, slotMs, policy);
  const result = it.about && it.reading === 'breach' ? { ...stepped, reason: it.about } : stepped;
  const active = result.state !== undefined || before?.step !== undefined;
  const now = active || it.breaches?.includes('1') ? describe(input, it, before) : undefined;
  const after = result.state && now ? { ...now, step: result.state } : now;
  const remembers = result.state !== undefined || it.breaches?.includes('1');
  return {
    fingerprint: it.fingerprint,
    before,
    after: remembers ? after : undefined,
    transitions: now ? transitionsOf(input, it.fingerprint, before, now, result) : [],
  };
};

/** The instance as it is now, without its state. */
const describe = (
  input: AssessInput,
  it: InstanceReading,
  before: Remembered | undefined,
): Remembered => {
  const { rule, generatorUrl } = input;
  const { severity } = it;
  const units = unitsOf(rule);
  // Where nothing was seen, what was seen last is told.
  const seen = it.reading === 'breach' || it.reading === 'clear' || !before;
  const values = seen ? (it.values ?? {}) : before.values;
  const labels = severity === undefined ? it.labels : { ...it.labels, severity };
  const grade = gradeOf(rule.severities, severity, before);
  const annotations = seen ? rule.annotations({ labels, values }) : before.annotations;
  return {
    source: it.source,
    labels: it.labels,
    ...(severity !== undefined && { severity }),
    ...(grade && { grade }),
    annotations: bounded(withReason(annotations, it, input.outcome)),
    values: knownValues(values),
    ...(Object.keys(units).length > 0 && { units }),
    ...(rule.escalation !== undefined && { escalation: rule.escalation }),
    ...(generatorUrl !== undefined && { generatorUrl }),
    ...(it.breaches !== undefined && { breaches: it.breaches }),
    ...(it.about && { about: it.about }),
    writtenAtMs: input.slotMs,
  };
};

/** Says why where it is not the values that speak. */
const withReason = (annotations: Labels, it: InstanceReading, outcome: Outcome): Labels => {
  if (it.reading === 'clear' || it.reading === 'missing') return annotations;
  if (outcome.kind === 'failed') {
    return { ...annotations, state_reason: `the query failed: ${messageOf(outcome.error)}` };
  }
  const silent = it.about === 'no-data' || it.reading === 'no-data';
  return silent ? { ...annotations, state_reason: 'the query answered no data' } : annotations;
};

const bounded = (annotations: Labels): Labels =>
  Object.fromEntries(
    Object.entries(annotations).map(([name, text]) => [
      name,
      text.slice(0, annotationCharactersMax),
    ]),
  );

const transitionsOf = (
  { rule, slotMs }: AssessInput,
  fingerprint: string,
  before: Remembered | undefined,
  now: Remembered,
  result: StepResult,
): readonly TransitionDraft[] => {
  const { state, reason } = result;
  const was = before?.step;
  const tell = (kind: TransitionKind, why: string, alert: AlertTransition['alert']) => ({
    kind,
    reason: why,
    atMs: slotMs,
    alert,
  });
  const going = state && alertOf(rule.id, fingerprint, now, state);
  const ended = was && alertOf(rule.id, fingerprint, now, was, slotMs);
  switch (result.change) {
    case 'pending':
    case 'fired':
      return going ? [tell(result.change, reason, going)] : [];
    case 'dropped':
      return ended ? [tell('dropped', reason, ended)] : [];
    case 'resolved':
      return [
        ...(ended ? [tell('resolved', reason, ended)] : []),
        ...(going ? [tell('pending', reason, going)] : []),
      ];
    case 'none': {
      const other = state?.phase === 'firing' && before?.severity !== now.severity;
      return going && other ? [tell('changed', changeOf(before, now), going)] : [];
    }
  }
};

const changeOf = (before: Remembered | undefined, now: Remembered): string =>
  (now.grade?.rank ?? 0) > (before?.grade?.rank ?? -1) ? 'severity-raised' : 'severity-lowered';

const byWorst = (severities: readonly string[]) => {
  const rank = ({ after }: Judged): number => {
    const index = severities.indexOf(after?.severity ?? '');
    return index === -1 ? severities.length : index;
  };
  return (a: Judged, b: Judged): number =>
    rank(a) - rank(b) || (a.fingerprint < b.fingerprint ? -1 : 1);
};

/** Numbers that moved, and texts made of them, may wait; all else must survive a crash. */
const worthWriting = (before: Remembered | undefined, after: Remembered): boolean => {
  if (!before || after.writtenAtMs - before.writtenAtMs >= valuesAgeMsMax) return true;
  return after.writtenAtMs < before.writtenAtMs || lasting(before) !== lasting(after);
};

const lasting = (it: Remembered): string =>
  JSON.stringify([
    [it.source, it.labels, it.severity, it.grade, it.step, it.breaches, it.about],
    [it.units, it.escalation, it.generatorUrl],
  ]);
