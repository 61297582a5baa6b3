import type { EscalationPolicy } from '../model/alerting.ts';
import type { DecisionNote } from '../model/delivery.ts';
import { firstNotify } from './escalate.ts';
import { routeLabels } from './route.ts';
import type { Draft } from './tell.ts';

/** The policy that the alert names, if the file has it. */
export const policyOf = ({ input, told }: Draft): EscalationPolicy | undefined =>
  input.alerting.escalationPolicies.find((it) => it.name === told.alert.escalation);

/** Receivers that the labels are routed to and level 0 of the policy, each once. */
export const firstReceivers = (
  draft: Draft,
): { readonly names: readonly string[]; readonly notes: readonly DecisionNote[] } => {
  const { alerting } = draft.input;
  const { alert } = draft.told;
  const policy = policyOf(draft);
  const unknown = alert.escalation !== undefined && !policy;
  const routed = routeLabels(alerting.route, alert.labels).map((it) => it.receiver);
  const fallback = alerting.fallbackReceiver;
  const names = new Set([...routed, ...(policy ? firstNotify(policy) : [])]);
  if (unknown && fallback !== undefined) names.add(fallback);
  return {
    names: [...names],
    notes: unknown ? [{ code: 'unknown-policy', detail: alert.escalation ?? '' }] : [],
  };
};
