import type { Matcher, MatchOperator } from './matcher.ts';
import { isCostlyPattern } from './pattern-cost.ts';

/**
 * One matcher as Alertmanager writes it: `severity=critical`, `team!="a b"`, `job=~"api|web"`.
 * The name may be quoted (UTF-8 names). Undefined when the text is no matcher or its pattern does
 * not compile.
 */
export const parseMatcher = (text: string): Matcher | undefined => {
  const found = /^\s*("(?:[^"\\]|\\.)*"|[^\s{}!=~,"'`\\]+)\s*(=~|!~|!=|=)\s*([^]*?)\s*$/.exec(text);
  const [, nameText = '', operator = '', valueText = ''] = found ?? [];
  if (!found || !isOperator(operator)) return undefined;
  const name = unquoted(nameText);
  const value = unquoted(valueText);
  if (name === undefined || name === '' || value === undefined) return undefined;
  if (operator.endsWith('~') && compilePattern(value) === undefined) return undefined;
  return { name, operator, value };
};

/** A list of matchers in one text, `{a="b", c=~"d"}` or without braces; undefined when one is bad. */
export const parseMatchers = (text: string): readonly Matcher[] | undefined => {
  const trimmed = text.trim();
  const opened = trimmed.startsWith('{');
  if (opened && !trimmed.endsWith('}')) return undefined;
  const list = opened ? trimmed.slice(1, -1) : trimmed;
  const parts = splitOutsideQuotes(list);
  // A comma may follow the last matcher.
  if (parts.at(-1)?.trim() === '') parts.pop();
  const matchers: Matcher[] = [];
  for (const part of parts) {
    const matcher = parseMatcher(part);
    if (!matcher) return undefined;
    matchers.push(matcher);
  }
  return matchers;
};

/** The text that `parseMatcher` reads back to the same matcher. */
export const formatMatcher = (matcher: Matcher): string => {
  const name = /^[a-zA-Z_:][\w:]*$/.test(matcher.name) ? matcher.name : quoted(matcher.name);
  return `${name}${matcher.operator}${quoted(matcher.value)}`;
};

/**
 * The pattern of `=~` and `!~`, anchored at both ends. People write Go's syntax: `(?i)` in front and
 * `(?P<name>…)` are understood, and an escape that JavaScript would read differently does not
 * compile (undefined) instead of matching something else. Nor does one that may take very long.
 */
export const compilePattern = (pattern: string): RegExp | undefined => {
  const [, goFlags = ''] = /^\(\?([ims]+)\)/.exec(pattern) ?? [];
  const body = pattern.slice(goFlags === '' ? 0 : goFlags.length + 3);
  if (body.includes('[[:') || isCostlyPattern(body)) return undefined;
  const portable = body
    .replaceAll('(?P<', '(?<')
    // Go lets any punctuation be escaped; JavaScript's strict mode only what has a meaning.
    .replaceAll(/\\([^\w\s])/g, (escape: string, character: string) =>
      '^$\\.*+?()[]{}|/'.includes(character)
        ? escape
        : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    );
  try {
    return new RegExp(`^(?:${portable})$`, `u${[...new Set(goFlags)].join('')}`);
  } catch {
    return undefined;
  }
};

const isOperator = (text: string): text is MatchOperator =>
  text === '=' || text === '!=' || text === '=~' || text === '!~';

const unquoted = (text: string): string | undefined => {
  if (text.startsWith('"')) {
    return /^"(?:[^"\\]|\\.)*"$/s.test(text) ? unescaped(text.slice(1, -1)) : undefined;
  }
  return text.replaceAll(/\\./gs, '').includes('"') ? undefined : unescaped(text);
};

/** Only these three escapes exist; a backslash before anything else stays, as patterns need it. */
const unescaped = (text: string): string =>
  text.replaceAll(/\\(["\\n])/g, (_, character: string) => (character === 'n' ? '\n' : character));

const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

const splitOutsideQuotes = (text: string): string[] => {
  if (text.trim() === '') return [];
  const parts = [''];
  let quoting = false;
  for (const [token] of text.matchAll(/\\.|[^]/gs)) {
    if (token === '"') quoting = !quoting;
    if (token === ',' && !quoting) parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts;
};
