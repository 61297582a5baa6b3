import t from 'tap';
import { step } from '../../src/decide/step.ts';
import type { Reading, StepChange, StepPolicy, StepState } from '../../src/model/step.ts';

const hold: StepPolicy = { forMs: 10, keepFiringForMs: 0, noData: 'ok', onError: 'keep' };
const atOnce: StepPolicy = { ...hold, forMs: 0 };
const keeps: StepPolicy = { ...hold, keepFiringForMs: 5 };
const keepAll: StepPolicy = { ...hold, noData: 'keep', onError: 'keep' };
const fireAll: StepPolicy = { ...hold, noData: 'fire', onError: 'fire' };
const alertAll: StepPolicy = { ...hold, noData: 'alert', onError: 'alert' };
const okAll: StepPolicy = { ...hold, noData: 'ok', onError: 'ok' };

const quiet = undefined;
const pending = (activeAtMs: number, missed?: number): StepState => ({
  phase: 'pending',
  activeAtMs,
  ...(missed !== undefined && { missed }),
});
const firing = (
  activeAtMs: number,
  firedAtMs: number,
  clearSinceMs?: number,
  missed?: number,
): StepState => ({
  phase: 'firing',
  activeAtMs,
  firedAtMs,
  ...(clearSinceMs !== undefined && { clearSinceMs }),
  ...(missed !== undefined && { missed }),
});

type Case = readonly [
  name: string,
  policy: StepPolicy,
  from: StepState | undefined,
  reading: Reading,
  nowMs: number,
  to: StepState | undefined,
  change: StepChange,
  reason: string,
];

// biome-ignore format: one case per line, columns aligned, so that a missing case shows as a gap.
const table: readonly Case[] = [
  // Nothing known yet.
  ['a clear reading of nothing is nothing',             hold,     quiet,                 'clear',   5,  quiet,                 'none',     'cleared'],
  ['a missing series of nothing is nothing',            hold,     quiet,                 'missing', 5,  quiet,                 'none',     'missing-series'],
  ['no data is nothing where it is ok',                 hold,     quiet,                 'no-data', 5,  quiet,                 'none',     'no-data'],
  ['no data is nothing where state is kept',            keepAll,  quiet,                 'no-data', 5,  quiet,                 'none',     'no-data'],
  ['no data begins the wait where it fires',            fireAll,  quiet,                 'no-data', 5,  pending(5),            'pending',  'no-data'],
  ['an error is nothing where state is kept',           hold,     quiet,                 'error',   5,  quiet,                 'none',     'error'],
  ['an error begins the wait where it fires',           fireAll,  quiet,                 'error',   5,  pending(5),            'pending',  'error'],
  ['a breach begins the wait',                          hold,     quiet,                 'breach',  5,  pending(5),            'pending',  'condition-holds'],
  ['a breach without a wait fires at once',             atOnce,   quiet,                 'breach',  5,  firing(5, 5),          'fired',    'condition-holds'],
  // Waiting.
  ['a breach inside the wait is silent',                hold,     pending(5),            'breach',  14, pending(5),            'none',     'condition-holds'],
  ['a breach at the end of the wait fires',             hold,     pending(5),            'breach',  15, firing(5, 15),         'fired',    'held-for'],
  ['a breach long after the wait fires',                hold,     pending(5),            'breach',  99, firing(5, 99),         'fired',    'held-for'],
  ['a lowered wait fires at once',                      atOnce,   pending(5),            'breach',  6,  firing(5, 6),          'fired',    'held-for'],
  ['a clear reading ends the wait',                     hold,     pending(5),            'clear',   14, quiet,                 'dropped',  'cleared'],
  ['a clear reading after the wait does not fire',      hold,     pending(5),            'clear',   15, quiet,                 'dropped',  'cleared'],
  ['keep_firing_for does not prolong a wait',           keeps,    pending(5),            'clear',   14, quiet,                 'dropped',  'cleared'],
  ['a series missing once keeps its wait',              hold,     pending(5),            'missing', 9,  pending(5, 1),         'none',     'missing-series'],
  ['a missing series does not fire',                    hold,     pending(5),            'missing', 15, pending(5, 1),         'none',     'missing-series'],
  ['a series missing twice ends its wait',              hold,     pending(5, 1),         'missing', 12, quiet,                 'dropped',  'missing-series'],
  ['a series that is back goes on with its wait',       hold,     pending(5, 1),         'breach',  12, pending(5),            'none',     'condition-holds'],
  ['a failed query keeps the wait',                     hold,     pending(5),            'error',   15, pending(5),            'none',     'error'],
  ['a failed query does not count as missing',          hold,     pending(5, 1),         'error',   15, pending(5, 1),         'none',     'error'],
  ['a failed query may fire where told to',             fireAll,  pending(5),            'error',   15, firing(5, 15),         'fired',    'held-for'],
  ['a failed query counts as missing where it is ok',   okAll,    pending(5),            'error',   15, pending(5, 1),         'none',     'error'],
  ['no data once keeps the wait',                       hold,     pending(5),            'no-data', 9,  pending(5, 1),         'none',     'no-data'],
  ['no data twice ends the wait where it is ok',        hold,     pending(5, 1),         'no-data', 12, quiet,                 'dropped',  'no-data'],
  ['no data keeps the wait where told to',              keepAll,  pending(5),            'no-data', 15, pending(5),            'none',     'no-data'],
  ['no data may fire where told to',                    fireAll,  pending(5),            'no-data', 15, firing(5, 15),         'fired',    'held-for'],
  ['a clock set back does not prolong the wait',        hold,     pending(500),          'breach',  20, pending(20),           'none',     'condition-holds'],
  // Firing.
  ['a repeated breach is silent',                       hold,     firing(5, 15),         'breach',  99, firing(5, 15),         'none',     'condition-holds'],
  ['a clear reading resolves',                          hold,     firing(5, 15),         'clear',   20, quiet,                 'resolved', 'cleared'],
  ['a failed query changes nothing',                    hold,     firing(5, 15),         'error',   20, firing(5, 15),         'none',     'error'],
  ['a failed query does not resolve where it fires',    fireAll,  firing(5, 15),         'error',   20, firing(5, 15),         'none',     'error'],
  ['a failed query leaves the instance to its alert',   alertAll, firing(5, 15),         'error',   20, firing(5, 15),         'none',     'error'],
  ['a failed query is missing once where it is ok',     okAll,    firing(5, 15),         'error',   20, firing(5, 15, 20, 1),  'none',     'error'],
  ['a second failed query resolves where it is ok',     okAll,    firing(5, 15, 20, 1),  'error',   25, quiet,                 'resolved', 'error'],
  ['a series missing once still fires',                 hold,     firing(5, 15),         'missing', 20, firing(5, 15, 20, 1),  'none',     'missing-series'],
  ['a series missing twice resolves',                   hold,     firing(5, 15, 20, 1),  'missing', 25, quiet,                 'resolved', 'missing-series'],
  ['a series missing twice resolves whatever no_data',  keepAll,  firing(5, 15, 20, 1),  'missing', 25, quiet,                 'resolved', 'missing-series'],
  ['a series that is back forgets that it was missing', hold,     firing(5, 15, 20, 1),  'breach',  25, firing(5, 15),         'none',     'condition-holds'],
  ['a clear reading after a missing one resolves',      hold,     firing(5, 15, 20, 1),  'clear',   25, quiet,                 'resolved', 'cleared'],
  ['no data once still fires',                          hold,     firing(5, 15),         'no-data', 20, firing(5, 15, 20, 1),  'none',     'no-data'],
  ['no data twice resolves where it is ok',             hold,     firing(5, 15, 20, 1),  'no-data', 25, quiet,                 'resolved', 'no-data'],
  ['no data never resolves where state is kept',        keepAll,  firing(5, 15),         'no-data', 99, firing(5, 15),         'none',     'no-data'],
  ['no data never resolves where it fires',             fireAll,  firing(5, 15),         'no-data', 99, firing(5, 15),         'none',     'no-data'],
  ['no data leaves the instance to its alert',          alertAll, firing(5, 15),         'no-data', 99, firing(5, 15),         'none',     'no-data'],
  // Kept firing for a while.
  ['the first clear reading is remembered',             keeps,    firing(5, 15),         'clear',   20, firing(5, 15, 20),     'none',     'keep-firing-for'],
  ['it goes on firing for as long as told',             keeps,    firing(5, 15, 20),     'clear',   24, firing(5, 15, 20),     'none',     'keep-firing-for'],
  ['clear for long enough resolves',                    keeps,    firing(5, 15, 20),     'clear',   25, quiet,                 'resolved', 'cleared'],
  ['a breach forgets the clear reading',                keeps,    firing(5, 15, 20),     'breach',  24, firing(5, 15),         'none',     'condition-holds'],
  ['a failed query does not end it',                    keeps,    firing(5, 15, 20),     'error',   99, firing(5, 15, 20),     'none',     'error'],
  ['a missing series counts from the first time',       keeps,    firing(5, 15, 20, 1),  'missing', 24, firing(5, 15, 20, 2),  'none',     'keep-firing-for'],
  ['a series missing for long enough resolves',         keeps,    firing(5, 15, 20, 2),  'missing', 25, quiet,                 'resolved', 'missing-series'],
  ['a clear reading forgets that it was missing',       keeps,    firing(5, 15, 20, 1),  'clear',   24, firing(5, 15, 20),     'none',     'keep-firing-for'],
  ['a clock set back does not prolong it for hours',    keeps,    firing(5, 15, 500),    'clear',   20, firing(5, 15, 20),     'none',     'keep-firing-for'],
  // A changed `for`.
  ['a raised wait begins an episode that waits',        hold,     firing(5, 5),          'breach',  14, pending(6),            'resolved', 'for-raised'],
  ['a raised wait that is over changes nothing',        hold,     firing(5, 5),          'breach',  15, firing(5, 5),          'none',     'condition-holds'],
  ['a clock set back is no raised wait',                hold,     firing(5, 15),         'breach',  8,  firing(5, 15),         'none',     'condition-holds'],
  ['a clock set far back is no raised wait',            hold,     firing(500, 500),      'breach',  8,  firing(500, 500),      'none',     'condition-holds'],
];

for (const [name, policy, from, reading, nowMs, to, change, reason] of table) {
  t.test(name, async (t) => {
    t.strictSame(step(from, reading, nowMs, policy), { state: to, change, reason });
  });
}

t.test('no case is tested twice', async (t) => {
  const inputs = table.map(([, ...rest]) => JSON.stringify(rest.slice(0, 4)));
  t.equal(new Set(inputs).size, inputs.length);
});
