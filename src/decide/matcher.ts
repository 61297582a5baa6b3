import type { Labels, Matcher } from '../model/matcher.ts';
import { compilePattern } from '../model/matcher-syntax.ts';

/** Label values are cut here before a regular expression sees them: JavaScript's may take long. */
const valueCharsMax = 1_024;

/** True when every matcher holds; so an empty list matches everything. */
export const matchesAll = (matchers: readonly Matcher[], labels: Labels): boolean =>
  matchers.every((it) => matches(it, labels));

const matches = (matcher: Matcher, labels: Labels): boolean => {
  const value = labels[matcher.name] ?? labels[asLabelName(matcher.name)] ?? '';
  switch (matcher.operator) {
    case '=':
      return value === matcher.value;
    case '!=':
      return value !== matcher.value;
    case '=~':
      return matchesPattern(matcher, value);
    case '!~':
      return !matchesPattern(matcher, value);
  }
};

/** People write attribute names too: `service.name` is the label `service_name`. */
const asLabelName = (name: string): string => name.replaceAll(/[^A-Za-z0-9_]/g, '_');

const patterns = new WeakMap<Matcher, RegExp>();

/** What does not compile was refused when it was read; should it come here, it matches nothing. */
const matchesPattern = (matcher: Matcher, value: string): boolean => {
  const pattern = patterns.get(matcher) ?? compilePattern(matcher.value) ?? /(?!)/;
  patterns.set(matcher, pattern);
  return pattern.test(value.slice(0, valueCharsMax));
};
