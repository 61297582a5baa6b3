import type { Labels } from '../../model/matcher.ts';
import type { Reading, StepPolicy } from '../../model/step.ts';
import type { CompiledRule, SignalValues } from '../rules/plan.ts';
import type { Outcome, Seen } from './ask.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Remembered } from './remembered.ts';

/** What one evaluation says of one instance, ready for the state machine. */
export interface InstanceReading {
  readonly fingerprint: string;
  readonly reading: Reading;
  readonly source: Labels;
  readonly labels: Labels;
  /** Undefined: nothing new is known; what is remembered stands. */
  readonly values?: SignalValues;
  readonly severity?: string;
  readonly breaches?: string;
  readonly about?: 'no-data' | 'error';
}

type AtLeast = NonNullable<StepPolicy['atLeast']>;
type Memory = ReadonlyMap<string, Remembered>;

/**
 * A reading for every instance that was seen or is remembered. Hysteresis and `at_least` are settled
 * here, so that the state machine sees only whether the condition counts as holding.
 */
export const readInstances = (
  rule: CompiledRule,
  memory: Memory,
  outcome: Outcome,
): readonly InstanceReading[] => {
  const seen = outcome.kind === 'answered' ? readSeen(rule, memory, outcome.seen) : [];
  const names = new Set(seen.map((it) => it.fingerprint));
  const unseen = readUnseen(memory, names, unseenReading[outcome.kind]);
  return [...seen, ...unseen, ...readSilence(rule, memory, outcome)];
};

const unseenReading: Readonly<Record<Outcome['kind'], Reading>> = {
  answered: 'missing',
  empty: 'no-data',
  failed: 'error',
};

const readSeen = (
  rule: CompiledRule,
  memory: Memory,
  seen: readonly Seen[],
): readonly InstanceReading[] => {
  return seen.map((it): InstanceReading => {
    const before = memory.get(it.fingerprint);
    const { severity: known } = before ?? {};
    const held =
      before?.step?.phase === 'firing' ? { ...(known && { severity: known }) } : undefined;
    const verdict = rule.decide(it.values, held);
    // It is there, but not enough of it to judge: not the evidence that its absence would be.
    if (verdict.holds === 'unknown') return { ...it, reading: 'no-data', ...kept(before) };
    const holds = verdict.holds === 'yes';
    const { atLeast } = rule.policy;
    const breaches = atLeast && lastBreaches(before?.breaches, holds, atLeast);
    const counts = breaches === undefined ? holds : often(breaches, atLeast);
    const severity = verdict.holds === 'yes' ? verdict.severity : before?.severity;
    return {
      ...it,
      reading: counts ? 'breach' : 'clear',
      ...(severity !== undefined && { severity }),
      ...(breaches !== undefined && { breaches }),
    };
  });
};

const readUnseen = (
  memory: Memory,
  seen: ReadonlySet<string>,
  reading: Reading,
): readonly InstanceReading[] =>
  [...memory]
    .filter(([fingerprint, it]) => !seen.has(fingerprint) && it.about === undefined)
    .map(([fingerprint, it]) => ({
      fingerprint,
      reading,
      source: it.source,
      labels: it.labels,
      ...kept(it),
    }));

const kept = (it: Remembered | undefined): Pick<InstanceReading, 'severity' | 'breaches'> => ({
  ...(it?.severity !== undefined && { severity: it.severity }),
  ...(it?.breaches !== undefined && { breaches: it.breaches }),
});

/**
 * What the rule says when its signals say nothing. `fire` needs something to fire for when no
 * instance is known: the rule itself, without labels of a series. `alert` is about the rule too, but
 * apart from its instances, with a label that says why.
 */
const readSilence = (
  rule: CompiledRule,
  memory: Memory,
  outcome: Outcome,
): readonly InstanceReading[] => {
  const bare = rule.labels({ labels: {}, values: {} });
  const silent =
    (outcome.kind === 'empty' && (['no-data', rule.policy.noData] as const)) ||
    (outcome.kind === 'failed' && (['error', rule.policy.onError] as const));
  const about = (['no-data', 'error'] as const).flatMap((kind): readonly InstanceReading[] => {
    const labels = { ...bare, state_reason: kind.replace('-', '_') };
    const fingerprint = fingerprintOf(labels);
    const raised = silent && silent[0] === kind && silent[1] === 'alert';
    // A failed query does not prove that there is data again.
    const unproven = kind === 'no-data' && outcome.kind === 'failed';
    if (!raised && (unproven || !memory.has(fingerprint))) return [];
    const reading = raised ? 'breach' : 'clear';
    return [{ fingerprint, reading, source: {}, labels, values: {}, about: kind }];
  });
  const alone = ![...memory.values()].some((it) => it.about === undefined);
  if (!silent || silent[1] !== 'fire' || !alone) return about;
  const fingerprint = fingerprintOf(bare);
  return [...about, { fingerprint, reading: silent[0], source: {}, labels: bare, values: {} }];
};

const lastBreaches = (before = '', holds: boolean, { of }: AtLeast): string =>
  `${before}${holds ? '1' : '0'}`.slice(-of);

const often = (breaches: string, atLeast: AtLeast | undefined): boolean =>
  breaches.replaceAll('0', '').length >= (atLeast?.breaches ?? 1);
