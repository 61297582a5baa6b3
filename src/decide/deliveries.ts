import type { EscalationPolicy } from '../model/alerting.ts';
import type {
  DecideDeliveries,
  DeliveriesDecision,
  DeliveriesInput,
  Told,
} from '../model/delivery.ts';
import { dueStep, escalationAfter } from './escalate.ts';
import { firstReceivers, policyOf } from './first-receivers.ts';
import {
  announceLowered,
  isOutdated,
  isRaised,
  severityOf,
  severityRaised,
  tellRaised,
} from './severity.ts';
import { findSilence } from './silence.ts';
import { type Draft, type Message, tell, tellAgain } from './tell.ts';

/**
 * Who must be told what about one alert now. Whatever the occasion (a transition, a timer, the end
 * of a silence, an acknowledgement, a dead delivery, a reconciliation), it is the same question,
 * and asking it twice tells nobody twice.
 */
export const decideDeliveries: DecideDeliveries = (input) => {
  const told = refreshed(input);
  if (!told) return { told: undefined, deliveries: [], held: [], notes: [] };
  const draft: Draft = { input, told, deliveries: [], held: [], notes: [] };
  return finished(told.alert.phase === 'resolved' ? whenResolved(draft) : whenFiring(draft));
};

/** The state with the newest snapshot; undefined while there is nothing to tell of. */
const refreshed = ({ told, alert, dead }: DeliveriesInput): Told | undefined => {
  if (told) {
    const later = told.alert.phase === 'firing' && alert.phase !== 'pending';
    if (alert.phase === 'firing' && isOutdated(alert, told.alert)) return told;
    return later && alert !== told.alert ? { ...told, alert } : told;
  }
  // A dead letter may outlive what is known of its alert: only the fallback is left to tell.
  if (dead) return { ...nothingTold(alert), firstToldAtMs: dead.createdAtMs };
  return alert.phase === 'firing' ? nothingTold(alert) : undefined;
};

const nothingTold = (alert: Told['alert']): Told => ({
  alert,
  destinations: [],
  escalationLevel: 0,
  owed: [],
});

const finished = ({ input, told, deliveries, held, notes }: Draft): DeliveriesDecision => {
  const owed = deliveries.length > 0 ? [...told.owed, ...deliveries] : told.owed;
  const next = owed === told.owed ? told : { ...told, owed };
  const same = input.told !== undefined && textOf(next) === textOf(input.told);
  return { told: same ? input.told : next, deliveries, held, notes };
};

/** Values move at every evaluation; that alone is nothing to remember. */
const textOf = (told: Told): string =>
  JSON.stringify({ ...told, alert: { ...told.alert, values: {} } });

const whenFiring = (draft: Draft): Draft => {
  const { silences, nowMs } = draft.input;
  const silence = findSilence(silences, draft.told.alert.labels, nowMs);
  const current = announceLowered(acknowledged(tellFallback(draft)));
  if (silence) return holdBack(current, silence.id);
  return tellAcknowledged(tellEscalated(tellRaised(tellFirst(current))));
};

/** Through silences too: whoever was told "firing" may stop worrying. */
const whenResolved = (draft: Draft): Draft => {
  const { heldBy: _, ...told } = draft.told;
  const ended: Draft = {
    ...draft,
    told: {
      ...told,
      resolvedAtMs: told.resolvedAtMs ?? draft.input.nowMs,
      ...(told.escalation && { escalation: overBecause(told, 'resolved') }),
    },
  };
  return tellResolved(tellFallback(ended));
};

const overBecause = (
  told: Told,
  reason: 'acknowledged' | 'resolved',
): NonNullable<Told['escalation']> =>
  told.escalation?.kind === 'over' ? told.escalation : { kind: 'over', reason };

const holdBack = (draft: Draft, silenceId: string): Draft => {
  const { told, input } = draft;
  const same = told.heldBy?.kind === 'silenced' && told.heldBy.by === silenceId;
  const raised = isRaised(told.announced, told.alert);
  const before = input.told && isRaised(told.announced, input.told.alert);
  if (same && (!raised || before)) return draft;
  const news = told.firstToldAtMs === undefined || raised;
  const receivers = news ? firstReceivers(draft).names : [];
  return {
    ...draft,
    told: { ...told, heldBy: { kind: 'silenced', by: silenceId } },
    held: receivers.map((receiver) => ({ receiver, reason: 'silenced', by: silenceId })),
    input,
  };
};

const tellFirst = (draft: Draft): Draft => {
  const { heldBy, ...told } = draft.told;
  const free: Draft = { ...draft, told };
  if (told.firstToldAtMs !== undefined) return free;
  const { names, notes } = firstReceivers(draft);
  const reason = heldBy ? whyNoLongerHeld(draft) : 'first notification';
  const message: Message = { key: 'firing', kind: 'firing', reason, level: 0 };
  const { nowMs } = draft.input;
  const policy = policyOf(draft);
  const toldFirst: Draft = {
    ...free,
    notes: [...draft.notes, ...notes],
    told: {
      ...told,
      firstToldAtMs: nowMs,
      ...(policy && { escalation: firstEscalation(draft, policy) }),
    },
  };
  return announceLowered(tell(toldFirst, names, message));
};

/** A silence of warnings does not hold what has become critical. */
const whyNoLongerHeld = ({ told, input }: Draft): string => {
  const before = input.told?.alert;
  return before && isRaised(severityOf(before), told.alert) ? severityRaised : 'silence ended';
};

const firstEscalation = ({ told, input }: Draft, policy: EscalationPolicy) =>
  told.acknowledgement
    ? ({ kind: 'over', reason: 'acknowledged' } as const)
    : escalationAfter(policy, { round: 0, level: 0 }, input.nowMs);

const tellEscalated = (draft: Draft): Draft => {
  const { told, input } = draft;
  const { escalation } = told;
  if (escalation?.kind !== 'waiting') return draft;
  const policy = input.alerting.escalationPolicies.find((it) => it.name === escalation.policy);
  const step = policy ? dueStep(policy, escalation, input.nowMs) : 'given-up';
  if (step === undefined) return draft;
  if (step === 'given-up' || !policy) return giveUp(draft, escalation.policy);
  const { round } = escalation;
  const next: Draft = {
    ...draft,
    told: {
      ...told,
      escalationLevel: Math.max(told.escalationLevel, step.level),
      escalation: escalationAfter(policy, { round, level: step.level }, input.nowMs),
    },
  };
  const again = round > 0 ? ` (round ${round + 1})` : '';
  return tell(next, step.notify, {
    key: `escalated-${round}-${step.level}`,
    kind: 'escalated',
    reason: `escalation level ${step.level}${again}`,
    level: step.level,
  });
};

const giveUp = (draft: Draft, policy: string): Draft => ({
  ...draft,
  told: { ...draft.told, escalation: { kind: 'over', reason: 'given-up' } },
  notes: [...draft.notes, { code: 'escalation-given-up', detail: policy }],
});

/** Stops escalation at once, even while a silence keeps it from being told. */
const acknowledged = (draft: Draft): Draft => {
  const acknowledgement = draft.input.acknowledgement ?? draft.told.acknowledgement;
  if (!acknowledgement) return draft;
  const { told } = draft;
  const escalation = told.escalation && { escalation: overBecause(told, 'acknowledged') };
  return { ...draft, told: { ...told, acknowledgement, ...escalation } };
};

const tellAcknowledged = (draft: Draft): Draft => {
  const { acknowledgement, escalationLevel } = draft.told;
  if (!acknowledgement) return draft;
  const message: Message = {
    key: 'acknowledged',
    kind: 'acknowledged',
    reason: `acknowledged by ${acknowledgement.by}`,
    level: escalationLevel,
  };
  return tellAgain(draft, message, (it) => it.sendAcknowledged);
};

const tellResolved = (draft: Draft): Draft => {
  const level = draft.told.escalationLevel;
  const message: Message = { key: 'resolved', kind: 'resolved', reason: 'resolved', level };
  return tellAgain(draft, message, (it) => it.sendResolved);
};

/** The fallback receiver gets the message that somebody else could not be told. */
const tellFallback = (draft: Draft): Draft => {
  const { dead, alerting } = draft.input;
  const fallback = alerting.fallbackReceiver;
  if (!dead || fallback === undefined || dead.receiver === fallback) return draft;
  if (dead.kind === 'test' || dead.kind === 'acknowledged') return draft;
  const message: Message = {
    key: keyOf(dead.kind, dead.id),
    kind: dead.kind,
    reason: `fallback: ${dead.receiver} could not be told (${dead.reason})`,
    level: dead.escalationLevel,
  };
  return tell(draft, [fallback], message);
};

/** Ids end in the message's key, the hash of the receiver and the channel: see `deliveryId`. */
const keyOf = (kind: 'firing' | 'resolved' | 'escalated', id: string): string =>
  /(?:escalated-\d+-\d+|raised-\d+)(?=-[0-9a-f]+-\d+$)/.exec(id)?.[0] ?? kind;
