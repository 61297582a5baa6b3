import t from 'tap';
import { createFairQueue } from '../../src/ingest/fair-queue.ts';

/** Takes everything; the number in an item is what it costs. */
const order = (quantum: number, waiting: Readonly<Record<string, readonly number[]>>): string => {
  const queue = createFairQueue<{ sender: string; cost: number }>(quantum);
  for (const [sender, costs] of Object.entries(waiting)) {
    for (const cost of costs) queue.add(sender, { sender, cost });
  }
  const taken: string[] = [];
  for (let next = queue.take(); next; next = queue.take()) {
    taken.push(next.sender);
    queue.charge(next.cost);
  }
  return taken.join('');
};

// biome-ignore format: one case per line.
const table: readonly (readonly [string, Readonly<Record<string, readonly number[]>>, string])[] = [
  ['nothing waits',                                    {},                                                ''],
  ['one alone is served in the order of coming',       { a: [10, 1, 30] },                                'aaa'],
  ['equal ones take turns',                            { a: [10, 10, 10], b: [10, 10, 10] },              'ababab'],
  ['a turn holds as many small ones as cost a quantum', { a: [5, 5, 5, 5], b: [10, 10] },                 'aabaab'],
  ['what cost more than a turn sits others out',       { a: [30, 10], b: [10, 10, 10, 10] },              'abbbab'],
  ['who comes with one waits for one turn of each',    { a: [10, 10, 10], b: [10, 10, 10], c: [1] },      'abcabab'],
];

t.test('whose turn it is, of 10 each', async (t) => {
  for (const [title, waiting, expected] of table) t.equal(order(10, waiting), expected, title);
});

t.test('a sender of whom nothing waits is forgotten, and what it owes', async (t) => {
  const queue = createFairQueue<string>(10);
  queue.add('a', 'a1');
  queue.add('b', 'b1');
  t.strictSame([queue.size(), queue.senders()], [2, 2]);
  t.equal(queue.take(), 'a1');
  queue.charge(1_000);
  t.strictSame([queue.size(), queue.senders()], [1, 1]);
  queue.add('a', 'a2');
  t.equal(queue.take(), 'b1');
  t.equal(queue.take(), 'a2');
  t.strictSame([queue.size(), queue.senders()], [0, 0]);
  t.equal(queue.take(), undefined);
  queue.charge(1);
  queue.add('c', 'c1');
  t.equal(queue.take(), 'c1');
});

t.test(
  'over time, who sends much gets as much as who sends as much in larger pieces',
  async (t) => {
    const queue = createFairQueue<{ sender: string; cost: number }>(1);
    const got = { small: 0, large: 0 };
    for (let n = 0; n < 10_000; n += 1) queue.add('small', { sender: 'small', cost: 0.3 });
    for (let n = 0; n < 1_000; n += 1) queue.add('large', { sender: 'large', cost: 7 });
    for (let n = 0; n < 4_000; n += 1) {
      const next = queue.take();
      if (!next) break;
      queue.charge(next.cost);
      got[next.sender as 'small' | 'large'] += next.cost;
    }
    t.ok(Math.abs(got.small - got.large) < 10, `${got.small} and ${got.large}`);
  },
);
