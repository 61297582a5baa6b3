import { createHmac } from 'node:crypto';
import type { RedactAction } from '../model/redaction.ts';

/** What a pattern looks at in one go, so that no text makes it take more than this squared. */
const windowChars = 1024;
/** A match that begins in the last part of a window is looked for again from there. */
const overlapChars = 256;

/** Hashes remembered by rule are at least so many of the last, and at most twice as many. */
const hashesMax = 8192;
/** Longer texts are hashed each time. */
const rememberedCharsMax = 256;
/** 64 bits: among a hundred million values one pair in 3,700 such sets is the same by chance. */
const hashDigits = 16;

const mask = '****';

/** What is stored in place of a text; undefined for nothing. */
export type Replace = (text: string) => string | undefined;

export const replacementOf = (action: RedactAction): Replace => {
  switch (action.kind) {
    case 'drop':
      return () => undefined;
    case 'mask': {
      const { keepChars } = action;
      return (text) =>
        keepChars > 0 && text.length >= keepChars * 2 ? `${mask}${text.slice(-keepChars)}` : mask;
    }
    case 'hash':
      return rememberingHash(action.salt);
  }
};

/** HMAC-SHA256 with the salt as its key: equal texts have equal hashes wherever the salt is the same. */
const rememberingHash = (salt: string): Replace => {
  let recent = new Map<string, string>();
  let older = new Map<string, string>();
  const hashOf = (text: string): string => {
    const digest = createHmac('sha256', salt).update(text).digest('hex');
    return `hash:${digest.slice(0, hashDigits)}`;
  };
  return (text) => {
    if (text.length > rememberedCharsMax) return hashOf(text);
    const found = recent.get(text);
    if (found !== undefined) return found;
    const hash = older.get(text) ?? hashOf(text);
    if (recent.size >= hashesMax) {
      older = recent;
      recent = new Map();
    }
    recent.set(text, hash);
    return hash;
  };
};

/**
 * The text with each match of the global pattern replaced: the same text when there is none,
 * undefined when a match says that nothing is to stay. Long texts are looked at window by window; a
 * match longer than their overlap may be seen in part, and `^`, `$` and `\b` also fit their borders.
 */
export const replaceMatches = (
  text: string,
  pattern: RegExp,
  replace: Replace,
): string | undefined => {
  let done = '';
  let from = 0;
  let replaced = false;
  for (;;) {
    const isLast = from + windowChars >= text.length;
    const window = isLast && from === 0 ? text : text.slice(from, from + windowChars);
    const lastStart = isLast ? window.length : windowChars - overlapChars;
    let at = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(window); match; match = pattern.exec(window)) {
      const [found] = match;
      if (found === '') {
        pattern.lastIndex += 1;
        continue;
      }
      if (!isLast && match.index >= lastStart) break;
      const replacement = replace(found);
      if (replacement === undefined) return undefined;
      done += window.slice(at, match.index) + replacement;
      at = match.index + found.length;
      replaced = true;
    }
    const till = isLast ? window.length : Math.max(at, lastStart);
    if (isLast && !replaced) return text;
    done += window.slice(at, till);
    if (isLast) return done;
    from += till;
  }
};
