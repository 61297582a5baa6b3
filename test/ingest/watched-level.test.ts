import t from 'tap';
import { watchLevel } from '../../src/ingest/watched-level.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { createGatheringMeter, createMeterReplay } from '../../src/lib/thread-meter.ts';

t.test('a level is read over all threads and signals, as they told it last', async (t) => {
  const { meter, level } = watchLevel(noopMeter, 'tocsin_batch_batches_late');
  const replay = createMeterReplay(meter);
  const late = { one: 0, two: 0 };
  const threads = (['one', 'two'] as const).map((name) => {
    const thread = createGatheringMeter();
    for (const signal of ['traces', 'logs'])
      thread.meter.gauge('tocsin_batch_batches_late', { description: 'd', unit: '1' }, () => [
        { value: signal === 'logs' ? 0 : late[name], attributes: { signal } },
      ]);
    thread.meter.gauge('tocsin_other', { description: 'd', unit: '1' }, () => 7);
    return { name, thread };
  });
  const tell = () => {
    for (const { name, thread } of threads) {
      const report = thread.take();
      if (report) replay.replay(name, report);
    }
  };
  tell();
  t.equal(level(), 0);
  Object.assign(late, { one: 2, two: 3 });
  t.equal(level(), 0, 'not told yet');
  tell();
  t.equal(level(), 5);
  Object.assign(late, { one: 0, two: 0 });
  tell();
  t.equal(level(), 0);
});
