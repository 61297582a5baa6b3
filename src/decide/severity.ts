import type { Alert } from '../model/alert.ts';
import type { Told } from '../model/delivery.ts';
import { firstReceivers } from './first-receivers.ts';
import { type Draft, type Message, tell, tellAgain } from './tell.ts';

export const severityRaised = 'severity raised';

type Severity = NonNullable<Told['announced']>;

/** An alert without a severity is below all that have one. */
export const severityOf = ({ labels, grade }: Alert): Severity => ({
  severity: labels['severity'] ?? '',
  rank: grade?.rank ?? -1,
});

/** The same name at another rank means that the rule was edited, which is no news. */
export const isRaised = (before: Severity | undefined, alert: Alert): boolean => {
  const now = severityOf(alert);
  return before !== undefined && now.rank > before.rank && now.severity !== before.severity;
};

/** A snapshot from before a change of severity that is known already. */
export const isOutdated = (alert: Alert, known: Alert): boolean =>
  (alert.grade?.changes ?? 0) < (known.grade?.changes ?? 0);

/**
 * Notes a severity that sank, so that it is news when it rises again, and the first one of all. Also
 * while a silence holds the alert; what rose meanwhile is still above what people know.
 */
export const announceLowered = (draft: Draft): Draft => {
  const { told } = draft;
  if (told.firstToldAtMs === undefined || isRaised(told.announced, told.alert)) return draft;
  return { ...draft, told: { ...told, announced: severityOf(told.alert) } };
};

/**
 * Tells of a severity that rose, once for each rise: whoever was told before, and whom the labels
 * are routed to now. An escalation goes on as it is.
 */
export const tellRaised = (draft: Draft): Draft => {
  const { told } = draft;
  const { alert, announced, escalationLevel } = told;
  if (!isRaised(announced, alert)) return draft;
  const key = `raised-${alert.grade?.changes ?? 0}`;
  const message: Message = { key, kind: 'firing', reason: severityRaised, level: escalationLevel };
  const { names, notes } = firstReceivers(draft);
  const known: Draft = {
    ...draft,
    notes: [...draft.notes, ...notes],
    told: { ...told, announced: severityOf(alert) },
  };
  return tell(
    tellAgain(known, message, () => true),
    names,
    message,
  );
};
