import t from 'tap';
import { createErrorReport } from '../../src/lib/error-report.ts';
import { type LogFields, silentLog } from '../../src/lib/log.ts';
import { manualClock } from '../support/clock.ts';

t.test('the first error is told at once, a flood only now and then with its number', async (t) => {
  const clock = manualClock();
  const lines: unknown[] = [];
  const error = (event: string, fields?: LogFields) => void lines.push([event, fields]);
  const report = createErrorReport({ ...silentLog, error }, clock, 'redis_failed', 10_000);
  for (let n = 1; n <= 1_000; n += 1) report(`error ${n}`, { queue: 'q' });
  await clock.advance(9_999);
  report('error 1001');
  await clock.advance(1);
  report('error 1002', { queue: 'q' });
  t.strictSame(lines, [
    ['redis_failed', { queue: 'q', error: 'error 1' }],
    ['redis_failed', { queue: 'q', error: 'error 1002', also: 1_000 }],
  ]);
});
