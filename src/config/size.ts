const unitBytes: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['B', 1],
  ['kB', 1e3],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40],
]);

/** `16MiB`, `1.5GiB`, `500kB` or plain bytes, as whole bytes. Undefined for anything else. */
export const parseSizeBytes = (text: string): number | undefined => {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text) ?? [];
  const factor = unitBytes.get(unit);
  if (count === undefined || factor === undefined) return undefined;
  const bytes = Math.round(Number(count) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
};
