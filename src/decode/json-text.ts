/** The text as Go's encoding/json writes it: as JSON.stringify, but for two line ends of Unicode. */
export const jsonString = (text: string): string =>
  JSON.stringify(text).replaceAll(lineEnds, (it) => `\\u${it.charCodeAt(0).toString(16)}`);

const lineEnds = /[\u2028\u2029]/g;

/** Different texts in the order of their UTF-8, which beyond 16 bits is not that of UTF-16. */
export const inUtf8Order = (texts: readonly string[]): readonly string[] => {
  if (!texts.some((it) => surrogate.test(it))) return texts.toSorted();
  return texts
    .map((text) => ({ text, bytes: Buffer.from(text) }))
    .toSorted((a, b) => a.bytes.compare(b.bytes))
    .map(({ text }) => text);
};

const surrogate = /[\ud800-\udfff]/;
