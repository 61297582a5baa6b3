import t from 'tap';
import { duenessOf, planWindows } from '../../src/rollup/run-due.ts';

const minuteMs = 60_000;
const window = (fromMs: number, computedMs?: number, backlog = 1) => ({
  fromMs,
  toMs: fromMs + minuteMs,
  input: 1,
  computedMs,
  backlog,
});

t.test('when a window is computed', async (t) => {
  const settling = { settleMs: 30_000 };
  const running = { settleMs: -minuteMs };
  // The window is 0 s to 60 s. Times in seconds.
  const cases = [
    ['it lasts still', settling, undefined, 59, 'open'],
    ['over, but the last spans are on their way', settling, undefined, 89, 'open'],
    ['over and settled', settling, undefined, 90, 'new'],
    ['long ago', settling, undefined, 90_000, 'new'],
    ['to be computed while it lasts', running, undefined, 0, 'new'],
    ['not begun by this clock', running, undefined, -1, 'open'],
    ['rests a minute at least', settling, 95, 154, 'resting'],
    ['and no longer', settling, 95, 155, 'late'],
    ['rests for as long as it was old: 5 minutes', settling, 360, 659, 'resting'],
    ['5 minutes later', settling, 360, 660, 'late'],
    ['rests 15 minutes at most', settling, 86_400, 87_299, 'resting'],
    ['15 minutes later', settling, 86_400, 87_300, 'late'],
    ['computed while it lasted', running, 10, 69, 'resting'],
    ['a minute after that', running, 10, 70, 'late'],
  ] as const;
  for (const [name, job, computed, now, expected] of cases) {
    const computedMs = computed === undefined ? undefined : computed * 1000;
    t.equal(duenessOf(window(0, computedMs), job, now * 1000), expected, name);
  }
});

t.test('a window that failed is left alone until its time', async (t) => {
  const job = { settleMs: 0 };
  t.equal(duenessOf(window(0), job, 100_000, 100_001), 'failing');
  t.equal(duenessOf(window(0), job, 100_001, 100_001), 'new');
});

t.test(
  'windows are computed oldest first, and the oldest one says how far behind we are',
  async (t) => {
    const nowMs = 10 * minuteMs;
    const old = window(2 * minuteMs);
    const resting = window(0, nowMs - 1_000);
    const next = window(5 * minuteMs);
    const open = window(9 * minuteMs + 30_000);
    const plan = planWindows([open, next, resting, old], { settleMs: 0 }, nowMs);
    t.strictSame(
      plan.due.map((it) => it.fromMs),
      [2 * minuteMs, 5 * minuteMs],
    );
    t.equal(plan.lagMs, 7 * minuteMs);
    t.strictSame(planWindows([resting, open], { settleMs: 0 }, nowMs), { due: [], lagMs: 0 });
  },
);

t.test('a part that has much to do does not hold up the others', async (t) => {
  const [old, next, now] = [
    window(0, undefined, 9),
    window(minuteMs, undefined, 9),
    window(2 * minuteMs),
  ];
  const plan = planWindows([old, next, now], { settleMs: 0 }, 5 * minuteMs);
  t.strictSame(
    plan.due.map((it) => it.fromMs),
    [2 * minuteMs, 0, minuteMs],
  );
  t.equal(plan.lagMs, 4 * minuteMs);
});

t.test('a window that keeps failing counts as behind and does not hold up the next', async (t) => {
  const plan = planWindows([window(0), window(minuteMs)], { settleMs: 0 }, 5 * minuteMs, (it) =>
    it.fromMs === 0 ? 6 * minuteMs : undefined,
  );
  t.strictSame(
    plan.due.map((it) => it.fromMs),
    [minuteMs],
  );
  t.equal(plan.lagMs, 4 * minuteMs);
});
