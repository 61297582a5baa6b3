import t from 'tap';
import { compileCondition, type Truth } from '../../../src/evaluate/compile/condition.ts';
import type { SignalValues, Unit } from '../../../src/evaluate/rules/plan.ts';

const units: ReadonlyMap<string, Unit> = new Map([
  ['p99', 'seconds'],
  ['rps', 'per-second'],
  ['errors', 'ratio'],
  ['n', 'count'],
  ['heap', 'bytes'],
  ['any', 'unknown'],
  ['min', 'count'],
]);

const truth = (text: string, values: SignalValues): Truth => {
  const reading = compileCondition(text, units);
  if (!reading.ok) throw new Error(`${text}: ${reading.messages.join('; ')}`);
  return reading.condition.holds(values);
};

// biome-ignore format: one case per line, columns aligned, so a missing case shows as a gap.
const table: readonly (readonly [string, SignalValues, Truth])[] = [
  ['p99 > 500 ms and rps > 1',        { p99: 0.6, rps: 2 },    'yes'],
  ['p99 > 500 ms and rps > 1',        { p99: 0.6, rps: 1 },    'no'],
  ['p99 > 500ms',                     { p99: 0.5 },            'no'],
  ['p99 >= 500 ms',                   { p99: 0.5 },            'yes'],
  ['p99 > 1 m',                       { p99: 61 },             'yes'],
  ['p99 > 1.5 h',                     { p99: 5_401 },          'yes'],
  ['p99 > 1 h + 30 min',              { p99: 5_399 },          'no'],
  ['p99 > 2 d or p99 < 10 us',        { p99: 5e-6 },           'yes'],
  ['errors > 5 %',                    { errors: 0.051 },       'yes'],
  ['errors > 5% and rps > 1',         { errors: 0.051, rps: 2 }, 'yes'],
  ['errors > 5 percent or n > 3',     { errors: 0.05, n: 3 },  'no'],
  ['errors > 0.5',                    { errors: 0.51 },        'yes'],
  ['rps > 50 per second',             { rps: 51 },             'yes'],
  ['rps > 3000 per minute',           { rps: 51 },             'yes'],
  ['rps > 50 / s',                    { rps: 49 },             'no'],
  ['heap > 5 MiB',                    { heap: 5_242_881 },     'yes'],
  ['heap > 5 MB',                     { heap: 5_000_001 },     'yes'],
  ['heap > 8 bits',                   { heap: 1.5 },           'yes'],
  ['any > 5 MiB',                     { any: 1 },              'no'],
  ['any > 5',                         { any: 6 },              'yes'],
  ['n == 0',                          { n: 0 },                'yes'],
  ['n != 0',                          { n: 0 },                'no'],
  ['1 < n < 5',                       { n: 3 },                'yes'],
  ['1 < n < 5',                       { n: 5 },                'no'],
  ['not (n > 3)',                     { n: 3 },                'yes'],
  ['n > -1',                          { n: 0 },                'yes'],
  ['abs(n - 10) > 4',                 { n: 5 },                'yes'],
  ['max(n, 7) > 6',                   { n: 0 },                'yes'],
  ['min > 3',                         { min: 4 },              'yes'],
  ['min(n, min) > 3',                 { n: 5, min: 3 },        'no'],
  ['p99 > 3 * p99',                   { p99: 1 },              'no'],
  ['n * 1 s > 3 s',                   { n: 4 },                'yes'],
  // Missing values: what would hold or fail whatever they are is known all the same.
  ['p99 > 500 ms',                    {},                      'unknown'],
  ['p99 > 500 ms',                    { p99: null },           'unknown'],
  ['not (p99 > 500 ms)',              { p99: null },           'unknown'],
  ['p99 > 500 ms and n > 1',          { p99: null, n: 1 },     'no'],
  ['p99 > 500 ms and n > 1',          { p99: null, n: 2 },     'unknown'],
  ['n > 1 and p99 > 500 ms',          { p99: null, n: 1 },     'no'],
  ['p99 > 500 ms or n > 1',           { p99: null, n: 2 },     'yes'],
  ['p99 > 500 ms or n > 1',           { p99: null, n: 1 },     'unknown'],
  ['coalesce(p99, 0 s) > 500 ms',     { p99: null },           'no'],
  ['coalesce(p99, 1 s) > 500 ms',     { p99: null },           'yes'],
  ['max(n, min) > 1',                 { n: 2 },                'unknown'],
  ['n / min > 2',                     { n: 0, min: 0 },        'unknown'],
  ['n / min > 2',                     { n: 1, min: 0 },        'unknown'],
];

for (const [text, values, expected] of table) {
  t.test(`${text} of ${JSON.stringify(values)} is ${expected}`, async (t) => {
    t.equal(truth(text, values), expected);
  });
}

// biome-ignore format: one case per line, columns aligned, so a missing case shows as a gap.
const mistakes: readonly (readonly [string, string])[] = [
  ['p99 > 5 MiB',         '> compares a duration with an amount of data'],
  ['p99 > 500',           '> compares a duration with a number that has no unit, such as 500 ms'],
  ['heap > rps',          '> compares an amount of data with a rate'],
  ['heap < 5',            '< compares an amount of data with a number that has no unit, such as 5 MiB'],
  ['p99 + heap > 1 s',    '+ cannot join a duration with an amount of data'],
  ['errors > 5',          'errors is a ratio between 0 and 1; did you mean 5 percent?'],
  ['p9 > 1 s',            'unknown signal p9; did you mean p99?'],
  ['latency > 1 s',       'unknown signal latency; there are p99, rps, errors, n, heap, any, min'],
  ['n > 5 qq',            'unknown unit qq in 5 qq'],
  ['n 5 > 1',             'an operator is missing between n and 5'],
  ['n',                   'is a value, not a condition: compare it with something'],
  ['not n > 1',           'not needs a condition: put parentheses around the comparison'],
  ['n and rps > 1',       'and needs a condition: put parentheses around the comparison'],
  ['n > (rps > 1)',       '> needs a value, not a condition: put parentheses around the value'],
  ['n >',                 'Unexpected end of expression (char 4)'],
  ['n > "1"',             '"1" is not a number'],
  ['true',                'true is not a number'],
  ['n > 1e999',           'Infinity is not a number'],
  ['n & 1',               'the operator & is not possible here'],
  ['n ^ 2 > 1',           'the operator ^ is not possible here'],
  ['n = 1',               'assignment is not possible here'],
  ['n > 1; n > 2',        'block is not possible here'],
  ['f(x) = n > 1',        'functionassignment is not possible here'],
  ['n.constructor > 1',   'accessor is not possible here'],
  ['n["constructor"]',    'accessor is not possible here'],
  ['[n] > 1',             'array is not possible here'],
  ['{a: n}',              'object is not possible here'],
  ['n > 1 ? 1 : 2',       'conditional is not possible here'],
  ['import("fs")',        'unknown function import; there are abs, min, max, coalesce'],
  ['eval("1")',           'unknown function eval; there are abs, min, max, coalesce'],
  ['parse("1")',          'unknown function parse; there are abs, min, max, coalesce'],
  ['createUnit("x") > 1', 'unknown function createUnit; there are abs, min, max, coalesce'],
  ['abs(n, n) > 1',       'abs takes 1 arguments'],
  ['',                    'undefined is not a number'],
];

for (const [text, message] of mistakes) {
  t.test(`"${text}" is refused when it is read`, async (t) => {
    const reading = compileCondition(text, units);
    t.equal(reading.ok ? 'fine' : reading.messages[0], message);
  });
}

t.test('long and deep texts are refused', async (t) => {
  const deep = `${'('.repeat(900)}n > 1${')'.repeat(900)}`;
  t.match(compileCondition(deep, units), { ok: false });
  t.match(compileCondition(`n > 1 ${'or n > 1 '.repeat(60)}`, units), { ok: false });
  const long = `n > ${'1'.repeat(3_000)}`;
  t.match(compileCondition(long, units), { ok: false, messages: ['longer than 2000 characters'] });
});

t.test('a comparison tells the unit of a signal that had none', async (t) => {
  const reading = compileCondition('any > 5 MiB and 1 > n', units);
  t.strictSame(reading.ok && [...reading.condition.inferred], [['any', 'bytes']]);
  t.strictSame(reading.ok && reading.condition.signals, ['any', 'n']);
});
