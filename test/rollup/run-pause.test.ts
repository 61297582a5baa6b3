import t from 'tap';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { createPauses, decideMakingWay } from '../../src/rollup/run-pause.ts';
import { createTraceJob } from '../../src/rollup/traces.ts';
import { manualClock } from '../support/clock.ts';

t.test('who makes way for ingest', async (t) => {
  // Minutes that the job has made way for.
  const cases = [
    ['urgent', 'ingest behind', undefined, 'all', 'urgent'],
    ['urgent', 'ingest behind', 9, 'all', 'urgent'],
    ['for people', 'ingest keeps up', undefined, 'all', 'ingest-keeps-up'],
    ['for people', 'ingest keeps up', 9, 'all', 'ingest-keeps-up'],
    ['for people', 'ingest behind', undefined, 'none', 'ingest-is-behind'],
    ['for people', 'ingest behind', 9.99, 'none', 'ingest-is-behind'],
    ['for people', 'ingest behind', 10, 'one', 'paused-long-enough'],
  ] as const;
  for (const [whose, ingest, minutes, run, reason] of cases) {
    const pausedMs = minutes === undefined ? undefined : minutes * 60_000;
    const isIngestBehind = ingest === 'ingest behind';
    const way = decideMakingWay({ isUrgent: whose === 'urgent', isIngestBehind, pausedMs });
    t.strictSame(way, { run, reason }, `${whose}, ${ingest}, for ${minutes}`);
  }
});

t.test('a job makes way until ingest keeps up, but for a window every ten minutes', async (t) => {
  const clock = manualClock();
  const lines: string[] = [];
  const note = (event: string) => void lines.push(event);
  let isBehind = true;
  const pauses = createPauses({
    isIngestBehind: () => isBehind,
    clock,
    log: { ...silentLog, info: note, warn: note },
    meter: noopMeter,
  });
  const job = createTraceJob({ lookbackMs: 1 });
  const other = { ...job, name: 'other' };
  t.equal(pauses.ask(job).run, 'none');
  t.equal(pauses.ask(other).run, 'none');
  t.strictSame(lines, ['rollups_paused'], 'said once for all jobs');
  await clock.advance(600_000);
  t.equal(pauses.ask(job).run, 'one');
  pauses.computed(job);
  t.equal(pauses.ask(job).run, 'none');
  isBehind = false;
  t.equal(pauses.ask(job).run, 'all');
  t.equal(pauses.ask(other).run, 'all');
  t.strictSame(lines, ['rollups_paused', 'rollups_resumed']);
});
