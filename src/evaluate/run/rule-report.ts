import { messageOf, remedyOf } from '../../lib/fault.ts';
import type { Log } from '../../lib/log.ts';

export interface RuleReport {
  readonly failed: (ruleId: string, error: unknown) => void;
  readonly went: (ruleId: string) => void;
}

/** A line when a rule begins to fail, fails in another way, or is well again; not one each time. */
export const createRuleReport = (log: Log): RuleReport => {
  const failing = new Map<string, string>();
  return {
    failed: (ruleId, error) => {
      const message = messageOf(error);
      if (failing.get(ruleId) === message) return;
      failing.set(ruleId, message);
      const fields = { rule: ruleId, error };
      if (remedyOf(error) === 'unforeseen') log.error('rule_evaluation_threw', fields);
      else log.warn('rule_evaluation_failed', fields);
    },
    went: (ruleId) => {
      if (failing.delete(ruleId)) log.info('rule_evaluation_recovered', { rule: ruleId });
    },
  };
};
