import t from 'tap';
import { type Fate, type FateLimits, fateOf } from '../../src/batch/fate.ts';
import { cutTime } from '../../src/batch/pace.ts';

const limits: FateLimits = {
  refusalsMax: 5,
  refusalsAloneMax: 100,
  failuresMax: 50,
  othersStoredMin: 3,
};

// biome-ignore format: one case per line
const fates: readonly (readonly [string, number, number, number, Fate])[] = [
  // what happened                              refused failed others
  ['a first refusal is tried again',               1,     0,    0, 'try-again'],
  ['refused often, but so is everything',          99,    0,    2, 'try-again'],
  ['refused while others pass, not often enough',  4,     0,   99, 'try-again'],
  ['refused while others pass',                    5,     0,    3, 'refused'],
  ['refused for hours like everything',            100,   0,    0, 'refused-alone'],
  ['an outage never gives anything up',            0,  9999,    0, 'try-again'],
  ['an outage of one batch while others pass',     0,    50,    3, 'failed-alone'],
  ['both kinds of failure count together',         4,    46,    3, 'failed-alone'],
  ['failing while others pass, not often enough',  0,    49,  999, 'try-again'],
];

for (const [title, refused, failed, othersStored, expected] of fates) {
  t.test(title, async (t) => {
    t.equal(fateOf({ refused, failed, othersStored }, limits), expected);
  });
}

const pace = { lingerMs: 100, spacingMs: 250, ageMsMax: 1_000 };

// biome-ignore format: one case per line
const times: readonly (readonly [string, number, number, boolean, number, string])[] = [
  // when                                      opened  cut  idle     at
  ['idle: after the linger time',                 0, -9999, true,   100, 'linger'],
  ['idle, cut lately: after the spacing',       500,   400, true,   650, 'linger'],
  ['idle, cut long ago: the spacing is over',   900,   400, true,  1000, 'linger'],
  ['others under way: after the age',             0, -9999, false, 1000, 'age'],
];

for (const [title, openedMs, cutMs, idle, atMs, reason] of times) {
  t.test(title, async (t) => {
    t.strictSame(cutTime({ openedMs, cutMs, idle }, pace), { atMs, reason });
  });
}
