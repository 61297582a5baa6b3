const patternCharsMax = 1_000;
const repetitionsMax = 8;

/**
 * JavaScript has no linear-time regular expressions, so patterns that can take very long are not
 * taken: long ones, a repetition of what itself repeats or branches (`(a+)+`, `(a|ab)*`), and those
 * with many of them. `(\\d{1,3}\\.){3}` repeats a few times only and is fine.
 */
export const isCostlyPattern = (pattern: string): boolean => {
  if (pattern.length > patternCharsMax) return true;
  const groups: { risky: boolean }[] = [{ risky: false }];
  let closed: { risky: boolean } | undefined;
  let repetitions = 0;
  for (const [token] of pattern.matchAll(/\\.|\[(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}|[^]/g)) {
    if (repeatsOften(token)) {
      if (closed?.risky) return true;
      repetitions += 1;
      for (const it of groups) it.risky = true;
    }
    closed = undefined;
    if (token === '(') groups.push({ risky: false });
    if (token === ')' && groups.length > 1) closed = groups.pop();
    const group = groups.at(-1);
    if (token === '|' && group) group.risky = true;
    if (closed?.risky && group) group.risky = true;
  }
  return repetitions > repetitionsMax;
};

const repeatsOften = (token: string): boolean => {
  if (token === '*' || token === '+') return true;
  const [, least = '', comma = '', most = ''] = /^\{(\d+)(,?)(\d*)\}$/.exec(token) ?? [];
  if (least === '') return false;
  return Number(most === '' ? least : most) > repetitionsMax || (comma !== '' && most === '');
};
