import type { Log } from '../../lib/log.ts';
import type { Alert } from '../../model/alert.ts';

const pairsMax = 1_000;

/**
 * Says, once for each pair, that two rules have an alert with the same labels: as everywhere, labels
 * are what an alert is, so for whoever is told both are one, and the end of one hides the other.
 */
export const createSharedReport = (log: Log) => {
  const said = new Set<string>();
  return (alerts: readonly Alert[]): void => {
    const first = new Map<string, Alert>();
    for (const alert of alerts) {
      const other = first.get(alert.fingerprint);
      if (!other) {
        first.set(alert.fingerprint, alert);
        continue;
      }
      const rules = [other.ruleId, alert.ruleId].toSorted();
      const pair = rules.join(' ');
      if (said.has(pair) || said.size >= pairsMax) continue;
      said.add(pair);
      const remedy = 'give one of the rules another name or a label of its own';
      log.warn('rules_share_alert', { rules, labels: alert.labels, remedy });
    }
  };
};
