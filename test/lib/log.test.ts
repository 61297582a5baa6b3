import { Writable } from 'node:stream';
import t from 'tap';
import { Fault } from '../../src/lib/fault.ts';
import { createLog, type LogOptions } from '../../src/lib/log.ts';

const collect = (options: Partial<LogOptions> = {}) => {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  return {
    log: createLog({ level: 'info', readable: false, ...options, stream }),
    text: () => text,
  };
};

t.test('a line begins with level, time and event, then has its fields', async (t) => {
  const { log, text } = collect();
  log.debug('too_quiet');
  log.info('started', { version: '1' });
  const line = JSON.parse(text()) as Record<string, unknown>;
  t.strictSame(Object.keys(line), ['level', 'time', 'event', 'version']);
  t.match(line, { level: 'info', time: /^\d{4}-.*Z$/, event: 'started', version: '1' });
});

t.test('an error keeps its code and cause, and is not said twice', async (t) => {
  const { log, text } = collect();
  const cause = new Error('inner');
  const error = new Fault('ERR_TEST', 'outer', { remedy: 'retry', cause });
  log.child({ part: 'redis' }).error('went_wrong', { error });
  const line = JSON.parse(text()) as Record<string, unknown>;
  t.strictSame(Object.keys(line), ['level', 'time', 'part', 'event', 'error']);
  t.match(line['error'], { code: 'ERR_TEST', message: /outer/, stack: /caused by: Error: inner/ });
});

t.test('on a terminal the event is the headline', async (t) => {
  const { log, text } = collect({ readable: true });
  log.warn('retried', { attempt: 2 });
  t.match(text(), /WARN[^\n]*retried[^]*attempt[^]*2/);
});
