import { z } from '../lib/document.ts';
import { parseDurationMs } from '../lib/duration.ts';
import type { Matcher } from '../model/matcher.ts';
import { compilePattern, parseMatchers } from '../model/matcher-syntax.ts';

/** Keys of Alertmanager that are understood and not acted on; using one is worth a warning. */
export const unapplied = <K extends string>(...keys: readonly K[]) =>
  Object.fromEntries(keys.map((key) => [key, z.unknown().optional()])) as Record<
    K,
    z.ZodOptional<z.ZodUnknown>
  >;

/** The keys of these that the section uses. */
export const usedOf = (section: object, keys: readonly string[]): readonly string[] =>
  Object.entries(section)
    .filter(([key, value]) => value !== undefined && value !== null && keys.includes(key))
    .map(([key]) => key);

/** YAML types `code: 500` as a number; a label is text. */
export const labelText = z
  .union([z.string(), z.number(), z.boolean()], 'expected a text')
  .transform(String);

export const labels = z.record(z.string(), labelText);

export const duration = z.string().transform((text, context) => {
  const durationMs = parseDurationMs(text);
  if (durationMs !== undefined) return durationMs;
  context.addIssue('expected a duration such as 30s, 5m or 1h');
  return z.NEVER;
});

/** `matchers`: each text may hold several. */
export const matcherTexts = z.array(
  z.string().transform((text, context) => {
    const matchers = parseMatchers(text);
    if (matchers !== undefined) return matchers;
    context.addIssue('expected matchers such as severity="critical" or job=~"api|web"');
    return z.NEVER;
  }),
);

export const patterns = z.record(
  z.string(),
  labelText.refine((text) => compilePattern(text) !== undefined, {
    error: 'expected a regular expression',
  }),
);

interface MatcherSources {
  readonly equal?: Readonly<Record<string, string>> | undefined;
  readonly pattern?: Readonly<Record<string, string>> | undefined;
  readonly texts?: readonly (readonly Matcher[])[] | undefined;
}

/** Matchers in the order in which Alertmanager applies its three spellings. */
export const matchersOf = ({ equal, pattern, texts }: MatcherSources): readonly Matcher[] => [
  ...Object.entries(equal ?? {}).map(([name, value]) => ({ name, operator: '=', value }) as const),
  ...Object.entries(pattern ?? {}).map(
    ([name, value]) => ({ name, operator: '=~', value }) as const,
  ),
  ...(texts ?? []).flat(),
];
