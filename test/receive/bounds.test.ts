import t from 'tap';
import { BodyBuffer } from '../../src/receive/body.ts';
import { createByteBudget, type Hold } from '../../src/receive/budget.ts';
import { clip } from '../../src/receive/clip.ts';
import { percentEncode } from '../../src/receive/grpc-answer.ts';
import { parseTimeoutMs } from '../../src/receive/grpc-call.ts';
import { manualClock } from '../support/clock.ts';

const mebibyte = 1024 * 1024;

/** Remembers the most that was ever held. */
const measuredHold = () => {
  const budget = createByteBudget(1024 * mebibyte, manualClock());
  const hold = budget.open('sender');
  let peak = 0;
  const take: Hold['take'] = (bytes) => {
    hold.take(bytes);
    peak = Math.max(peak, budget.heldBytes());
  };
  return { hold: { ...hold, take }, peak: () => peak };
};

t.test('a body of many tiny chunks holds no more than twice its bytes', async (t) => {
  const { hold, peak } = measuredHold();
  const body = new BodyBuffer(mebibyte, 0, hold);
  const one = Buffer.from('x');
  for (let i = 0; i < 100_000; i += 1) body.append(one);
  t.equal(body.finish().length, 100_000);
  t.ok(peak() <= 200_000, `${peak()} bytes`);
});

t.test('a sender who announces much and sends little holds little', async (t) => {
  const { hold, peak } = measuredHold();
  new BodyBuffer(64 * mebibyte, 64 * mebibyte, hold).append(Buffer.alloc(10));
  t.ok(peak() <= 256 * 1024, `${peak()} bytes`);
});

t.test('a sender who announces exactly what it sends holds exactly that', async (t) => {
  const { hold, peak } = measuredHold();
  const body = new BodyBuffer(64 * mebibyte, 3 * mebibyte, hold);
  for (let i = 0; i < 48; i += 1) body.append(Buffer.alloc(mebibyte / 16));
  t.equal(body.finish().length, 3 * mebibyte);
  t.equal(peak(), 3 * mebibyte);
});

/** Bytes stored in each of the last ten seconds and bytes held now, to the delay asked for. */
// biome-ignore format: one case per line.
const delays: readonly (readonly [string, number, number, number | undefined])[] = [
  ['nothing was stored yet: the default',   0,          800,       undefined],
  ['drains in less than a second',          1_000_000,  800,       1_000],
  ['half of it takes about eight seconds',  1_000,      9_000,     7_500],
  ['hardly anything moves: the longest',    1,          1_000_000, 30_000],
];

for (const [name, bytesPerSecond, heldBytes, expectedMs] of delays) {
  t.test(`senders are asked to wait as long as the backlog takes: ${name}`, async (t) => {
    const clock = manualClock();
    const budget = createByteBudget(10_000_000, clock);
    const seconds = bytesPerSecond > 0 ? 10 : 0;
    for (let second = 0; second < seconds; second += 1) {
      const hold = budget.open('sender');
      hold.take(bytesPerSecond);
      await clock.advance(1_000);
      hold.giveAll(true);
    }
    budget.open('sender').take(heldBytes);
    const other = budget.open('other');
    const delayMs = t.throws(() => other.check(10_000_000), { code: 'ERR_RECEIVE_OVERLOADED' });
    const { retryAfterMs } = delayMs as { readonly retryAfterMs?: number };
    if (expectedMs === undefined) t.equal(retryAfterMs, undefined);
    else t.ok(Math.abs((retryAfterMs ?? 0) - expectedMs) <= expectedMs * 0.1, `${retryAfterMs} ms`);
  });
}

t.test('a hold never gives back more than it took', async (t) => {
  const budget = createByteBudget(100, manualClock());
  const [one, other] = [budget.open('one'), budget.open('other')];
  one.take(60);
  other.take(40);
  t.throws(() => other.take(1), { code: 'ERR_RECEIVE_OVERLOADED', remedy: 'retry' });
  one.give(1_000);
  one.giveAll(false);
  t.equal(budget.heldBytes(), 40);
});

// biome-ignore format: one case per line.
const timeouts: readonly (readonly [string, number | undefined])[] = [
  ['2H', 7_200_000], ['3M', 180_000], ['5S', 5_000], ['250m', 250], ['500u', 0.5], ['99999999n', 99.999999],
  ['', undefined], ['5', undefined], ['5s', undefined], ['123456789S', undefined], ['-1S', undefined], ['1.5S', undefined],
];

for (const [text, expected] of timeouts) {
  t.test(`grpc-timeout "${text}" is ${expected ?? 'malformed'}`, async (t) => {
    const timeoutMs = parseTimeoutMs(text);
    if (expected === undefined) t.equal(timeoutMs, undefined);
    else t.ok(Math.abs((timeoutMs ?? -1) - expected) < 1e-6, `${timeoutMs}`);
  });
}

t.test('grpc-message is percent-encoded as the protocol has it', async (t) => {
  t.equal(
    percentEncode('50% of ids\nare “bad” ~ok'),
    '50%25 of ids%0Aare %E2%80%9Cbad%E2%80%9D ~ok',
  );
});

t.test('a text is cut between characters', async (t) => {
  t.equal(clip('short', 10), 'short');
  t.equal(clip('äöüäöü', 8), 'äö…');
  t.equal(clip('😀😀😀', 9), '😀…');
  t.ok(clip('a\uD800', 10).isWellFormed());
});
