import t from 'tap';
import { writeInteger, writeShortDouble } from '../../src/decode/digits.ts';
import { seededRandom } from '../support/random.ts';

const view = new DataView(new ArrayBuffer(64));
const writeDouble = (value: number): number => {
  view.setFloat64(48, value, true);
  return writeShortDouble(view, 0, 48);
};
const text = (end: number): string => Buffer.from(view.buffer, 0, end).toString();

t.test('integers are written as JavaScript writes them', async (t) => {
  for (const value of [0, 9, 10, 99, 100, 12_345, 999_999_999, 1e9, 1_000_000_001, 2 ** 53 - 1]) {
    t.equal(text(writeInteger(view, 0, value)), String(value));
  }
});

t.test('short decimals are written as JavaScript writes them, and no others', async (t) => {
  for (const value of [0, 1, -1, 0.5, 0.05, 0.005, -1234.5, 264.66, 1e11, 0.1 + 0.1]) {
    t.equal(text(writeDouble(value)), String(value));
  }
  for (const value of [-0, 0.1 + 0.2, 0.0005, 1e15, Number.NaN, Infinity, 5e-324, 1 / 3]) {
    t.equal(writeDouble(value), -1, String(value));
  }
});

t.test('random numbers agree with JavaScript', async (t) => {
  const random = seededRandom(31);
  let wrong = 0;
  for (let round = 0; round < 100_000; round += 1) {
    const integer = Math.floor(random() * 10 ** Math.floor(random() * 16));
    if (text(writeInteger(view, 0, integer)) !== String(integer)) wrong += 1;
    const double = integer / 10 ** (round % 5);
    const end = writeDouble(double);
    if (end >= 0 && text(end) !== String(double)) wrong += 1;
  }
  t.equal(wrong, 0);
});
