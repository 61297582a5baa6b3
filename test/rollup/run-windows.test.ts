import t from 'tap';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { RollupJob } from '../../src/rollup/run-job.ts';
import { createRollupMetrics } from '../../src/rollup/run-metrics.ts';
import { createPauses } from '../../src/rollup/run-pause.ts';
import { createWindowRun } from '../../src/rollup/run-windows.ts';
import { manualClock } from '../support/clock.ts';

const hourMs = 3_600_000;

t.test('a turn ends when its time is up, and the next goes on where it ended', async (t) => {
  const clock = manualClock(100 * hourMs);
  const parts = { clock, log: silentLog, meter: noopMeter };
  const computed: number[] = [];
  const due = Array.from({ length: 10 }, (_, hour) => hour);
  const run = createWindowRun({
    ...parts,
    random: () => 0.5,
    metrics: createRollupMetrics(noopMeter, clock),
    pauses: createPauses({ ...parts, isIngestBehind: () => false }),
    // Each window takes a second.
    insertSelect: () => clock.advance(1_000),
    progress: {
      candidates: async () => ({
        nowMs: clock.nowMs(),
        windows: due
          .filter((it) => !computed.includes(it))
          .map((hour) => ({
            fromMs: hour * hourMs,
            toMs: (hour + 1) * hourMs,
            input: 1,
            computedMs: undefined,
            backlog: 1,
          })),
      }),
      record: async (_, { fromMs }) => void computed.push(fromMs / hourMs),
    },
  });
  const job: RollupJob = {
    name: 'hours',
    windowMs: hourMs,
    changes: '',
    settleMs: 0,
    lookbackMs: 100 * hourMs,
    timeoutMs: 1_000,
    run: () => [{ sql: 'INSERT' }],
  };
  const endings = { signal: new AbortController().signal, stopping: new AbortController().signal };
  await run({ ...job, turnMsMax: 2_500 }, endings);
  t.strictSame(computed, [0, 1, 2], 'the one that goes beyond it is finished');
  await run({ ...job, turnMsMax: 2_500 }, endings);
  t.strictSame(computed, [0, 1, 2, 3, 4, 5]);
  await run(job, endings);
  t.strictSame(computed, due, 'without a limit of its own a job has 20 seconds');
});
