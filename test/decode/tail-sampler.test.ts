import t from 'tap';
import {
  createTailSampler,
  type Released,
  type TailLimits,
  type TailSpan,
} from '../../src/decode/tail-sampler.ts';
import { seededRandom } from '../support/random.ts';

const all = 2 ** 56;

const limits: TailLimits = { waitMs: 10_000, tracesMax: 3, bytesMax: 1_000, decisionsMax: 2 };

/** Traces in capitals are among the upper half of all. */
const span = (item: string, more: Partial<TailSpan<string>> = {}): TailSpan<string> => {
  const traceId = item.slice(0, 1);
  return {
    item,
    traceId,
    randomness: traceId === traceId.toUpperCase() ? all * 0.75 : all * 0.25,
    count: 1,
    bytes: 100,
    isStriking: false,
    ...more,
  };
};

const shown = (released: readonly Released<string>[]): string =>
  released.map((it) => `${it.item}:${it.weight}:${it.reason}`).join(' ');

t.test('a trace waits for its time and is then kept or left out as a whole', async (t) => {
  const sampler = createTailSampler<string>(0.5, limits);
  t.equal(shown(sampler.add(span('A1'), 0)), '');
  t.equal(shown(sampler.add(span('b1'), 1)), '');
  t.equal(shown(sampler.add(span('A2'), 9_999)), '');
  t.strictSame(sampler.held(), { traces: 2, bytes: 300 });
  t.equal(shown(sampler.due(9_999)), '');
  t.equal(shown(sampler.due(10_000)), 'A1:2:waited A2:2:waited');
  t.equal(shown(sampler.due(10_001)), 'b1:0:waited');
  t.strictSame(sampler.held(), { traces: 0, bytes: 0 });
});

t.test('a striking span keeps its whole trace at once, each span for itself', async (t) => {
  const sampler = createTailSampler<string>(0.5, limits);
  sampler.add(span('a1'), 0);
  sampler.add(span('a2', { count: 4 }), 0);
  const released = sampler.add(span('a3', { isStriking: true }), 5);
  t.equal(shown(released), 'a1:1:striking a2:4:striking a3:1:striking');
  t.equal(shown(sampler.add(span('a4'), 20_000)), 'a4:1:late');
  t.equal(shown(sampler.drain()), '');
});

t.test('spans behind the decision follow it, but striking ones stay for themselves', async (t) => {
  const sampler = createTailSampler<string>(0.5, limits);
  sampler.add(span('A1'), 0);
  sampler.add(span('b1'), 0);
  sampler.due(10_000);
  t.equal(shown(sampler.add(span('A2'), 10_001)), 'A2:2:late');
  t.equal(shown(sampler.add(span('A3', { isStriking: true }), 10_001)), 'A3:1:late');
  t.equal(shown(sampler.add(span('b2'), 10_001)), 'b2:0:late');
  t.equal(shown(sampler.add(span('b3', { isStriking: true }), 10_001)), 'b3:1:late');
});

t.test('beyond a limit the oldest are decided about early', async (t) => {
  const sampler = createTailSampler<string>(0.5, limits);
  for (const item of ['A1', 'b1', 'C1']) t.equal(shown(sampler.add(span(item), 0)), '');
  t.equal(shown(sampler.add(span('D1'), 1)), 'A1:2:early');
  t.equal(shown(sampler.add(span('C2', { bytes: 700 }), 1)), '');
  t.equal(shown(sampler.add(span('C3', { bytes: 1 }), 1)), 'b1:0:early');
  t.equal(
    shown(sampler.add(span('D2', { bytes: 2_000 }), 1)),
    'C1:2:early C2:2:early C3:2:early D1:2:early D2:2:early',
  );
  t.strictSame(sampler.held(), { traces: 0, bytes: 0 });
  t.equal(shown(sampler.add(span('b2'), 2)), '', 'the oldest decisions are forgotten');
});

t.test('whatever comes, all spans leave once, limits hold and weights stay true', async (t) => {
  const random = seededRandom(5);
  const share = 0.2;
  const bounds: TailLimits = { waitMs: 50, tracesMax: 200, bytesMax: 60_000, decisionsMax: 1_000 };
  const sampler = createTailSampler<number>(share, bounds);
  const sent = 60_000;
  const left = new Set<number>();
  let weights = 0;
  let striking = 0;
  let strikingWeights = 0;
  const strikes = new Set<number>();
  const take = (released: readonly Released<number>[]) => {
    for (const { item, weight } of released) {
      if (left.has(item)) t.fail(`span ${item} left twice`);
      left.add(item);
      weights += weight;
      if (strikes.has(item)) strikingWeights += weight;
    }
  };
  for (let item = 0; item < sent; item += 1) {
    // Of the last 300 traces, so that some end behind their decision.
    const trace = Math.floor(item / 10) + Math.floor(random() * 300);
    const isStriking = random() < 0.01;
    if (isStriking) {
      striking += 1;
      strikes.add(item);
    }
    const randomness = ((trace * 0.618_033_988_749_895) % 1) * all;
    const bytes = 100 + Math.floor(random() * 400);
    take(
      sampler.add(
        { item, traceId: String(trace), randomness, count: 1, bytes, isStriking },
        item / 100,
      ),
    );
    if (item % 100 === 0) take(sampler.due(item / 100));
    const { traces, bytes: held } = sampler.held();
    if (traces > bounds.tracesMax || held > bounds.bytesMax) t.fail('a limit was exceeded');
  }
  take(sampler.drain());
  t.equal(left.size, sent, 'every span left');
  t.equal(strikingWeights, striking, 'striking spans stand for themselves');
  /* The numbers of traces are spread evenly, so by less than chance would give: of 6,000 traces of 10
   * spans the weights have a standard deviation below √(6000 × 0.8/0.2) × 10 = 1549; four of it. */
  t.ok(Math.abs(weights - sent) < 4 * 1549, `${weights} for ${sent}`);
});
