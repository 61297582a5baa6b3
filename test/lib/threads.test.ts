import t from 'tap';
import { Fault } from '../../src/lib/fault.ts';
import type { Log, LogFields } from '../../src/lib/log.ts';
import { silentLog } from '../../src/lib/log.ts';
import { type Meter, secondsBounds } from '../../src/lib/meter.ts';
import { fromPlainError, toPlainError } from '../../src/lib/plain-error.ts';
import { createMetrics } from '../../src/lib/telemetry-metrics.ts';
import { createPostedLog, type LogLine, writeLine } from '../../src/lib/thread-log.ts';
import { createGatheringMeter, createMeterReplay } from '../../src/lib/thread-meter.ts';
import { seededRandom } from '../support/random.ts';

/** The same measurements wherever they are made. */
const measure = (meter: Meter, rounds: number, between: () => void): void => {
  const random = seededRandom(4);
  const stored = meter.counter('tocsin_test_rows_stored', { description: 'Rows', unit: '{row}' });
  const duration = meter.histogram('tocsin_test_duration', {
    description: 'Durations',
    unit: 's',
    bounds: secondsBounds,
  });
  meter.counter('tocsin_test_never_counted', { description: 'Nothing', unit: '1' });
  meter.gauge('tocsin_test_held', { description: 'Held', unit: 'By' }, () => [
    { value: 7, attributes: { signal: 'traces' } },
    { value: 1, attributes: { signal: 'logs' } },
  ]);
  for (let round = 0; round < rounds; round += 1) {
    const table = random() < 0.3 ? 'otel_logs' : 'otel_traces';
    stored(Math.floor(random() * 9), { table });
    duration(Math.floor(random() * 300) / 8, { table, outcome: 'stored' });
    stored(Number.NaN);
    if (round % 100 === 0) between();
  }
  between();
};

t.test('what a thread measures reads as if it had been measured here', async (t) => {
  const here = createMetrics({});
  measure(here.meter, 1_000, () => {});

  const there = createMetrics({});
  const { replay } = createMeterReplay(there.meter);
  const { meter, take } = createGatheringMeter();
  let reports = 0;
  measure(meter, 1_000, () => {
    const report = structuredClone(take());
    if (!report) return;
    replay('thread', report);
    reports += 1;
  });
  t.equal(reports, 11);
  const rounded = (page: string) => page.replaceAll(/\.\d+$/gm, '');
  const text = await there.prometheusText();
  t.equal(rounded(text), rounded(await here.prometheusText()));
  t.match(text, /tocsin_test_duration_seconds_bucket\{.*le="30"\} \d{3}/);
  t.equal(take(), undefined, 'nothing new is nothing to send');
});

t.test('gauges add up over threads and with those of the main thread', async (t) => {
  const metrics = createMetrics({});
  const { replay, forget } = createMeterReplay(metrics.meter);
  const gauge = (meter: Meter, value: () => number) =>
    meter.gauge('tocsin_test_held', { description: 'Held', unit: 'By' }, () => [
      { value: value(), attributes: { signal: 'traces' } },
    ]);
  const level = async () =>
    /tocsin_test_held_bytes\{.*\} (\d+)/.exec(await metrics.prometheusText())?.[1];
  let first = 5;
  const threads = [createGatheringMeter(), createGatheringMeter()] as const;
  gauge(threads[0].meter, () => first);
  gauge(threads[1].meter, () => 30);
  gauge(metrics.meter, () => 200);
  const report = () => {
    for (const [index, { take }] of threads.entries()) {
      const taken = take();
      if (taken) replay(String(index), taken);
    }
  };
  report();
  t.equal(await level(), '235');
  first = 6;
  report();
  t.equal(await level(), '236', 'the last value counts');
  forget('1');
  t.equal(await level(), '206', 'a thread that is gone holds nothing');
});

t.test('an error keeps what is known about it on its way through a thread', async (t) => {
  const cause = Object.assign(new TypeError('reset'), { code: 'ECONNRESET' });
  const fault = new Fault('ERR_TEST', 'failed', { remedy: 'retry', retryAfterMs: 1_500, cause });
  const back = fromPlainError(structuredClone(toPlainError(fault)));
  t.ok(back instanceof Fault);
  t.match(back, { code: 'ERR_TEST', message: 'failed', remedy: 'retry', retryAfterMs: 1_500 });
  t.match(back.cause, { name: 'TypeError', message: 'reset', code: 'ECONNRESET' });
  t.equal(back.stack, fault.stack);

  const rejected = fromPlainError(toPlainError(new Fault('ERR_TEST', 'no', { remedy: 'reject' })));
  t.match(rejected, { remedy: 'reject', retryAfterMs: undefined, cause: undefined });
  t.match(fromPlainError(toPlainError('a text')), { name: 'Error', message: 'a text' });

  const ring = new Error('ring');
  ring.cause = ring;
  t.ok(toPlainError(ring), 'a ring of causes ends');
});

t.test('a log line of a thread is written with its fields and errors', async (t) => {
  const written: { event: string; fields: LogFields }[] = [];
  const log: Log = {
    ...silentLog,
    warn: (event, fields = {}) => written.push({ event, fields }),
  };
  const posted = createPostedLog((line: LogLine) => writeLine(log, structuredClone(line)));
  const ring: Record<string, unknown> = {};
  ring['ring'] = ring;
  const error = new Fault('ERR_TEST', 'failed', { remedy: 'retry' });
  posted.child({ part: 'batch' }).warn('retried', {
    error,
    rows: 3,
    names: ['a'],
    action: () => {},
    large: 2n,
    ring,
  });
  t.match(written, [
    {
      event: 'retried',
      fields: {
        part: 'batch',
        rows: 3,
        names: ['a'],
        large: 2n,
        ring: '<cannot be logged>',
        error: { code: 'ERR_TEST', message: 'failed', remedy: 'retry' },
      },
    },
  ]);
  t.ok(written[0]?.fields['error'] instanceof Fault);
});
