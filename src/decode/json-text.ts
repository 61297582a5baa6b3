/** The text as Go's encoding/json writes it: as JSON.stringify, but for two line ends of Unicode. */
export const jsonString = (text: string): string =>
  JSON.stringify(text).replaceAll(lineEnds, (it) => `\\u${it.charCodeAt(0).toString(16)}`);

const lineEnds = /[\u2028\u2029]/g;

/** The order of two different texts in UTF-8, which is not that of their UTF-16. */
export const byCodePoint = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
};

/** Surrogates stand for what lies above all that they do not. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit);
