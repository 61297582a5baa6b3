import t from 'tap';
import { type Answer, joinSignals } from '../../../src/evaluate/rules/join.ts';
import type { SignalRow } from '../../../src/evaluate/rules/plan.ts';

const measured = (labelNames: readonly string[], ...rows: readonly SignalRow[]): Answer => ({
  labelNames,
  rows,
  absentValue: undefined,
});

const counted = (labelNames: readonly string[], ...rows: readonly SignalRow[]): Answer => ({
  labelNames,
  rows,
  absentValue: 0,
});

t.test('signals with the same labels meet where their labels are equal', async (t) => {
  const instances = joinSignals({
    p99: measured(['route'], { route: '/a', value: 1 }, { route: '/b', value: 2 }),
    rps: counted(['route'], { route: '/b', value: 20 }, { route: '/a', value: 10 }),
  });
  t.strictSame(instances, [
    { labels: { route: '/a' }, values: { p99: 1, rps: 10 } },
    { labels: { route: '/b' }, values: { p99: 2, rps: 20 } },
  ]);
});

t.test('what one signal does not have is null, and 0 when it counts', async (t) => {
  const instances = joinSignals({
    p99: measured(['route'], { route: '/a', value: 1 }),
    rps: counted(['route'], { route: '/b', value: 20 }),
  });
  t.strictSame(instances, [
    { labels: { route: '/a' }, values: { p99: 1, rps: 0 } },
    { labels: { route: '/b' }, values: { p99: null, rps: 20 } },
  ]);
});

t.test('a signal with fewer labels applies to all instances that have them', async (t) => {
  const instances = joinSignals({
    total: measured([], { value: 100 }),
    service: measured(['service'], { service: 's', value: 5 }, { service: 'other', value: 6 }),
    errors: measured(
      ['route', 'service'],
      { service: 's', route: '/a', value: 1 },
      { service: 't', route: '/a', value: 2 },
    ),
  });
  t.strictSame(instances, [
    { labels: { route: '/a', service: 's' }, values: { total: 100, service: 5, errors: 1 } },
    { labels: { route: '/a', service: 't' }, values: { total: 100, service: null, errors: 2 } },
  ]);
});

t.test('without labels there is one instance, without rows none', async (t) => {
  t.strictSame(joinSignals({ n: measured([], { value: 3 }) }), [{ labels: {}, values: { n: 3 } }]);
  t.strictSame(joinSignals({ n: measured(['a']) }), []);
  t.strictSame(joinSignals({ n: measured(['a']), all: measured([], { value: 1 }) }), []);
});

t.test('empty labels are left out and still tell instances apart', async (t) => {
  const instances = joinSignals({
    n: measured(['a', 'b'], { a: '', b: 'x', value: 1 }, { a: 'y', b: 'x', value: 2 }),
  });
  t.strictSame(instances, [
    { labels: { b: 'x' }, values: { n: 1 } },
    { labels: { a: 'y', b: 'x' }, values: { n: 2 } },
  ]);
});

t.test('an alert that lives counts 0 when its rows are gone', async (t) => {
  const known = [{ alertname: 'A', route: '/a' }];
  t.strictSame(joinSignals({ n: counted(['route']) }, known), [
    { labels: { route: '/a' }, values: { n: 0 } },
  ]);
  t.strictSame(joinSignals({ n: measured(['route']) }, known), [], 'a measurement proves nothing');
  t.strictSame(
    joinSignals({ n: counted(['route'], { route: '/a', value: 3 }) }, known),
    [{ labels: { route: '/a' }, values: { n: 3 } }],
    'once',
  );
});

t.test('hand-written SQL has the labels that its columns have', async (t) => {
  const sql = (...rows: readonly SignalRow[]): Answer => ({
    labelNames: undefined,
    rows,
    absentValue: undefined,
  });
  t.strictSame(joinSignals({ n: sql({ service: 's', port: 80, value: '5' }) }), [
    { labels: { service: 's', port: '80' }, values: { n: 5 } },
  ]);
  const known = [{ alertname: 'A', service: 's' }];
  t.strictSame(joinSignals({ n: sql(), m: counted(['service']) }, known), []);
  t.strictSame(joinSignals({ n: sql(), m: counted(['service'], { service: 's', value: 1 }) }), [
    { labels: { service: 's' }, values: { n: null, m: 1 } },
  ]);
});

// biome-ignore format: one case per line, columns aligned, so a missing case shows as a gap.
const refused: readonly (readonly [string, Readonly<Record<string, Answer>>, RegExp])[] = [
  ['labels that do not contain each other', { a: measured(['x'], { x: '1', value: 1 }), b: measured(['y'], { y: '1', value: 1 }) }, /b has labels y, not all of x/],
  ['two rows with the same labels',         { a: measured(['x'], { x: '1', value: 1 }, { x: '1', value: 2 }) },                    /a answered two rows/],
  ['a value that is a text',                { a: measured([], { value: 'many' }) },                                                /a answered value many; a number was expected/],
  ['no value',                              { a: measured([], { x: 1 }) },                                                         /a answered no column value/],
  ['too many rows',                         { a: measured(['x'], ...Array.from({ length: 10_001 }, (_, i) => ({ x: i, value: 1 }))) }, /a answered more than 10000 rows/],
];

for (const [name, answers, message] of refused) {
  t.test(`${name} cannot be joined`, async (t) => {
    t.throws(() => joinSignals(answers), { code: 'ERR_RULE_JOIN', remedy: 'reject', message });
  });
}
