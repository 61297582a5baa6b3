/**
 * Whether the whole text fits the glob, in which `*` stands for any characters and `?` for one. Takes
 * at most text × glob steps: a mismatch goes back to the last `*` only.
 */
export const matchesGlob = (glob: string, text: string): boolean => {
  let at = 0;
  let from = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    if (glob[from] === '*') {
      star = from;
      starAt = at;
      from += 1;
    } else if (glob[from] === '?' || glob[from] === text[at]) {
      from += 1;
      at += 1;
    } else if (star >= 0) {
      from = star + 1;
      starAt += 1;
      at = starAt;
    } else {
      return false;
    }
  }
  while (glob[from] === '*') from += 1;
  return from === glob.length;
};
