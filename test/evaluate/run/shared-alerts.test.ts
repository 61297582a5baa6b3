import t from 'tap';
import { createSharedReport } from '../../../src/evaluate/run/shared-alerts.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { firingAlert } from '../../support/alerts.ts';

t.test('two rules with one alert are told of once, a rule with several is not', async (t) => {
  const said: unknown[] = [];
  const log = {
    ...silentLog,
    warn: (event: string, fields = {}) => void said.push([event, fields]),
  };
  const report = createSharedReport(log);
  const one = firingAlert('aa-1', { ruleId: 'a/b/One' });
  const two = firingAlert('aa-2', { ruleId: 'a/b/Two' });
  const other = firingAlert('bb-1', { ruleId: 'a/b/Two', fingerprint: '00000000000000bb' });
  report([one, other]);
  t.strictSame(said, []);
  report([one, other, two]);
  report([two, one]);
  t.match(said, [['rules_share_alert', { rules: ['a/b/One', 'a/b/Two'], labels: one.labels }]]);
  t.equal(said.length, 1);
});
