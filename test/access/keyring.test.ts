import { readFileSync } from 'node:fs';
import t from 'tap';
import { createKeyring } from '../../src/access/keyring.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { AccessKey, Scope } from '../../src/model/access.ts';
import { testKey } from '../support/keys.ts';

const startMs = Date.UTC(2027, 0, 31, 23, 59, 59);

const ringOf = (keys: readonly AccessKey[]) => {
  const time = { ms: 0 };
  const clock = { ...systemClock, nowMs: () => startMs + time.ms, monotonicMs: () => time.ms };
  const ring = createKeyring({ keys, clock, meter: noopMeter });
  /** The name of the key, or the code and delay of the fault. */
  const outcome = (authorization: string | undefined, scope: Scope = 'ingest') => {
    try {
      return ring.admit(scope)(authorization).key ?? 'nobody';
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return [error.code, error.retryAfterMs].filter((it) => it !== undefined).join(' ');
    }
  };
  return { ring, time, outcome };
};

const shop = testKey('shop');
const night = testKey('night', { expiresAtMs: startMs + 1_000, scopes: ['ingest', 'api'] });
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

// biome-ignore format: one header per line.
const headers: readonly (readonly [name: string, header: string | undefined, outcome: string])[] = [
  ['nothing',                        undefined,                       'ERR_KEY_MISSING'],
  ['an empty header',                '',                              'ERR_KEY_MISSING'],
  ['another scheme',                 `Digest ${shop.text}`,           'ERR_KEY_MISSING'],
  ['a key without its scheme',       shop.text,                       'ERR_KEY_MISSING'],
  ['a key',                          `Bearer ${shop.text}`,           'shop'],
  ['a scheme in small letters',      `bearer  ${shop.text} `,         'shop'],
  ['another key',                    `Bearer ${night.text}`,          'night'],
  ['a password',                     basic(`anybody:${shop.text}`),   'shop'],
  ['a user without password',        basic(shop.text),                'ERR_KEY_MISSING'],
  ['a wrong key',                    'Bearer tk_wrong',               'ERR_KEY_UNKNOWN'],
  ['a key cut short',                `Bearer ${shop.text.slice(0, -1)}`, 'ERR_KEY_UNKNOWN'],
  ['the hash instead of the key',    `Bearer ${shop.key.hash}`,       'ERR_KEY_UNKNOWN'],
];

for (const [name, header, expected] of headers) {
  t.test(`whoever shows ${name} gets ${expected}`, async (t) => {
    t.equal(ringOf([shop.key, night.key]).outcome(header), expected);
  });
}

t.test('a key opens only what its scopes say', async (t) => {
  const { outcome } = ringOf([shop.key, night.key]);
  t.equal(outcome(`Bearer ${shop.text}`, 'api'), 'ERR_KEY_SCOPE');
  t.equal(outcome(`Bearer ${night.text}`, 'api'), 'night');
});

t.test('what no key is for stands open, and what expired keys are for does not', async (t) => {
  t.equal(ringOf([]).outcome(undefined), 'nobody');
  t.equal(ringOf([shop.key]).outcome(undefined, 'api'), 'nobody');
  const { time, outcome } = ringOf([night.key]);
  time.ms = 999;
  t.equal(outcome(`Bearer ${night.text}`), 'night');
  time.ms = 1_000;
  t.equal(outcome(`Bearer ${night.text}`), 'ERR_KEY_EXPIRED');
  t.equal(outcome(undefined), 'ERR_KEY_MISSING');
});

t.test('keys are exchanged without a moment in which none is good', async (t) => {
  const { ring, outcome } = ringOf([shop.key]);
  const next = testKey('shop-2027');
  ring.reload([shop.key, next.key]);
  t.equal(outcome(`Bearer ${shop.text}`), 'shop');
  t.equal(outcome(`Bearer ${next.text}`), 'shop-2027');
  ring.reload([next.key]);
  t.equal(outcome(`Bearer ${shop.text}`), 'ERR_KEY_UNKNOWN');
  t.equal(outcome(`Bearer ${next.text}`), 'shop-2027');
});

t.test('requests beyond the limit are told when there is room again', async (t) => {
  const slow = testKey('slow', { limits: { requestsPerSecond: 2 } });
  const { time, outcome } = ringOf([slow.key, shop.key]);
  const all = Array.from({ length: 11 }, () => outcome(`Bearer ${slow.text}`));
  t.strictSame(all, [...Array.from({ length: 10 }, () => 'slow'), 'ERR_KEY_LIMIT 500']);
  t.equal(outcome(`Bearer ${shop.text}`), 'shop', 'others are not concerned');
  time.ms = 500;
  t.equal(outcome(`Bearer ${slow.text}`), 'slow');
  t.equal(outcome(`Bearer ${slow.text}`), 'ERR_KEY_LIMIT 500');
});

for (const what of ['bytes', 'items'] as const) {
  t.test(`${what} beyond the limit are owed, and paid off before the next request`, async (t) => {
    const limits = what === 'bytes' ? { bytesPerSecond: 100 } : { itemsPerSecond: 100 };
    const slow = testKey('slow', { limits });
    const { ring, time, outcome } = ringOf([slow.key]);
    const grant = ring.admit('ingest')(`Bearer ${slow.text}`);
    if (what === 'bytes') grant.bytesTaken(699);
    else grant.itemsTaken(699);
    t.equal(outcome(`Bearer ${slow.text}`), 'ERR_KEY_LIMIT 2000');
    time.ms = 2_000;
    t.equal(outcome(`Bearer ${slow.text}`), 'slow');
  });
}

t.test('a reload forgives nothing, unless the limit itself changes', async (t) => {
  const slow = testKey('slow', { limits: { requestsPerSecond: 0.1 } });
  const { ring, outcome } = ringOf([slow.key]);
  t.equal(outcome(`Bearer ${slow.text}`), 'slow');
  ring.reload([shop.key, { ...slow.key, name: 'renamed' }]);
  t.match(outcome(`Bearer ${slow.text}`), /ERR_KEY_LIMIT/);
  ring.reload([{ ...slow.key, limits: { requestsPerSecond: 1 } }]);
  t.equal(outcome(`Bearer ${slow.text}`), 'slow');
});

t.test('keys are compared in constant time, with each one and to the end', async (t) => {
  const code = readFileSync('src/access/keyring.ts', 'utf8');
  const find = /const find = [^]*?\n};/.exec(code)?.[0] ?? '';
  t.match(find, /for \(const it of all\) if \(timingSafeEqual\(/);
  t.equal(find.match(/return/g)?.length, 1, 'it returns behind the loop alone');
});
