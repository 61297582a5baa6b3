/** Whose members say what must be equal: leaving one out would widen what matches. */
const matching: ReadonlySet<string> = new Set([
  'match',
  'match_re',
  'source_match',
  'source_match_re',
  'target_match',
  'target_match_re',
]);

/**
 * The document without keys that have nothing behind them: `listen:` is what remains when the keys
 * below it are commented out.
 */
export const withoutEmpty = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, it]) => it !== null)
      .map(([key, it]) => [key, matching.has(key) ? it : withoutEmpty(it)]),
  );
};

export const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
