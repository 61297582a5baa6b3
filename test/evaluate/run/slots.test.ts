import t from 'tap';
import { fingerprintOf } from '../../../src/evaluate/run/fingerprint.ts';
import { dueSlots, isStale, skippedSlots, slotAt } from '../../../src/evaluate/run/slots.ts';
import { shopRules } from '../../support/evaluator.ts';

const minute = 60_000;
const noon = Date.UTC(2026, 0, 5, 12);
const group = { id: 'shop.yaml/shop', intervalMs: minute };

t.test('a slot comes once an interval, at the same place in each', async (t) => {
  const slotMs = slotAt(group, noon);
  t.ok(slotMs <= noon && slotMs > noon - minute);
  t.equal(slotAt(group, slotMs), slotMs);
  t.equal(slotAt(group, slotMs - 1), slotMs - minute);
  t.equal(slotAt(group, slotMs + minute - 1), slotMs);
  t.equal(slotAt(group, slotMs + 60 * minute), slotMs + 60 * minute);
});

t.test('groups are spread over their interval', async (t) => {
  const quarters = new Set<number>();
  for (let n = 0; n < 100; n += 1) {
    const slotMs = slotAt({ id: `g${n}`, intervalMs: minute }, noon);
    quarters.add(Math.floor(((slotMs + minute) % minute) / (minute / 4)));
  }
  t.equal(quarters.size, 4);
});

t.test('a group is due once, however long nobody looked', async (t) => {
  const groups = shopRules({ interval: '1m' });
  const [shop] = groups;
  const slotMs = shop ? slotAt(shop, noon) : 0;
  const due = (lastMs: number, nowMs: number) =>
    dueSlots(groups, lastMs, nowMs).map((it) => it.slotMs);
  t.strictSame(due(slotMs - 1, slotMs), [slotMs]);
  t.strictSame(due(slotMs, slotMs + 250), []);
  t.strictSame(due(slotMs - 250, slotMs - 1), []);
  t.strictSame(due(slotMs, slotMs + 600 * minute), [slotMs + 600 * minute]);
});

// biome-ignore format: one case per line.
const stale: readonly (readonly [name: string, slotMs: number, lastMs: number, stale: boolean])[] = [
  ['the first slot ever is none',             noon,              0,    false],
  ['the next slot is none',                   noon + 1,          noon, false],
  ['the same slot again is',                  noon,              noon, true],
  ['an earlier slot is',                      noon - 59_999,     noon, true],
  ['a slot a minute back means a new clock',  noon - minute,     noon, false],
  ['a slot an hour back means a new clock',   noon - 60 * minute, noon, false],
];
for (const [name, slotMs, lastMs, expected] of stale) {
  t.test(`stale: ${name}`, async (t) => t.equal(isStale(slotMs, lastMs), expected));
}

// biome-ignore format: one case per line.
const skipped: readonly (readonly [name: string, lastMs: number, slotMs: number, slots: number])[] = [
  ['nothing before the first',     0,                noon, 0],
  ['nothing between neighbours',   noon - minute,    noon, 0],
  ['one between every other',      noon - 2 * minute, noon, 1],
  ['nine in ten minutes',          noon - 10 * minute, noon, 9],
  ['nothing when the clock went back', noon + 60 * minute, noon, 0],
];
for (const [name, lastMs, slotMs, expected] of skipped) {
  t.test(`skipped: ${name}`, async (t) => t.equal(skippedSlots(lastMs, slotMs, minute), expected));
}

t.test('a fingerprint depends on the labels and not on their order', async (t) => {
  const labels = { alertname: 'A', service: 'pay' };
  t.match(fingerprintOf(labels), /^[0-9a-f]{16}$/);
  t.equal(fingerprintOf(labels), fingerprintOf({ service: 'pay', alertname: 'A' }));
  const others = [
    { alertname: 'A' },
    { ...labels, service: 'cart' },
    { alertname: 'A', servicepay: '' },
  ];
  t.equal(new Set([labels, ...others].map(fingerprintOf)).size, 4);
  t.equal(fingerprintOf(labels), fingerprintOf({ ...labels }), 'the same in every process');
});
