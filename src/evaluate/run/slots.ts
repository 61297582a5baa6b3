import { createHash } from 'node:crypto';
import type { RuleGroup } from '../rules/plan.ts';

/** A moment at which a group is to be evaluated: every replica names the same ones. */
export interface Slot {
  readonly group: RuleGroup;
  readonly slotMs: number;
}

/**
 * A re-run of a slot that was evaluated already says nothing new. A slot further back than this
 * means that the clock was set back: it must be accepted, or rules would be silent for as long.
 */
export const staleMsMax = 60_000;

export const isStale = (slotMs: number, lastSlotMs: number): boolean =>
  slotMs <= lastSlotMs && lastSlotMs - slotMs < staleMsMax;

/** The group's latest slot at or before a time. Groups are spread over their interval by their id. */
export const slotAt = (group: Pick<RuleGroup, 'id' | 'intervalMs'>, atMs: number): number => {
  const offsetMs = offsetOf(group.id, group.intervalMs);
  return Math.floor((atMs - offsetMs) / group.intervalMs) * group.intervalMs + offsetMs;
};

/** At most one slot of each group within (lastMs, nowMs]: what was missed is not made up for. */
export const dueSlots = (
  groups: readonly RuleGroup[],
  lastMs: number,
  nowMs: number,
): readonly Slot[] =>
  groups
    .map((group) => ({ group, slotMs: slotAt(group, nowMs) }))
    .filter(({ slotMs }) => slotMs > lastMs);

/** Slots between two evaluations that nobody evaluated. */
export const skippedSlots = (lastSlotMs: number, slotMs: number, intervalMs: number): number =>
  lastSlotMs <= 0 ? 0 : Math.max(0, Math.round((slotMs - lastSlotMs) / intervalMs) - 1);

const offsetOf = (groupId: string, intervalMs: number): number => {
  const share = createHash('sha256').update(groupId).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(share * intervalMs);
};
