/** The text cut to at most `bytesMax` bytes of UTF-8, between characters, with a mark of the cut. */
export const clip = (text: string, bytesMax: number): string => {
  if (Buffer.byteLength(text) <= bytesMax) return text.isWellFormed() ? text : text.toWellFormed();
  const mark = '…';
  const kept = Buffer.from(text).subarray(0, bytesMax - Buffer.byteLength(mark));
  // A character cut in two decodes to U+FFFD at the end.
  return `${kept.toString().replace(/\uFFFD+$/, '')}${mark}`;
};
