import t from 'tap';
import { Fault } from '../../src/lib/fault.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { createInserter, type InsertLimits } from '../../src/store/insert.ts';
import { manualClock } from '../support/clock.ts';
import { spanBlock } from '../support/native-block.ts';

const block = spanBlock('block-1', [{ traceId: 'aa', spanId: '1', service: 's', startMs: 0 }]);
const limits: InsertLimits = { firstMs: 100, maxMs: 400, attemptsMax: 5, retryMsMax: 10_000 };

/** A store that fails as often as told; notes when it was asked and under which name. */
const setUp = (failures: readonly unknown[], overrides: Partial<InsertLimits> = {}) => {
  const clock = manualClock();
  const attempts: string[] = [];
  const repeated: boolean[] = [];
  const left = [...failures];
  const attempt = async (name: string, again = false): Promise<void> => {
    attempts.push(`${clock.nowMs()} ${name}`);
    repeated.push(again);
    if (left.length > 0) throw left.shift();
  };
  const controller = new AbortController();
  const inserter = createInserter({
    store: {
      insertBlock: ({ name, sentBefore }) => attempt(name, sentBefore),
      insertRows: (_table, _rows, token, again) => attempt(token, again),
    },
    limits: { ...limits, ...overrides },
    clock,
    random: () => 1,
    log: silentLog,
    meter: noopMeter,
    signal: controller.signal,
  });
  const outcomeOf = (work: Promise<void>) =>
    work.then(
      () => 'stored',
      (error) =>
        error instanceof Fault ? `${error.code} ${error.remedy}` : `bug ${error.message}`,
    );
  return { clock, attempts, repeated, inserter, outcomeOf, stop: () => controller.abort() };
};

const away = new Fault('ERR_INSERT_FAILED', 'away', { remedy: 'retry' });
const wrong = new Fault('ERR_INSERT_REFUSED', 'no such table', { remedy: 'reject' });
const busy = new Fault('ERR_INSERT_FAILED', 'busy', { remedy: 'retry', retryAfterMs: 3_000 });

t.test('an insert is repeated under its name until it is stored or cannot be', async (t) => {
  const cases: readonly (readonly [
    string,
    readonly unknown[],
    Partial<InsertLimits>,
    string,
    readonly number[],
  ])[] = [
    ['stored at once', [], {}, 'stored', [0]],
    ['away for a while', [away, away, away], {}, 'stored', [0, 100, 300, 700]],
    ['the wait is capped', [away, away, away, away], {}, 'stored', [0, 100, 300, 700, 1_100]],
    ['refused', [wrong], {}, 'ERR_INSERT_REFUSED reject', [0]],
    ['away, then refused', [away, wrong], {}, 'ERR_INSERT_REFUSED reject', [0, 100]],
    ['a bug of ours', [new TypeError('oops')], {}, 'bug oops', [0]],
    ['asked to wait', [busy], {}, 'stored', [0, 3_000]],
    [
      'attempts run out',
      Array(9).fill(away),
      { attemptsMax: 2 },
      'ERR_INSERT_GAVE_UP retry',
      [0, 100],
    ],
    [
      'time runs out',
      Array(9).fill(away),
      { retryMsMax: 350 },
      'ERR_INSERT_GAVE_UP retry',
      [0, 100, 300],
    ],
    ['asked to wait too long', [busy], { retryMsMax: 2_000 }, 'ERR_INSERT_GAVE_UP retry', [0]],
  ];
  for (const [title, failures, overrides, expected, atMs] of cases) {
    const { clock, attempts, repeated, inserter, outcomeOf } = setUp(failures, overrides);
    const outcome = outcomeOf(inserter.insertBlock(block));
    await clock.advance(20_000);
    t.equal(await outcome, expected, title);
    t.strictSame(
      attempts,
      atMs.map((it) => `${it} block-1`),
      title,
    );
    const again = atMs.map((_, index) => index > 0);
    t.strictSame(repeated, again, `${title}: which may have been sent before`);
  }
});

t.test('rows are repeated under their token', async (t) => {
  const { clock, attempts, repeated, inserter, outcomeOf } = setUp([away]);
  const outcome = outcomeOf(inserter.insertRows('alert_events', [{ AlertId: 'a' }], 'token-1'));
  await clock.advance(1_000);
  t.equal(await outcome, 'stored');
  t.strictSame(attempts, ['0 token-1', '100 token-1']);
  t.strictSame(repeated, [false, true]);
});

t.test('stopping ends the waiting', async (t) => {
  const { clock, attempts, inserter, outcomeOf, stop } = setUp(Array(9).fill(busy));
  const outcome = outcomeOf(inserter.insertBlock(block));
  await clock.advance(1_000);
  stop();
  t.equal(await outcome, 'ERR_INSERT_GAVE_UP retry');
  t.strictSame(attempts, ['0 block-1', '1000 block-1'], 'one last attempt');
});
