import t from 'tap';
import { createRuleReport } from '../../../src/evaluate/run/rule-report.ts';
import { Fault } from '../../../src/lib/fault.ts';
import { silentLog } from '../../../src/lib/log.ts';

t.test('a failing rule is a line when it begins, changes and ends', async (t) => {
  const lines: string[] = [];
  const say = (level: string) => (event: string) => void lines.push(`${level} ${event}`);
  const log = { ...silentLog, info: say('info'), warn: say('warn'), error: say('error') };
  const report = createRuleReport(log);
  const away = new Fault('ERR_QUERY_FAILED', 'engine away', { remedy: 'retry' });
  report.went('a');
  report.failed('a', away);
  report.failed('a', away);
  report.failed('b', away);
  report.failed('a', new TypeError('a bug'));
  report.went('a');
  report.went('a');
  t.strictSame(lines, [
    'warn rule_evaluation_failed',
    'warn rule_evaluation_failed',
    'error rule_evaluation_threw',
    'info rule_evaluation_recovered',
  ]);
});
