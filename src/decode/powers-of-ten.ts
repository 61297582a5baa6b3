/** Those that bring any double to a number of 17 digits. */
const least = -292;
const most = 324;
const bits = 128;

let known: BigUint64Array | undefined;

/**
 * For each of these powers of ten its first 128 bits, rounded up, as two halves, the upper one first: what
 * `wasm/doubles.ts` multiplies by. Made when first asked for: not every process decodes.
 */
export const powersOfTen = (): BigUint64Array => {
  known ??= powers();
  return known;
};

const powers = (): BigUint64Array => {
  const halves = new BigUint64Array((most - least + 1) * 2);
  for (let power = least; power <= most; power += 1) {
    const index = (power - least) * 2;
    const first = firstBits(power);
    halves[index] = first >> 64n;
    halves[index + 1] = BigInt.asUintN(64, first);
  }
  return halves;
};

const firstBits = (power: number): bigint => {
  const whole = 10n ** BigInt(Math.abs(power));
  const length = whole.toString(2).length;
  if (power < 0) return dividedUp(1n << BigInt(bits - 1 + length), whole);
  if (length <= bits) return whole << BigInt(bits - length);
  return dividedUp(whole, 1n << BigInt(length - bits));
};

const dividedUp = (number: bigint, by: bigint): bigint => (number + by - 1n) / by;
