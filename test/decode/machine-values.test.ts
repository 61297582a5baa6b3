import t from 'tap';
import type { Walked } from '../../src/decode/span-machine.ts';
import { createColumnBuilder } from '../support/both-walkers.ts';
import type { Message } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';
import { encodeProtobuf } from '../support/same-bytes.ts';

/** The oracle beside the builder writes numbers by `String` and JSON by `JSON.stringify`. */
const walk = (body: Uint8Array): Walked | undefined => {
  let walked: Walked | undefined;
  const builder = createColumnBuilder('traces', { walked: (by) => (walked = by) });
  // Again, as a large request may need more room at first than the machine asks for.
  for (let time = 0; time < 2; time += 1) {
    builder.append('protobuf', body);
    builder.finish();
  }
  return walked;
};

const span = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2), startTimeUnixNano: '1' };
const withValues = (values: readonly Message[]): Uint8Array =>
  encodeProtobuf('traces', {
    resourceSpans: [
      {
        resource: {
          attributes: values.slice(0, 100).map((value, index) => ({ key: `r${index}`, value })),
        },
        scopeSpans: [
          { spans: [{ ...span, attributes: values.map((value) => ({ key: 'k', value })) }] },
        ],
      },
    ],
  });

const seed = Number(process.env['TOCSIN_FUZZ_SEED'] ?? 1);
const doublesMax = Number(process.env['TOCSIN_FUZZ_DOUBLES'] ?? 150_000);

const ofBits = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? 0;
const bitsOf = (value: number): bigint =>
  new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;
/** A double and its neighbours. */
const around = (value: number): readonly number[] =>
  [0n, 1n, -1n, 2n, -2n].map((step) => ofBits(BigInt.asUintN(64, bitsOf(value) + step)));

/** Where one power of two or ten ends and the next begins, what lies beside, and what cannot be told apart. */
const borders = (): readonly number[] => {
  const values = [0, -0, Number.NaN, Infinity, -Infinity, 2 ** 53, 2 ** 63, 2 ** 64, 9e15 + 0.5];
  for (let power = -1074; power < 1024; power += 1) values.push(...around(2 ** power));
  for (let power = -323; power < 309; power += 1) {
    for (const digit of [1, 2, 5, 9.5]) values.push(...around(Number(`${digit}e${power}`)));
  }
  for (let bits = 0n; bits < 300n; bits += 1n) values.push(ofBits(bits));
  return [...values, ...values.map((it) => -it)];
};

const doubles = (count: number): readonly number[] => {
  const random = seededRandom(seed);
  const word = () => BigInt(Math.floor(random() * 2 ** 32));
  return Array.from({ length: count }, (_, index) => {
    switch (index % 6) {
      case 0:
        return random();
      case 1:
        return (random() - 0.5) * 10 ** Math.floor(random() * 30 - 10);
      case 2:
        return Math.floor(random() * 1e9) / 10 ** Math.floor(random() * 9);
      case 3:
        return Number((random() * 10 ** Math.floor(random() * 20)).toPrecision(1 + (index % 17)));
      default:
        return ofBits((word() << 32n) | word());
    }
  });
};

t.test('doubles are written as JavaScript writes them', async (t) => {
  const all = [...borders(), ...doubles(doublesMax)];
  for (let from = 0; from < all.length; from += 20_000) {
    const values = all.slice(from, from + 20_000).map((doubleValue) => ({ doubleValue }));
    t.equal(walk(withValues(values)), 'machine');
  }
});

const text = (stringValue: string): Message => ({ stringValue });
const list = (...values: readonly Message[]): Message => ({ arrayValue: { values } });
const map = (...entries: readonly (readonly [string, Message])[]): Message => ({
  kvlistValue: { values: entries.map(([key, value]) => ({ key, value })) },
});
const nested = (depth: number): Message => (depth === 0 ? text('in') : list(nested(depth - 1)));

t.test('integers are written as JavaScript writes them', async (t) => {
  const random = seededRandom(seed);
  const values = Array.from({ length: 20_000 }, (_, index) => {
    const power = BigInt(Math.floor(random() * 10 ** Math.floor(random() * 16)));
    const value = BigInt.asIntN(64, index % 2 === 0 ? power : power * power);
    return { intValue: String(index % 3 === 0 ? -value : value) };
  });
  for (let power = 0n; power < 19n; power += 1n) {
    for (const near of [-1n, 0n, 1n]) values.push({ intValue: String(10n ** power + near) });
  }
  values.push({ intValue: String(-(2n ** 63n)) }, { intValue: String(2n ** 63n - 1n) });
  t.equal(walk(withValues(values)), 'machine');
});

t.test('texts in arrays and maps are escaped as JSON.stringify escapes them', async (t) => {
  const odd = [...Array(0x24).keys(), 0x5c, 0x7f, 0x80, 0x7ff, 0x800, 0x2027, 0x2028, 0x2029]
    .concat([0x202a, 0x2128, 0xd7ff, 0xe000, 0xfeff, 0xffff, 0x1_0000, 0x10_ffff])
    .map((it) => String.fromCodePoint(it));
  const values = odd.flatMap((it) =>
    [0, 1, 14, 15, 16, 17, 40].flatMap((before) => {
      const around = 'x'.repeat(before);
      return [list(text(around + it)), list(text(`${around}${it}y`), text(it + around + it))];
    }),
  );
  values.push(list(...odd.map(text)), map(...odd.slice(0, 16).map((it) => [it, {}] as const)));
  t.equal(walk(withValues(values)), 'machine');
});

t.test(
  'values of all lengths and depths are written, those beyond its limits by TypeScript',
  async (t) => {
    const random = seededRandom(seed);
    const values: Message[] = [];
    for (let size = 0; size < 200; size += 1) {
      const bytesValue = Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
      values.push({ bytesValue }, list({ bytesValue }), list(text('z'.repeat(size))));
    }
    for (const size of [700, 2_000, 4_000, 4_090, 4_100, 12_300, 30_000]) {
      const many = '\u0001'.repeat(size);
      values.push(list(text(many)), { bytesValue: Buffer.from(many) }, map([many, text(many)]));
    }
    for (let depth = 1; depth < 40; depth += 1)
      values.push(nested(depth), map(['k', nested(depth)]));
    for (let size = 0; size < 40; size += 1) {
      const keys = Array.from({ length: size }, () => `k${Math.floor(random() * 1e6)}`);
      values.push(map(...keys.map((key) => [key, { intValue: '1' }] as const)));
      values.push(map(...keys.map((key) => [key.slice(0, 3), text(key)] as const)));
    }
    t.equal(walk(withValues(values)), 'machine');
  },
);

t.test('thresholds in a tracestate are weighed alike', async (t) => {
  const states = ['ot=th:', 'ot=th:8', 'ot=th:c;rv:00', 'ot=rv:1;th:fd70a4', 'a=b, ot=th:8,c=d'];
  states.push('ot=th:ffffffffffffff', 'ot=th:fffffffffffffff', 'ot=th:8g', 'ot=th:G', ' ot=th:8');
  states.push(
    'ot=rv:1,ot=th:8',
    'ot',
    'ot=',
    'ot=t',
    'ot=th',
    ',,ot=th:4',
    'oth=th:8',
    'ot=p:8;;th:c',
  );
  states.push('ot=th:12345678901234', 'ot=th:80000000000001', 'ot=th:7fffffffffffff', 'xot=th:8');
  const spans = states.map((traceState) => ({ ...span, traceState }));
  const body = encodeProtobuf('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] });
  t.equal(walk(body), 'machine');
});
